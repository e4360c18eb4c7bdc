"""Everything known about one name: why it is in its state, what each method says, and why the others say nothing."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from actors.control.replies import detail_of, domain_line, event, evidence_full, forecast
from common import codec
from common.core.domains.last_look import apply_look
from common.core.model.evidence import Observation, unknown_reading
from common.core.model.records import Detail, DomainRow, EventRow, Evidence, LedgerRow
from common.core.model.states import ANNOUNCED, State
from common.core.telemetry.error_kinds import explain_unknown, kind_of
from common.core.verdict.verdicts import NOTHING_PROVEN
from common.errors import MessageError
from common.store.contract import Found, Reader

#: Most events of one name shown with it.
HISTORY = 100


def read(reader: Reader, name: str) -> dict[str, Any] | None:
    """All of it; None for a name that the list never had. `name` is an A-label."""
    found = reader.domain(name)
    if found is None:
        return None
    row = found.row
    history = reader.history(name, limit=HISTORY)
    last = next(iter(reader.ledger(name, limit=1)), None)
    made = next(iter(reader.ledger(name, until=row.since, limit=1)), None) if row.since is not None else None
    return domain_full(found, history, last, decision_of(row, made, history))


def domain_full(
    found: Found, history: list[EventRow], last: LedgerRow | None, decision: dict[str, Any] | None
) -> dict[str, Any]:
    """A name in full; of two DNS answers, one of them by a sweep, the younger. `decision`: see `decision_of`."""
    row = found.row
    detail = apply_look(detail_of(row), found.pulse, row.suffix)
    if found.mute:
        detail = _with_mute_sweep(detail, row)
    return {
        **domain_line(found),
        "generation": row.generation,
        "reason": _reason(row, detail, decision),
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
        "forecast": forecast(row, detail),
        "evidence": {method: evidence_full(evidence) for method, evidence in sorted(detail.evidence.items())},
        "troubles": {method: trouble(evidence) for method, evidence in sorted(detail.trouble.items())},
        "history": [event(entry) for entry in history],
        "judged": None if last is None else judged(last),
    }


def decision_of(row: DomainRow, made: LedgerRow | None, history: list[EventRow]) -> dict[str, Any] | None:
    """What the state of a name was decided from: the ledger's entry, or where that is gone the event. None without either."""
    if made is not None and made.at == row.since and made.state == row.state and made.kind == "decision":
        found = _from_ledger(made)
        if found is not None:
            return found
    told = next((each for each in history if each.occurred_at == row.since), None)
    return None if told is None else _from_event(told)


def trouble(evidence: Evidence) -> dict[str, Any]:
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


def judged(row: LedgerRow) -> dict[str, Any]:
    """The last judgement that the ledger kept; `domain-monitor replay` shows what it was made of."""
    return {"time": row.at, "kind": row.kind, "state": row.state, "rules": row.rules}


def _reason(row: DomainRow, detail: Detail, decision: dict[str, Any] | None) -> str:
    """One sentence on why a name is in its state."""
    if row.state == State.UNKNOWN and detail.reason in {"", NOTHING_PROVEN}:
        return explain_unknown(detail, detail.reason)
    if decision is not None and row.state in ANNOUNCED:
        return str(decision["reason"])
    return detail.reason


def _with_mute_sweep(detail: Detail, row: DomainRow) -> Detail:
    """A sweep leaves no word of its own on a name that got no answer."""
    at = row.checked_at or 0.0
    known = detail.trouble.get("dns")
    if known is not None and known.at >= at:
        return detail
    reading = unknown_reading("dns_timeout", "no answer in time, asked together with other names of the suffix")
    item = Evidence(Observation("dns", reading, server=row.suffix), at, known.first_at if known is not None else at)
    return structs.replace(detail, trouble={**detail.trouble, "dns": item})


def _from_ledger(row: LedgerRow) -> dict[str, Any] | None:
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
        "evidence": {method: evidence_full(item) for method, item in sorted(evidence.items())},
    }


def _from_event(row: EventRow) -> dict[str, Any] | None:
    """The same from the body of its callback, which has each answer in short."""
    body = event(row)["body"]
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
