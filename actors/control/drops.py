"""Names expected to drop soon: as JSON and as a calendar."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from actors.control import calendar
from actors.control.context import Control, control_of
from actors.control.params import LIMIT, Seconds
from actors.control.replies import detail_of, domain_line, forecast, reply
from common.core.records import DomainRow
from common.store.contract import Found

DAY = 86_400.0
WITHIN = Seconds("within", 30 * DAY, 730 * DAY, "how far to look ahead, in seconds")
#: A window whose likely time is this long ago may still be open, in seconds.
BACK = 7 * DAY


async def listing(request: web.Request) -> web.Response:
    """GET /drops."""
    control = control_of(request)
    found = await _found(control, WITHIN.read(request), LIMIT.read(request))
    return reply({"drops": [{**domain_line(each), "forecast": forecast(each.row, detail_of(each.row))} for each in found]})


async def as_calendar(request: web.Request) -> web.Response:
    """GET /drops.ics."""
    control = control_of(request)
    found = await _found(control, WITHIN.read(request), LIMIT.read(request))
    body = calendar.render([_entry(each.row) for each in found], control.now())
    headers = {"Content-Disposition": 'inline; filename="drops.ics"'}
    return web.Response(body=body, headers=headers, content_type="text/calendar", charset="utf-8")


async def _found(control: Control, within: float, limit: int) -> list[Found]:
    now = control.now()
    still_open, coming = await control.records.ask(
        lambda reader: (reader.drops(now - BACK, now, limit, open_at=now), reader.drops(now, now + within, limit))
    )
    return [*still_open, *coming][:limit]


def _entry(row: DomainRow) -> dict[str, Any]:
    detail = detail_of(row)
    likely = row.drop_likely or row.drop_earliest or 0.0
    return {
        "uid": f"{row.name}-{row.generation}@domain-monitor",
        "start": likely,
        "summary": f"{row.name} may drop",
        "description": calendar.window(row.drop_earliest, row.drop_latest, row.drop_p, detail.forecast_reason),
        "state": row.state,
    }
