"""Sweeps and servers that fail, stay silent or may not be asked."""

from __future__ import annotations

import asyncio

import pytest

from common.clients.dns import NO_SERVER, SweepOutcome
from common.clients.dns.name_servers import OPEN_SECONDS
from common.core.model.evidence import Outcome
from common.core.parsers.dns_fast import OPEN, UNUSUAL
from common.errors import ClientError
from tests.clients.dns_world import (
    HOSTING,
    ROOT,
    TLD,
    TLD_SECOND,
    Tree,
    World,
    failing,
    run,
    serving,
    silent,
)
from tests.clients.sweep_world import BOTH, NAMES, SERVED, TRUTH, Desk, swept, tell


@pytest.mark.parametrize("fault", ["SERVFAIL", "REFUSED", "NOTAUTH"])
def test_another_server_is_asked_where_one_fails(fault: str) -> None:
    """An error says nothing about a name: the other address decides, and the bad one is asked less."""
    found, world = swept({**BOTH, TLD: failing(fault)})
    asked = [address for address, name, *_ in world.queries if name != "test"]

    assert list(found.codes) == TRUTH
    assert asked.count(TLD) < asked.count(TLD_SECOND)


def test_errors_of_all_servers_are_reported_as_they_are() -> None:
    """Without a useful answer the last error comes along, and the suffix's servers are searched for again."""

    async def story(world: World) -> tuple[SweepOutcome, int]:
        desk = Desk(world)
        found = await desk.sweeps.sweep("test", NAMES[:8], 2)
        before = len(world.asked("test"))
        await desk.engine.find_zone("test", 1)
        return found, len(world.asked("test")) - before

    found, searched = tell({**BOTH, TLD: failing("REFUSED"), TLD_SECOND: failing("REFUSED")}, story)

    assert {(odd.reading.outcome, odd.reading.finding) for odd in found.unusual.values()} == {(Outcome.UNKNOWN, "dns_refused")}
    assert set(found.codes) == {UNUSUAL}
    assert searched == 1


def test_silent_server_is_left_alone() -> None:
    """What one address does not answer the other one does; after two silences the circuit of the silent one opens."""

    async def story(world: World) -> tuple[list[SweepOutcome], bool]:
        desk = Desk(world, 1.0)
        found = [await desk.sweeps.sweep("test", NAMES, 5) for _ in range(3)]
        desk.clock.at += OPEN_SECONDS
        return found, desk.engine.name_servers.count_usable((("127.9.0.2", world.port),)) == 1

    found, closed_again = tell({**BOTH, TLD: silent}, story)

    assert all(list(swept.codes) == TRUTH for swept in found)
    assert [host for host, _ in found[2].servers] == [TLD_SECOND]
    assert found[2].sent == len(NAMES)
    assert closed_again


MANY = [f"free{number}.test" for number in range(1200)]


@pytest.mark.parametrize("pauses", [1, 3])
def test_sweep_goes_on_after_a_pause_of_every_server(pauses: int) -> None:
    """Servers that are silent for one or three times the patience with a query cost a sweep that time and a second more."""
    patience = 0.8  # a machine that does other work must not look like a server that is silent

    async def story(world: World) -> tuple[SweepOutcome, float]:
        loop = asyncio.get_running_loop()
        desk = Desk(world, patience)
        await desk.engine.find_zone("test", 1)
        world.handlers[TLD] = world.handlers[TLD_SECOND] = silent

        def back() -> None:
            world.handlers[TLD] = world.handlers[TLD_SECOND] = SERVED

        started = loop.time()
        loop.call_later(pauses * patience, back)
        return await desk.sweeps.sweep("test", MANY, 20), loop.time() - started

    found, seconds = tell(dict(BOTH), story)

    assert found.codes.count(OPEN) < 0.1 * len(MANY)
    assert pauses * patience < seconds < pauses * patience + 1.0 + 6 * patience


def test_silence_everywhere_leaves_names_open() -> None:
    """No answer is no verdict, and the sweep ends long before its time."""

    async def story(world: World) -> tuple[SweepOutcome, float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        return await Desk(world, 0.3).sweeps.sweep("test", NAMES, 60), loop.time() - started

    found, seconds = tell({**BOTH, TLD: silent, TLD_SECOND: silent}, story)

    assert set(found.codes) == {OPEN}
    assert set(found.served) == {NO_SERVER}
    assert seconds < 5


def test_closed_ports_end_the_sweep() -> None:
    """Without a listener every name stays open, at once."""
    root = serving(Tree("", cuts={"test": {"a.nic.test": HOSTING}}))
    found, _ = swept({ROOT: root}, seconds=60)

    assert set(found.codes) == {OPEN}


def test_time_is_kept() -> None:
    """When its time is over the sweep returns what it has."""

    async def story(world: World) -> float:
        desk, loop = Desk(world), asyncio.get_running_loop()
        await desk.engine.find_zone("test", 1)
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
        zone = await open_desk.engine.find_zone("test", 1)
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


def test_a_sweep_counts_what_was_lost_on_the_way() -> None:
    """Of a server that stays silent all that it was asked, of others nothing; and how long answers took."""

    async def story(world: World) -> SweepOutcome:
        return await Desk(world, 1.0).sweeps.sweep("test", NAMES, 5)

    half, whole = tell({**BOTH, TLD: silent}, story), tell(BOTH, story)

    assert list(half.codes) == list(whole.codes) == TRUTH
    assert half.sent - half.lost == len(NAMES)
    assert half.lost > 0
    assert (whole.sent, whole.lost, whole.truncated, half.truncated) == (len(NAMES), 0, 0, 0)
    assert whole.delay is not None
    assert 0 < whole.delay < 1
