"""Many names at once at servers that turn us away, with real servers on loopback: how much is asked, and what is told."""

from __future__ import annotations

import itertools
from collections import Counter

import dns.message
import pytest

from common.clients.address_guard import Guard
from common.clients.dns import DnsEngine, SweepEngine, SweepOutcome
from common.core.parsers.dns_fast import NXDOMAIN, OPEN, UNASKED, UNUSUAL
from common.errors import ConnectionRefused, TimedOut
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
    run,
    seeded,
    serving,
    silent,
)

NAMES = [f"name{number}.test" for number in range(4096)]
SERVED = serving(Tree("test", serial=42))
ONE: dict[str, Handler] = {ROOT: serving(Tree("", cuts={"test": {"a.nic.test": TLD}}))}
TWO: dict[str, Handler] = {ROOT: serving(Tree("", cuts={"test": {"a.nic.test": TLD, "b.nic.test": TLD_SECOND}}))}
REFUSED = failing("REFUSED")
#: Questions under way at one address at once, at most, and a few more that no look has caught yet.
WINDOW = 256 + 64


def bare(_query: dns.message.Message, wire: bytes, _tcp: bool) -> list[bytes]:
    """REFUSED without the question, as some firewalls say it."""
    return [wire[:2] + b"\x80\x05" + bytes(8)]


def after(count: int, first: Handler, then: Handler) -> Handler:
    """A server that changes its mind after so many answers."""
    numbers = itertools.count()

    def handle(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        return (first if next(numbers) < count else then)(query, wire, tcp)

    return handle


def every(nth: int, then: Handler) -> Handler:
    """A server that answers so to every nth question, and serves the others."""
    numbers = itertools.count()

    def handle(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        return (SERVED if next(numbers) % nth else then)(query, wire, tcp)

    return handle


def cut(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
    """A server that truncates all UDP answers and gives none over TCP."""
    return [] if tcp else [answer[:2] + bytes((answer[2] | 2,)) + answer[3:] for answer in SERVED(query, wire, tcp)]


def nodata(query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
    """Every name is there, without a delegation."""
    name = query.question[0].name.to_text(omit_final_dot=True).lower()
    return [Tree("test", records={(name, "A"): ("192.0.2.9",)}).answer(query).to_wire()]


def swept(
    handlers: dict[str, Handler], names: list[str] = NAMES, seconds: float = 20.0
) -> tuple[SweepOutcome, Counter[tuple[str, str]]]:
    """One sweep, and how often each address was asked about each name."""

    async def story(world: World) -> SweepOutcome:
        clock = Clock(running=True)
        settings = world.settings()
        engine = DnsEngine(settings, Guard(settings), seeded(), clock)
        return await SweepEngine(engine, seeded(2), clock).sweep("test", names, seconds)

    found, world = run(handlers, story)
    return found, Counter((address, name) for address, name, *_ in world.queries if name != "test")


@pytest.mark.parametrize("refusing", [REFUSED, bare])
def test_a_zone_that_refuses_is_soon_left_alone_and_never_asked_the_same_twice(refusing: Handler) -> None:
    """Of four thousand names a window full is asked about, once each; the others were not asked, and none is called silent."""
    found, asked = swept({**ONE, TLD: refusing})

    assert sum(asked.values()) <= WINDOW
    assert set(asked.values()) == {1}
    assert (found.codes.count(OPEN), found.codes.count(UNUSUAL)) == (0, len(asked))
    assert found.codes.count(UNASKED) == len(NAMES) - len(asked)
    assert {odd.reading.finding for odd in found.unusual.values()} == {"dns_refused"}


def test_a_zone_that_begins_to_refuse_is_left_alone_from_then_on() -> None:
    """However much it had answered before, plainly or oddly."""
    for before in (SERVED, nodata):
        found, asked = swept({**ONE, TLD: after(400, before, REFUSED)})

        assert 400 < sum(asked.values()) <= 400 + WINDOW
        assert found.codes.count(OPEN) == 0
        assert Counter(odd.reading.finding for odd in found.unusual.values())["dns_refused"] == len(asked) - 400 >= 32


def test_where_every_server_refuses_each_is_asked_once_about_a_name() -> None:
    """Two addresses: at most two questions a name, and a few hundred in all."""
    found, asked = swept({**TWO, TLD: REFUSED, TLD_SECOND: REFUSED})

    assert set(asked.values()) == {1}
    assert sum(asked.values()) <= 2 * WINDOW
    assert found.codes.count(UNASKED) > len(NAMES) - 2 * WINDOW
    assert found.codes.count(OPEN) == 0


def test_one_server_that_refuses_leaves_the_work_to_the_other() -> None:
    """Every name is settled, and the one that refuses is asked about few."""
    found, asked = swept({**TWO, TLD: REFUSED, TLD_SECOND: SERVED})

    assert set(found.codes) == {NXDOMAIN}
    assert set(asked.values()) == {1}
    assert sum(count for (address, _), count in asked.items() if address == TLD) <= WINDOW


@pytest.mark.parametrize("nth", [4, 16])
def test_a_server_that_refuses_some_is_asked_to_the_end(nth: int) -> None:
    """Fewer refusals than answers: every name gets its question, and those refused say so."""
    found, asked = swept({**ONE, TLD: every(nth, REFUSED)}, NAMES[:2000])

    assert found.codes.count(NXDOMAIN) == 2000 - 2000 // nth
    assert found.codes.count(UNUSUAL) == 2000 // nth
    assert asked == dict.fromkeys(((TLD, name) for name in NAMES[:2000]), 1)


def test_errors_that_are_no_refusals_do_not_end_a_sweep() -> None:
    """SERVFAIL is the server's trouble, not its opinion of us: every name gets its question."""
    found, asked = swept({**ONE, TLD: failing("SERVFAIL")}, NAMES[:500])

    assert {name for _, name in asked} == set(NAMES[:500])
    assert found.codes.count(UNUSUAL) == 500


def test_closed_ports_are_told_as_such() -> None:
    """Where a firewall rejects us, or a port is closed, that is the reason; no answer in time is another one."""
    closed, _ = swept({ROOT: serving(Tree("", cuts={"test": {"a.nic.test": HOSTING}}))}, NAMES[:40], 5.0)
    mute, _ = swept({**ONE, TLD: silent}, NAMES[:40], 0.3)
    well, _ = swept({**ONE, TLD: SERVED}, NAMES[:40])

    assert isinstance(closed.trouble, ConnectionRefused)
    assert isinstance(mute.trouble, TimedOut)
    assert well.trouble is None
    assert set(closed.codes) == set(mute.codes) == {OPEN}


def test_one_closed_port_is_no_trouble_of_the_zone() -> None:
    """The other address answers: nothing is told."""
    found, _ = swept({ROOT: serving(Tree("", cuts={"test": {"a.nic.test": HOSTING, "b.nic.test": TLD}})), TLD: SERVED})

    assert found.trouble is None
    assert set(found.codes) == {NXDOMAIN}


def test_an_answer_that_is_cut_is_an_answer() -> None:
    """TC=1 and no answer over TCP: the server answered, and that is told as a single look tells it."""
    found, _ = swept({**ONE, TLD: cut}, NAMES[:5], 1.0)

    assert {odd.reading.finding for odd in found.unusual.values()} == {"dns_truncated"}
    assert set(found.codes) == {UNUSUAL}
    assert found.trouble is None
