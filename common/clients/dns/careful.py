"""What a sweep does not decide by itself: answers for the careful parser, and names that the `DnsEngine` asks about again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from common.clients.dns.engine import DnsEngine
from common.clients.dns.lanes import Lane
from common.clients.dns.names import Names, Odd
from common.clients.dns.transport import Exchanged
from common.clients.dns.zones import Zone
from common.core.model.evidence import Outcome, Reading
from common.core.parsers import dns as parser
from common.core.parsers.dns_fast import NXDOMAIN, UNUSUAL, classify_answer, read_soa_serial, shape_of
from common.core.parsers.dns_wire import FORMERR, IN, NS, encode_name
from common.errors import ClientError

#: Most names that the careful engine asks about at once.
MOST_AT_ONCE = 32
#: Refusals by which those of a server are ahead of its other answers when it is left alone for the rest of the sweep.
MOST_REFUSALS = 32
_TRUNCATED = 0x02
_HEADER = 12


class Careful:
    """Belongs to one sweep. `lame` counts answers that show that a server does not serve the suffix, `answered` plain ones.

    `away` are the numbers of servers that turn us away.
    """

    def __init__(self, engine: DnsEngine, zone: Zone, names: Names, lanes: Sequence[Lane]) -> None:
        self._engine = engine
        self._zone = zone
        self._names = names
        self._lanes = lanes
        self._origin = encode_name(zone.name)
        self._waiting: deque[tuple[int, int, bool]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self.asked = self.answered = 0
        self.lame = 0
        self.away: set[int] = set()
        self.refusals = [0] * len(lanes)  # ahead of other answers, lately

    @property
    def busy(self) -> bool:
        """Whether names wait for their answer here."""
        return bool(self._waiting or self._running)

    def unusual(self, index: int, lane: int, wire: bytes) -> None:
        """An answer to our very question that is not one of the two plain ones."""
        if wire[2] & _TRUNCATED:
            self._lanes[lane].lost += 1  # servers that limit rates say so (RRL): many of these make the window smaller
            self._note(index, lane, wire, tcp=False)  # for the case that TCP fails
            self.ask(index, lane, tcp=True)
        elif wire[3] & 0x0F == FORMERR:
            self.ask(index, lane)  # perhaps because of EDNS: the engine finds out, and remembers it
        else:
            self._judge(index, lane, wire, tcp=False)

    def weigh(self, lane: int, plain: int) -> bool:
        """So many plain answers came from a server that refuses others. True where it turns us away."""
        self.refusals[lane] = max(0, self.refusals[lane] - plain)
        if self.refusals[lane] >= MOST_REFUSALS:
            self.away.add(lane)
        return lane in self.away

    def ask(self, index: int, lane: int, *, tcp: bool = False) -> None:
        """Let the engine ask the same server."""
        self._waiting.append((index, lane, tcp))

    def work(self) -> None:
        """Start what waits. Raises what went wrong in what is done."""
        for task in [task for task in self._running if task.done()]:
            self._running.discard(task)
            task.result()
        while self._waiting and len(self._running) < MOST_AT_ONCE:
            index, lane, tcp = self._waiting.popleft()
            if lane in self.away:
                self._names.again(index, lane)
            else:
                self._running.add(asyncio.create_task(self._ask(index, lane, tcp)))

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
            if not self._plain(index, lane, exchanged):
                self._judge(index, lane, exchanged.wire, tcp=exchanged.tcp)

    def _plain(self, index: int, lane: int, exchanged: Exchanged) -> bool:
        """Settle a name whose answer is a plain delegation or NXDOMAIN: a server that limits rates sends everybody to TCP.

        Read as from a datagram, the letter case of the question aside: the engine has compared that where it counts.
        """
        wire = exchanged.wire
        asked = encode_name(self._names.texts[index]) + NS.to_bytes(2) + IN.to_bytes(2)
        question = wire[_HEADER : _HEADER + len(asked)]
        if question.lower() != asked:
            return False
        shape = shape_of(question, self._origin)
        code = classify_answer(wire, question, shape)
        if code == UNUSUAL:
            return False
        if code == NXDOMAIN:
            self._names.serials.add(read_soa_serial(wire, shape))
        self.answered += 1
        self.weigh(lane, 1)
        self._names.settle(index, lane + len(self._lanes) * exchanged.tcp, code)
        return True

    def _judge(self, index: int, lane: int, wire: bytes, *, tcp: bool) -> None:
        reading = self._note(index, lane, wire, tcp=tcp)
        if reading.outcome is not Outcome.UNKNOWN or reading.finding in parser.FINAL:
            self._names.open -= 1
            self.refusals[lane] -= self.refusals[lane] > 0
            return
        self.lame += reading.finding in parser.LAME
        self._engine.servers.failed(self._lanes[lane].server)
        if reading.finding == parser.REFUSAL:
            self.refusals[lane] += 1
            self._names.refused(index, lane)
        else:
            self._names.again(index, lane)

    def _note(self, index: int, lane: int, wire: bytes, *, tcp: bool) -> Reading:
        """Keep an answer in case no better one comes."""
        reading = parser.parse_dns_answer(wire, self._names.texts[index], self._zone.name)
        self._names.note_odd(index, lane, Odd(wire, self._lanes[lane].server.endpoint, tcp, reading))
        return reading
