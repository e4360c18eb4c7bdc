"""Many names at once, with real servers on loopback: what is believed, who is asked, what hostile and silent servers get."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import dns.message
import pytest

from common.clients.dns import NOBODY, DnsEngine, SweepEngine, Swept
from common.clients.dns.servers import OPEN_SECONDS
from common.clients.guard import Guard
from common.core.evidence import Outcome
from common.core.parsers.dns import read
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNUSUAL
from common.errors import ClientError
from tests.clients.dns_world import (
    HOSTING,
    ROOT,
    TLD,
    TLD_SECOND,
    Clock,
    Handler,
    Tree,
    World,
    failing,
    over_udp,
    run,
    seeded,
    serving,
    silent,
)

TAKEN = [f"taken{number:03d}.test" for number in range(60)]
FREE = [f"free-{number}.test" for number in range(60)]
NAMES = [name for pair in zip(TAKEN, FREE, strict=True) for name in pair]
CUTS = {name: {f"ns1.{name}": "192.0.2.1", "ns.host.example": None} for name in TAKEN}
SERVED = serving(Tree("test", records={("inside.test", "A"): ("192.0.2.9",)}, cuts=CUTS, serial=42))
ROOT_HANDLER = serving(Tree("", cuts={"test": {"a.nic.test": TLD, "b.nic.test": TLD_SECOND}}))
ONE_SERVER = serving(Tree("", cuts={"test": {"a.nic.test": TLD}}))
BOTH: dict[str, Handler] = {ROOT: ROOT_HANDLER, TLD: SERVED, TLD_SECOND: SERVED}
TRUTH = [DELEGATED if name in CUTS else NXDOMAIN for name in NAMES]
MEANING = {"dns_auth_referral": DELEGATED, "dns_auth_nxdomain": NXDOMAIN}

T = TypeVar("T")


class Desk:
    """An engine and its sweeps in a world."""

    def __init__(self, world: World, try_seconds: float = 2.0, **more: str) -> None:
        self.clock = Clock(running=True)
        settings = world.settings(**more)
        self.engine = DnsEngine(settings, Guard(settings), seeded(), self.clock, try_seconds)
        self.sweeps = SweepEngine(self.engine, seeded(2), self.clock)

    def idle(self) -> bool:
        """Whether nothing counts as under way any more."""
        return all(lane.under_way == 0 for lane in self.sweeps._lanes.values())


def swept(handlers: dict[str, Handler], names: list[str] = NAMES, seconds: float = 5.0, **more: object) -> tuple[Swept, World]:
    """One sweep in a world of these servers."""

    async def story(world: World) -> Swept:
        desk = Desk(world)
        found = await desk.sweeps.sweep("test", names, seconds, **more)
        assert desk.idle()
        return found

    return run(handlers, story)


def tell(handlers: dict[str, Handler], story: Callable[[World], Awaitable[T]]) -> T:
    """What happens in a world of these servers."""
    return run(handlers, story)[0]


def meanings(found: Swept) -> list[int]:
    """Per name what the answer means: the code, or for an unusual answer what the careful parser made of it."""
    return [
        MEANING.get(found.odd[index].reading.finding, code) if code == UNUSUAL else code
        for index, code in enumerate(found.codes)
    ]


# What is believed


def test_every_name_gets_its_code_with_one_question() -> None:
    """Delegated and missing names are told apart, over both addresses, with one query each, and the zone's serial."""
    found, world = swept(BOTH)

    assert list(found.codes) == TRUTH
    assert found.serials == (42, 42)
    assert (found.sent, found.late, found.strays, found.careful, found.odd) == (len(NAMES), 0, 0, 0, {})
    assert sorted(name for _, name, *_ in world.queries if name != "test") == sorted(NAMES)
    assert {found.servers[number][0] for number in found.served} == {TLD, TLD_SECOND}
    for index, name in enumerate(NAMES):
        assert [address for address, *_ in world.asked(name)] == [found.servers[found.served[index]][0]]


