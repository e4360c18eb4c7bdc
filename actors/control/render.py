"""JSON answers, and rows of the store as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import idna
import msgspec
from aiohttp import web

from actors.control import query_params
from common import codec
from common.core.model.records import DeliveryRow, Detail, DomainRow, EventRow, Evidence, ProblemRow
from common.errors import MessageError
from common.store.store_contract import FoundName, Page

T = TypeVar("T")


def json_response(content: Any, status: int = 200) -> web.Response:
    """An answer in JSON; NaN and infinities become null."""
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")


def page_response(name: str, found: Page[T], show: Callable[[T], dict[str, Any]]) -> web.Response:
    """One page of a list; `cursor` is null on the last one."""
    return json_response({name: [show(row) for row in found.rows], "cursor": query_params.encode_cursor(found.cursor)})


def render_problem(row: ProblemRow) -> dict[str, Any]:
    """An entry of the list that cannot be monitored."""
    return {"entry": row.entry, "code": row.code, "reason": row.reason}


def decode_detail(row: DomainRow) -> Detail:
    """The unpacked detail; an empty one where it is not readable, so that the rest of the row still shows."""
    if not row.detail:
        return Detail()
    try:
        return codec.convert(codec.decode_map(row.detail), Detail)
    except MessageError:
        return Detail()


def unicode_name(name: str) -> str:
    """The name as people write it (U-label); unchanged where it has no such form."""
    if "xn--" not in name:
        return name
    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name


def render_forecast(row: DomainRow, detail: Detail | None = None) -> dict[str, Any] | None:
    """When the name is expected to drop (epoch seconds) and how sure that is; None where nothing is foreseen."""
    if row.drop_likely is None and row.drop_earliest is None:
        return None
    found: dict[str, Any] = {
        "earliest": row.drop_earliest,
        "likely": row.drop_likely,
        "latest": row.drop_latest,
        "probability": row.drop_p,
        "p": row.drop_p,
    }
    return found if detail is None else {**found, "basis": detail.forecast_reason, "reason": detail.forecast_reason}


def render_domain(found: FoundName) -> dict[str, Any]:
    """A name in a list."""
    row = found.row
    return {
        "domain": row.name,
        "unicode": unicode_name(row.name),
        "tld": row.suffix,
        "state": row.state,
        "since": row.since,
        "confidence": row.confidence,
        "priority": row.priority,
        "watched": row.watched,
        "checked_at": row.checked_at,
        "next_check": (row.next_check or None)
        if row.watched
        else None,  # a new name waits for its first look, whenever that is
        "forecast": render_forecast(row),
    }


def render_evidence(evidence: Evidence) -> dict[str, Any]:
    """One method's last observation."""
    observation = evidence.observation
    reading = observation.reading
    return {
        "server": observation.server,
        "address": observation.address,
        "time": evidence.at,
        "first_time": evidence.first_at,
        "duration_ms": observation.duration_ms,
        "status": observation.status,
        "outcome": reading.outcome.value,
        "finding": reading.finding,
        "reason": reading.reason,
        "phase": None if reading.phase is None else reading.phase.value,
        "fresh_at": reading.fresh_at,
        "refused": observation.refused,
        "digest": observation.digest,
        "excerpt": observation.excerpt,
        "fields": codec.plain(reading.fields),
        "canary": evidence.canary_map(),
    }


def render_event(row: EventRow) -> dict[str, Any]:
    """An event, with the body of its callback."""
    return {
        "seq": row.seq,
        "id": row.id,
        "domain": row.domain,
        "unicode": unicode_name(row.domain),
        "generation": row.generation,
        "kind": row.kind,
        "timestamp": row.occurred_at,
        "body": _json(row.body),
    }


def render_delivery(row: DeliveryRow) -> dict[str, Any]:
    """A callback."""
    return {
        "id": row.id,
        "lane": row.lane,
        "domain": row.domain,
        "order": row.order,
        "state": row.state,
        "attempts": row.attempts,
        "next_at": row.next_at,
        "first_at": row.first_at,
        "done_at": row.done_at,
        "last_status": row.last_status,
        "last_error": row.last_error,
        "body": _json(row.body),
    }


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
