"""The listening side: bounds on connections, on the time until a first request, and on answers that are not read.

aiohttp sets none of them itself. A client that stops reading is let go, and a probe is answered however many clients there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from actors.control import http_problems, request_security
from actors.control.context import CONTROL
from common.clients.tcp_options import set_user_timeout, unacknowledged_bytes
from common.errors import MessageError
from common.log import get_logger
from common.peers import ProxiedPeer
from common.proxy_header import parse_header

#: Most connections at once, and how many beside them for /health and /ready.
MOST_CONNECTIONS, SPARE = 200, 16
#: Seconds a connection may take to its first complete request head, in a spare place, and stay idle between two requests.
FIRST_REQUEST, FIRST_REQUEST_SPARE, KEEP_ALIVE = 10.0, 2.0, 30.0
#: Seconds in which something of an answer has to be read, and the whole of what is written at once.
WRITE_TIMEOUT, LONGEST_WRITE = 10.0, 120.0
#: Seconds after which a peer that acknowledges nothing counts as gone.
GONE_AFTER = 30.0
#: Seconds that the header of a connection from the proxy may take, and connections that may wait to be accepted.
HEADER_TIMEOUT, BACKLOG = 2.0, 128
TOO_MANY = "Too many connections."
#: Seconds open requests get when we stop.
STOP_TIMEOUT = 2.0

log = get_logger("control")


class Connection(web.RequestHandler):
    """One connection, closed unless a request arrives in time and its answer is read."""

    __slots__ = ("_gate", "_stalled_since", "_timer", "_unsent", "_when_lost", "_write_timer", "busy", "local", "peer", "spare")

    def __init__(self, gate: Gate, manager: web.Server, peer: ProxiedPeer | None, **options: Any) -> None:
        super().__init__(manager, **options)
        self.peer: object = peer  # else the socket's own peer name, once it is connected
        self._gate = gate
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._stalled_since = 0.0
        self._when_lost: list[Callable[[], None]] = []
        self.busy = False  # whether a request has arrived
        self.local = False
        self.spare = False  # in one of the places for probes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, or turn it away."""
        super().connection_made(transport)
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(0)  # so that `pause_writing` says when anything is unsent
        sock = transport.get_extra_info("socket")
        if sock is not None:
            set_user_timeout(sock, GONE_AFTER)
        if self.peer is None:
            self.peer = transport.get_extra_info("peername")
        if not self._gate.enter(self):
            self._refuse()
            return
        seconds = FIRST_REQUEST_SPARE if self.spare else self._gate.first_request
        self._timer = asyncio.get_running_loop().call_later(seconds, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it, and end what was done for it."""
        self._cancel_timers()
        self._gate.leave(self)
        super().connection_lost(exc)
        for call in self._when_lost:
            call()
        self._when_lost.clear()

    def when_lost(self, call: Callable[[], None]) -> None:
        """Call this once the connection is gone; at once where it is."""
        if self.transport is None:
            call()
        else:
            self._when_lost.append(call)

    async def arrived(self) -> None:
        """A complete request head is there; wait until the answers before it are out, so that one at most is kept."""
        self.busy = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await asyncio.sleep(0)  # requests sent ahead take turns with those of other connections
        await self._drain_helper()

    async def take_turn(self) -> None:
        """Wait for a round of the loop in which no other call begins: any number of costly ones leaves time for probes."""
        async with self._gate.turn:
            await asyncio.sleep(0)

    def abort(self) -> None:
        """End it without waiting for what is unsent."""
        if self.transport is not None:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Something is unsent: from now on it has to become less."""
        super().pause_writing()
        self._stalled_since = asyncio.get_running_loop().time()
        self._watch()

    def resume_writing(self) -> None:
        """Everything is sent."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

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
        problem = http_problems.problem_response(http_problems.Problem(status, detail), "")
        for name, value in request_security.SECURITY_HEADERS.items():
            problem.headers[name] = value
        problem.force_close()
        return problem

    def _watch(self) -> None:
        if self.transport is not None:
            self._unsent = self._pending(self.transport)
            self._write_timer = asyncio.get_running_loop().call_later(self._gate.write_timeout, self._judge_writing)

    @staticmethod
    def _pending(transport: asyncio.Transport) -> int:
        # What the kernel holds counts too: it takes more only once a third of its room is free.
        sock = transport.get_extra_info("socket")
        return transport.get_write_buffer_size() + (0 if sock is None else unacknowledged_bytes(sock))

    def _judge_writing(self) -> None:
        if self.transport is None:
            return
        too_long = asyncio.get_running_loop().time() - self._stalled_since > LONGEST_WRITE
        if too_long or self._pending(self.transport) >= self._unsent:
            self.abort()
        else:
            self._watch()

    def _cancel_timers(self) -> None:
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._write_timer = None

    def _refuse(self) -> None:
        transport = self.transport
        if isinstance(transport, asyncio.Transport):
            body = http_problems.problem_body(503, TOO_MANY, "")
            head = (
                "HTTP/1.1 503 Service Unavailable\r\n"
                f"Content-Type: {http_problems.CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
                "Retry-After: 1\r\nConnection: close\r\n\r\n"
            )
            transport.write(head.encode() + body)
        self.close()
        if transport is not None:
            transport.close()


class Gate:
    """Makes connections and counts them. Callers from other machines get half of the places at most, all of them together.

    What finds no place gets a spare one, in which only probes are answered. Where those are taken too, the one that has waited
    longest for its request makes room.
    """

    def __init__(
        self,
        server: web.Server,
        local: Callable[[object], bool],
        *,
        most: int = MOST_CONNECTIONS,
        spare: int = SPARE,
        first_request: float = FIRST_REQUEST,
        write_timeout: float = WRITE_TIMEOUT,
        header_timeout: float = HEADER_TIMEOUT,
    ) -> None:
        self._server = server
        self._local = local
        self._most, self._most_spare = most, spare
        self._inside: set[Connection] = set()
        self._spare: dict[Connection, None] = {}  # in the order of arrival
        self.first_request, self.write_timeout, self.header_timeout = first_request, write_timeout, header_timeout
        self.turn = asyncio.Lock()

    def __call__(self, peer: ProxiedPeer | None = None) -> Connection:
        """A protocol for a new connection; `peer` is what the proxy said, where it comes from there."""
        return Connection(
            self,
            self._server,
            peer,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=2.0,
            access_log=None,
            auto_decompress=False,  # changing calls take no body worth unpacking
        )

    def enter(self, connection: Connection) -> bool:
        """Whether there is room, if only a spare place."""
        connection.local = self._local(connection.peer)
        others = sum(not each.local for each in self._inside)
        if len(self._inside) < self._most and (connection.local or others < max(1, self._most // 2)):
            self._inside.add(connection)
            return True
        if len(self._spare) >= self._most_spare and not self._make_room():
            return False
        self._spare[connection] = None
        connection.spare = True
        return True

    def leave(self, connection: Connection) -> None:
        """One connection is gone."""
        self._inside.discard(connection)
        self._spare.pop(connection, None)

    def _make_room(self) -> bool:
        waiting = next((each for each in self._spare if not each.busy), None)
        if waiting is None:
            return False
        del self._spare[waiting]
        waiting.abort()
        return True


class HeaderReader(asyncio.Protocol):
    """Reads what the proxy says of a connection, and makes it one of the gate's; one without that is closed."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._data = b""
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the header, which the proxy sends at once."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(self._gate.header_timeout, self._transport.abort)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's signature
        """It ended before its header was there."""
        self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Hand the connection over once the header is complete."""
        self._data += data
        try:
            found = parse_header(self._data)
        except MessageError as error:
            log.warning("header_refused", error=str(error))
            self._transport.abort()
            return
        if found is None:
            return
        self._timer.cancel()
        peer, length = found
        connection = self._gate(peer)
        self._transport.set_protocol(connection)
        connection.connection_made(self._transport)
        if len(self._data) > length and not self._transport.is_closing():
            connection.data_received(self._data[length:])


class Listener:
    """The application on a port and, for the proxy, on a unix socket; places are counted together."""

    def __init__(self, app: web.Application, **limits: Any) -> None:
        self._runner = web.AppRunner(app, shutdown_timeout=STOP_TIMEOUT, access_log=None)
        self._local = app[CONTROL].access.is_local
        self._limits = limits
        self._servers: list[asyncio.Server] = []

    async def start(self, host: str, port: int, path: Path | None = None) -> int:
        """Listen there and, for the proxy, at a path; the port in use. Raises OSError where that is impossible."""
        await self._runner.setup()
        if self._runner.server is None:
            raise RuntimeError("the runner has no server after setup")
        gate = Gate(self._runner.server, self._local, **self._limits)
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_server(gate, host, port, backlog=BACKLOG))
        if path is not None:  # what an earlier process left there is replaced
            self._servers.append(await loop.create_unix_server(lambda: HeaderReader(gate), path, backlog=BACKLOG))
        found: int = self._servers[0].sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Take no more connections, and give open requests a moment."""
        for server in self._servers:
            server.close()
        await self._runner.cleanup()


async def await_turn(request: web.Request) -> None:
    """Let one call after the other begin; probes do not wait for it."""
    if isinstance(request.protocol, Connection):
        await request.protocol.take_turn()


def refuse_beyond_probes(request: web.Request) -> None:
    """Raise Problem 503 where this connection has a place for probes only."""
    if isinstance(request.protocol, Connection) and request.protocol.spare:
        raise http_problems.Problem(503, TOO_MANY, headers={"Retry-After": "1"})


def when_lost(request: web.Request, call: Callable[[], None]) -> None:
    """Call this as soon as the client of a request is gone."""
    if isinstance(request.protocol, Connection):
        request.protocol.when_lost(call)


@web.middleware
async def mark_arrival(request: web.Request, handler: http_problems.Handler) -> web.StreamResponse:
    """Tell the connection that its request is here; places of probes and of refused callers become free at once."""
    connection = request.protocol
    if not isinstance(connection, Connection):
        return await handler(request)
    await connection.arrived()
    response = await handler(request)
    if connection.spare or response.status in {401, 403}:
        response.force_close()
    return response
