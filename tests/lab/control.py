"""The lab's own HTTP API: look at it, change it, break it, from a shell or another process.

GET  /state                        what is registered, faults, addresses, settings for the product
GET  /faults   POST /faults        {"server", "fault", "seconds"?, "count"?, "names"?, "delay"?}   DELETE /faults[?server=]
POST /names/{name}/{operation}     register renew expire delete pending_delete pending_restore restore purge catch hold unhold
                                   delegate inline transfer reserve block premium release; the body holds its arguments
POST /watch                        {"domains": [...], "priority": [...]}: what the list API returns
GET  /truth[?name=&at=]            every change with its wall-clock time, or the truth about one name
GET  /callbacks[?status=]          what the receiver recorded
GET  /queries[?server=&name=&since=]
POST /clock                        {"now"?, "speed"?}
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from tests.lab.faults import FaultError
from tests.lab.model import OperationError, Registry

if TYPE_CHECKING:
    from tests.lab.lab import Lab

_SHOWN_QUERIES = 1000
_OPERATIONS = frozenset(
    {"register", "renew", "expire", "delete", "pending_delete", "pending_restore", "restore", "purge", "catch", "hold"}
    | {"delegate", "inline", "transfer", "reserve", "block", "premium", "release"}
)


def operation(registry: Registry, name: str, deed: str, arguments: dict[str, object]) -> None:
    """Do one named operation. Raises OperationError for an unknown one or wrong arguments."""
    if deed == "unhold":
        deed, arguments = "hold", {"held": False}
    if deed not in _OPERATIONS:
        raise OperationError(f"no operation {deed!r}")
    method: Callable[..., object] = getattr(registry, deed)
    try:
        inspect.signature(method).bind(name, **arguments)
    except TypeError as error:
        raise OperationError(f"{deed}: {error}") from error
    method(name, **arguments)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _answers_errors(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def wrapped(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (FaultError, OperationError, ValueError, TypeError, KeyError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return wrapped


async def _arguments(request: web.Request) -> dict[str, object]:
    text = await request.text()
    body = json.loads(text) if text.strip() else {}
    if not isinstance(body, dict):
        raise TypeError("the body is a JSON object")
    return body


class Control:
    """The control API of one lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application()
        for method, path, handler in (
            ("GET", "/state", self._state),
            ("GET", "/faults", self._show_faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/names/{name}/{operation}", self._operate),
            ("POST", "/watch", self._watch),
            ("GET", "/truth", self._truth),
            ("GET", "/callbacks", self._callbacks),
            ("GET", "/queries", self._queries),
            ("POST", "/clock", self._clock),
        ):
            app.router.add_route(method, path, _answers_errors(handler))
        return app

    async def _state(self, _request: web.Request) -> web.Response:
        lab = self._lab
        lab.registry.advance()
        names = {
            name: {"roid": entry.roid, "phase": entry.phase, "delegated": entry.delegated, "registrar": entry.registrar}
            for name, entry in sorted(lab.registry.names.items())
        }
        return web.json_response(
            {
                "clock": {"now": lab.clock.now(), "wall": lab.clock.wall(), "speed": lab.clock.speed},
                "names": names,
                "withheld": lab.registry.withheld,
                "faults": [fault.view() for fault in lab.faults.current()],
                "watch": lab.customer.watch,
                "callbacks": len(lab.customer.received),
                "queries": dict(lab.queries.by_server),
                "environment": lab.environment(),
            }
        )

    async def _show_faults(self, _request: web.Request) -> web.Response:
        return web.json_response([fault.view() for fault in self._lab.faults.current()])

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await _arguments(request)
        server, kind = str(body.pop("server")), str(body.pop("fault"))
        fault = self._lab.faults.add(server, kind, **body)  # type: ignore[arg-type]  # a wrong argument is answered with 400
        return web.json_response(fault.view(), status=201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        return web.json_response({"cleared": self._lab.faults.clear(request.query.get("server"))})

    async def _operate(self, request: web.Request) -> web.Response:
        name = request.match_info["name"].lower()
        operation(self._lab.registry, name, request.match_info["operation"], await _arguments(request))
        return web.json_response({"name": name, "truth": self._lab.registry.truth(name)})

    async def _watch(self, request: web.Request) -> web.Response:
        body = await _arguments(request)
        domains, priority = body.get("domains", []), body.get("priority", [])
        if not isinstance(domains, list) or not isinstance(priority, list):
            raise TypeError("domains and priority are lists")
        self._lab.customer.set_watch(map(str, domains), priority=map(str, priority))
        return web.json_response({"watched": len(self._lab.customer.watch)})

    async def _truth(self, request: web.Request) -> web.Response:
        name = request.query.get("name")
        registry = self._lab.registry
        registry.advance()
        changes = registry.log.changes if name is None else registry.log.of(name)
        listed = [{"at": change.at, "name": change.name, "truth": change.truth, "deed": change.deed} for change in changes]
        if name is None:
            return web.json_response({"changes": listed})
        at = request.query.get("at")
        return web.json_response({"truth": registry.truth(name, None if at is None else float(at)), "changes": listed})

    async def _callbacks(self, request: web.Request) -> web.Response:
        status = request.query.get("status")
        return web.json_response(
            [item.view() for item in self._lab.customer.received if status in {None, item.data.get("status")}]
        )

    async def _queries(self, request: web.Request) -> web.Response:
        queries, wanted = self._lab.queries, request.query
        found = queries.find(server=wanted.get("server"), name=wanted.get("name"), since=float(wanted.get("since", "0")))
        return web.json_response(
            {
                "by_server": dict(queries.by_server),
                "by_name": dict(queries.by_name.most_common(100)),
                "peak_per_second": {server: queries.peak(server) for server in queries.by_server},
                "matching": len(found),
                "recent": [[query.at, query.server, query.name, query.how] for query in found[-_SHOWN_QUERIES:]],
            }
        )

    async def _clock(self, request: web.Request) -> web.Response:
        body = await _arguments(request)
        now, speed = body.get("now"), body.get("speed")
        clock = self._lab.clock
        clock.set(now=None if now is None else float(str(now)), speed=None if speed is None else float(str(speed)))
        return web.json_response({"now": clock.now(), "speed": clock.speed})
