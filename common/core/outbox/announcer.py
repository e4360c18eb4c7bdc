"""Turns verdicts into what is told: which changes are events, their frozen bodies, and the deliveries that carry them.

State, event and delivery land in the same transaction; nothing is published or posted before it is durable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from common.core.domains.domains import Domains
from common.core.domains.last_look import look_evidence
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import NO_OFFER, Observation, Offer, Outcome
from common.core.model.ids import Ids
from common.core.model.methods import RECORD_METHODS
from common.core.model.records import DeliveryRow, EventRow, Evidence, newest_evidence
from common.core.model.states import ANNOUNCED, OWNED, State
from common.core.model.verdict import NO_NEWS, Verdict
from common.core.outbox.callback_bodies import event_id, notice_body, result_body
from common.core.outbox.deliveries import Deliveries
from common.core.outbox.feed_publisher import FeedPublisher
from common.core.outbox.forecast_events import (
    MISSED,
    RENEWED,
    is_missed,
    is_renewed,
    returned_kind,
    show_catch,
    show_renewal,
    show_window,
)
from common.core.parsers.dates import iso_to_epoch
from common.core.telemetry.telemetry import Telemetry

#: Results of sweeps that are deliveries at the same time, at most: the others stay pending, a bit each.
PENDING_AT_ONCE = 1000
#: Notices that say what they rest on: two independent sources, or the repetition of one (`gates.Basis`).
_RESTS_ON = frozenset({"available", "unregistered"})
#: Notices that say by which sources the name can be created, and at what price.
_OFFERED = frozenset({"available", "unregistered", "available_premium"})


class Announcer:
    """Turns verdicts and answers into events, callbacks and maps on the feed.

    `callbacks`: whether there is a URL to post to; `results`: which check results are posted (all, changes, none).
    """

    def __init__(
        self,
        domains: Domains,
        deliveries: Deliveries,
        feed: FeedPublisher,
        telemetry: Telemetry,
        *,
        callbacks: bool,
        results: str,
    ) -> None:
        self._domains = domains
        self._deliveries = deliveries
        self._feed = feed
        self._telemetry = telemetry
        self._callbacks = callbacks
        self._results = results if callbacks else "none"
        self._flushed_to = 0  # the id at which the search for pending results goes on

    def apply_verdict(self, entry: Entry, verdict: Verdict, now: float) -> str | None:
        """Take a verdict over into a name, and record the event that it causes. Returns the kind of that event, if any."""
        before, since, journal = entry.state, entry.since, self._domains.journal
        changed = verdict.state is not before
        _give_reason(entry, verdict, changed=changed)
        entry.confidence = verdict.confidence
        if not changed:
            journal.touch_row(entry)
            return None
        self._domains.count_state(before, verdict.state)
        entry.state, entry.since = verdict.state, now
        journal.write_row(entry)
        kind = _event_kind(entry, before, since)
        if kind is not None:
            self._record_event(entry, verdict, kind, before, now)
        if verdict.state in (State.AVAILABLE, State.AVAILABLE_PREMIUM):
            entry.detail.alarmed_at = now
        elif verdict.state is not State.UNREGISTERED:
            entry.detail.alarmed_at = None
        return kind

    def tell_forecast(self, entry: Entry, verdict: Verdict, before: State, window: DropWindow | None, now: float) -> str | None:
        """Publish the forecast of a name where it is not `window` any more, and record what ended that one.

        Returns the kind of the event: "renewed" or "forecast_missed", None for none. A change of state is told by
        `apply_verdict`, and was from `before`.
        """
        if entry.drop != window:
            content = {"domain": entry.name, "forecast": show_window(entry.drop, entry.detail.forecast_reason)}
            self._feed.publish_map(f"forecast.{entry.name}", "forecast", now, lambda: content)
        if before is not entry.state:
            return None
        if is_renewed(entry, window):
            kind, reason = RENEWED, "the record shows a later expiry date: the forecast is void"
        elif is_missed(entry, window, now):
            kind, reason = MISSED, "the forecast window ended a day ago, and the registry still shows the name"
        else:
            return None
        self._domains.journal.write_row(entry)
        self._record_event(entry, structs.replace(verdict, reason=reason), kind, before, now)
        return kind

    def publish_event(self, event: EventRow) -> None:
        """Publish a durable event under `state.`, and under `available.` too if it is one, with the same seq."""

        def build() -> dict[str, Any]:
            return {"event": json.loads(event.body), "id": event.id, "domain": event.domain, "kind": event.kind}

        topics = ["state", *(["available"] if event.kind == "available" else [])]
        for topic in topics:
            self._feed.publish_map(f"{topic}.{event.domain}", "event", event.occurred_at, build, seq=event.seq)

    def tell_result(self, entry: Entry, observation: Observation, now: float, *, changed: bool) -> None:
        """Publish one check result, and post it where results are wanted."""
        word = result_word(entry, observation)

        def build() -> dict[str, Any]:
            return {**build_result(entry.name, observation, now), "result": word}

        self._feed.publish_map(f"result.{observation.method}.{entry.name}", "result", now, build)
        if self._results == "none" or (self._results == "changes" and not changed):
            return
        self._post_result(build(), now)

    def tell_sweep(self, ids: Ids, server: str, changed: NDArray[np.bool_], now: float) -> None:
        """Publish the results of a sweep, and remember them as pending, the newest of each name, where results are wanted."""
        self._mark_pending(ids, changed)
        table, last_look = self._domains.table, self._domains.working_set.last_look

        def build() -> Iterable[tuple[str, dict[str, Any]]]:
            for name_id in ids.tolist():
                seen = look_evidence(last_look(name_id), server or table.suffix_of(name_id))
                if seen is not None:
                    name = table.name_of(name_id)
                    yield f"result.dns.{name}", build_result(name, seen.observation, now)

        self._feed.publish_maps("result.dns.", "result", now, len(ids), build)

    def flush_pending(self, now: float) -> None:
        """Turn pending results of sweeps into deliveries, as many as keep the lane of results short (PENDING_AT_ONCE)."""
        if self._results == "none":
            return
        room = PENDING_AT_ONCE - self._deliveries.results_waiting() - self._domains.journal.planned_deliveries()
        if room < PENDING_AT_ONCE // 2:
            return
        table = self._domains.table
        start, end = self._flushed_to, len(table)
        ids = start + np.flatnonzero(table.pending[start:end])[:room]
        self._flushed_to = int(ids[-1]) + 1 if len(ids) == room else 0
        table.pending[ids] = 0
        table.mark_dirty(ids)
        for name_id in ids.tolist():
            seen = look_evidence(self._domains.working_set.last_look(name_id), table.suffix_of(name_id))
            if seen is not None:
                self._post_result(build_result(table.name_of(name_id), seen.observation, seen.at), now)

    def _mark_pending(self, ids: Ids, changed: NDArray[np.bool_]) -> None:
        if self._results == "none":
            return
        pending = self._domains.table.pending
        wanted = ids if self._results == "all" else ids[changed]
        self._telemetry.metrics.count("results_coalesced", int(np.count_nonzero(pending[wanted])))
        pending[wanted] = 1

    def _post_result(self, body: dict[str, Any], now: float) -> None:
        order = int(now * 1000)
        row = DeliveryRow(
            id=event_id(body["domain"], self._feed.take_seq(), f"result.{body['check_type']}.{order}"),
            lane="result",
            domain=body["domain"],
            order=order,
            body=result_body(*body.values()),
            next_at=now,
        )
        self._domains.journal.add_deliveries(row)

    def _record_event(self, entry: Entry, verdict: Verdict, kind: str, before: State, now: float) -> None:
        entry.generation += 1
        journal = self._domains.journal
        seq, identity = journal.take_seq(), event_id(entry.name, entry.generation, kind)
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
        if kind in _OFFERED:
            extra |= show_offer(entry.detail.evidence, verdict)
        if entry.drop is not None and kind != "registered":  # then it is still that of the name that dropped
            extra["forecast"] = show_window(entry.drop, entry.detail.forecast_reason)
        if kind == RENEWED:
            extra |= show_renewal(entry.detail)
        if kind == "registered" and entry.detail.alarmed_at is not None:
            extra["registrar"] = entry.detail.fields.registrar
            extra["seconds_since_available"] = round(now - entry.detail.alarmed_at, 1)
        if kind == "registered" and entry.detail.dropped_at is not None:
            extra |= show_catch(entry.detail, now)
        body = notice_body(entry.name, kind, verdict.confidence, now, show_checks(entry.detail.evidence), **extra)
        journal.add_event(
            EventRow(
                seq=seq,
                id=identity,
                domain=entry.name,
                generation=entry.generation,
                kind=kind,
                occurred_at=now,
                body=body,
            )
        )
        if self._callbacks:
            row = DeliveryRow(id=identity, lane="notice", domain=entry.name, order=seq, body=body, next_at=now)
            journal.add_deliveries(row)
        self._telemetry.metrics.count("events", kind=kind)
        self._telemetry.write_log(
            "info",
            "state_changed",
            domain=entry.name,
            state=entry.state.value,
            previous=before.value,
            kind=kind,
            confidence=verdict.confidence,
            reason=verdict.reason,
        )


def build_result(name: str, observation: Observation, at: float) -> dict[str, Any]:
    """The six values of a check result, by the names and in the order of the callback contract."""
    return {
        "domain": name,
        "check_type": observation.method,
        "result": observation.reading.outcome.value,
        "timestamp": at,
        "details": show_details(observation),
        "duration_ms": round(observation.duration_ms, 2),
    }


def result_word(entry: Entry, observation: Observation) -> str:
    """The `result` of a check: "available" only once the verdict is; one source alone never says so."""
    outcome = observation.reading.outcome
    if outcome is Outcome.UNREGISTERED and entry.state is State.AVAILABLE:
        return "available"
    return outcome.value


def show_details(observation: Observation) -> dict[str, Any]:
    """The `details` of a check result: the fields of the record, and how it was obtained."""
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
        **_show_price(reading.offer),
    }


def _show_price(offer: Offer | None) -> dict[str, Any]:
    """The price that a registrar names; nothing of methods that name none."""
    if offer is None:
        return {}
    return {"premium": offer.premium, "price": _decimal_text(offer.price), "currency": offer.currency or None}


def show_offer(evidence: Mapping[str, Evidence], verdict: Verdict) -> dict[str, Any]:
    """Which sources confirmed that the name can be created, and the first price that one of them names, as decimal text.

    `premium` is null where none confirmed it.
    """
    offers = [evidence[method].observation.reading.offer for method in verdict.confirmed_by]
    priced = next((offer for offer in offers if offer is not None and offer.price is not None), NO_OFFER)
    return {
        "confirmed_by": list(verdict.confirmed_by),
        "premium": verdict.state is State.AVAILABLE_PREMIUM if verdict.confirmed_by else None,
        "price": _decimal_text(priced.price),
        "currency": priced.currency or None,
    }


def _decimal_text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"


def show_checks(evidence: dict[str, Evidence]) -> dict[str, Any]:
    """The `checks` of a notice: by method what its server said, which one, and when."""
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
            "canary": item.canary_map(),
        }
        for method, item in sorted(evidence.items())
    }


def _give_reason(entry: Entry, verdict: Verdict, *, changed: bool) -> None:
    """Note why a name is in its state. While an announced state stands that is the reason it was announced for.

    Beside it stands what the newest check said (`look`), which sees fewer answers at a time than the decision did.
    """
    detail = entry.detail
    stands = not changed and detail.reason != "" and (verdict.state in ANNOUNCED or verdict.reason == NO_NEWS)
    detail.reason, detail.look = (detail.reason, verdict.reason) if stands else (verdict.reason, "")


def _event_kind(entry: Entry, before: State, since: float | None) -> str | None:
    """The kind of event that a change of state is: none for a first check that finds a name registered, nor for UNKNOWN.

    `since`: when the state before began, in epoch seconds.
    """
    state = entry.state
    if state is State.UNKNOWN or (before is State.UNKNOWN and state is State.REGISTERED):
        return None
    if before in ANNOUNCED and state in OWNED:
        return "registered" if _taken_since(entry, entry.detail.alarmed_at or since) else "retracted"
    if before in ANNOUNCED and state not in ANNOUNCED:
        return "retracted"
    return returned_kind(entry, before, since) or state.value.lower()


def _taken_since(entry: Entry, gone: float | None) -> bool:
    """Whether the registration is younger than `gone`, when the name was announced; an older one makes the alarm a mistake.

    It must have been seen since. Of records only one from after the alarm counts: where the zone alone shows the catch, the
    last record is of the holder before.
    """
    seen = newest_evidence(entry.detail.evidence, Outcome.REGISTERED)
    if gone is None or seen is None or seen.at <= gone:
        return False
    record = newest_evidence(entry.detail.evidence, Outcome.REGISTERED, methods=RECORD_METHODS)
    created = entry.detail.fields.created_at
    at = iso_to_epoch(created) if created else None
    return record is None or record.at <= gone or at is None or at >= gone - 86_400.0
