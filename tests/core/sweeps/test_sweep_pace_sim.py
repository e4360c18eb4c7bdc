"""The pace of sweeps, through the whole core."""

from __future__ import annotations

import pytest

from common.core.model.limit import Limit
from common.core.sweeps.sweep_dispatch import SHORTEST
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

#: Addresses that a zone is taken to have before the first answer.
UNMEASURED = 4


def test_a_small_sweep_of_a_slow_zone_is_over_soon() -> None:
    """Its tokens were there all at once, so it does not take the seconds in which they came together."""
    world = World(interval=600.0, limits={"*": Limit("*", 1000.0, 1000, None), "dns/*": Limit("dns/*", 1.0, 3, None)})
    world.watch(*[f"n{number}.org" for number in range(60)], priority=True)
    world.run(60)

    first = world.sweeps_sent[0]
    assert first.pace is not None
    assert first.count / (UNMEASURED * first.pace) <= SHORTEST
    assert first.count / first.pace > SHORTEST  # and no faster than its addresses together may be asked
