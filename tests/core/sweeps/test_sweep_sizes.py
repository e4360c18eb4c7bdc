"""How many names leave in one sweep while many are due: as many as it holds, however many places workers offer."""

from __future__ import annotations

from common.core.sweeps.due import ORDINARY_LIMIT
from common.core.sweeps.sweep_dispatch import GOOD_SIZE, HOLD
from common.messages import MAX_SWEEP
from tests.core.checks.checks_room import NOW, credit
from tests.core.sweeps.sweeps_room import SweepsRoom

#: Enough names without priority that are due, and not taken out of the schedule, for `HOLD` to be at its longest.
REST = int(HOLD * 10_000)


def room_with_more_due() -> SweepsRoom:
    """A room whose schedule holds names without priority that are due now."""
    room = SweepsRoom()
    room.watch(*(f"more{number}.org" for number in range(REST)), at=NOW)
    return room


def test_while_more_names_are_due_a_sweep_waits_until_it_is_full() -> None:
    """As long as few names are held back, and no longer."""
    room = room_with_more_due()
    room.queue_names(MAX_SWEEP - 1, due=NOW)
    room.dispatch.send_ready_sweeps(NOW)
    assert (room.sent_sweeps(), room.queues.wake) == ([], NOW + HOLD)

    room.queue_names(1, due=NOW)
    room.dispatch.send_ready_sweeps(NOW)
    assert [sweep.count for _, sweep in room.sent_sweeps()] == [MAX_SWEEP]

    room.queue_names(GOOD_SIZE, suffix="net", due=NOW)
    room.dispatch.send_ready_sweeps(NOW + HOLD)
    assert [sweep.count for _, sweep in room.sent_sweeps()] == [GOOD_SIZE]


def test_what_a_full_sweep_leaves_waits_for_more() -> None:
    """Full ones leave at once, to the place of any worker."""
    room = room_with_more_due()
    room.workers.note_credit(credit("fast", worker="fast-1@h", sweeps=16), NOW)
    room.queue_names(2 * MAX_SWEEP + GOOD_SIZE, due=NOW - 10)
    room.dispatch.send_ready_sweeps(NOW)

    assert [sweep.count for _, sweep in room.sent_sweeps()] == [MAX_SWEEP, MAX_SWEEP]
    assert (len(room.queues), room.queues.wake) == (GOOD_SIZE, NOW + HOLD)


def test_where_no_more_names_are_due_a_sweep_does_not_wait() -> None:
    """Those that are due later, or have priority, do not come to it."""
    room = SweepsRoom()
    room.watch(*(f"later{number}.org" for number in range(REST)), at=NOW + 0.1)
    room.watch("urgent.org", priority=True, at=NOW)
    room.queue_names(GOOD_SIZE, due=NOW)
    room.dispatch.send_ready_sweeps(NOW)

    assert [sweep.count for _, sweep in room.sent_sweeps()] == [GOOD_SIZE]


def test_names_with_priority_do_not_wait_for_more() -> None:
    """However many are due."""
    room = room_with_more_due()
    room.queue_names(30, urgent=True, due=NOW)
    room.dispatch.send_ready_sweeps(NOW)

    assert [sweep.count for _, sweep in room.sent_sweeps()] == [30]


def test_a_worker_that_hangs_holds_no_sweep_back() -> None:
    """All its places are taken and it answers nothing: full sweeps go to the other, and the rest when nothing else is due."""
    room = room_with_more_due()
    room.queue_names(3 * MAX_SWEEP)
    room.dispatch.send_ready_sweeps(NOW)
    assert [worker for worker, _ in room.sent_sweeps()] == ["fast-0@h"] * 3

    room.workers.note_credit(credit("fast", worker="fast-1@h", sweeps=16), NOW)
    room.queue_names(MAX_SWEEP + GOOD_SIZE, due=NOW)
    room.dispatch.send_ready_sweeps(NOW)
    assert [(worker, sweep.count) for worker, sweep in room.sent_sweeps()] == [("fast-1@h", MAX_SWEEP)]

    room.domains.stages.take_due(NOW, REST, priority=False)
    room.dispatch.send_ready_sweeps(NOW)
    assert [(worker, sweep.count) for worker, sweep in room.sent_sweeps()] == [("fast-1@h", GOOD_SIZE)]


def test_three_workers_get_no_more_sweeps_than_one() -> None:
    """What is due leaves the schedule in two turns of the loop: of each suffix one sweep is not full, the last one."""
    room, suffixes = SweepsRoom(), ("com", "net", "org")
    for number in range(3):
        room.workers.note_credit(credit("fast", worker=f"fast-{number}@h", sweeps=16), NOW)
    for suffix in suffixes:
        room.fill_budget(room.zone_limit(suffix))
        room.registries.wildcards.note_measured(suffix, wildcard=False)
    each = 2 * ORDINARY_LIMIT // len(suffixes)
    room.watch(*(f"n{number}.{suffix}" for number in range(each) for suffix in suffixes), at=NOW - 1)
    sizes = []
    for turn in range(2):
        room.due.move_due_names(NOW + turn / 50)
        room.dispatch.send_ready_sweeps(NOW + turn / 50)
        sizes.append(sorted(sweep.count for _, sweep in room.sent_sweeps()))

    assert sizes == [[MAX_SWEEP] * 3, [each % MAX_SWEEP] * 3 + [MAX_SWEEP] * 6]
    assert {worker["leased"] for worker in room.workers.snapshot(NOW) if worker["pool"] == "fast"} == {4}
