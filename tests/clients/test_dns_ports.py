"""The parts of a sweep one by one: sockets that carry many queries, the limits of an address, and the book about names."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from common.clients.dns import NameServer, SweepEngine
from common.clients.dns.sweep.server_window import LEAST_UNDER_WAY, MOST_UNDER_WAY, ServerWindow
from common.clients.dns.sweep.sweep_names import SweepNames
from common.clients.dns.sweep.sweep_run import LONGEST_WAIT, SHORTEST_WAIT, _next_wait
from common.clients.dns.sweep.udp_ports import MOST_USES, MOST_WAITING, UdpPort
from common.core.parsers.dns_batch import MOST_QUERIES, QueryTemplate
from common.core.parsers.dns_fast import NXDOMAIN
from tests.clients.dns_world import ROOT, TLD, Clock, Tree, World, engine_of, seeded, serving

NAMES = [f"name{number:04d}.test" for number in range(MOST_QUERIES)]
SERVER = NameServer(("192.0.2.1", 53))


@contextlib.contextmanager
def listening() -> Iterator[tuple[socket.socket, ServerWindow]]:
    """A UDP socket that hears what is sent, and the window that leads there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((TLD, 0))
        server.settimeout(2)
        yield server, ServerWindow(NameServer(server.getsockname()), 0.0)


# Ports


@pytest.mark.parametrize("segments", [True, False])
def test_queries_arrive_one_by_one(segments: bool) -> None:
    """Cut by the kernel or sent one by one, every query is a datagram of its own, from one port."""
    with listening() as (server, window):
        window.segments = segments
        port = UdpPort(window, 0)
        batch = QueryTemplate("test").build_batch(NAMES, seeded())
        port.expect_answers(batch, range(len(NAMES)), {}, 1.0, seeded())
        sent = port.send(batch)
        heard = [server.recvfrom(2048) for _ in NAMES]
        port.close()

    wire = bytes(batch.wire)
    assert sent == len(NAMES)
    assert [data for data, _ in heard] == [wire[at : at + batch.size] for at in range(0, len(wire), batch.size)]
    assert len({client for _, client in heard}) == 1


def test_ids_are_used_once_in_the_life_of_a_port() -> None:
    """Two batches with the same ids drawn get different ones, and wire and book agree."""
    with listening() as (_, window):
        port = UdpPort(window, 0)
        batches = [QueryTemplate("test").build_batch(NAMES, seeded()) for _ in range(3)]
        for batch in batches:
            port.expect_answers(batch, range(len(NAMES)), {}, 1.0, seeded())
        port.close()

    ids = [query_id for batch in batches for query_id in batch.ids]
    assert len(set(ids)) == len(ids) == len(port.waiting)
    for batch in batches:
        assert [bytes(batch.wire[at : at + 2]) for at in range(0, len(batch.wire), batch.size)] == batch.ids


