"""What can go wrong with an HTTP answer, once for all HTTP servers of the lab."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.lab import net
from tests.lab.faults import Fault

RDAP_JSON = "application/rdap+json"
_LONG = 3600.0
_DRIP_GAP = 0.05


async def silence(_request: web.Request) -> web.StreamResponse:
    """Accept, read, never answer."""
    await asyncio.sleep(_LONG)
    return web.Response(status=504)


async def reset(request: web.Request) -> web.StreamResponse:
    """Cut the connection with an RST."""
    if request.transport is not None:
        net.reset(request.transport)
    return web.Response(status=499)


async def truncate(request: web.Request) -> web.StreamResponse:
    """Promise more than is sent."""
    body = b'{"objectClassName":"domain","ldhName":"exam'
    response = web.StreamResponse(headers={"Content-Type": RDAP_JSON, "Content-Length": "4000"})
    await response.prepare(request)
    await response.write(body)
    await asyncio.sleep(0)
    return await reset(request)


async def drip(request: web.Request) -> web.StreamResponse:
    """One byte now and then, for longer than any client waits."""
    response = web.StreamResponse(headers={"Content-Type": RDAP_JSON, "Content-Length": "100000"})
    await response.prepare(request)
    for _ in range(100_000):
        await response.write(b" ")
        await asyncio.sleep(_DRIP_GAP)
    return response


async def oversize(request: web.Request) -> web.StreamResponse:
    """Far more than any record: 16 MiB."""
    response = web.StreamResponse(headers={"Content-Type": RDAP_JSON})
    await response.prepare(request)
    await response.write(b'{"notices":["')
    for _ in range(256):
        if request.transport is None or request.transport.is_closing():
            break  # it has seen enough
        await response.write(b"x" * 65_536)
        await asyncio.sleep(0.001)  # the news that the client left takes a turn of the loop
    return response


async def redirect_loop(request: web.Request) -> web.StreamResponse:
    """To itself, for ever."""
    return web.Response(status=302, headers={"Location": request.path_qs})


def _html(status: int, text: str) -> web.Response:
    return web.Response(
        status=status, content_type="text/html", text=f"<html><head><title>{text}</title></head><body>{text}</body></html>"
    )


def _retry(fault: Fault, status: int) -> web.Response:
    seconds = 2.0 if fault.seconds is None else fault.seconds
    return web.Response(status=status, headers={"Retry-After": str(int(seconds))})


def spoken(fault: Fault, name: str) -> web.Response:
    """The fault "says": its words, as RDAP JSON unless its headers say otherwise."""
    assert fault.words is not None
    headers = {"Content-Type": RDAP_JSON, **fault.words.headers}
    return web.Response(status=fault.words.status, headers=headers, body=fault.words.about(name).encode())


def plain(fault: Fault) -> web.Response | None:
    """The answer where the fault is only a wrong answer; None for the others."""
    makers: dict[str, Callable[[], web.Response]] = {
        "garbage": lambda: web.Response(body=bytes(range(256)) * 4, content_type=RDAP_JSON),
        "empty": lambda: web.Response(body=b"", content_type=RDAP_JSON),
        "400": lambda: web.Response(status=400, content_type=RDAP_JSON, text='{"errorCode":400,"title":"Bad Request"}'),
        "401": lambda: web.Response(status=401),
        "410": lambda: web.Response(status=410),
        "429": lambda: web.Response(status=429),
        "429-retry-after": lambda: _retry(fault, 429),
        "500": lambda: _html(500, "Internal Server Error"),
        "503": lambda: _retry(fault, 503),
        "302": lambda: web.Response(status=302, headers={"Location": "/elsewhere"}),
        "403-html": lambda: _html(403, "Number of allowed queries exceeded."),
        "404-html": lambda: _html(404, "Page not found"),
        "200-html": lambda: _html(200, "Please log in to this network"),
        "throttle": lambda: _html(200, "Too many requests. Please slow down."),
        "gzip-bomb": lambda: web.Response(
            body=gzip.compress(b" " * (32 << 20)), headers={"Content-Encoding": "gzip", "Content-Type": RDAP_JSON}
        ),
        "deep-json": lambda: web.Response(body=b'{"a":' * 50_000 + b"1" + b"}" * 50_000, content_type=RDAP_JSON),
        "redirect-metadata": lambda: web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}),
    }
    maker = makers.get(fault.kind)
    return maker() if maker is not None else None


_ACTIVE: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    "silence": silence,
    "reset": reset,
    "drop": reset,
    "truncate": truncate,
    "drip": drip,
    "oversize": oversize,
    "redirect-loop": redirect_loop,
}


async def misbehave(fault: Fault | None, request: web.Request) -> web.StreamResponse | None:
    """The wrong answer, or None where the right one follows (after its delay)."""
    if fault is None:
        return None
    if fault.kind == "delay":
        await asyncio.sleep(1.0 if fault.seconds is None else fault.seconds)
        return None
    active = _ACTIVE.get(fault.kind)
    return await active(request) if active is not None else plain(fault)
