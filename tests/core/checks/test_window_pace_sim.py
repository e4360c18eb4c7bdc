"""Names inside their drop windows in a simulated world: they take their share of a budget and leave the rest to others."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.model.evidence import Phase
from common.core.model.limit import Limit
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

DAY, HOUR = 86_400.0, 3600.0
FREE = {"*": Limit("*", 1e6, 10**6, None)}


def test_a_sweep_leaves_names_in_wide_windows_their_slower_pace() -> None:
    """Four hundred and fifty of them at one query a second: a quarter of that is half of what they call for."""
    world = World(interval=3600.0, limits={**FREE, "dns/com": Limit("x", 1.0, 100, None)})
    world.watch(*[f"n{number}.com" for number in range(450)])
    world.run(1500)
    table, ids = world.core.rooms.domains.table, np.arange(450)
    table.earliest[ids], table.latest[ids] = world.now - 10 * DAY, world.now + 20 * DAY
    table.schedule.set_times(ids, np.full(450, world.now), np.zeros(450, np.bool_))
    begun = world.now
    world.run(700)
    swept = ids[(table.dns_at[ids] > begun) & np.isfinite(table.schedule.times_of(ids))]
    waits = table.schedule.times_of(swept) - table.dns_at[swept]

    assert len(swept) > 400
    assert waits.min() >= 0.75 * 1800
    assert waits.max() <= 1.25 * 1800


def test_thirty_names_in_redemption_leave_their_registry_room_for_the_others() -> None:
    """They go on to pending delete first: a look in six hours sees that, and other records are renewed."""
    world = World(interval=3600.0, limits={**FREE, "rdap/rdap.com.test": Limit("x", 0.5, 2, None)})
    gone, others = [f"gone{number}.com" for number in range(30)], [f"n{number}.com" for number in range(800)]
    world.names.update({domain: Name([(0.0, Phase.REDEMPTION)]) for domain in gone})
    world.watch(*gone, *others)
    world.run(2 * HOUR)
    polled = set(gone)
    queried = [domain for _, method, domain in world.asked if method == "rdap" and domain in polled]

    assert set(queried) == polled
    assert len(queried) <= 2 * len(polled)
    assert len({domain for _, method, domain in world.asked if method == "rdap"} - polled) > 790


def test_sixty_names_about_to_drop_take_half_of_the_budget_of_their_registry() -> None:
    """All of them are polled; what is left is for canaries, confirmations and the other names."""
    world = World(interval=3600.0, limits={**FREE, "rdap/rdap.com.test": Limit("x", 0.5, 2, None)})
    gone = [f"gone{number}.com" for number in range(60)]
    dying = [(0.0, Phase.REDEMPTION), (world.now + HOUR, Phase.PENDING_DELETE)]
    world.names.update({domain: Name(list(dying)) for domain in gone})
    world.watch(*gone)
    world.run(2.5 * HOUR)
    later = world.now // DAY * DAY + 5 * DAY + 17.5 * HOUR - world.now
    world._queue = [(at + later, order, act) for at, order, act in world._queue]
    world.now += later
    world.run(HOUR)
    begun = world.now
    world.run(HOUR)
    queried = [domain for at, method, domain in world.asked if method == "rdap" and at > begun]

    assert set(queried) >= set(gone)
    assert 0.4 * 0.5 * HOUR < len(queried) < 0.6 * 0.5 * HOUR
