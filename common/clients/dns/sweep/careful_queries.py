"""Answers of a sweep that need the careful parser, and names that the `DnsEngine` asks about again, over TCP."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from common.clients.dns.engine import DnsEngine
from common.clients.dns.sweep.server_window import ServerWindow
from common.clients.dns.sweep.sweep_names import SweepNames, UnusualAnswer
from common.clients.dns.transport import Exchanged
from common.clients.dns.zone_finder import Zone
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


class CarefulQueries:
    """The single queries of one sweep. Servers are numbers: their places in `windows`.

    `lame` counts answers that show that a server does not serve the suffix, `answered` plain ones, `asked`
    queries, `truncated` answers to the sweep's own queries that were cut short. `refusing` are the servers that are left alone
    for the rest of the sweep.
    """

    def __init__(self, engine: DnsEngine, zone: Zone, names: SweepNames, windows: Sequence[ServerWindow]) -> None:
        self._engine = engine
        self._zone = zone
        self._names = names
        self._windows = windows
        self._origin = encode_name(zone.name)
        self._waiting: deque[tuple[int, int, bool]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self.asked = self.answered = 0
        self.lame = 0
        self.refusing: set[int] = set()
        self.refusals = [0] * len(windows)  # ahead of other answers, lately
        self.truncated = 0

    @property
    def busy(self) -> bool:
        """Whether queries wait or are under way."""
        return bool(self._waiting or self._running)

    def handle_unusual(self, index: int, number: int, wire: bytes) -> None:
        """An answer to our very question that is not one of the two plain ones."""
        if wire[2] & _TRUNCATED:
            self.truncated += 1
            self._windows[number].lost += 1  # response rate limiting (RRL): many of these make the window smaller
            self._keep_answer(index, number, wire, tcp=False)  # for the case that TCP fails
            self.enqueue(index, number, tcp=True)
        elif wire[3] & 0x0F == FORMERR:
            self.enqueue(index, number)  # perhaps because of EDNS: the engine finds out, and remembers it
        else:
            self._settle_unusual(index, number, wire, tcp=False)

    def count_plain_answers(self, number: int, plain: int) -> bool:
        """Take `plain` answers off the refusals of a server; whether it is left alone for the rest of the sweep."""
        self.refusals[number] = max(0, self.refusals[number] - plain)
        if self.refusals[number] >= MOST_REFUSALS:
            self.refusing.add(number)
        return number in self.refusing

    def enqueue(self, index: int, number: int, *, tcp: bool = False) -> None:
        """Have the engine ask this server about the name."""
        self._waiting.append((index, number, tcp))

    def start_waiting(self) -> None:
        """Start waiting queries, up to MOST_AT_ONCE. Raises the error of one that ended in a bug."""
        for task in [task for task in self._running if task.done()]:
            self._running.discard(task)
            task.result()
        while self._waiting and len(self._running) < MOST_AT_ONCE:
            index, number, tcp = self._waiting.popleft()
            if number in self.refusing:
                self._names.retry_elsewhere(index, number)
            else:
                self._running.add(asyncio.create_task(self._query(index, number, tcp)))

    async def close(self) -> None:
        """Cancel queries under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _query(self, index: int, number: int, tcp: bool) -> None:  # noqa: FBT001 - called with what `enqueue` kept
        self.asked += 1
        self._windows[number].count_sent(1)
        try:
            exchanged = await self._engine.query(
                self._windows[number].server, self._names.texts[index], NS, self._engine.try_seconds, tcp=tcp
            )
        except ClientError:
            self._names.retry_elsewhere(index, number)
        else:
            if not self._settle_plain(index, number, exchanged):
                self._settle_unusual(index, number, exchanged.wire, tcp=exchanged.tcp)

    def _settle_plain(self, index: int, number: int, exchanged: Exchanged) -> bool:
        """Settle a name whose answer is a plain delegation or NXDOMAIN: response rate limiting sends clients to TCP.

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
        self.count_plain_answers(number, 1)
        self._names.settle(index, number + len(self._windows) * exchanged.tcp, code)
        return True

    def _settle_unusual(self, index: int, number: int, wire: bytes, *, tcp: bool) -> None:
        reading = self._keep_answer(index, number, wire, tcp=tcp)
        if reading.outcome is not Outcome.UNKNOWN or reading.finding in parser.FINAL:
            self._names.open -= 1
            self.refusals[number] -= self.refusals[number] > 0
            return
        self.lame += reading.finding in parser.LAME
        self._engine.name_servers.note_failure(self._windows[number].server)
        if reading.finding == parser.REFUSAL:
            self.refusals[number] += 1
            self._names.retry_after_refusal(index, number)
        else:
            self._names.retry_elsewhere(index, number)

    def _keep_answer(self, index: int, number: int, wire: bytes, *, tcp: bool) -> Reading:
        """Keep an answer in case no better one comes."""
        reading = parser.parse_dns_answer(wire, self._names.texts[index], self._zone.name)
        self._names.keep_unusual(index, number, UnusualAnswer(wire, self._windows[number].server.endpoint, tcp, reading))
        return reading
