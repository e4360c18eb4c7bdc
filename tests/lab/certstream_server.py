"""A certstream server: one WebSocket at /domains-only, a message for each certificate, and misbehaviour on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json

from aiohttp import WSMsgType, web

from tests.lab.faults import FaultTable
from tests.lab.queries import QueryLog

KEY, PATH = "certstream", "/domains-only"
#: What is sent instead of a certificate.
_WRONG = {
    "garbage": "<html>later</html>",
    "deep-json": "[" * 100_000,
    "huge": json.dumps({"message_type": "dns_entries", "data": ["a" * 1_000_000]}),
    "full": json.dumps({"message_type": "certificate_update", "data": {"leaf_cert": {"all_domains": ["a.com"]}}}),
}


class CertStream:
    """The server. Its faults: those of `_WRONG` for each message, "silence" for no messages, "close" and "500" at the door."""

    def __init__(self, faults: FaultTable, queries: QueryLog) -> None:
        self._faults = faults
        self._queries = queries
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application()
        app.router.add_get(PATH, self._serve)
        return app

    @property
    def listeners(self) -> int:
        """How many clients are connected."""
        return len(self._sockets)

    async def issue(self, *names: str) -> None:
        """Tell every client of a certificate for these names."""
        await self._send(json.dumps({"data": list(names), "message_type": "dns_entries"}))

    async def beat(self) -> None:
        """Tell every client that the server is alive."""
        await self._send(json.dumps({"message_type": "heartbeat"}))

    async def _send(self, text: str) -> None:
        fault = self._faults.pick(KEY, kinds={"silence", *_WRONG})
        if fault is not None and fault.kind == "silence":
            return
        for listener in tuple(self._sockets):
            with contextlib.suppress(ConnectionError):  # it has left
                await listener.send_str(text if fault is None else _WRONG[fault.kind])

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self._queries.add(KEY, PATH, "GET")
        fault = self._faults.pick(KEY, kinds={"500", "close", "redirect"})
        if fault is not None and fault.kind == "500":
            return web.Response(status=500)
        if fault is not None and fault.kind == "redirect":
            return web.Response(status=302, headers={"Location": request.path_qs})
        listener = web.WebSocketResponse()
        await listener.prepare(request)
        if fault is not None:
            await listener.close()
            return listener
        self._sockets.add(listener)
        try:
            async for message in listener:
                if message.type is WSMsgType.ERROR:
                    break
        except asyncio.CancelledError:
            pass  # the lab ends
        finally:
            self._sockets.discard(listener)
        return listener
