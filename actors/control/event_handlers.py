"""What happened, in order: as pages of JSON, or as a stream of server-sent events that can be resumed."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from actors.control.context import Control, control_of
from actors.control.http_problems import Problem
from actors.control.http_server import when_lost
from actors.control.live_feed import PAGE, StreamClient
from actors.control.query_params import LIMIT, Integer
from actors.control.render import json_response, render_event
from common.core.model.records import EventRow

LARGEST = (1 << 63) - 1
AFTER = Integer("after", 0, 0, LARGEST, "only events with a greater sequence; a stream without it begins now")
#: Seconds between comments that keep a quiet stream open.
COMMENT_EVERY = 15.0
#: Milliseconds after which a browser connects again.
RETRY_MS = 3000


async def get_events(request: web.Request) -> web.StreamResponse:
    """GET /events."""
    if request.method == "GET" and "text/event-stream" in request.headers.get("Accept", ""):
        return await _stream(request)
    after, limit = AFTER.read(request), LIMIT.read(request)
    records = control_of(request).store
    newest, rows = await records.read(lambda reader: (reader.last_seq(), reader.events(after=after, limit=limit)))
    last = rows[-1].seq if rows else newest
    return json_response(
        {"events": [render_event(row) for row in rows], "last": last, "more": len(rows) == limit and last < newest}
    )


async def _stream(request: web.Request) -> web.StreamResponse:
    control = control_of(request)
    after = await _start_position(request, control)
    client = await control.live.join()
    when_lost(request, lambda: _forget(control, client))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    try:
        await response.prepare(request)
        await response.write(f"retry: {RETRY_MS}\n\n".encode())
        after = await _catch_up(response, control, after)
        await _stream_new_events(response, client, after)
    except Problem:
        if not response.prepared:
            raise
        return response  # the state went away in mid-stream: the client comes back with its last id
    except ConnectionError:
        return response  # the client left, or did not read what was written
    finally:
        control.live.leave(client)
    return response


def _forget(control: Control, client: StreamClient) -> None:
    control.live.leave(client)
    client.end()


async def _start_position(request: web.Request, control: Control) -> int:
    """The sequence to begin after: Last-Event-ID, else `after`, else the newest."""
    last = await control.store.read(lambda reader: reader.last_seq())
    given = request.headers.get("Last-Event-ID", "").strip()
    if given:
        if not (given.isascii() and given.isdigit() and len(given) <= 19):
            raise Problem(400, "Last-Event-ID must be the id of an earlier event.", code="bad_parameter")
        return min(int(given), last)
    if "after" in request.query:
        # A position from another life of the store would wait for ever.
        return min(AFTER.read(request), last)
    return last


async def _catch_up(response: web.StreamResponse, control: Control, after: int) -> int:
    while True:
        rows = await control.store.read(lambda reader, after=after: reader.events(after=after, limit=PAGE))  # type: ignore[misc]  # a bound default
        if rows:
            await response.write(b"".join(map(_event_chunk, rows)))
            after = rows[-1].seq
        if len(rows) < PAGE:
            return after


async def _stream_new_events(response: web.StreamResponse, client: StreamClient, after: int) -> None:
    while not client.slow:
        try:
            async with asyncio.timeout(COMMENT_EVERY):
                row = await client.events.get()
        except TimeoutError:
            await response.write(b": nothing new\n\n")
            continue
        if row is None:
            return
        if row.seq > after:
            await response.write(_event_chunk(row))
            after = row.seq


def _event_chunk(row: EventRow) -> bytes:
    # JSON holds no line breaks, so one data line is enough.
    return b"id: %d\ndata: %s\n\n" % (row.seq, msgspec.json.encode(render_event(row)))
