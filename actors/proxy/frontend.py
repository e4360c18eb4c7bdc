"""One published address: how many connections it takes, which one makes room for a new one, and where each goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actors.proxy.relay import READ_SIZE, Relay
from actors.proxy.upstreams import BusSocket, Upstreams
from common.clients.tcp_options import bound_buffers, enable_keepalive, set_user_timeout
from common.log import get_logger

#: Connections that may wait to be accepted.
BACKLOG = 256
#: Bytes that the kernel keeps each way for a client: what is unsent is memory, and a client that reads slowly has to be seen.
KERNEL_BUFFER = 65_536
#: Seconds of silence before a client is probed, between two probes, and how many it may leave unanswered.
KEEPALIVE = 30, 10, 3

log = get_logger("proxy")


@dataclass(frozen=True, kw_only=True)
class Service:
    """What is special about an address.

    `process` of an instance takes its connections at `socket(instance_dir)`, `most` at once. A client that acknowledges nothing
    for `gone_after` seconds is gone, and one that reads nothing of what is there for it for `stalled` seconds is let go.
    With `bus` they go to that work socket of the instance that leads instead. `preface` gives what an instance gets before the
    first byte, from the addresses of the client and of ours. `crowded` and `closed` are what a client gets where there is no
    place, and where no instance lives, `remedy` what the log says then.
    """

    process: str
    socket: Callable[[Path], Path]
    most: int
    gone_after: float
    stalled: float
    preface: Callable[[object, object], bytes] = lambda _peer, _own: b""
    crowded: bytes = b""
    closed: bytes = b""
    bus: BusSocket | None = None
    remedy: str = "wait while they start, else see their log; clients are told to come back"


class Frontend:
    """The address of one service, and its connections."""

    def __init__(self, service: Service, upstreams: Upstreams, report: Callable[[BaseException], None]) -> None:
        self._service = service
        self._upstreams = upstreams
        self._relays: dict[Relay, None] = {}  # in the order of arrival
        self._server: asyncio.Server | None = None
        self._alone = False  # whether no instance was there when last one was needed
        self.buffer = bytearray(READ_SIZE)
        self.stalled = service.stalled
        self.report = report

    async def listen(self, host: str | None, port: int) -> int:
        """Take connections; the port in use. Raises OSError where the address cannot be used."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Relay(self).client_end(), host, port, backlog=BACKLOG, start_serving=False)
        self._server = server
        for sock in server.sockets:
            bound_buffers(sock, KERNEL_BUFFER)
        await server.start_serving()
        found: int = server.sockets[0].getsockname()[1]
        return found

    def close(self) -> None:
        """Take no more connections, and end all there are."""
        if self._server is not None:
            self._server.close()
        for relay in list(self._relays):
            relay.abort()

    def close_silent(self) -> None:
        """End the connections to instances that are dead or silent, so that their clients connect again."""
        for relay in list(self._relays):
            if relay.directory is not None and self._has_ended(relay.directory):
                relay.end_instance()

    def admit(self, relay: Relay, client: asyncio.Transport) -> bool:
        """Give it a place. Where there is none, the connection that is worth least makes room."""
        if len(self._relays) >= self._service.most:
            if (victim := self._find_least()) is None:
                return False
            self.leave(victim)
            victim.abort()
        self._relays[relay] = None
        sock = client.get_extra_info("socket")
        set_user_timeout(sock, self._service.gone_after)
        enable_keepalive(sock, *KEEPALIVE)
        return True

    def leave(self, relay: Relay) -> None:
        """Free its place."""
        self._relays.pop(relay, None)

    def find_upstreams(self) -> list[tuple[Path, str]]:
        """The instances that live, the leader first; of work sockets those of the leader alone."""
        if self._service.bus is not None:
            return self._upstreams.find_bus(self._service.bus)
        found = self._upstreams.find_candidates(self._service.process)
        return [(directory, str(self._service.socket(directory))) for directory in found]

    async def await_look(self, seconds: float) -> None:
        """Wait until other instances may live."""
        await self._upstreams.await_look(seconds)

    def make_preface(self, client: asyncio.Transport) -> bytes:
        """What an instance, which was found, gets before the first byte of a client."""
        self._alone = False
        return self._service.preface(client.get_extra_info("peername"), client.get_extra_info("sockname"))

    def make_refusal(self, *, crowded: bool) -> bytes:
        """What a client gets instead of an instance; that none lives is told once until one does."""
        if not crowded and not self._alone:
            self._alone = True
            log.warning("no_instance", process=self._service.process, remedy=self._service.remedy)
        return self._service.crowded if crowded else self._service.closed

    def _has_ended(self, directory: Path) -> bool:
        """Whether clients have to connect again: this instance is silent, or works for another leader by now."""
        aside = self._service.bus is not None and not self._upstreams.leads(directory, self._service.bus.shard)
        return aside or self._upstreams.is_silent(directory, self._service.process)

    def _find_least(self) -> Relay | None:
        """The oldest of: those that never said anything; those whose instance has ended; those to an instance that follows."""
        mute = (relay for relay in self._relays if not relay.spoke)
        ending = (relay for relay in self._relays if relay.ending)
        aside = (relay for relay in self._relays if relay.directory is not None and not self._upstreams.leads(relay.directory))
        return next(mute, None) or next(ending, None) or next(aside, None)