def test_port_is_full_and_used_up() -> None:
    """A port takes no more than what its receive buffer holds, and no more than its uses."""
    with listening() as (_, window):
        port = UdpPort(window, 0)
        assert port.room == MOST_WAITING
        for _ in range(MOST_USES // MOST_QUERIES):
            batch = QueryTemplate("test").build_batch(NAMES, seeded())
            port.expect_answers(batch, range(len(NAMES)), {}, 1.0, seeded())
            assert port.room <= MOST_WAITING - len(NAMES)
            for query_id in batch.ids:
                port.settle(query_id)
        assert (port.used_up, port.room, window.under_way) == (True, 0, 0)
        port.close()


def test_closed_port_no_longer_counts() -> None:
    """What waited on a port that is given up leaves the books of its address."""
    with listening() as (_, window):
        port = UdpPort(window, 0)
        port.expect_answers(QueryTemplate("test").build_batch(NAMES, seeded()), range(len(NAMES)), {}, 1.0, seeded())
        assert window.under_way == len(NAMES)
        port.close()

    assert window.under_way == 0


# Lanes


def test_window_shrinks_with_losses_and_grows_back() -> None:
    """Every look with more than a twentieth lost halves it, every look without lets it grow, within bounds."""
    window = ServerWindow(SERVER, 0.0)
    sizes = []
    for lost in [10] * 8 + [0] * 30:
        window.count_sent(100)
        window.lost = lost
        window.adapt()
        sizes.append(window.size)

    assert sizes[:3] == [MOST_UNDER_WAY // 2, MOST_UNDER_WAY // 4, MOST_UNDER_WAY // 8]
    assert min(sizes) == LEAST_UNDER_WAY
    assert sizes[-1] == MOST_UNDER_WAY


def test_single_losses_do_not_matter() -> None:
    """One lost query, and a look without queries, leave the window alone."""
    window = ServerWindow(SERVER, 0.0)
    window.count_sent(2)
    window.lost = 1
    window.adapt()
    window.adapt()

    assert window.size == MOST_UNDER_WAY


def test_room_is_what_window_and_pace_leave() -> None:
    """A full window has none, a wary address an eighth, and a pace lets through what has come together, and no more."""
    window = ServerWindow(SERVER, 0.0)
    assert (window.room(0.0, wary=False), window.room(0.0, wary=True)) == (MOST_UNDER_WAY, MOST_UNDER_WAY // 8)

    window.under_way = MOST_UNDER_WAY - 5
    assert window.room(0.0, wary=False) == 0
    window.under_way = 0

    window.set_pace(100.0)
    assert window.room(0.0, wary=False) == 0
    assert window.room(0.03, wary=False) == 3
    window.count_sent(3)
    assert window.room(0.035, wary=False) == 0
    assert window.room(1000.0, wary=False) == 5
    window.count_sent(6)  # the careful engine asked, too
    assert window.room(1000.005, wary=False) == 0


# Names


def test_names_are_handed_out_by_length_and_spread() -> None:
    """Batches hold one length; a few names are spread over all servers; what was not sent comes back."""
    names = SweepNames(["a.test", "bb.test", "c.test", "dd.test"])
    first = names.take_batch(0, 64, [0, 1])
    second = names.take_batch(1, 64, [0, 1])
    assert (first, second) == ([1, 3], [2])

    names.return_unsent(second)
    assert (names.take_batch(0, 64, [0]), names.take_batch(0, 64, [0]), names.take_batch(0, 64, [0])) == ([2], [0], [])


def test_name_goes_to_another_server_first_and_is_given_up_in_the_end() -> None:
    """Not again to the server that was silent, unless there is no other; after three tries it stays open."""
    names = SweepNames(["a.test"])
    names.take_batch(0, 1, [0, 1])
    names.retry_elsewhere(0, 0)
    assert (names.take_batch(0, 1, [0, 1]), names.take_batch(1, 1, [0, 1])) == ([], [0])

    names.retry_elsewhere(0, 1)
    assert names.take_batch(0, 1, [0, 1]) == [0]
    assert names.open == 1

    names.retry_elsewhere(0, 0)
    assert (names.open, names.take_batch(1, 1, [0, 1])) == (0, [])


def test_looks_come_at_a_good_distance() -> None:
    """A window that runs dry makes the next look come sooner, hardly any answers make it come later, within bounds."""
    wait = SHORTEST_WAIT
    for _ in range(40):
        wait = _next_wait(wait, 0, 0)
    assert wait == LONGEST_WAIT
    for _ in range(10):
        wait = _next_wait(wait, 200, 56)
    assert wait == SHORTEST_WAIT
    assert _next_wait(0.004, 40, 1000) == 0.004


# Many names


class Quick(asyncio.DatagramProtocol):
    """Denies every name of test, as fast as this machine can."""

    ports: set[int]
    labels: set[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way back."""
        self._transport = transport
        self.ports, self.labels = set(), set()
        self.rest = b"\xc0\x00\0\6\0\1\0\0\3\x84\0\x16\0\0" + (7).to_bytes(4) + bytes(16)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Deny the name asked about."""
        self.ports.add(addr[1])
        end = data.index(0, 12) + 5
        self.labels.add(data[13 : end - 10].lower())
        zone = bytes((0xC0, end - 10))
        answer = data[:2] + b"\x84\x03\0\1\0\0\0\1\0\0" + data[12:end] + zone + self.rest[2:]
        self._transport.sendto(answer, addr)


def test_many_names_use_several_ports_and_every_answer_counts_once() -> None:
    """Ten thousand names: all settled, none asked twice, over several source ports that are closed on the way."""
    texts = [f"{number:x}.test" for number in range(10_000)]

    async def story() -> None:
        handlers = {ROOT: serving(Tree("", cuts={"test": {"a.nic.test": TLD}}))}
        async with World(handlers) as world:
            loop = asyncio.get_running_loop()
            transport, quick = await loop.create_datagram_endpoint(Quick, local_addr=(TLD, world.port))
            found = await SweepEngine(engine_of(world), seeded(4), Clock()).sweep("test", texts, 50)
            transport.close()

        assert set(found.codes) == {NXDOMAIN}
        assert found.serials == (7, 7)
        assert found.strays == 0
        assert found.sent < len(texts) + 0.2 * len(texts)  # a busy machine may lose some time
        assert len(quick.ports) >= 3
        assert quick.labels == {text.removesuffix(".test").encode() for text in texts}

    asyncio.run(story())
