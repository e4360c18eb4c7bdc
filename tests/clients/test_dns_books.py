"""The books about name servers: peculiarities, silences, failures, and address families without a route."""

from __future__ import annotations

import asyncio
import errno

import dns.message
import pytest

from common.clients.address_guard import Guard
from common.clients.dns import DnsEngine, NameServer, NoRouteError, transport
from common.clients.dns.name_servers import FAMILY_SECONDS, OPEN_SECONDS, PROBE_SECONDS, NameServers
from common.core.parsers.dns_wire import NS
from common.errors import ClientError, Refused, TimedOut
from tests.clients.dns_world import (
    BOTH,
    ROOT,
    ROOT_ZONE,
    TEST_ZONE,
    TLD,
    Clock,
    Tree,
    World,
    engine_of,
    failing,
    run,
    seeded,
    serving,
    silent,
)

ONE_SERVER = Tree("", cuts={"test": {"a.nic.test": TLD}})


def test_peculiarities_are_remembered() -> None:
    """After a lost letter case the server is asked in lower case; after FORMERR without EDNS, and at once."""
    seen: list[bytes] = []

    def picky(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        seen.append(wire)
        if query.edns >= 0:
            return failing("FORMERR")(query, wire, tcp)
        return [answer[:12] + answer[12:29].lower() + answer[29:] for answer in serving(TEST_ZONE)(query, wire, tcp)]

    async def story(world: World) -> list[bool]:
        engine = engine_of(world)
        server = engine.name_servers.get((TLD, world.port))
        return [(await engine.query(server, "name.test", NS, 1)).tcp for _ in range(3)]

    tcp, _ = run({ROOT: serving(ROOT_ZONE), TLD: picky}, story)

    assert tcp == [True, False, False]
    assert [dns.message.from_wire(wire).edns for wire in seen] == [0, -1, -1, -1, -1]
    assert all(b"\x04name\x04test" in wire for wire in seen[-2:])


def test_forbidden_address_is_not_asked() -> None:
    """The guard has the last word on every address that the network names."""

    async def story(world: World) -> None:
        settings = world.settings(ALLOWED_PRIVATE_NETWORKS="")
        engine = DnsEngine(settings, Guard(settings), seeded(), Clock())
        with pytest.raises(Refused):
            await engine.query(engine.name_servers.get((TLD, world.port)), "name.test", NS, 1)
        with pytest.raises(ClientError, match="no usable address"):
            await engine.find_zone("test", 1)

    _, world = run(BOTH, story)

    assert {address for address, *_ in world.queries} == {ROOT}


def test_pause_of_a_server_under_load_silences_no_suffix() -> None:
    """200 queries are under way when the only server of a suffix pauses for the time that each may take: then all goes on."""

    async def story(world: World) -> tuple[int, int]:
        loop, clock = asyncio.get_running_loop(), Clock(running=True)
        engine = engine_of(world, clock, try_seconds=0.3)
        zone = await engine.find_zone("test", 1)
        world.handlers[TLD] = silent
        loop.call_later(0.3, world.handlers.__setitem__, TLD, BOTH[TLD])

        async def ask(after: float) -> bool:
            await asyncio.sleep(after)
            server = engine.choose_server(zone)
            try:
                return server is not None and bool(await engine.query(server, "name.test", NS, 0.3))
            except TimedOut:
                return False

        during = await asyncio.gather(*(ask(number / 1000) for number in range(200)))
        return sum(during), sum(await asyncio.gather(*(ask(0) for _ in range(50))))

    (during, after), _ = run({**BOTH, ROOT: serving(ONE_SERVER)}, story)

    assert during < 200
    assert after == 50


def test_dead_server_is_shut_and_its_suffix_back_within_a_second_of_its_return() -> None:
    """Of 100 questions to a dead server few are sent once that is known; the first after its return finds it again."""

    async def story(world: World) -> tuple[int, float]:
        clock = Clock(running=True)
        engine = engine_of(world, clock, try_seconds=0.1)
        zone = await engine.find_zone("test", 1)
        world.handlers[TLD] = silent
        sent = 0
        for _ in range(100):
            if (server := engine.choose_server(zone)) is not None:
                sent += 1
                with pytest.raises(TimedOut):
                    await engine.query(server, "name.test", NS, 0.1)
        world.handlers[TLD] = BOTH[TLD]
        came_back = clock()
        while (server := engine.choose_server(zone)) is None:
            clock.at += 0.1
        await engine.query(server, "name.test", NS, 1)
        assert engine.name_servers.count_usable(zone.endpoints) == 1
        return sent, clock() - came_back

    (sent, seconds), _ = run({**BOTH, ROOT: serving(ONE_SERVER)}, story)

    assert sent == 2
    assert seconds < PROBE_SECONDS + 0.5


def test_timeouts_of_one_silence_count_once() -> None:
    """What was sent before a silence was noticed adds nothing; what is sent later and gets no answer shuts the address."""
    clock = Clock()
    servers, endpoint = NameServers(seeded(), clock), ("192.0.2.1", 53)
    server, began = servers.get(endpoint), clock.at
    for number in range(200):
        clock.at = began + 2 + number / 100
        servers.note_timeout(server, began + number / 100)

    assert servers.choose((endpoint,)) is server
    assert servers.count_usable((endpoint,)) == 1

    servers.note_timeout(server, began + 2)

    assert servers.count_usable((endpoint,)) == 0


def test_silent_suffix_is_asked_now_and_then() -> None:
    """Where every address is shut one of them is asked each second, another one each time; an answer opens it again."""
    clock = Clock()
    servers, endpoints = NameServers(seeded(), clock), [("192.0.2.1", 53), ("192.0.2.2", 53)]
    for endpoint in endpoints * 2:
        servers.note_timeout(servers.get(endpoint), clock())

    assert servers.choose(endpoints) is None
    clock.at += PROBE_SECONDS
    probed = [servers.choose(endpoints) for _ in range(3)]
    assert probed[2] is None
    assert {server.endpoint for server in probed if server} == set(endpoints)
    assert servers.choose(endpoints, avoid=endpoints) is None

    servers.note_answer(servers.get(endpoints[1]))

    assert {servers.choose(endpoints).endpoint for _ in range(20)} == {endpoints[1]}


def test_circuit_opens_after_two_timeouts_and_closes_with_an_answer() -> None:
    """A silent address is left alone for half a minute, then gets one chance."""
    clock = Clock()
    servers = NameServers(seeded(), clock)
    first, second = ("192.0.2.1", 53), ("192.0.2.2", 53)
    for _ in range(2):
        servers.note_timeout(servers.get(first), clock())

    assert {servers.choose((first, second)).endpoint for _ in range(50)} == {second}
    assert servers.choose((first,)) is None
    assert servers.count_usable((first, second)) == 1

    clock.at += OPEN_SECONDS
    servers.note_answer(servers.get(first))

    assert {servers.choose((first, second)).endpoint for _ in range(100)} == {first, second}


def test_failed_addresses_are_asked_less_often() -> None:
    """After a failure an address still gets a share, a small one."""
    servers = NameServers(seeded(), Clock())
    first, second = ("192.0.2.1", 53), ("192.0.2.2", 53)
    servers.note_failure(servers.get(first))
    picks = [servers.choose((first, second)).endpoint for _ in range(900)]

    assert 40 < picks.count(first) < 200


def test_family_without_a_route_is_skipped_and_tried_again_later() -> None:
    """No route for IPv6, or IPv6 that only ever stays silent, takes all IPv6 addresses out of use for a while."""
    for silence in (False, True):
        clock = Clock()
        servers = NameServers(seeded(), clock)
        old, new = ("192.0.2.1", 53), [(f"2001:db8::{number}", 53) for number in range(1, 6)]
        servers.note_answer(servers.get(old))
        if silence:
            for endpoint in new[:4]:
                servers.note_timeout(servers.get(endpoint), clock())
        else:
            servers.note_no_route(servers.get(new[0]))

        assert {servers.choose((old, *new)).endpoint for _ in range(50)} == {old}
        clock.at += FAMILY_SECONDS
        assert len({servers.choose((old, *new)).endpoint for _ in range(200)}) == 6


def test_unreachable_family_is_noticed_at_once() -> None:
    """What the kernel says about a missing route is told apart from a server that is in trouble."""
    for code in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        assert isinstance(transport.translate_error(OSError(code, "no way"), ("2001:db8::1", 53)), NoRouteError)
    assert not isinstance(transport.translate_error(OSError(errno.EMFILE, "full"), ("2001:db8::1", 53)), NoRouteError)


def test_names_that_cannot_be_encoded_are_client_errors() -> None:
    """A host name from outside that no query can hold is trouble of the exchange, not a crash."""

    async def story(world: World) -> None:
        with pytest.raises(ClientError):
            await engine_of(world).query(NameServer((TLD, world.port)), "a" * 64 + ".test", NS, 1)

    run(BOTH, story)
