"""One sweep under way: a loop that reads whatever has arrived, looks for what is late, and sends as much as there is room for.

It looks at its sockets at intervals instead of being woken by each datagram: at high rates hundreds of answers wait for one
look, and the loop of the process runs other things in between.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Sequence
from statistics import median

from common.clients.dns.engine import MOST_TRIES, DnsEngine
from common.clients.dns.name_servers import QUIRK_SECONDS
from common.clients.dns.sweep.careful_queries import CarefulQueries
from common.clients.dns.sweep.server_window import ServerWindow
from common.clients.dns.sweep.sweep_names import SweepNames
from common.clients.dns.sweep.udp_ports import PendingQuery, UdpPort
from common.clients.dns.transport import NoRouteError, translate_error
from common.clients.dns.zone_finder import Zone
from common.core.parsers.dns_batch import QueryBatch, QueryTemplate
from common.core.parsers.dns_fast import NXDOMAIN, UNUSUAL, QuestionShape, classify_answer, read_soa_serial, shape_of
from common.core.parsers.dns_wire import Bits, encode_name, is_bare_error, matches_query_but_case
from common.errors import ClientError, ConnectionRefused

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
#: Seconds that a sweep waits while all circuits are open, with a query now and then, before what is left stays open: to give
#: up at once would go through all names of a suffix while its servers take a breath.
_PATIENCE = 3.0
#: Stands for a question that nothing equals.
_NOTHING: PendingQuery = (0, b"?", 12, {}, 0.0)


class SweepRun:
    """One sweep. `windows` are the servers that may be asked; `bits` must be unpredictable, `now` gives epoch seconds."""

    def __init__(
        self,
        *,
        engine: DnsEngine,
        zone: Zone,
        suffix: str,
        names: SweepNames,
        windows: Sequence[ServerWindow],
        bits: Bits,
        now: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._names = names
        self._windows = windows
        self._bits = bits
        self._now = now
        self._suffix = suffix
        self._zone = encode_name(zone.name)
        self._careful_queries = CarefulQueries(engine, zone, names, windows)
        self._templates: dict[tuple[bool, bool], QueryTemplate] = {}
        self._shapes: dict[int, QuestionShape] = {}
        self._seen: dict[int, dict[bytes, int]] = {}
        self._seen_count = 0
        self._ports: list[list[UdpPort]] = [[] for _ in windows]
        self._errors = [0] * len(windows)
        self._open_windows: list[int] = []
        self._selector = selectors.DefaultSelector()
        self._loop = asyncio.get_running_loop()
        self._give_up_at = self._loop.time() + _PATIENCE
        self._try_seconds = engine.try_seconds
        self.trouble: ClientError | None = None
        self.sent = self.answered = self.late = self.strays = self.lost = 0
        self._delays: list[float] = []  # seconds from query to answer: of one answer in each look at a port

    @property
    def careful_count(self) -> int:
        """Queries that the `DnsEngine` made for this sweep."""
        return self._careful_queries.asked

    @property
    def truncated(self) -> int:
        """Answers that were cut short."""
        return self._careful_queries.truncated

    @property
    def delay(self) -> float | None:
        """The median time from a query to its answer, in seconds; None where nothing was answered."""
        return median(self._delays) if self._delays else None

    async def run(self, seconds: float) -> None:
        """Ask until every name is settled or given up, no server is left, or the time is over."""
        deadline = self._loop.time() + seconds
        self._try_seconds = min(self._engine.try_seconds, seconds / MOST_TRIES)
        next_look, wait = 0.0, SHORTEST_WAIT
        try:
            while self._names.open and (now := self._loop.time()) < deadline:
                received = await self._receive_answers()
                if now >= next_look:
                    self._expire_and_adapt(now)
                    next_look = now + self._try_seconds / _LOOKS
                self._careful_queries.start_waiting()
                await self._send_rounds()
                under_way = sum(port.under_way for ports in self._ports for port in ports)
                if not self._names.open or not (under_way or self._careful_queries.busy or self._may_continue(now)):
                    break
                wait = _next_wait(wait, received, under_way)
                await asyncio.sleep(min(wait, deadline - now))
        finally:
            for port in [port for ports in self._ports for port in ports]:
                self._close_port(port)
            self._selector.close()
            await self._careful_queries.close()
        if self._careful_queries.refusing:
            self._names.mark_unasked()
        if self._careful_queries.lame and not self.answered + self._careful_queries.answered:
            self._engine.note_lame(self._suffix)

    async def _receive_answers(self) -> int:
        """Read what has arrived; how many datagrams."""
        received = in_a_row = 0
        for key, _ in self._selector.select(0):
            received += self._drain_port(key.data)
            if received - in_a_row >= _MOST_IN_A_ROW:
                in_a_row = received
                await asyncio.sleep(0)
        return received

    def _drain_port(self, port: UdpPort) -> int:
        """Read the answers on a port; how many datagrams. The hot path: each operation in it costs a share of every answer."""
        recv, waiting, number = port.recv, port.waiting, port.number
        codes, served = self._names.codes, self._names.served
        received = plain = unusual = 0
        broken: OSError | None = None
        sent_at = 0.0
        try:
            for received in range(_MOST_OF_PORT):  # noqa: B007 - counts also what ends the loop early
                wire = recv(_DATAGRAM)
                query_id = wire[:2]
                index, question, end, seen, sent_at = waiting.get(query_id) or _NOTHING
                if wire[12:end] != question:
                    self._handle_mismatch(port, wire)
                    if port.suspect:
                        break
                    continue
                waiting[query_id] = None
                code = seen.get(wire[2:12] + wire[end:]) or self._classify_new(wire, question, seen)
                if code == UNUSUAL:
                    unusual += 1
                    self._careful_queries.handle_unusual(index, number, wire)
                    continue
                plain += 1
                codes[index] = code
                served[index] = number
        except BlockingIOError:
            pass
        except OSError as error:
            broken = error
        self._account_answers(port, plain, unusual)
        if plain and sent_at:
            self._delays.append(self._loop.time() - sent_at)
        if port.suspect:
            self._abandon_port(port, forged=True)
        elif broken is not None:
            self._handle_socket_error(port, broken)
        return received

    def _account_answers(self, port: UdpPort, plain: int, unusual: int) -> None:
        self._names.open -= plain
        self.answered += plain
        if plain or unusual:
            window = port.window
            port.release(plain + unusual)
            window.answered_at = self._loop.time()
            self._engine.name_servers.note_answer(window.server)
        if self._careful_queries.refusals[port.number] and self._careful_queries.count_plain_answers(port.number, plain):
            self._find_open_windows()

    def _classify_new(self, wire: bytes, question: bytes, seen: dict[bytes, int]) -> int:
        """Classify an answer that looks like none before; its code."""
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

    def _handle_mismatch(self, port: UdpPort, wire: bytes) -> None:
        """Handle a datagram that matches no open query: late, doubled, a bare error, other letter case, or forged."""
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
            port.window.answered_at = self._loop.time()
            self._engine.name_servers.note_answer(port.window.server)
            self._careful_queries.handle_unusual(entry[0], port.number, wire)
        elif matches_query_but_case(wire, query):
            port.settle(query_id)
            port.window.server.lower_case_until = self._now() + QUIRK_SECONDS
            self._careful_queries.enqueue(entry[0], port.number, tcp=True)
        else:
            self.strays += 1
            port.strays += 1

    def _handle_socket_error(self, port: UdpPort, error: OSError) -> None:
        """Give up a port whose socket reports an error: connection refused, or no route any more."""
        self._note_trouble(translate_error(error, port.window.server.endpoint))
        self._engine.name_servers.note_failure(port.window.server)
        self._errors[port.number] += 1
        self._abandon_port(port)
        self._find_open_windows()

    def _abandon_port(self, port: UdpPort, *, forged: bool = False) -> None:
        """Close a port; what waits on it is asked again, over TCP where answers were forged."""
        for entry in port.waiting.values():
            if entry is not None and forged:
                self._careful_queries.enqueue(entry[0], port.number, tcp=True)
            elif entry is not None:
                self._names.retry_elsewhere(entry[0], port.number)
        self._close_port(port)

    def _close_port(self, port: UdpPort) -> None:
        if port in self._ports[port.number]:
            self._ports[port.number].remove(port)
            self._selector.unregister(port.sock)
            port.close()

    def _expire_and_adapt(self, now: float) -> None:
        """Give up late queries, adapt the windows, close used ports, and see which servers may be asked."""
        for number, window in enumerate(self._windows):
            late = [sent for port in list(self._ports[number]) for sent in self._expire_queries(port, now - self._try_seconds)]
            window.lost += len(late)
            self.lost += len(late)
            window.adapt()
            self._careful_queries.count_plain_answers(number, 0)
            if late and window.answered_at <= now - self._try_seconds:
                self._engine.name_servers.note_timeout(window.server, self._now() - (now - max(late)))
        self._find_open_windows()
        if self._open_windows:
            self._give_up_at = now + _PATIENCE
        else:
            self._probe_open_circuit()

    def _may_continue(self, now: float) -> bool:
        """Whether a server may be asked, or may come back in time."""
        return bool(self._open_windows) or (now < self._give_up_at and bool(self._servers_left()))

    def _servers_left(self) -> list[int]:
        """Numbers of the servers that can be reached and do not refuse."""
        away = self._careful_queries.refusing
        return [number for number, errors in enumerate(self._errors) if errors < _MOST_ERRORS and number not in away]

    def _probe_open_circuit(self) -> None:
        """All circuits are open: ask one server about one name, if it was left alone for long enough."""
        left = self._servers_left()
        server = self._engine.name_servers.choose([self._windows[number].server.endpoint for number in left])
        number = next((number for number in left if self._windows[number].server is server), None)
        if number is not None and (indexes := self._names.take_batch(number, 1, ())):
            self._careful_queries.enqueue(indexes[0], number)

    def _expire_queries(self, port: UdpPort, before: float) -> list[float]:
        """Give up queries sent before a loop time; the times at which they were sent."""
        late = [(query_id, entry) for query_id, entry in port.waiting.items() if entry is not None and entry[4] <= before]
        for query_id, entry in late:
            port.settle(query_id)
            self._names.retry_elsewhere(entry[0], port.number)
        if port.used_up and not port.under_way:
            self._close_port(port)
        return [entry[4] for _, entry in late]

    def _find_open_windows(self) -> None:
        servers = self._engine.name_servers
        self._open_windows = [
            number for number in self._servers_left() if servers.count_usable((self._windows[number].server.endpoint,))
        ]

    async def _send_rounds(self) -> None:
        """Send one batch to each server in turn, until there is no room or no name."""
        turn, in_a_row = self._bits.getrandbits(16), self.sent
        going = self._open_windows
        while going:
            turn += 1
            first, still = turn % len(going), []
            for number in going[first:] + going[:first]:
                if self._send_batch(number, self._loop.time()):
                    still.append(number)
                if self.sent - in_a_row >= _MOST_IN_A_ROW:
                    in_a_row = self.sent
                    await asyncio.sleep(0)
            going = still

    def _send_batch(self, number: int, now: float) -> bool:
        """Send one batch to this server; whether there may be more to send."""
        window = self._windows[number]
        room = window.room(now, wary=window.server.wary_until > self._now())
        if not room or number not in self._open_windows or (port := self._port_with_room(number)) is None:
            return False
        indexes = self._names.take_batch(number, min(room, port.room), self._open_windows)
        if not indexes:
            return False
        batch = self._build_batch(number, indexes)
        if batch is None:
            return True
        port.expect_answers(batch, indexes, self._seen.setdefault(len(batch.questions[0]), {}), now, self._bits)
        try:
            sent = port.send(batch)
        except OSError as error:
            self._handle_socket_error(port, error)
            return False
        window.count_sent(sent)
        self.sent += sent
        for query_id in batch.ids[sent:]:
            port.settle(query_id)
        self._names.return_unsent(indexes[sent:])
        return sent == len(indexes)

    def _build_batch(self, number: int, indexes: list[int]) -> QueryBatch | None:
        """The queries about these names in one buffer; None where one of them has to go another way."""
        server, now, texts = self._windows[number].server, self._now(), self._names.texts
        edns, mixed = server.plain_until <= now, server.lower_case_until <= now
        template = self._templates.get((edns, mixed))
        if template is None:
            template = self._templates[edns, mixed] = QueryTemplate(self._suffix, edns=edns, mixed=mixed)
        try:
            return template.build_batch([texts[index] for index in indexes], self._bits)
        except ValueError:
            if len(indexes) == 1:
                self._careful_queries.enqueue(indexes[0], number)  # more than one label, or no host name: not for a template
            else:
                self._names.return_split(indexes)
            return None

    def _port_with_room(self, number: int) -> UdpPort | None:
        """A port of this server with room, a new one where there is none."""
        ports = self._ports[number]
        if ports and ports[-1].room > 0:
            return ports[-1]
        roomy = [port for port in ports if port.room > 0]
        if roomy:
            return roomy[0]
        if len(ports) >= max(_LEAST_PORTS, _MOST_PORTS // len(self._windows)):
            self._abandon_port(ports[0])
        try:
            port = UdpPort(self._windows[number], number)
        except ClientError as error:
            self._note_unreachable(number, error)
            return None
        ports.append(port)
        self._selector.register(port.sock, selectors.EVENT_READ, port)
        return port

    def _note_trouble(self, error: ClientError) -> None:
        """Remember why an address cannot be asked; a refused connection matters more than anything else."""
        if not isinstance(self.trouble, ConnectionRefused):
            self.trouble = error

    def _note_unreachable(self, number: int, error: ClientError) -> None:
        self._note_trouble(error)
        servers, server = self._engine.name_servers, self._windows[number].server
        if isinstance(error, NoRouteError):
            servers.note_no_route(server)
        else:
            servers.note_failure(server)
        self._errors[number] += 1
        self._find_open_windows()


def _next_wait(wait: float, received: int, under_way: int) -> float:
    """Shorter while many answers come at once, longer while few do: each look has its price, and a window must not run dry."""
    if received < _FEW:
        return min(LONGEST_WAIT, wait * 1.25)
    return max(SHORTEST_WAIT, wait / 2) if 3 * received > under_way else wait
