"""Names expected to drop soon: as pages of JSON, and all of them as a calendar."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiohttp import web

from actors.control import icalendar
from actors.control.context import Control, control_of
from actors.control.domain_handlers import STATE, TLD, read_suffix
from actors.control.http_problems import Problem
from actors.control.query_params import LIMIT, TIMED_CURSOR, Seconds, Text, encode_cursor
from actors.control.render import decode_detail, json_response, render_domain, render_forecast
from common.core.model.records import DomainRow
from common.store.store_contract import DropQuery, FoundName

DAY = 86_400.0
WITHIN = Seconds("within", 30 * DAY, 730 * DAY, "how far to look ahead, in seconds")
PRIORITY = Text("priority", 5, "only names with this priority", ("true", "false"))
#: What both forms are filtered by.
FILTERS = (STATE, TLD, PRIORITY, WITHIN)
#: A window whose likely time is this long ago may still be open, in seconds.
BACK = 400 * DAY
#: A host with or without a port, as it can stand in a link.
_HOST = re.compile(r"[A-Za-z0-9._\-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
#: Names taken from the state at once for a calendar, and seconds that one write to its reader may take.
PIECE, WRITE_TIMEOUT = 500, 10.0


async def list_drops(request: web.Request) -> web.Response:
    """GET /drops."""
    wanted, within = _drop_query(request, control_of(request).now())
    cursor, limit = TIMED_CURSOR.read(request), LIMIT.read(request)
    page, total = await control_of(request).store.read(
        lambda reader: (
            reader.drops(wanted, cursor=cursor, limit=limit),
            reader.drops_count(wanted) if cursor is None else None,
        )
    )
    rows = [{**render_domain(each), "forecast": render_forecast(each.row, decode_detail(each.row))} for each in page.rows]
    return json_response({"drops": rows, "cursor": encode_cursor(page.cursor), "total": total, "within": within})


async def get_calendar(request: web.Request) -> web.StreamResponse:
    """GET /drops.ics: every one of them, a piece at a time, so that a million names need no more memory than a few."""
    control, origin = control_of(request), _origin_of(request)
    wanted, _ = _drop_query(request, control.now())
    found, cursor = await _read_piece(control, wanted, None)  # while there is no state this fails before anything is sent
    response = web.StreamResponse(headers={"Content-Disposition": 'inline; filename="drops.ics"'})
    response.content_type, response.charset = "text/calendar", "utf-8"
    try:
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        await _write(response, icalendar.calendar_head())
        while True:
            entries = (icalendar.calendar_event(_calendar_entry(each.row, origin), control.now()) for each in found)
            await _write(response, b"".join(entries))
            if cursor is None:
                break
            found, cursor = await _read_piece(control, wanted, cursor)
        await _write(response, icalendar.calendar_end())
    except (Problem, ConnectionError, TimeoutError):
        if not response.prepared:
            raise
        if request.transport is not None:
            request.transport.abort()  # what is cut off must not look whole
    return response


def _drop_query(request: web.Request, now: float) -> tuple[DropQuery, float]:
    """What a request asks for, and how far ahead it looks, in seconds."""
    within, priority = WITHIN.read(request), PRIORITY.read(request)
    wanted = DropQuery(
        start=now - BACK,
        end=now + within,
        open_at=now,
        state=STATE.read(request),
        tld=read_suffix(request),
        priority=None if priority is None else priority == "true",
    )
    return wanted, within


async def _read_piece(control: Control, wanted: DropQuery, cursor: str | None) -> tuple[list[FoundName], str | None]:
    page = await control.store.read(lambda reader: reader.drops(wanted, cursor=cursor, limit=PIECE))
    return page.rows, page.cursor


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT):
        await response.write(data)


def _origin_of(request: web.Request) -> str:
    """Scheme and host by which this service was reached, for links back to it; "" where the host is no plain one."""
    encrypted = request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
    return f"{'https' if encrypted else 'http'}://{request.host}" if _HOST.fullmatch(request.host) else ""


def _calendar_entry(row: DomainRow, origin: str) -> dict[str, Any]:
    """The window of a name as one entry. Its id stays while the forecast is revised, so that calendars move the entry."""
    detail = decode_detail(row)
    start = row.drop_earliest or row.drop_likely or 0.0
    return {
        "uid": f"{row.name}@domain-monitor",
        "start": start,
        "end": row.drop_latest or start,
        "summary": f"{row.name} may drop",
        "description": icalendar.describe_window(
            row.drop_earliest, row.drop_likely, row.drop_latest, row.drop_p, detail.forecast_reason
        ),
        "state": row.state,
        "url": f"{origin}/domain/{row.name}" if origin else "",
    }
