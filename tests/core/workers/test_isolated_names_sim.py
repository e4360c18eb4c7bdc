"""Names that are isolated because their checks killed workers, on a virtual clock."""

from __future__ import annotations

import pytest

from common.core.workers.poison import ISOLATED
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def test_a_name_that_was_isolated_is_let_go_when_that_is_over() -> None:
    """Names that kill workers do not add up over the months."""
    world = World(interval=600.0)
    world.watch("poison.com")
    world.order("check", "poison.com")
    world.run(5)
    rooms = world.core.rooms
    entry = rooms.domains.find_loaded("poison.com")
    assert entry is not None
    rooms.poison.isolate_name(entry, world.now)
    world.run(ISOLATED / 2)
    assert rooms.poison.isolated_count(0.0) == 1
    world.run(ISOLATED)

    assert rooms.poison.isolated_count(0.0) == 0
    assert rooms.domains.find_loaded("poison.com") is None
