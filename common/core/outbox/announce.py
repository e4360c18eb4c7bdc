"""From a verdict to what is told: which changes are events, their frozen bodies, and the deliveries that carry them.

State, event and delivery land in the same transaction; nothing is published or posted before it is durable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.core.coordinator.board import Board
from common.core.domains.last_look import evidence_of
from common.core.domains.name_index import Rows
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome
from common.core.model.records import DeliveryRow, EventRow, Evidence
from common.core.outbox.callback_bodies import event_id, notice_body, result_body
from common.core.parsers.dates import iso_to_epoch
from common.core.verdict.likelihoods import REGISTRY_METHODS
from common.core.verdict.verdicts import ANNOUNCED, NO_NEWS, OWNED, State, Verdict, newest
from common.messages import Swept

#: Results of sweeps that are deliveries at the same time, at most: the others are owed, a bit each.
OWED_AT_ONCE = 1000
#: Notices that say what they rest on: two independent sources, or the repetition of one (`gates.Basis`).
_RESTS_ON = frozenset({"available", "unregistered"})


def apply(board: Board, entry: Entry, verdict: Verdict, now: float) -> str | None:
    """Take over a verdict. Returns the kind of the event it caused, if it is one."""
    before, since = entry.state, entry.since
    changed = verdict.state is not before
    _give_reason(entry, verdict, changed=changed)
    entry.confidence = verdict.confidence
    if not changed:
        board.touched[entry.name] = entry
        return None
    board.count_state(before, verdict.state)
    entry.state, entry.since = verdict.state, now
    board.changed[entry.name] = entry
    kind = _kind(entry, before, since)
    if kind is not None:
        _record(board, entry, verdict, kind, before, now)
    if verdict.state in (State.AVAILABLE, State.AVAILABLE_PREMIUM):
        entry.detail.alarmed_at = now
    elif verdict.state is not State.UNREGISTERED:
        entry.detail.alarmed_at = None
    return kind


def _give_reason(entry: Entry, verdict: Verdict, *, changed: bool) -> None:
    """Why the name is in its state. While an announced state stands that is the reason it was announced for.

    Beside it stays what the newest look said, which sees fewer answers at a time than the decision did.
    """
    detail = entry.detail
    stands = not changed and detail.reason != "" and (verdict.state in ANNOUNCED or verdict.reason == NO_NEWS)
    detail.reason, detail.look = (detail.reason, verdict.reason) if stands else (verdict.reason, "")


def result(board: Board, entry: Entry, observation: Observation, now: float, *, changed: bool) -> None:
    """Publish one check result, and post it where results are wanted."""
    body = {**result_map(entry.name, observation, now), "result": result_word(entry, observation)}
    board.publish(f"result.{observation.method}.{entry.name}", "result", now, lambda: body)
    wanted = board.policy.callback_results
    if not board.policy.callbacks or wanted == "none" or (wanted == "changes" and not changed):
        return
    _post(board, body, now)


def owe(board: Board, rows: Rows, changed: NDArray[np.bool_]) -> None:
    """Results of a sweep are to be posted: one per name is remembered, the newest, and posted as the endpoint keeps up."""
    if not board.policy.callbacks or board.policy.callback_results == "none":
        return
    owed = board.book.table.owed
    wanted = rows if board.policy.callback_results == "all" else rows[changed]
    board.metrics.count("results_coalesced", int(np.count_nonzero(owed[wanted])))
    owed[wanted] = 1


def pay(board: Board, now: float) -> None:
    """Turn owed results into deliveries, as many as keep the lane of results short."""
    if not board.policy.callbacks or board.policy.callback_results == "none":
        return
    room = OWED_AT_ONCE - board.deliveries.results_waiting() - len(board.changes.deliveries)
    if room < OWED_AT_ONCE // 2:
        return
    table = board.book.table
    start, end = board.owed_from, len(table)
    rows = start + np.flatnonzero(table.owed[start:end])[:room]
    board.owed_from = int(rows[-1]) + 1 if len(rows) == room else 0
    table.owed[rows] = 0
    table.touch(rows)
    for row in rows.tolist():
        seen = evidence_of(board.book.pulse(row), table.suffix_of(row))
        if seen is not None:
            _post(board, result_map(table.name(row), seen.observation, seen.at), now)


def results(board: Board, rows: Rows, message: Swept, now: float) -> None:
    """Publish the results of a sweep: nothing is built where nobody subscribed below."""

    def build() -> Iterable[tuple[str, dict[str, Any]]]:
        table = board.book.table
        for row in rows.tolist():
            seen = evidence_of(board.book.pulse(row), message.server or table.suffix_of(row))
            if seen is not None:
                name = table.name(row)
                yield f"result.dns.{name}", result_map(name, seen.observation, now)

    board.publish_many("result.dns.", "result", now, len(rows), build)


def result_map(name: str, observation: Observation, at: float) -> dict[str, Any]:
    """The six values of a check result, by the contract's names and in its order."""
    return {
        "domain": name,
        "check_type": observation.method,
        "result": observation.reading.outcome.value,
        "timestamp": at,
        "details": details_of(observation),
        "duration_ms": round(observation.duration_ms, 2),
    }


