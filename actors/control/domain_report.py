"""Everything known about one name: why it is in its state, what each method says, and why the others say nothing."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from actors.control.render import decode_detail, render_domain, render_event, render_evidence, render_forecast
from common import codec
from common.core.domains.last_look import apply_look
from common.core.model.evidence import Observation, unknown_reading
from common.core.model.records import Detail, DomainRow, EventRow, Evidence, LedgerRow
from common.core.model.states import ANNOUNCED, State
from common.core.model.verdict import NOTHING_PROVEN
from common.core.outbox.forecast_events import show_catch
from common.core.telemetry.error_kinds import explain_unknown, kind_of
from common.errors import MessageError
from common.store.store_contract import DomainRecord, Reader

#: Most events of one name shown with it.
HISTORY = 100


def read_report(reader: Reader, name: str) -> dict[str, Any] | None:
    """The report on a name (A-label), all of one moment; None for a name that the list never had."""
    record = reader.domain_record(name, events=HISTORY)
    return None if record is None else render_report(record)


def render_report(record: DomainRecord) -> dict[str, Any]:
    """A name in full as JSON; of two DNS answers, one of them by a sweep, the younger."""
    found = record.found
    row, history, last = found.row, record.events, record.last_entry
    decision = find_decision(row, record.state_entry, history)
    detail = apply_look(decode_detail(row), found.look, row.suffix)
    if found.timed_out:
        detail = _with_unanswered_sweep(detail, row)
    return {
        **render_domain(found),
        "generation": row.generation,
        "reason": _explain_state(row, detail, decision),
        "decision": decision,
        "latest": {
            "time": row.checked_at,
            "confidence": row.confidence,
            "reason": detail.look or detail.reason,
            "gates": list(detail.gates),
        },
        "gates": list(detail.gates),
        "phase": detail.phase,
        "phase_since": detail.phase_since,
        "alarmed_at": detail.alarmed_at,
        "fields": codec.plain(detail.fields),
        "forecast": render_forecast(row, detail),
        "evidence": {method: render_evidence(evidence) for method, evidence in sorted(detail.evidence.items())},
        "troubles": {method: render_trouble(evidence) for method, evidence in sorted(detail.trouble.items())},
        "history": [render_event(entry) for entry in history],
        "judged": None if last is None else render_judgement(last),
        "caught": render_catch(detail),
    }


def render_catch(detail: Detail) -> dict[str, Any] | None:
    """What became of a name after its last drop; None for one that never dropped while it was watched."""
    if detail.dropped_at is None:
        return None
    found: dict[str, Any] = {"dropped_at": detail.dropped_at, "seen_at": detail.caught_at}
    nothing = {"registrar": None, "seconds_after_drop": None}
    return found | (nothing if detail.caught_at is None else show_catch(detail, detail.caught_at))


def find_decision(row: DomainRow, made: LedgerRow | None, history: list[EventRow]) -> dict[str, Any] | None:
    """What the state of a name was decided from: the ledger's entry, or where that is gone the event. None without either."""
    if made is not None and made.at == row.since and made.state == row.state and made.kind == "decision":
        found = _decision_from_ledger(made)
        if found is not None:
            return found
    told = next((each for each in history if each.occurred_at == row.since), None)
    return None if told is None else _decision_from_event(told)


def render_trouble(evidence: Evidence) -> dict[str, Any]:
    """Why a method says nothing: what came last, when, from where. `until`: when it may be asked again, where that is known."""
    observation, reading = evidence.observation, evidence.observation.reading
    return {
        "time": evidence.at,
        "first_time": evidence.first_at,
        "kind": kind_of(observation),
        "server": observation.server,
        "address": observation.address,
        "status": observation.status,
        "finding": reading.finding,
        "reason": reading.reason,
        "duration_ms": observation.duration_ms,
        "until": None if reading.retry_after is None else evidence.at + reading.retry_after,
    }


def render_judgement(row: LedgerRow) -> dict[str, Any]:
    """The last judgement that the ledger kept; `domain-monitor replay` shows what it was made of."""
    return {"time": row.at, "kind": row.kind, "state": row.state, "rules": row.rules}


def _explain_state(row: DomainRow, detail: Detail, decision: dict[str, Any] | None) -> str:
    """One sentence on why a name is in its state."""
    if row.state == State.UNKNOWN and detail.reason in {"", NOTHING_PROVEN}:
        return explain_unknown(detail, detail.reason)
    if decision is not None and row.state in ANNOUNCED:
        return str(decision["reason"])
    return detail.reason


def _with_unanswered_sweep(detail: Detail, row: DomainRow) -> Detail:
    """A sweep leaves no word of its own on a name that got no answer."""
    at = row.checked_at or 0.0
    known = detail.trouble.get("dns")
    if known is not None and known.at >= at:
        return detail
    reading = unknown_reading("dns_timeout", "no answer in time, asked together with other names of the suffix")
    item = Evidence(Observation("dns", reading, server=row.suffix), at, known.first_at if known is not None else at)
    return structs.replace(detail, trouble={**detail.trouble, "dns": item})


def _decision_from_ledger(row: LedgerRow) -> dict[str, Any] | None:
    try:
        entry = codec.decode_map(row.body)
        evidence = codec.convert(entry.get("evidence", {}), dict[str, Evidence])
        verdict, situation = dict(entry["verdict"]), dict(entry.get("situation", {}))
    except (MessageError, KeyError, TypeError, ValueError):
        return None
    return {
        "time": row.at,
        "state": row.state,
        "previous": entry.get("before"),
        "event": entry.get("told"),
        "confidence": verdict.get("confidence"),
        "p_unregistered": verdict.get("p_unregistered"),
        "basis": situation.get("basis") or None,
        "reason": verdict.get("reason", ""),
        "evidence": {method: render_evidence(item) for method, item in sorted(evidence.items())},
    }


def _decision_from_event(row: EventRow) -> dict[str, Any] | None:
    """The same from the body of its callback, which has each answer in short."""
    body = render_event(row)["body"]
    if not isinstance(body, dict):
        return None
    checks = body.get("checks")
    answers = checks.get("checks") if isinstance(checks, dict) else None
    return {
        "time": row.occurred_at,
        "state": body.get("state"),
        "previous": body.get("previous"),
        "event": row.kind,
        "confidence": body.get("confidence"),
        "p_unregistered": body.get("p_unregistered"),
        "basis": body.get("basis") or None,
        "reason": body.get("reason", ""),
        "evidence": {
            method: {**item, "outcome": item.get("result"), "time": item.get("timestamp")}
            for method, item in sorted((answers or {}).items())
            if isinstance(item, dict)
        },
    }
