"""Names queued for a sweep in a simulated world: no budget or quota keeps them for ever, and each is checked once."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.messages import SweepResult
from tests.core.sweeps.swept_world import limit_operators, swept_world
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def limit_zone(world: World, seconds: float) -> None:
    """Let the name servers of com limit us for so long."""
    rooms = world.core.rooms
    slow = Reading(Outcome.THROTTLED, "dns_refused", "slow down", retry_after=seconds)
    rooms.rate_limits.budgets.note_answer(
        rooms.registries.limit_of("dns", "com", "com"), "default", Observation("dns", slow), world.now
    )


def queued_world(seconds: float) -> tuple[World, list[str]]:
    """Thirty names that wait for a sweep of com, whose servers limit us for so long."""
    world, names = swept_world()
    world.run(0.001)
    limit_zone(world, seconds)
    world.run(20)
    assert len(world.core.rooms.sweep_queues) == 30
    return world, names


@pytest.mark.parametrize("urgent", [False, True])
def test_names_of_a_zone_without_a_budget_are_checked_all_the_same(*, urgent: bool) -> None:
    """No name waits for a sweep for ever: the registry is queried."""
    world = World(interval=600.0)
    limit_operators(world, dns_com=Limit("dns/com", 0.0, 0, None))
    names = [f"n{number}.com" for number in range(30)]
    world.watch(*names, priority=urgent)
    world.run(1800)

    assert len(world.core.rooms.sweep_queues) == 0
    assert {world.state(name) for name in names} == {"REGISTERED"}


def test_a_daily_quota_neither_stops_a_sweep_for_ever_nor_keeps_the_loop_busy() -> None:
    """What is left of the quota is used, and the next sweep leaves the next day."""
    world = World(interval=600.0)
    limit_operators(world, dns_com=Limit("dns/com", 100.0, 100, 20))
    world.watch(*[f"n{number}.com" for number in range(100)])
    world.run(60)
    wakes = []
    for _ in range(20):
        wakes.append(world.core.next_wake(world.now) - world.now)
        world.run(1)
    assert sum(count for _, _, count in world.swept) <= 20
    assert sum(wakes) / len(wakes) > 0.1

    midnight = (world.now // 86_400 + 1) * 86_400
    queried = sum(count for _, _, count in world.swept)
    world.now = midnight - 1
    world.run(30)
    assert sum(count for _, _, count in world.swept) > queried


def test_priority_names_do_not_wait_for_a_zone_that_limits_us() -> None:
    """An hour of silence is no reason not to check them by other channels."""
    world = World(interval=600.0)
    limit_zone(world, 3600.0)
    names = [f"n{number}.com" for number in range(30)]
    world.watch(*names, priority=True)
    world.run(20)

    assert {name for _, _, name in world.asked} >= set(names)


def test_a_name_that_is_queued_twice_is_checked_and_counted_once() -> None:
    """It left the list and came back while its queue stood still."""
    world, names = queued_world(60.0)
    rooms = world.core.rooms
    world.unlist(*names[:10])
    world.watch(*names[:10])
    world.run(20)
    assert len(rooms.sweep_queues) == 40
    world.run(600)

    assert {state: count for state, count in rooms.domains.by_state.items() if count} == {"REGISTERED": 30}
    assert max(count for _, _, count in world.swept) <= 30


def test_a_name_that_gains_priority_leaves_the_queue_of_those_without() -> None:
    """It does not wait behind thousands that came before it."""
    world, names = queued_world(3600.0)
    world.watch(names[4], priority=True)
    world.run(5)

    assert {name for _, _, name in world.asked if name in set(names)} == {names[4]}


def test_a_worker_that_answers_nonsense_sends_no_more_than_the_budget_allows() -> None:
    """Its queries were sent all the same: no token is returned, and what is sent again is paid for again."""
    world = World(interval=600.0)
    limit_operators(world, **{"dns_*": Limit("dns/*", 1.0, 3, None)})
    world.tamper = lambda swept: SweepResult(swept.credit, swept.attempt, swept.codes[:-1], swept.served[:-1])
    world.watch(*[f"n{number}.com" for number in range(500)])
    began = world.now
    world.run(60)
    queried = sum(1 for _, method, _ in world.asked if method == "dns")

    assert queried <= 4 * (world.now - began) + 12  # four addresses, until more is known