def _post(board: Board, body: dict[str, Any], now: float) -> None:
    board.feed_seq += 1
    order = int(now * 1000)
    board.changes.deliveries.append(
        DeliveryRow(
            id=event_id(body["domain"], board.feed_seq, f"result.{body['check_type']}.{order}"),
            lane="result",
            domain=body["domain"],
            order=order,
            body=result_body(*body.values()),
            next_at=now,
        )
    )


def publish(board: Board, event: EventRow) -> None:
    """Put a durable event on the feed: under `state.`, and under `available.` too if it is one. Same seq, same event."""

    def build() -> dict[str, Any]:
        return {"event": json.loads(event.body), "id": event.id, "domain": event.domain, "kind": event.kind}

    topics = ["state", *(["available"] if event.kind == "available" else [])]
    for topic in topics:
        board.publish(f"{topic}.{event.domain}", "event", event.occurred_at, build, seq=event.seq)


def result_word(entry: Entry, observation: Observation) -> str:
    """The contract's word for one method's answer: "available" only once the verdict is; one source alone never says so."""
    outcome = observation.reading.outcome
    if outcome is Outcome.UNREGISTERED and entry.state is State.AVAILABLE:
        return "available"
    return outcome.value


def details_of(observation: Observation) -> dict[str, Any]:
    """The details of a check result: the record's fields under the contract's names, and how it was obtained."""
    reading = observation.reading
    return {
        "registrar": reading.fields.registrar,
        "creation_date": reading.fields.created_at,
        "expiration_date": reading.fields.expires_at,
        "updated_date": reading.fields.updated_at,
        "statuses": list(reading.fields.statuses),
        "nameservers": list(reading.fields.nameservers),
        "phase": reading.phase.value if reading.phase is not None else None,
        "server": observation.server,
        "finding": reading.finding,
        "reason": reading.reason,
    }


def checks_of(evidence: dict[str, Evidence]) -> dict[str, Any]:
    """The `checks` of a notice: per method what it said, where, when."""
    return {
        method: {
            "result": item.observation.reading.outcome.value,
            "finding": item.observation.reading.finding,
            "reason": item.observation.reading.reason,
            "server": item.observation.server,
            "address": item.observation.address,
            "status": item.observation.status,
            "timestamp": item.at,
            "duration_ms": round(item.observation.duration_ms, 2),
            "digest": item.observation.digest,
            "canary": item.vouched(),
        }
        for method, item in sorted(evidence.items())
    }


def _kind(entry: Entry, before: State, since: float | None) -> str | None:
    """The event that a change of state is: none for the first look at a registered name, nor for a return to UNKNOWN.

    `since`: how long the name was in the state before.
    """
    state = entry.state
    if state is State.UNKNOWN or (before is State.UNKNOWN and state is State.REGISTERED):
        return None
    if before in ANNOUNCED and state in OWNED:
        return "registered" if _taken_since(entry, entry.detail.alarmed_at or since) else "retracted"
    if before in ANNOUNCED and state not in ANNOUNCED:
        return "retracted"
    return state.value.lower()


def _taken_since(entry: Entry, gone: float | None) -> bool:
    """Whether the registration is younger than `gone`, when the name was announced; an older one means that we were wrong.

    Somebody must have seen it since. Of records only one from after the alarm counts: where the zone alone shows the catch, the
    last one is of the holder before.
    """
    seen = newest(entry.detail.evidence, Outcome.REGISTERED)
    if gone is None or seen is None or seen.at <= gone:
        return False
    record = newest(entry.detail.evidence, Outcome.REGISTERED, methods=REGISTRY_METHODS)
    created = entry.detail.fields.created_at
    at = iso_to_epoch(created) if created else None
    return record is None or record.at <= gone or at is None or at >= gone - 86_400.0


def _record(board: Board, entry: Entry, verdict: Verdict, kind: str, before: State, now: float) -> None:
    entry.generation += 1
    seq, board.next_seq = board.next_seq, board.next_seq + 1
    identity = event_id(entry.name, entry.generation, kind)
    extra: dict[str, Any] = {
        "id": identity,
        "seq": seq,
        "generation": entry.generation,
        "state": entry.state.value,
        "previous": before.value,
        "reason": verdict.reason,
        "p_unregistered": verdict.p_unregistered,
    }
    if kind in _RESTS_ON:
        extra["basis"] = entry.detail.basis
    if kind == "registered" and entry.detail.alarmed_at is not None:
        extra["registrar"] = entry.detail.fields.registrar
        extra["seconds_since_available"] = round(now - entry.detail.alarmed_at, 1)
    body = notice_body(entry.name, kind, verdict.confidence, now, checks_of(entry.detail.evidence), **extra)
    board.changes.events.append(EventRow(seq, identity, entry.name, entry.generation, kind, now, body))
    if board.policy.callbacks:
        row = DeliveryRow(id=identity, lane="notice", domain=entry.name, order=seq, body=body, next_at=now)
        board.changes.deliveries.append(row)
    board.metrics.count("events", kind=kind)
    board.say(
        "info",
        "state_changed",
        domain=entry.name,
        state=entry.state.value,
        previous=before.value,
        kind=kind,
        confidence=verdict.confidence,
        reason=verdict.reason,
    )
