"""Many names at once, with real servers on loopback: what is believed, at which pace, and several sweeps side by side."""

from __future__ import annotations

import asyncio

import dns.message
import pytest

from common.clients.dns import SweepOutcome
from common.core.model.evidence import Outcome
from common.core.parsers.dns import parse_dns_answer
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNUSUAL
from tests.clients.dns_world import (
    TLD,
    TLD_SECOND,
    Tree,
    World,
    serving,
)
from tests.clients.sweep_world import BOTH, MEANING, NAMES, SERVED, TRUTH, Desk, meanings, swept, tell


def test_every_name_gets_its_code_with_one_question() -> None:
    """Delegated and missing names are told apart, over both addresses, with one query each, and the zone's serial."""
    found, world = swept(BOTH)

    assert list(found.codes) == TRUTH
    assert found.serials == (42, 42)
    assert (found.sent, found.late, found.strays, found.careful_count, found.unusual) == (len(NAMES), 0, 0, 0, {})
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
        assert MEANING[parse_dns_answer(sent[name], name, "test").finding] == code


def test_unusual_answers_come_with_their_bytes() -> None:
    """A name that exists without a delegation is read by the careful parser."""
    found, _ = swept(BOTH, [*NAMES, "inside.test"])
    odd = found.unusual[len(NAMES)]

    assert (found.codes[-1], odd.tcp) == (UNUSUAL, False)
    assert (odd.reading.outcome, odd.reading.finding) == (Outcome.REGISTERED, "dns_auth_nodata")
    assert parse_dns_answer(odd.wire, "inside.test", "test") == odd.reading
    assert odd.endpoint in found.servers


def test_names_that_no_template_takes_are_asked_carefully() -> None:
    """Two labels and upper case are asked about; what no query can hold stays open, and none of them stops the others."""
    names = [*NAMES, "www.free-1.test", "Taken001.TEST", "a b.test", "x" * 64 + ".test", "free.other", ""]
    found, _ = swept(BOTH, names, 2.0)

    assert meanings(found)[: len(NAMES) + 2] == [*TRUTH, NXDOMAIN, DELEGATED]
    assert set(found.codes[-4:]) <= {OPEN, UNUSUAL}
    assert all(odd.reading.outcome is not Outcome.REGISTERED for index, odd in found.unusual.items() if index > len(NAMES) + 1)


def test_suffix_without_a_cut_of_its_own() -> None:
    """Names below co.test, served by test: the SOA record is that of test, and counts."""
    tld = serving(Tree("test", cuts={"shop.co.test": {"ns.x.example": None}}))

    async def story(world: World) -> SweepOutcome:
        return await Desk(world).sweeps.sweep("co.test", ["shop.co.test", "free.co.test"], 2)

    found = tell({**BOTH, TLD: tld, TLD_SECOND: tld}, story)

    assert (list(found.codes), found.zone.name) == ([DELEGATED, NXDOMAIN], "test")


def test_pace_is_kept_for_each_address() -> None:
    """Forty names at 100 a second over two addresses take at least as long as that, less what may be caught up."""

    async def story(world: World) -> tuple[SweepOutcome, float]:
        desk, loop = Desk(world), asyncio.get_running_loop()
        await desk.engine.find_zone("test", 1)
        started = loop.time()
        return await desk.sweeps.sweep("test", NAMES[:40], 5, pace=100), loop.time() - started

    found, seconds = tell(BOTH, story)

    assert list(found.codes) == TRUTH[:40]
    assert seconds > (40 / 2 - 5 - 5) / 100


def test_sweeps_side_by_side_share_the_addresses() -> None:
    """Three sweeps at once are all answered, and nothing stays counted as under way."""

    async def story(world: World) -> list[SweepOutcome]:
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
        await desk.engine.find_zone("test", 1)
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
