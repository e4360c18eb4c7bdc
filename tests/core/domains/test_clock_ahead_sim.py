"""The wall clock was ahead, is set right, and the coordinator starts again from its store: through the whole core."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Phase
from tests.sim.world import START, World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

DAY = 86_400.0


def set_right(world: World, ahead: float = DAY) -> None:
    """The clock was so many seconds ahead until now, or another instance takes over from one whose clock is."""
    world.now -= ahead
    world._queue = [(at - ahead, order, action) for at, order, action in world._queue]
    world.restart()


def test_every_name_is_checked_within_its_interval_and_a_drop_is_announced() -> None:
    """Due times, answers and verified servers of tomorrow delay nothing today."""
    world = World(interval=600.0)
    names = [f"n{number}.com" for number in range(40)]
    world.watch(*names)
    world.order("check", names[0])
    world.run(600)
    set_right(world)
    began = world.now
    world.names[names[0]].changes.append((began + 10, None))
    world.run(1800)

    assert {name for at, _, name in world.asked if at > began and name in names and at < began + 800} == set(names)
    assert [status for _, status in world.notices(names[0])] == ["available"]


@pytest.mark.parametrize("ahead", [DAY, 600.0])
@pytest.mark.parametrize("until", [20.0, 300.0])
def test_a_callback_that_was_planned_for_later_is_posted_now(ahead: float, until: float) -> None:
    """It was recorded by a clock that was ahead, and not delivered in that run, whether or not the endpoint was given up."""
    world = World(interval=60.0, priority=2.0)
    world.endpoint = lambda _: 503
    world.watch("gone.com", priority=True)
    world.names["gone.com"].changes += [(START - 60, Phase.PENDING_DELETE), (START + 10, None)]
    world.run(until)
    assert world.stored.pending()
    world.endpoint = lambda _: 200
    set_right(world, ahead)
    world.run(60)

    assert "available" in [status for _, status in world.notices("gone.com")]