def test_code_is_what_the_careful_parser_reads() -> None:
    """The bytes of every plain answer mean to the careful parser what the code says."""
    sent: dict[str, bytes] = {}

    def recorded(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        (answer,) = SERVED(query, wire, tcp)
        sent[query.question[0].name.to_text(omit_final_dot=True).lower()] = answer
        return [answer]

    found, _ = swept({**BOTH, TLD: recorded, TLD_SECOND: recorded})

    for name, code in zip(NAMES, found.codes, strict=True):
        assert MEANING[read(sent[name], name, "test").finding] == code


def test_unusual_answers_come_with_their_bytes() -> None:
    """A name that exists without a delegation is read by the careful parser."""
    found, _ = swept(BOTH, [*NAMES, "inside.test"])
    odd = found.odd[len(NAMES)]

    assert (found.codes[-1], odd.tcp) == (UNUSUAL, False)
    assert (odd.reading.outcome, odd.reading.finding) == (Outcome.REGISTERED, "dns_auth_nodata")
    assert read(odd.wire, "inside.test", "test") == odd.reading
    assert odd.endpoint in found.servers


def test_names_that_no_template_takes_are_asked_carefully() -> None:
    """Two labels and upper case are asked about; what no query can hold stays open, and none of them stops the others."""
    names = [*NAMES, "www.free-1.test", "Taken001.TEST", "a b.test", "x" * 64 + ".test", "free.other", ""]
    found, _ = swept(BOTH, names, 2.0)

    assert meanings(found)[: len(NAMES) + 2] == [*TRUTH, NXDOMAIN, DELEGATED]
    assert set(found.codes[-4:]) <= {OPEN, UNUSUAL}
    assert all(odd.reading.outcome is not Outcome.REGISTERED for index, odd in found.odd.items() if index > len(NAMES) + 1)


def test_suffix_without_a_cut_of_its_own() -> None:
    """Names below co.test, served by test: the SOA record is that of test, and counts."""
    tld = serving(Tree("test", cuts={"shop.co.test": {"ns.x.example": None}}))

    async def story(world: World) -> Swept:
        return await Desk(world).sweeps.sweep("co.test", ["shop.co.test", "free.co.test"], 2)

    found = tell({**BOTH, TLD: tld, TLD_SECOND: tld}, story)

    assert (list(found.codes), found.zone.name) == ([DELEGATED, NXDOMAIN], "test")


# Forged, cut and odd answers


def flip(answer: bytes) -> bytes:
    """The answer as a forger would like it: NXDOMAIN, authoritative, for what is delegated."""
    return answer[:2] + b"\x84\x03" + answer[4:]


FORGERIES: dict[str, Callable[[bytes, bytes], list[bytes]]] = {
    "wrong id": lambda answer, _: [bytes((answer[0] ^ 0x5A, answer[1])) + flip(answer)[2:], answer],
    "wrong question": lambda answer, _: [flip(answer)[:13] + b"evil" + answer[17:], answer],
    "our own query": lambda answer, query: [query, answer],
    "noise": lambda answer, _: [b"", b"x", answer[:11], answer[:2] + b"\xff" * 40, answer],
    "twice": lambda answer, _: [answer, answer],
    "letter case": lambda answer, _: [answer[:12] + answer[12:23].lower() + answer[23:]],
    "truncated": lambda answer, _: [answer[:2] + bytes((answer[2] | 2,)) + answer[3:]],
    "cut off": lambda answer, _: [answer[:-4]],
    "three guesses": lambda answer, _: [*(bytes((answer[0] ^ bit,)) + flip(answer)[1:] for bit in (1, 2, 4)), answer],
}


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_forged_and_broken_answers_change_no_verdict(forgery: str) -> None:
    """Over UDP one server misbehaves with every answer; what is believed in the end is true."""
    found, _ = swept({**BOTH, TLD: over_udp(FORGERIES[forgery], SERVED)})

    assert meanings(found) == TRUTH


@pytest.mark.parametrize("forgery", ["three guesses", "letter case", "truncated", "wrong id", "noise"])
def test_what_no_datagram_may_settle_is_asked_over_tcp(forgery: str) -> None:
    """With every UDP answer suspect, TCP decides, and the result says so."""
    bad = over_udp(FORGERIES[forgery], SERVED)
    found, world = swept({ROOT: ONE_SERVER, TLD: bad}, NAMES[:20])
    over_tcp = {name for _, name, _, tcp in world.queries if tcp}

    assert meanings(found) == TRUTH[:20]
    assert over_tcp
    assert {NAMES[index] for index, odd in found.odd.items() if odd.tcp} == over_tcp


def test_lost_letter_case_is_remembered() -> None:
    """After the first batch a server that loses the letter case is asked in lower case, over UDP."""
    lower = over_udp(lambda answer, _: [answer[:12] + answer[12:23].lower() + answer[23:]], SERVED)

    async def story(world: World) -> tuple[Swept, int]:
        desk = Desk(world)
        await desk.sweeps.sweep("test", NAMES[:10], 2)
        before = len(world.queries)
        found = await desk.sweeps.sweep("test", NAMES, 5)
        return found, sum(tcp for *_, tcp in world.queries[before:])

    found, over_tcp = tell({ROOT: ONE_SERVER, TLD: lower}, story)

    assert (list(found.codes), over_tcp) == (TRUTH, 0)


@pytest.mark.parametrize("bare", [True, False])
def test_server_without_edns_is_asked_without(bare: bool) -> None:
    """FORMERR, with or without the question, leads to plain queries; the next sweep knows it from the start."""

    def old(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        if query.edns < 0:
            return SERVED(query, wire, tcp)
        return [wire[:2] + b"\x80\x01" + bytes(8)] if bare else failing("FORMERR")(query, wire, tcp)

    async def story(world: World) -> tuple[Swept, Swept]:
        desk = Desk(world)
        return await desk.sweeps.sweep("test", NAMES[:20], 2), await desk.sweeps.sweep("test", NAMES, 5)

    first, second = tell({ROOT: ONE_SERVER, TLD: old}, story)

    assert meanings(first) == TRUTH[:20]
    assert (list(second.codes), second.careful) == (TRUTH, 0)


def test_wildcard_is_not_asked_again_and_again() -> None:
    """Where every name has an address, one question per name shows it."""

    def wild(query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        return [Tree("test", records={(name, "CNAME"): ("parking.example.",)}).answer(query).to_wire()]

    found, world = swept({**BOTH, TLD: wild, TLD_SECOND: wild})

    assert {odd.reading.finding for odd in found.odd.values()} == {"dns_auth_wildcard"}
    assert len(found.odd) == len(NAMES) == len([name for _, name, *_ in world.queries if name != "test"])


# Servers in trouble


@pytest.mark.parametrize("fault", ["SERVFAIL", "REFUSED", "NOTAUTH"])
def test_another_server_is_asked_where_one_fails(fault: str) -> None:
    """An error says nothing about a name: the other address decides, and the bad one is asked less."""
    found, world = swept({**BOTH, TLD: failing(fault)})
    asked = [address for address, name, *_ in world.queries if name != "test"]

    assert list(found.codes) == TRUTH
    assert asked.count(TLD) < asked.count(TLD_SECOND)


def test_errors_of_all_servers_are_reported_as_they_are() -> None:
    """When nobody answers usefully the last error comes along, and the suffix's servers are searched for again."""

    async def story(world: World) -> tuple[Swept, int]:
        desk = Desk(world)
        found = await desk.sweeps.sweep("test", NAMES[:8], 2)
        before = len(world.asked("test"))
        await desk.engine.zone("test", 1)
        return found, len(world.asked("test")) - before

    found, searched = tell({**BOTH, TLD: failing("REFUSED"), TLD_SECOND: failing("REFUSED")}, story)

    assert {(odd.reading.outcome, odd.reading.finding) for odd in found.odd.values()} == {(Outcome.UNKNOWN, "dns_refused")}
    assert set(found.codes) == {UNUSUAL}
    assert searched == 1


def test_silent_server_is_left_alone() -> None:
    """What one address does not answer the other one does; after two silences the circuit of the silent one opens."""

    async def story(world: World) -> tuple[list[Swept], bool]:
        desk = Desk(world, 0.3)
        found = [await desk.sweeps.sweep("test", NAMES, 5) for _ in range(3)]
        desk.clock.at += OPEN_SECONDS
        return found, desk.engine.servers.usable((("127.9.0.2", world.port),)) == 1

    found, closed_again = tell({**BOTH, TLD: silent}, story)

    assert all(list(swept.codes) == TRUTH for swept in found)
    assert [host for host, _ in found[2].servers] == [TLD_SECOND]
    assert found[2].sent == len(NAMES)
    assert closed_again


MANY = [f"free{number}.test" for number in range(1200)]


@pytest.mark.parametrize("pauses", [1, 3])
def test_sweep_goes_on_after_a_pause_of_every_server(pauses: int) -> None:
    """Servers that are silent for one or three times the patience with a query cost a sweep that time and a second more."""
    patience = 0.4

    async def story(world: World) -> tuple[Swept, float]:
        loop = asyncio.get_running_loop()
        desk = Desk(world, patience)
        await desk.engine.zone("test", 1)
        world.handlers[TLD] = world.handlers[TLD_SECOND] = silent

        def back() -> None:
            world.handlers[TLD] = world.handlers[TLD_SECOND] = SERVED

        started = loop.time()
        loop.call_later(pauses * patience, back)
        return await desk.sweeps.sweep("test", MANY, 20), loop.time() - started

    found, seconds = tell(dict(BOTH), story)

    assert found.codes.count(OPEN) < 0.1 * len(MANY)
    assert pauses * patience < seconds < pauses * patience + 1.0 + 4 * patience


def test_silence_everywhere_leaves_names_open() -> None:
    """No answer is no verdict, and the sweep ends long before its time."""

    async def story(world: World) -> tuple[Swept, float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        return await Desk(world, 0.3).sweeps.sweep("test", NAMES, 60), loop.time() - started

    found, seconds = tell({**BOTH, TLD: silent, TLD_SECOND: silent}, story)

    assert set(found.codes) == {OPEN}
    assert set(found.served) == {NOBODY}
    assert seconds < 5


def test_closed_ports_end_the_sweep() -> None:
    """Where nobody listens every name stays open, at once."""
    root = serving(Tree("", cuts={"test": {"a.nic.test": HOSTING}}))
    found, _ = swept({ROOT: root}, seconds=60)

    assert set(found.codes) == {OPEN}


def test_time_is_kept() -> None:
    """When its time is over the sweep returns what it has."""

    async def story(world: World) -> float:
        desk, loop = Desk(world), asyncio.get_running_loop()
        await desk.engine.zone("test", 1)
        started = loop.time()
        found = await desk.sweeps.sweep("test", NAMES, 0.2)
        assert set(found.codes) == {OPEN}
        assert desk.idle()
        return loop.time() - started

    assert tell({**BOTH, TLD: silent, TLD_SECOND: silent}, story) < 1


def test_forbidden_addresses_are_not_asked() -> None:
    """The guard has the last word on every address that the network names."""

    async def story(world: World) -> None:
        desk = Desk(world, ALLOWED_PRIVATE_NETWORKS="")
        with pytest.raises(ClientError):
            await desk.sweeps.sweep("test", NAMES, 1)
        open_desk = Desk(world)
        zone = await open_desk.engine.zone("test", 1)
        desk.engine._finder._suffixes = open_desk.engine._finder._suffixes
        assert zone.endpoints
        with pytest.raises(ClientError, match="no server of test can be asked"):
            await desk.sweeps.sweep("test", NAMES, 1)

    _, world = run(BOTH, story)

    assert {address for address, *_ in world.queries} == {ROOT}


def test_resolvers_are_not_swept() -> None:
    """In resolver mode there are no servers of the suffix to ask."""

    async def story(world: World) -> None:
        desk = Desk(world, DNS_MODE="resolver", DNS_RESOLVERS=f"{TLD}:{world.port}")
        with pytest.raises(ClientError, match="resolvers"):
            await desk.sweeps.sweep("test", NAMES, 1)

    tell(BOTH, story)


# Pace, and several sweeps


def test_pace_is_kept_for_each_address() -> None:
    """Forty names at 100 a second over two addresses take at least as long as that, less what may be caught up."""

    async def story(world: World) -> tuple[Swept, float]:
        desk, loop = Desk(world), asyncio.get_running_loop()
        await desk.engine.zone("test", 1)
        started = loop.time()
        return await desk.sweeps.sweep("test", NAMES[:40], 5, pace=100), loop.time() - started

    found, seconds = tell(BOTH, story)

    assert list(found.codes) == TRUTH[:40]
    assert seconds > (40 / 2 - 5 - 5) / 100


def test_sweeps_side_by_side_share_the_addresses() -> None:
    """Three sweeps at once are all answered, and nothing stays counted as under way."""

    async def story(world: World) -> list[Swept]:
        desk = Desk(world)
        found = await asyncio.gather(*(desk.sweeps.sweep("test", NAMES, 5) for _ in range(3)))
        assert desk.idle()
        return list(found)

    assert [list(found.codes) for found in tell(BOTH, story)] == [TRUTH] * 3


def test_cancelled_sweep_leaves_nothing_behind() -> None:
    """No socket stays open (a warning would fail this test), and nothing counts as under way."""
    heard = asyncio.Event()

    def hear(_query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
        heard.set()
        return []

    async def story(world: World) -> None:
        desk = Desk(world)
        await desk.engine.zone("test", 1)
        task = asyncio.create_task(desk.sweeps.sweep("test", NAMES, 5))
        await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert desk.idle()

    tell({**BOTH, TLD: hear, TLD_SECOND: hear}, story)


def test_no_names_are_no_work() -> None:
    """An empty sweep returns at once."""
    found, world = swept(BOTH, [])

    assert (found.codes, found.sent) == (b"", 0)
    assert {name for _, name, *_ in world.queries} == {"test"}
