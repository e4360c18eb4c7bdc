"""Names in line for a sweep: no budget, limit or place keeps them for ever, and each is looked at once."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.coordinator.inputs import MessageArrived
from common.core.domains.domain_table import Flag
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.sweeps import sweep_dispatch
from common.core.watchlist import intake
from common.core.watchlist.list_diff import ListChunk
from common.messages import Credit, SweepResult
from tests.core.sweeps.sweep_tales import limited, told_world
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def turned_away(world: World, seconds: float) -> None:
    """The name servers of com want peace for so long."""
    rooms = world.core.rooms
    slow = Reading(Outcome.THROTTLED, "dns_refused", "slow down", retry_after=seconds)
    rooms.rate_limits.budgets.note_answer(
        rooms.registries.limit_of("dns", "com", "com"), "default", Observation("dns", slow), world.now
    )


def standing_line(seconds: float) -> tuple[World, list[str]]:
    """Thirty names in line for a sweep of com, which stands still for so long."""
    world, names = told_world()
    world.run(0.001)
    turned_away(world, seconds)
    world.run(20)
    assert len(world.core.rooms.sweep_queues) == 30
    return world, names


@pytest.mark.parametrize("urgent", [False, True])
def test_names_of_a_zone_that_may_not_be_asked_are_visited_all_the_same(*, urgent: bool) -> None:
    """A budget of nothing for DNS: nobody waits in line for ever, the registry is asked."""
    world = World(interval=600.0)
    limited(world, dns_com=Limit("dns/com", 0.0, 0, None))
    names = [f"n{number}.com" for number in range(30)]
    world.watch(*names, priority=urgent)
    world.run(1800)

    assert len(world.core.rooms.sweep_queues) == 0
    assert {world.state(name) for name in names} == {"REGISTERED"}


def test_a_daily_limit_neither_stops_a_sweep_for_ever_nor_keeps_the_loop_busy() -> None:
    """What is left of the day is used, and the next look is the next day."""
    world = World(interval=600.0)
    limited(world, dns_com=Limit("dns/com", 100.0, 100, 20))
    world.watch(*[f"n{number}.com" for number in range(100)])
    world.run(60)
    wakes = []
    for _ in range(20):
        wakes.append(world.core.next_wake(world.now) - world.now)
        world.run(1)
    assert sum(count for _, _, count in world.swept) <= 20
    assert sum(wakes) / len(wakes) > 0.1

    midnight = (world.now // 86_400 + 1) * 86_400
    asked = sum(count for _, _, count in world.swept)
    world.now = midnight - 1
    world.run(30)
    assert sum(count for _, _, count in world.swept) > asked


def test_an_egress_that_was_turned_away_does_not_keep_the_others_waiting() -> None:
    """Budgets are kept per egress: a sweep goes from where it may."""
    world = World(interval=600.0)
    rooms = world.core.rooms
    world.watch(*[f"n{number}.com" for number in range(30)])
    world.run(0.5)
    limit = rooms.registries.limit_of("dns", "com", "com")
    refused = Observation("dns", Reading(Outcome.THROTTLED, "dns_refused", "slow down"), refused=True)
    rooms.rate_limits.budgets.note_answer(limit, "default", refused, world.now)
    world.event(MessageArrived(Credit(2, "fast-1@far", "x1", "fast", "far", ("dns", "http"), 16, 16, 0, 0, 2)))
    rooms.rate_limits.budgets.available_tokens(limit, "far", world.now)
    now = world.now + 3.0
    rows = np.array([rooms.domains.table.find_id(f"n{number}.com") for number in range(30)])
    rooms.domains.table.schedule.set_times(rows, np.full(30, np.inf), np.zeros(30, np.bool_))
    rooms.domains.table.flags[rows] |= Flag.QUEUED
    rooms.sweep_queues = type(rooms.sweep_queues)()
    rooms.sweep_queues.add_names("com", rows, np.full(30, now), now - 10, urgent=False)
    rooms.effects.take_planned()
    sweep_dispatch.dispatch(board, now)

    assert [command.worker for command in board.commands if hasattr(command, "worker")] == ["fast-1@far"]


def test_priority_names_do_not_wait_for_a_zone_that_turned_us_away() -> None:
    """An hour of silence is no reason to look at them by no other way."""
    world = World(interval=600.0)
    turned_away(world, 3600.0)
    names = [f"n{number}.com" for number in range(30)]
    world.watch(*names, priority=True)
    world.run(20)

    assert {name for _, _, name in world.asked} >= set(names)


def test_many_suffixes_that_wait_for_a_place_are_not_looked_at_one_by_one() -> None:
    """Where no worker takes a sweep, the lines are left alone until one does."""
    world = World(interval=600.0)
    rooms = world.core.rooms
    for number in range(50):
        rooms.sweep_queues.add_names(f"s{number}", np.arange(20), np.full(20, world.now), world.now - 10, urgent=False)
    for worker in rooms.workers.choose_sweepers():
        worker.sweeps = 0
    order = [suffix for suffix, _ in rooms.sweep_queues.waiting_queues(urgent=False)]
    sweep_dispatch.dispatch(board, world.now)

    assert [suffix for suffix, _ in rooms.sweep_queues.waiting_queues(urgent=False)] == order[1:] + order[:1]


def test_a_name_that_is_in_a_line_twice_is_looked_at_and_counted_once() -> None:
    """It left the list and came back while its line stood still."""
    world, names = standing_line(60.0)
    rooms = world.core.rooms
    world.unlist(*names[:10])
    world.watch(*names[:10])
    world.run(20)
    assert len(rooms.sweep_queues) == 40
    world.run(600)

    assert {state: count for state, count in rooms.domains.by_state.items() if count} == {"REGISTERED": 30}
    assert max(count for _, _, count in world.swept) <= 30


def test_a_name_that_gains_priority_leaves_the_line_of_those_without() -> None:
    """It does not wait behind thousands that came before it."""
    world, names = standing_line(3600.0)
    rooms = world.core.rooms
    intake.part(board, ListChunk(priorities=((rooms.domains.table.find_id(names[4]), True),)), world.now)
    world.run(5)

    assert {name for _, _, name in world.asked if name in set(names)} == {names[4]}


def test_a_worker_that_answers_nonsense_asks_no_more_than_the_budget_allows() -> None:
    """It asked all the same: nothing is given back, and what is sent again is paid for again."""
    world = World(interval=600.0)
    limited(world, **{"dns_*": Limit("dns/*", 1.0, 3, None)})
    world.tamper = lambda swept: SweepResult(swept.credit, swept.attempt, swept.codes[:-1], swept.served[:-1])
    world.watch(*[f"n{number}.com" for number in range(500)])
    began = world.now
    world.run(60)
    asked = sum(1 for _, method, _ in world.asked if method == "dns")

    assert asked <= 4 * (world.now - began) + 12  # four addresses, until more is known
