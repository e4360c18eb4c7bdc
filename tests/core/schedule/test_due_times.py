"""Due times by the block: names are taken when they are due, once, whatever was planned before."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.ids import NEVER
from common.core.schedule.due_times import BLOCK, DueTimes, Schedule, Waits

NOW = 1_790_000_000.0


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 100)), max_size=60),
    st.lists(st.tuples(st.integers(0, 110), st.integers(1, 30)), max_size=12),
)
def test_due_names_are_taken_once_and_the_most_overdue_first(
    changes: list[tuple[int, int]], takes: list[tuple[int, int]]
) -> None:
    """At most so many, none before its time, none twice; `next_at` is never later than the earliest due time."""
    due, plan = DueTimes(), dict[int, float]()
    due.reserve_names(9001)
    for name_id, at in changes:
        due.set_time(name_id, float(at))
        plan[name_id] = float(at)
    for now, limit in takes:
        assert due.next_at() <= min(plan.values(), default=NEVER)
        assert due.count_overdue(now) == sum(at <= now for at in plan.values())
        ids, times = due.take_due(float(now), limit)
        assert len(ids) == min(limit, sum(at <= now for at in plan.values()))
        for name_id, at in zip(ids.tolist(), times.tolist(), strict=True):
            assert plan.pop(name_id) == at <= now


def test_many_times_set_at_once_are_like_single_ones() -> None:
    """Later times of a block do not hide that a name in it is due already."""
    due = DueTimes()
    due.reserve_names(10_000)
    ids = np.arange(10_000)
    due.set_times(ids, NOW + ids)
    due.set_times(ids[5000:], NOW + 100_000 + ids[5000:])

    assert due.next_at() == NOW
    assert due.take_due(NOW + 50_000, 20_000)[0].tolist() == list(range(5000))
    assert due.next_at() == NOW + 105_000


def test_a_name_that_gains_priority_has_one_due_time() -> None:
    """It is due with the names that have priority, and not among the others any more."""
    schedule = Schedule()
    schedule.reserve_names(10)
    schedule.set_time(3, NOW + 50, priority=False)
    schedule.set_time(3, NOW + 10, priority=True)

    assert schedule.due_at(3) == NOW + 10
    assert schedule.ordinary.take_due(NOW + 100, 10)[0].tolist() == []
    assert schedule.priority.take_due(NOW + 100, 10)[0].tolist() == [3]
    assert schedule.next_at() == NEVER


def test_no_name_is_due_later_than_the_longest_wait_after_a_start() -> None:
    """Times planned by a clock that was ahead are brought nearer, spread; near ones stay, and names without one are due."""
    due = DueTimes()
    due.set_times(np.arange(4), np.array([NOW + 86_400, NOW + 87_000, NOW + 300, 0.0]))
    due.clamp_times(NOW, 1000.0)

    assert due.times_of(np.arange(5)).tolist() == [NOW + 400, NOW, NOW + 300, NOW, NEVER]
    assert due.next_at() == NOW


def test_a_name_whose_calendar_tells_the_day_keeps_its_time_over_a_start() -> None:
    """As far as such a wait is planned; beyond it is a wrong clock."""
    schedule = schedule_of(10)
    for name_id, wait, priority in ((0, 9000.0, True), (1, 30_000.0, False), (2, 60_000.0, False), (3, 30_000.0, False)):
        schedule.set_time(name_id, NOW + wait, priority=priority)
    schedule.clamp_times(NOW, Waits(60.0, 10_000.0), Waits(3600.0, 40_000.0), np.arange(3))

    assert (schedule.due_at(0), schedule.due_at(1)) == (NOW + 9000, NOW + 30_000)
    assert schedule.due_at(2) <= NOW + 3600
    assert schedule.due_at(3) <= NOW + 3600


def test_a_name_that_no_zone_guards_keeps_its_time_over_a_start() -> None:
    """By a longest wait of its own, with priority and without."""
    schedule = schedule_of(10)
    for name_id, wait, priority in ((0, 9000.0, True), (1, 30_000.0, False), (2, 60_000.0, False), (3, 9001.0, True)):
        schedule.set_time(name_id, NOW + wait, priority=priority)
    waits = Waits(60.0, 70.0, 9000.0), Waits(3600.0, 3700.0, 40_000.0)
    schedule.clamp_times(NOW, *waits, unguarded=np.arange(4))

    assert (schedule.due_at(0), schedule.due_at(1)) == (NOW + 9000, NOW + 30_000)
    assert schedule.due_at(2) <= NOW + 3600
    assert schedule.due_at(3) <= NOW + 60


def schedule_of(count: int) -> Schedule:
    """A schedule with room for so many names."""
    schedule = Schedule()
    schedule.reserve_names(count)
    return schedule


def test_a_name_is_not_due_before_it_is_scheduled_and_after_it_is_removed() -> None:
    """Removal is from whichever of the two it is in."""
    schedule = schedule_of(10)
    assert (schedule.due_at(4), schedule.next_at(), schedule.count_overdue(NOW)) == (NEVER, NEVER, 0)
    for priority in (False, True):
        schedule.set_time(4, NOW, priority=priority)
        assert (schedule.due_at(4), schedule.count_overdue(NOW)) == (NOW, 1)
        schedule.remove_name(4)
        assert (schedule.due_at(4), schedule.count_overdue(NOW)) == (NEVER, 0)


def test_many_names_are_scheduled_by_their_priority() -> None:
    """Those with priority are found however many of the others are overdue."""
    schedule = schedule_of(3 * BLOCK)
    ids = np.arange(3 * BLOCK)
    schedule.set_times(ids, NOW - 1000 + ids / BLOCK, ids == 2 * BLOCK)

    assert schedule.priority.take_due(NOW, 10)[0].tolist() == [2 * BLOCK]
    assert schedule.times_of(np.array([0, 2 * BLOCK])).tolist() == [NOW - 1000, NEVER]
    assert schedule.count_overdue(NOW) == 3 * BLOCK - 1


def test_lateness_is_that_of_the_most_overdue_name() -> None:
    """None where nothing is due, or nothing is scheduled."""
    schedule = schedule_of(10)
    assert schedule.lateness(NOW) == 0.0
    schedule.set_time(1, NOW - 7, priority=False)
    schedule.set_time(2, NOW - 3, priority=True)
    assert schedule.lateness(NOW) == 7.0
    assert schedule.lateness(NOW - 60) == 0.0


def test_room_for_more_names_keeps_the_due_times() -> None:
    """New names are not due."""
    schedule = schedule_of(BLOCK)
    schedule.set_time(BLOCK - 1, NOW, priority=False)
    schedule.reserve_names(10 * BLOCK)

    assert (schedule.due_at(BLOCK - 1), schedule.due_at(10 * BLOCK - 1), schedule.next_at()) == (NOW, NEVER, NOW)


def test_a_start_clamps_names_with_and_without_priority_by_their_own_intervals() -> None:
    """And leaves unscheduled names alone."""
    schedule = schedule_of(10)
    schedule.set_time(0, NOW + 900, priority=True)
    schedule.set_time(1, NOW + 900, priority=False)
    schedule.set_time(2, 0.0, priority=False)
    schedule.clamp_times(NOW, Waits(60.0), Waits(3600.0))

    assert NOW <= schedule.due_at(0) <= NOW + 60
    assert (schedule.due_at(1), schedule.due_at(2), schedule.due_at(3)) == (NOW + 900, NOW, NEVER)
