"""The stage of a name, through the whole core, while the list changes."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.domains.stages import Stage
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


@pytest.mark.parametrize("stage", ["idle", "queued", "admitted", "fetching", "checking"])
def test_a_name_that_leaves_the_list_and_comes_back_is_in_one_stage(stage: str) -> None:
    """Whichever it was in when the list changed: in the end it is checked, once a time, and counted once."""
    world = World(interval=300.0)
    names = [f"n{number}.com" for number in range(60)]
    world.watch(*names)
    world.run(120)
    rooms = world.core.rooms
    stages, name_id = rooms.domains.stages, rooms.domains.table.find_id(names[0])
    if stage == "queued":
        ids = np.array([name_id])
        rooms.domains.table.schedule.remove_name(name_id)
        stages.queue_for_sweep(ids)
        rooms.sweep_queues.add_names("com", ids, np.array([world.now]), world.now, urgent=False)
    elif stage != "idle":
        if rooms.domains.find_loaded(names[0]) is not None:
            rooms.domains.working_set.evict_entry(name_id)
        assert rooms.intake.check_now(names[0])
        assert stages.stage_of(name_id) is Stage.ADMITTED
        for _ in range({"admitted": 0, "fetching": 1, "checking": 2}[stage]):
            world.run(0.003)
    world.unlist(names[0])
    world.check()
    assert stages.stage_of(name_id) is Stage.UNWATCHED
    world.watch(names[0])
    world.check()
    before = len(world.asked)
    world.run(1200)

    looks = [method for _, method, name in world.asked[before:] if name == names[0] and method == "dns"]
    assert 2 <= len(looks) <= 8
    assert sum(rooms.domains.by_state.values()) == len(names)
