"""One sweep under way: a loop that reads whatever has arrived, looks for what is late, and sends as much as there is room for.

It looks at its sockets at intervals instead of being woken by each datagram: at high rates hundreds of answers wait for one
look, and the loop of the process runs other things in between.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Sequence

from common.clients.dns.careful import Careful
from common.clients.dns.engine import MOST_TRIES, DnsEngine
from common.clients.dns.lanes import Lane
from common.clients.dns.names import Names
from common.clients.dns.ports import Port, Waiting
from common.clients.dns.servers import QUIRK_SECONDS
from common.clients.dns.transport import NoRouteError, NotListeningError, trouble_of
from common.clients.dns.zones import Zone
from common.core.parsers.dns_batch import QueryBatch, QueryTemplate
from common.core.parsers.dns_fast import NXDOMAIN, UNUSUAL, QuestionShape, classify_answer, read_soa_serial, shape_of
from common.core.parsers.dns_wire import Bits, encode_name, is_bare_error, matches_query_but_case
from common.errors import ClientError

#: Seconds between looks at the sockets: while much arrives, and while little does.
SHORTEST_WAIT, LONGEST_WAIT = 0.001, 0.01
#: Answers in one look that make the next one come later.
_FEW = 24
#: Looks for late answers in the time that an answer may take.
_LOOKS = 8
#: Most bytes read of one datagram: our EDNS size is 1232, and what was cut fails to parse.
_DATAGRAM = 1536
#: Most datagrams read of one port in a row, and of all, read or sent, before other things of the process get a turn.
_MOST_OF_PORT, _MOST_IN_A_ROW = 256, 64
#: Most answers remembered by what follows their question.
_MOST_SEEN = 8192
#: Most ports of a sweep, spread over its addresses, and the least for each: used ones stay open for their last answers.
_MOST_PORTS, _LEAST_PORTS = 192, 4
#: Errors of its sockets after which an address is left alone for the rest of the sweep.
_MOST_ERRORS = 3
#: Seconds that a sweep waits while all servers are shut, with a question now and then, before what is left stays open: at
#: once would burn through all names of a suffix while its servers take a breath.
_PATIENCE = 3.0
#: Stands for a question that nothing equals.
_NOTHING: Waiting = (0, b"?", 12, {}, 0.0)


class Sweeping:
    """`lanes` are the servers of the zone that may be asked; `bits` must be unpredictable, `now` gives epoch seconds."""

    def __init__(
        self,
        engine: DnsEngine,
        zone: Zone,
        suffix: str,
        names: Names,
        lanes: Sequence[Lane],
        bits: Bits,
        now: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._names = names
        self._lanes = lanes
        self._bits = bits
        self._now = now
        self._suffix = suffix
        self._zone = encode_name(zone.name)
        self._careful = Careful(engine, zone, names, lanes)
        self._templates: dict[tuple[bool, bool], QueryTemplate] = {}
        self._shapes: dict[int, QuestionShape] = {}
        self._seen: dict[int, dict[bytes, int]] = {}
        self._seen_count = 0
        self._ports: list[list[Port]] = [[] for _ in lanes]
        self._errors = [0] * len(lanes)
        self._open_lanes: list[int] = []
        self._selector = selectors.DefaultSelector()
        self._loop = asyncio.get_running_loop()
        self._give_up_at = self._loop.time() + _PATIENCE
        self._try_seconds = engine.try_seconds
        self.trouble: ClientError | None = None
        self.sent = self.answered = self.late = self.strays = 0

    @property
    def careful(self) -> int:
        """Names that the careful engine asked about."""
        return self._careful.asked

    async def run(self, seconds: float) -> None:
        """Ask until every name is settled or given up, no server is left, or the time is over."""
        deadline = self._loop.time() + seconds
        self._try_seconds = min(self._engine.try_seconds, seconds / MOST_TRIES)
        next_look, wait = 0.0, SHORTEST_WAIT
        try:
            while self._names.open and (now := self._loop.time()) < deadline:
                received = await self._receive()
                if now >= next_look:
                    self._look(now)
                    next_look = now + self._try_seconds / _LOOKS
                self._careful.work()
                await self._send_rounds()
                under_way = sum(port.under_way for ports in self._ports for port in ports)
                if not self._names.open or not (under_way or self._careful.busy or self._hopeful(now)):
                    break
                wait = _next_wait(wait, received, under_way)
                await asyncio.sleep(min(wait, deadline - now))
        finally:
            for port in [port for ports in self._ports for port in ports]:
                self._close(port)
            self._selector.close()
            await self._careful.close()
        if self._careful.away:
            self._names.leave_unasked()
        if self._careful.lame and not self.answered + self._careful.answered:
            self._engine.lame(self._suffix)

    async def _receive(self) -> int:
        """Read what has arrived; how many datagrams."""
        received = in_a_row = 0
        for key, _ in self._selector.select(0):
            received += self._drain(key.data)
            if received - in_a_row >= _MOST_IN_A_ROW:
                in_a_row = received
                await asyncio.sleep(0)
        return received

    def _drain(self, port: Port) -> int:
        """Read a port. The loop that everything is about: every operation in it costs a millionth part of a second."""
        recv, waiting, number = port.recv, port.waiting, port.number
        codes, served = self._names.codes, self._names.served
        received = plain = unusual = 0
        broken: OSError | None = None
        try:
            for received in range(_MOST_OF_PORT):  # noqa: B007 - counts also what ends the loop early
                wire = recv(_DATAGRAM)
                query_id = wire[:2]
                index, question, end, seen, _ = waiting.get(query_id) or _NOTHING
                if wire[12:end] != question:
                    self._mismatch(port, wire)
                    if port.suspect:
                        break
                    continue
                waiting[query_id] = None
                code = seen.get(wire[2:12] + wire[end:]) or self._read(wire, question, seen)
                if code == UNUSUAL:
                    unusual += 1
                    self._careful.unusual(index, number, wire)
                    continue
                plain += 1
                codes[index] = code
                served[index] = number
        except BlockingIOError:
            pass
        except OSError as error:
            broken = error
        self._drained(port, plain, unusual)
        if port.suspect:
            self._abandon(port, guessed=True)
        elif broken is not None:
            self._broken(port, broken)
        return received

    def _drained(self, port: Port, plain: int, unusual: int) -> None:
        self._names.open -= plain
        self.answered += plain
        if plain or unusual:
            lane = port.lane
            port.release(plain + unusual)
            lane.answered_at = self._loop.time()
            self._engine.servers.answered(lane.server)
        if self._careful.refusals[port.number] and self._careful.weigh(port.number, plain):
            self._find_open_lanes()

    def _read(self, wire: bytes, question: bytes, seen: dict[bytes, int]) -> int:
        """The code of an answer that looks like none before."""
        shape = self._shapes.get(len(question))
        if shape is None:
            shape = self._shapes[len(question)] = shape_of(question, self._zone)
        code = classify_answer(wire, question, shape)
        if code == NXDOMAIN:
            self._names.serials.add(read_soa_serial(wire, shape))
        if code != UNUSUAL:
            self._seen_count += 1
            if self._seen_count > _MOST_SEEN:
                self._seen_count = 0
                for kept in self._seen.values():
                    kept.clear()
            seen[wire[2:12] + wire[shape.end :]] = code
        return code

    def _mismatch(self, port: Port, wire: bytes) -> None:
        """A datagram that is no answer to our question, or a late or doubled one."""
        query_id = wire[:2]
        entry = port.waiting.get(query_id)
        if entry is None:
            known = query_id in port.waiting
            self.late += known
            self.strays += not known
            port.strays += not known
            return
        query = query_id + bytes(10) + entry[1]
        if is_bare_error(wire, query):
            port.settle(query_id)
            port.lane.answered_at = self._loop.time()
            self._engine.servers.answered(port.lane.server)
            self._careful.unusual(entry[0], port.number, wire)
        elif matches_query_but_case(wire, query):
            port.settle(query_id)
            port.lane.server.lower_case_until = self._now() + QUIRK_SECONDS
            self._careful.ask(entry[0], port.number, tcp=True)
        else:
            self.strays += 1
            port.strays += 1

    def _broken(self, port: Port, error: OSError) -> None:
        """Nobody listens there, or no way leads there any more."""
        self._note(trouble_of(error, port.lane.server.endpoint))
        self._engine.servers.failed(port.lane.server)
        self._errors[port.number] += 1
        self._abandon(port)
        self._find_open_lanes()

    def _abandon(self, port: Port, *, guessed: bool = False) -> None:
        """Close a port; what waits on it is asked again, over TCP where somebody seems to guess."""
        for entry in port.waiting.values():
            if entry is not None and guessed:
                self._careful.ask(entry[0], port.number, tcp=True)
            elif entry is not None:
                self._names.again(entry[0], port.number)
        self._close(port)

    def _close(self, port: Port) -> None:
        if port in self._ports[port.number]:
            self._ports[port.number].remove(port)
            self._selector.unregister(port.sock)
            port.close()

    def _look(self, now: float) -> None:
        """Give late answers up, close ports that have served, and see which servers may be asked."""
        for number, lane in enumerate(self._lanes):
            late = [sent for port in list(self._ports[number]) for sent in self._expire(port, now - self._try_seconds)]
            lane.lost += len(late)
            lane.adapt()
            self._careful.weigh(number, 0)
            if late and lane.answered_at <= now - self._try_seconds:
                self._engine.servers.timed_out(lane.server, self._now() - (now - max(late)))
        self._find_open_lanes()
        if self._open_lanes:
            self._give_up_at = now + _PATIENCE
        else:
            self._probe()

    def _hopeful(self, now: float) -> bool:
        """Whether there is still somebody to ask, or to wait for."""
        return bool(self._open_lanes) or (now < self._give_up_at and bool(self._left()))

    def _left(self) -> list[int]:
        """Servers that neither cannot be reached nor turn us away."""
        away = self._careful.away
        return [number for number, errors in enumerate(self._errors) if errors < _MOST_ERRORS and number not in away]

    def _probe(self) -> None:
        """Every server is shut: ask one of them about one name, if it was left alone for long enough."""
        left = self._left()
        server = self._engine.servers.choose([self._lanes[number].server.endpoint for number in left])
        number = next((number for number in left if self._lanes[number].server is server), None)
        if number is not None and (indexes := self._names.take(number, 1, ())):
            self._careful.ask(indexes[0], number)

    def _expire(self, port: Port, before: float) -> list[float]:
        """Give up what was sent before then; when each of them was sent."""
        late = [(query_id, entry) for query_id, entry in port.waiting.items() if entry is not None and entry[4] <= before]
        for query_id, entry in late:
            port.settle(query_id)
            self._names.again(entry[0], port.number)
        if port.used_up and not port.under_way:
            self._close(port)
        return [entry[4] for _, entry in late]

    def _find_open_lanes(self) -> None:
        servers = self._engine.servers
        self._open_lanes = [number for number in self._left() if servers.usable((self._lanes[number].server.endpoint,))]

    async def _send_rounds(self) -> None:
        """One batch to each server in turn, until there is no room or no name."""
        turn, in_a_row = self._bits.getrandbits(16), self.sent
        going = self._open_lanes
        while going:
            turn += 1
            first, still = turn % len(going), []
            for number in going[first:] + going[:first]:
                if self._send(number, self._loop.time()):
                    still.append(number)
                if self.sent - in_a_row >= _MOST_IN_A_ROW:
                    in_a_row = self.sent
                    await asyncio.sleep(0)
            going = still

    def _send(self, number: int, now: float) -> bool:
        """Send one batch to this server; whether there may be more to send."""
        lane = self._lanes[number]
        room = lane.room(now, wary=lane.server.wary_until > self._now())
        if not room or number not in self._open_lanes or (port := self._port(number)) is None:
            return False
        indexes = self._names.take(number, min(room, port.room), self._open_lanes)
        if not indexes:
            return False
        batch = self._batch(number, indexes)
        if batch is None:
            return True
        port.note(batch, indexes, self._seen.setdefault(len(batch.questions[0]), {}), now, self._bits)
        try:
            sent = port.send(batch)
        except OSError as error:
            self._broken(port, error)
            return False
        lane.spend(sent)
        self.sent += sent
        for query_id in batch.ids[sent:]:
            port.settle(query_id)
        self._names.put_back(indexes[sent:])
        return sent == len(indexes)

    def _batch(self, number: int, indexes: list[int]) -> QueryBatch | None:
        """The queries about these names; None where one of them has to go another way."""
        server, now, texts = self._lanes[number].server, self._now(), self._names.texts
        edns, mixed = server.plain_until <= now, server.lower_case_until <= now
        template = self._templates.get((edns, mixed))
        if template is None:
            template = self._templates[edns, mixed] = QueryTemplate(self._suffix, edns=edns, mixed=mixed)
        try:
            return template.build_batch([texts[index] for index in indexes], self._bits)
        except ValueError:
            if len(indexes) == 1:
                self._careful.ask(indexes[0], number)  # more than one label, or no host name: not for a template
            else:
                self._names.split(indexes)
            return None

    def _port(self, number: int) -> Port | None:
        """A port of this server with room, a new one where there is none."""
        ports = self._ports[number]
        if ports and ports[-1].room > 0:
            return ports[-1]
        roomy = [port for port in ports if port.room > 0]
        if roomy:
            return roomy[0]
        if len(ports) >= max(_LEAST_PORTS, _MOST_PORTS // len(self._lanes)):
            self._abandon(ports[0])
        try:
            port = Port(self._lanes[number], number)
        except ClientError as error:
            self._unreachable(number, error)
            return None
        ports.append(port)
        self._selector.register(port.sock, selectors.EVENT_READ, port)
        return port

    def _note(self, error: ClientError) -> None:
        """Remember why an address cannot be asked; that somebody turns us away matters more than anything else."""
        if not isinstance(self.trouble, NotListeningError):
            self.trouble = error

    def _unreachable(self, number: int, error: ClientError) -> None:
        self._note(error)
        servers, server = self._engine.servers, self._lanes[number].server
        if isinstance(error, NoRouteError):
            servers.no_route(server)
        else:
            servers.failed(server)
        self._errors[number] += 1
        self._find_open_lanes()


def _next_wait(wait: float, received: int, under_way: int) -> float:
    """Shorter while many answers come at once, longer while few do: each look has its price, and a window must not run dry."""
    if received < _FEW:
        return min(LONGEST_WAIT, wait * 1.25)
    return max(SHORTEST_WAIT, wait / 2) if 3 * received > under_way else wait
