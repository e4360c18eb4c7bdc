"""Callbacks: what waits, what was given up, and sending one again."""

from __future__ import annotations

import re

from aiohttp import web

from actors.control.context import control_of
from actors.control.http_problems import Problem
from actors.control.query_params import CURSOR, LIMIT, PRINTABLE, Text
from actors.control.render import json_response, page_response, render_delivery

STATE = Text("state", 20, "only callbacks in this state", ("pending", "done", "parked", "superseded"))
#: Longest id of a callback, in characters (`common.messages.Name` bounds what can be sent).
ID_LIMIT = 253


async def list_deliveries(request: web.Request) -> web.Response:
    """GET /deliveries."""
    state, cursor, limit = STATE.read(request), CURSOR.read(request), LIMIT.read(request)
    found = await control_of(request).store.read(lambda reader: reader.deliveries(state=state, cursor=cursor, limit=limit))
    return page_response("deliveries", found, render_delivery)


async def replay_delivery(request: web.Request) -> web.Response:
    """POST /deliveries/{id}/replay."""
    control = control_of(request)
    wanted = request.match_info["id"]
    if len(wanted) > ID_LIMIT or not re.fullmatch(PRINTABLE, wanted):
        raise Problem(400, f"An id is text without control characters, at most {ID_LIMIT}.", code="bad_parameter")
    found = await control.store.read(lambda reader: reader.delivery(wanted))
    if found is None:
        raise Problem(404, "There is no callback with this id.")
    control.send_command("replay", wanted, await control.shard_of(found.domain))
    return json_response({"accepted": True, "id": wanted}, 202)
