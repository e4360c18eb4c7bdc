"""Names that are due: stable ones are queued for a sweep, the others admitted to single checks."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.domains.domain_table import Flag
from common.core.domains.stages import Stage
from common.core.model.ids import NEVER
from common.core.model.limit import Limit
from common.core.model.records import Detail
from common.core.sweeps.due import MOST_WAITING, SOON
from common.core.workers.leases import SILENT
from tests.core.checks.checks_room import NOW, PLENTY, credit
from tests.core.sweeps.sweeps_room import SweepsRoom

DAY, HOUR = 86_400.0, 3600.0


def stages(room: SweepsRoom) -> list[Stage]:
    """The stage of every name."""
    return [room.domains.stages.stage_of(name_id) for name_id in range(len(room.domains))]


def test_stable_names_are_queued_by_suffix_with_the_times_they_were_due() -> None:
    """Names with priority in a queue of their own."""
    room = SweepsRoom()
    room.watch("a.com", "b.com", "c.org", at=NOW - 5)
    room.watch("d.com", at=NOW - 5, priority=True)
    room.watch("later.com", at=NOW + 5)
    room.due.move_due_names(NOW)
    queues = dict(room.queues.all_queues())

    assert stages(room) == [Stage.QUEUED] * 4 + [Stage.IDLE]
    assert queues["com"].ordinary.all_ids().tolist() == [0, 1]
    assert queues["com"].urgent.all_ids().tolist() == [3]
    assert queues["org"].ordinary.pieces[0][1].tolist() == [NOW - 5]
    assert room.domains.stages.due_at(0) == NEVER


@pytest.mark.parametrize("flag", [Flag.SINGLE, Flag.LOADED])
def test_a_name_with_which_something_goes_on_is_checked_by_itself(flag: Flag) -> None:
    """A sweep would not do."""
    room = SweepsRoom()
    (name_id,) = room.watch("a.com", at=NOW).tolist()
    if flag is Flag.LOADED:
        room.domains.working_set.load_entry(name_id, Detail())
    else:
        room.domains.table.set_flag(name_id, flag, on=True)
    room.due.move_due_names(NOW)

    assert stages(room) == [Stage.ADMITTED]
    assert len(room.queues) == 0


@pytest.mark.parametrize(
    ("window", "near"),
    [
        ((NOW - HOUR, NOW + 12 * HOUR), True),
        ((NOW - 10 * DAY, NOW + 20 * DAY), False),
        ((NOW - 29 * DAY, NOW + DAY), True),
    ],
)
def test_a_name_that_may_drop_about_now_goes_before_routine(window: tuple[float, float], *, near: bool) -> None:
    """In a wide window it waits for its check like the others, until the last day."""
    room = SweepsRoom()
    (name_id,) = room.watch("a.com", at=NOW).tolist()
    table = room.domains.table
    table.earliest[name_id], table.latest[name_id] = window
    table.set_flag(name_id, Flag.SINGLE, on=True)
    room.due.move_due_names(NOW)
    admission = room.starts.admission

    assert (len(admission), admission.planned_count()) == ((1, 0) if near else (0, 1))
    request = admission.take_next_request(ordinary=True)
    assert request is not None
    assert request.left_zone is near


def test_a_zone_that_is_being_measured_makes_its_names_due_again_soon() -> None:
    """Whether it answers for every name decides what a sweep of it is worth."""
    room = SweepsRoom()
    room.watch("a.dev", at=NOW)
    room.due.move_due_names(NOW)

    assert room.domains.stages.due_at(0) == NOW + SOON
    assert len(room.queues) == 0


@pytest.mark.parametrize("cause", ["wildcard", "resolver", "no budget", "no sweeper"])
def test_where_a_sweep_proves_nothing_or_cannot_be_sent_names_are_checked_by_themselves(cause: str) -> None:
    """The registry decides there."""
    limits = {**PLENTY, "dns/gtld-servers": Limit("dns/gtld-servers", 0.0, 0, None)}
    room = SweepsRoom(limits=limits if cause == "no budget" else PLENTY, workers=cause != "no sweeper")
    if cause == "wildcard":
        room.registries.wildcards.note_measured("com", wildcard=True)
    elif cause == "resolver":
        room.registries.recursive_dns = True
    room.watch("a.com", at=NOW)
    room.due.move_due_names(NOW)

    assert stages(room) == [Stage.ADMITTED]


def test_without_a_sweeper_names_without_priority_stay_in_the_schedule() -> None:
    """Two thousand checks wait already: priority goes on, and the others wake no loop."""
    room = SweepsRoom(workers=False)
    ids = room.watch(*(f"n{number}.com" for number in range(MOST_WAITING)))
    room.watch("ordinary.com", at=NOW - 5)
    assert room.due.next_at(NOW) == NOW - 5
    room.starts.request_checks(ids, np.full(len(ids), NOW), urgent=False)
    assert room.due.next_at(NOW) == NEVER

    room.watch("urgent.com", at=NOW - 1, priority=True)
    assert room.due.next_at(NOW) == NOW - 1
    room.due.move_due_names(NOW)
    assert stages(room)[-2:] == [Stage.IDLE, Stage.ADMITTED]


def test_names_that_wait_longest_begin_first() -> None:
    """However many wait: before names that became due later, whatever their ids."""
    room = SweepsRoom(workers=False)
    names = [f"n{number}.com" for number in range(20)]
    for place, name in enumerate(names):  # the last one is the longest due; some become due while the others wait
        room.watch(name, at=NOW - place if place >= 5 else NOW + 2 + place)
    begun = []
    for second in range(120):
        room.due.move_due_names(NOW + second)
        request = room.starts.admission.take_next_request(ordinary=True) if not second % 4 else None
        begun += [request] if request is not None else []

    assert [room.domains.table.name_of(request.name_id) for request in begun] == [*names[:4:-1], *names[:5]]
    assert [request.due for request in begun] == sorted(request.due for request in begun)


def test_a_sweeper_that_was_lost_a_moment_ago_is_expected_back() -> None:
    """Names stay queued for it for some seconds."""
    room = SweepsRoom()
    room.workers.drop_silent(NOW + SILENT + 1)
    room.watch("a.com", at=NOW)
    room.due.move_due_names(NOW + SILENT + 2)
    assert stages(room) == [Stage.QUEUED]

    room.workers.note_credit(credit("fast"), NOW + SILENT + 3)
    assert room.workers.can_sweep(NOW + SILENT + 3)
