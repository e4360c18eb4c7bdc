"""What a sweep does not decide by itself: answers for the careful parser, and names that the `DnsEngine` asks about again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from common.clients.dns.engine import DnsEngine
from common.clients.dns.lanes import Lane
from common.clients.dns.names import Names, Odd
from common.clients.dns.zones import Zone
from common.core.evidence import Outcome
from common.core.parsers import dns as parser
from common.core.parsers.dns_wire import FORMERR, NS
from common.errors import ClientError

#: Most names that the careful engine asks about at once.
MOST_AT_ONCE = 32
_TRUNCATED = 0x02


class Careful:
    """Belongs to one sweep. `lame` counts answers that show that a server does not serve the suffix."""

    def __init__(self, engine: DnsEngine, zone: Zone, names: Names, lanes: Sequence[Lane]) -> None:
        self._engine = engine
        self._zone = zone
        self._names = names
        self._lanes = lanes
        self._waiting: deque[tuple[int, int, bool]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self.asked = 0
        self.lame = 0

    @property
    def busy(self) -> bool:
        """Whether names wait for their answer here."""
        return bool(self._waiting or self._running)

    def unusual(self, index: int, lane: int, wire: bytes) -> None:
        """An answer to our very question that is not one of the two plain ones."""
        if wire[2] & _TRUNCATED:
            self._lanes[lane].lost += 1  # servers that limit rates say so (RRL): many of these make the window smaller
            self.ask(index, lane, tcp=True)
        elif wire[3] & 0x0F == FORMERR:
            self.ask(index, lane)  # perhaps because of EDNS: the engine finds out, and remembers it
        else:
            self._judge(index, lane, wire, tcp=False)

    def ask(self, index: int, lane: int, *, tcp: bool = False) -> None:
        """Let the engine ask the same server."""
        self._waiting.append((index, lane, tcp))

    def work(self) -> None:
        """Start what waits. Raises what went wrong in what is done."""
        for task in [task for task in self._running if task.done()]:
            self._running.discard(task)
            task.result()
        while self._waiting and len(self._running) < MOST_AT_ONCE:
            self._running.add(asyncio.create_task(self._ask(*self._waiting.popleft())))

    async def close(self) -> None:
        """End what still runs."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _ask(self, index: int, lane: int, tcp: bool) -> None:  # noqa: FBT001 - called with what `ask` noted
        self.asked += 1
        self._lanes[lane].spend(1)
        try:
            exchanged = await self._engine.ask(
                self._lanes[lane].server, self._names.texts[index], NS, self._engine.try_seconds, tcp=tcp
            )
        except ClientError:
            self._names.again(index, lane)
        else:
            self._judge(index, lane, exchanged.wire, tcp=exchanged.tcp)

    def _judge(self, index: int, lane: int, wire: bytes, *, tcp: bool) -> None:
        server = self._lanes[lane].server
        reading = parser.read(wire, self._names.texts[index], self._zone.name)
        odd = Odd(wire, server.endpoint, tcp, reading)
        if reading.outcome is not Outcome.UNKNOWN or reading.finding in parser.FINAL:
            self._names.settle_odd(index, lane, odd)
            return
        self.lame += reading.finding in parser.LAME
        self._engine.servers.failed(server)
        self._names.note_odd(index, lane, odd)
        self._names.again(index, lane)
