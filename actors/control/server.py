"""The listening side: bounds on connections and on the time until a first request, which aiohttp does not set itself."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from actors.control import guard, problems

#: Most connections at once.
MOST_CONNECTIONS = 200
#: Seconds a connection may take to its first complete request head, and stay idle between two requests.
FIRST_REQUEST, KEEP_ALIVE = 10.0, 30.0
#: Seconds open requests get when we stop.
STOP_TIMEOUT = 2.0


class Connection(web.RequestHandler):
    """One connection, closed unless a request arrives in time."""

    __slots__ = ("_gate", "_timer")

    def __init__(self, gate: Gate, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._gate = gate
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, or turn it away."""
        super().connection_made(transport)
        if not self._gate.enter(self):
            self._refuse()
            return
        self._timer = asyncio.get_running_loop().call_later(self._gate.first_request, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        self.arrived()
        self._gate.leave(self)
        super().connection_lost(exc)

    def arrived(self) -> None:
        """A complete request head is there; from now on the keep-alive timeout holds."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002 - aiohttp's signature
        message: str | None = None,  # noqa: ARG002 - aiohttp's signature
    ) -> web.StreamResponse:
        """Bytes that are no HTTP: a problem, and the end of the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        status = max(status, 400)
        detail = "This is no valid HTTP request." if status < 500 else "Something went wrong here."
        problem = problems.response(problems.Problem(status, detail), "")
        for name, value in guard.SECURITY_HEADERS.items():
            problem.headers[name] = value
        problem.force_close()
        return problem

    def _refuse(self) -> None:
        transport = self.transport
        if isinstance(transport, asyncio.Transport):
            body = problems.body_of(503, "Too many connections.", "")
            head = (
                "HTTP/1.1 503 Service Unavailable\r\n"
                f"Content-Type: {problems.CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
                "Retry-After: 1\r\nConnection: close\r\n\r\n"
            )
            transport.write(head.encode() + body)
        self.close()
        if transport is not None:
            transport.close()


class Gate:
    """Makes connections and counts them."""

    def __init__(self, server: web.Server, *, most: int = MOST_CONNECTIONS, first_request: float = FIRST_REQUEST) -> None:
        self._server = server
        self._most = most
        self._inside: set[int] = set()
        self.first_request = first_request

    def __call__(self) -> Connection:
        """A protocol for a new connection."""
        return Connection(
            self,
            self._server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=2.0,
            access_log=None,
            auto_decompress=False,  # changing calls take no body worth unpacking
        )

    def enter(self, connection: Connection) -> bool:
        """Whether there is room."""
        if len(self._inside) >= self._most:
            return False
        self._inside.add(id(connection))
        return True

    def leave(self, connection: Connection) -> None:
        """One connection is gone."""
        self._inside.discard(id(connection))


class Listener:
    """The application on a port."""

    def __init__(self, app: web.Application, **limits: Any) -> None:
        self._runner = web.AppRunner(app, shutdown_timeout=STOP_TIMEOUT, access_log=None)
        self._limits = limits
        self._sockets: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port in use. Raises OSError where the port is taken."""
        await self._runner.setup()
        if self._runner.server is None:
            raise RuntimeError("the runner has no server after setup")
        gate = Gate(self._runner.server, **self._limits)
        self._sockets = await asyncio.get_running_loop().create_server(gate, host, port, backlog=128)
        found: int = self._sockets.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Take no more connections, and give open requests a moment."""
        if self._sockets is not None:
            self._sockets.close()
        await self._runner.cleanup()


@web.middleware
async def mark_arrival(request: web.Request, handler: problems.Handler) -> web.StreamResponse:
    """Tell the connection that its request is here."""
    if isinstance(request.protocol, Connection):
        request.protocol.arrived()
    return await handler(request)
