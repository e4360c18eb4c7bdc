"""A slow registry with many names in a simulated world: its queue fills, and names of other registries do not wait."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.checks import check_starts
from common.core.domains import working_set
from common.core.model.limit import Limit
from common.core.rate_limits import query_queue
from tests.core.checks.changed_limits import set_limits
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

FREE = {"*": Limit("*", 1e6, 10**6, None)}
SLOW = {"rdap/rdap.com.test": Limit("x", 0.02, 1, None), "whois/whois.com.test": Limit("y", 0.02, 1, None)}


def crowded_world(monkeypatch: pytest.MonkeyPatch, count: int) -> World:
    """Far more free names of com, whose registry is slow, than may be loaded; a few registered ones of org."""
    for module in (working_set, check_starts):
        monkeypatch.setattr(module, "MOST_LOADED", 40)
    monkeypatch.setattr(working_set, "MOST_AT_REST", 30)
    monkeypatch.setattr(query_queue, "MOST_ROUTINE", 20)
    world = World(interval=600.0, limits=FREE)
    rooms = world.core.rooms
    names = [f"free{number}.com" for number in range(count)]
    world.names.update({name: Name([(0.0, None)]) for name in names})
    world.watch(*names, *[f"o{number}.org" for number in range(20)])
    world.run(1200)
    assert rooms.domains.by_state["AVAILABLE"] > 0.9 * count
    set_limits(world, {**FREE, **SLOW})
    world.run(1500)
    return world


def test_a_slow_registry_with_many_names_delays_no_drop_of_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its queue fills and its own names wait; there is room for the others, and the drop is announced within seconds."""
    world = crowded_world(monkeypatch, 120)
    rooms = world.core.rooms
    world.names["o7.org"].changes.append((world.now, None))
    name_id = rooms.domains.table.find_id("o7.org")
    if np.isfinite(rooms.domains.stages.due_at(name_id)):
        rooms.domains.table.schedule.set_time(name_id, world.now, priority=False)
    world.run(90)

    assert [status for _, status in world.notices("o7.org")] == ["available"]
    assert len(rooms.domains.working_set) < 80


def test_names_of_a_slow_registry_are_still_checked_in_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registration of one of them shows up there, whether or not the registry's queue has room."""
    world = crowded_world(monkeypatch, 120)
    began = world.now
    world.run(1800)

    queried = {name for at, method, name in world.asked if method == "dns" and at > began and name.startswith("free")}
    assert len(queried) == 120
