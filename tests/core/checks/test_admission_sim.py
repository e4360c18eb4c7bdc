"""Admitted checks in a simulated world: on demand and with priority they begin at once, the others when there is room."""

from __future__ import annotations

import pytest

from common.core.checks import check_starts
from common.core.domains.domain_table import Flag
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def held_world(monkeypatch: pytest.MonkeyPatch) -> tuple[World, list[str]]:
    """A world in which no ordinary check begins, and names that wait for theirs."""
    world = World(interval=3600.0)
    names = ["one.com", "two.com", "three.com"]
    world.watch(*names)
    world.run(60)
    monkeypatch.setattr(check_starts, "MOST_LOADED", -1)
    domains = world.core.rooms.domains
    for name in names:
        name_id = domains.table.find_id(name)
        domains.table.set_flag(name_id, Flag.SINGLE, on=True)
        domains.table.schedule.set_time(name_id, world.now, priority=False)
    world.run(5)
    assert all(domains.stages.is_admitted(domains.table.find_id(name)) for name in names)
    return world, names


def test_a_check_on_demand_of_a_name_that_waits_begins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By every method, and once; the others go on waiting."""
    world, names = held_world(monkeypatch)
    before = len(world.asked)
    world.order("check", names[1])
    world.order("check", names[1])
    world.run(5)
    queried = [(name, method) for _, method, name in world.asked[before:] if name in names]

    assert sorted(queried) == [(names[1], "dns"), (names[1], "rdap"), (names[1], "whois")]


def test_a_name_that_gains_priority_while_it_waits_begins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait behind those without."""
    world, names = held_world(monkeypatch)
    before = len(world.asked)
    world.watch(names[2], priority=True)
    world.run(5)

    assert {name for _, _, name in world.asked[before:] if name in names} == {names[2]}
