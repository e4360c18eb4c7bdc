"""Every transition of a name between stages, and that no other room makes one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from common.core.domains.domain_table import DomainTable
from common.core.domains.stages import Stage, Stages
from common.core.domains.working_set import WorkingSet
from common.core.model.entry import Check, Entry
from common.core.model.ids import NEVER
from common.core.model.records import Detail
from common.core.schedule.due_times import Waits

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_790_000_000.0


class Names:
    """Watched names n0.com, n1.com ..., idle and due in a minute."""

    def __init__(self, count: int = 4, *, priority: bool = False) -> None:
        self.table = DomainTable()
        self.working_set = WorkingSet(self.table)
        self.stages = Stages(self.table, self.working_set.loaded)
        self.ids = self.table.add_names([f"n{number}.com" for number in range(count)], ["com"] * count)
        self.stages.add_watched(self.ids, np.full(count, priority), np.full(count, NOW + 60))

    def load(self, name_id: int) -> Entry:
        """Load a name."""
        return self.working_set.load_entry(name_id, Detail())

    def stage_of(self, name_id: int = 0) -> tuple[Stage, float]:
        """The stage of a name, and when it is due."""
        return self.stages.stage_of(name_id), self.stages.due_at(name_id)

    def queue(self, *ids: int) -> None:
        """These names, which are due, wait for a sweep."""
        taken, _ = self.stages.take_due(NOW + 60, len(self.ids), priority=False)
        mine = np.isin(taken, ids)
        self.stages.queue_for_sweep(taken[mine])
        self.stages.schedule_checks(taken[~mine], np.full(int((~mine).sum()), NOW + 60), looked=False)

    def begin(self, name_id: int = 0) -> Entry:
        """The check of a name is under way."""
        entry = self.load(name_id)
        self.stages.admit_name(name_id)
        assert self.stages.leave_admission(entry)
        self.stages.begin_check(entry, Check(NOW))
        return entry


IDLE, QUEUED, ADMITTED = (Stage.IDLE, NOW + 60), (Stage.QUEUED, NEVER), (Stage.ADMITTED, NEVER)
CHECKING, UNWATCHED = (Stage.CHECKING, NEVER), (Stage.UNWATCHED, NEVER)


# -- idle ------------------------------------------------------------------------------------------------------------------


def test_new_names_are_idle_and_counted() -> None:
    """Due when they were told to be, with and without priority."""
    names = Names(3)
    ids = names.table.add_names(["a.com", "b.com"], ["com", "com"])
    names.stages.add_watched(ids, np.array([True, False]), np.array([NOW, NOW + 5]))

    assert [names.stage_of(name_id) for name_id in (0, 3, 4)] == [IDLE, (Stage.IDLE, NOW), (Stage.IDLE, NOW + 5)]
    assert (names.table.watched_count, names.table.count_priority()) == (5, 1)


def test_due_names_are_taken_out_once_and_those_with_priority_apart() -> None:
    """Neither before they are due, nor more than so many."""
    names = Names(4)
    names.stages.set_priority(2, NOW + 60, priority=True)

    assert names.stages.take_due(NOW + 59, 10, priority=False)[0].tolist() == []
    assert names.stages.take_due(NOW + 60, 2, priority=False)[0].tolist() == [0, 1]
    assert names.stages.take_due(NOW + 60, 10, priority=False)[0].tolist() == [3]
    ids, times = names.stages.take_due(NOW + 60, 10, priority=True)
    assert (ids.tolist(), times.tolist()) == ([2], [NOW + 60])


def test_a_loaded_name_is_scheduled_with_its_entry() -> None:
    """Whatever was planned before, and at its priority."""
    names = Names()
    entry = names.load(0)
    names.stages.schedule_check(entry, NOW + 5)
    assert (names.stage_of(), entry.next_check) == ((Stage.IDLE, NOW + 5), NOW + 5)

    names.stages.set_priority(0, NOW + 9, priority=True)
    names.stages.schedule_check(entry, NOW + 7)
    assert names.stages.take_due(NOW + 7, 10, priority=True)[0].tolist() == [0]


# -- queued ----------------------------------------------------------------------------------------------------------------


def test_idle_names_are_postponed_and_no_others() -> None:
    """A later time counts, an earlier one does not; entries follow, and the blocks of the names are to be written."""
    names = Names(5)
    entry = names.load(0)
    names.stages.schedule_check(entry, NOW + 60)
    names.queue(3)
    names.stages.admit_name(4)
    idle = names.stages.are_idle(names.ids)
    list(names.table.encode_looks(names.table.dirty_blocks()))
    names.stages.postpone_checks(names.ids[idle], np.array([NOW + 90, NOW + 30, NOW + 120]))

    assert idle.tolist() == [True, True, True, False, False]
    assert [names.stage_of(number)[1] for number in range(3)] == [NOW + 90, NOW + 60, NOW + 120]
    assert entry.next_check == NOW + 90
    assert names.table.dirty_blocks().tolist() == [0]
    names.stages.unwatch_name(1)
    assert names.stages.are_idle(names.ids).tolist() == [True, False, True, False, False]


def test_idle_names_are_advanced_and_never_delayed() -> None:
    """An earlier time counts, a later one does not."""
    names = Names(3)
    entry = names.load(0)
    names.stages.schedule_check(entry, NOW + 60)
    list(names.table.encode_looks(names.table.dirty_blocks()))
    names.stages.advance_checks(names.ids, np.array([NOW + 30, NOW + 90, NOW + 10]))

    assert [names.stage_of(number)[1] for number in range(3)] == [NOW + 30, NOW + 60, NOW + 10]
    assert entry.next_check == NOW + 30
    assert names.table.dirty_blocks().tolist() == [0]


def test_due_names_wait_for_a_sweep_and_are_idle_after_it() -> None:
    """Which is written where the sweep looked at them, and not where it was given up."""
    names = Names()
    names.queue(0, 1)
    assert [names.stage_of(name_id) for name_id in range(3)] == [QUEUED, QUEUED, IDLE]
    assert names.stages.are_queued(names.ids).tolist() == [True, True, False, False]

    names.stages.schedule_checks(np.array([0]), np.array([NOW + 99]), looked=False)
    assert not len(names.table.dirty_blocks())
    names.stages.schedule_checks(np.array([1]), np.array([NOW + 99]))
    assert names.table.dirty_blocks().tolist() == [0]
    assert [names.stage_of(name_id) for name_id in range(2)] == [(Stage.IDLE, NOW + 99)] * 2


def test_names_are_scheduled_at_their_priority_after_a_sweep() -> None:
    """It may have changed while they waited."""
    names = Names()
    names.queue(0, 1)
    names.stages.set_priority(1, NOW, priority=True)
    names.queue()
    names.stages.schedule_checks(np.array([0]), np.array([NOW + 99]))

    assert names.stages.take_due(NOW + 99, 10, priority=True)[0].tolist() == [1]
    assert sorted(names.stages.take_due(NOW + 99, 10, priority=False)[0].tolist()) == [0, 2, 3]


def test_a_queued_name_that_gets_priority_is_due_at_once() -> None:
    """It leaves the sweep queue, where it would wait behind others."""
    names = Names()
    names.queue(0)
    names.stages.set_priority(0, NOW, priority=True)

    assert names.stage_of() == (Stage.IDLE, NOW)
    assert not names.stages.are_queued(np.array([0]))[0]


def test_a_queued_name_that_loses_priority_stays_queued() -> None:
    """The next time it is due among the others."""
    names = Names(priority=True)
    ids, _ = names.stages.take_due(NOW + 60, 1, priority=True)
    names.stages.queue_for_sweep(ids)
    names.stages.set_priority(0, NOW, priority=False)

    assert names.stage_of() == QUEUED
    names.stages.schedule_checks(ids, np.array([NOW + 5]))
    assert names.stages.take_due(NOW + 5, 10, priority=False)[0].tolist() == [0]


# -- admitted --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("queued", [True, False])
def test_one_name_is_admitted_from_any_stage_but_a_check(loaded: bool, queued: bool) -> None:
    """It has no due time any more, nor has its entry."""
    names = Names()
    if queued:
        names.queue(0)
    entry = names.load(0) if loaded else None
    names.stages.admit_name(0)

    assert names.stage_of() == ADMITTED
    assert names.stages.is_admitted(0)
    assert entry is None or entry.next_check == NEVER
    assert names.stage_of(1) == IDLE


def test_many_names_are_admitted_when_they_are_due_or_queued() -> None:
    """Loaded and not loaded ones alike."""
    names = Names()
    entry = names.load(1)
    ids, _ = names.stages.take_due(NOW + 60, 2, priority=False)
    names.stages.admit_names(ids)
    names.queue(2)
    names.stages.admit_names(np.array([2]))

    assert [names.stage_of(name_id) for name_id in range(4)] == [ADMITTED, ADMITTED, ADMITTED, IDLE]
    assert entry.next_check == NEVER
    assert [names.stages.is_admitted(name_id) for name_id in range(4)] == [True, True, True, False]


def test_an_admitted_name_that_does_not_begin_is_scheduled_again() -> None:
    """Its zone may have to be measured first."""
    names = Names()
    entry = names.load(0)
    names.stages.admit_name(0)
    assert names.stages.leave_admission(entry)
    names.stages.schedule_check(entry, NOW + 5)

    assert names.stage_of() == (Stage.IDLE, NOW + 5)


def test_an_admitted_name_is_not_scheduled_beside_it() -> None:
    """A canary that answers meanwhile plans the next pass, which the check that is about to begin is already."""
    names = Names()
    entry = names.load(0)
    names.stages.admit_name(0)
    names.stages.schedule_check(entry, NOW + 5)

    assert (names.stage_of(), entry.next_check) == (ADMITTED, NEVER)


def test_priority_does_not_move_an_admitted_name() -> None:
    """Its check begins soon; afterwards it is due at its new priority."""
    names = Names()
    entry = names.load(0)
    names.stages.admit_name(0)
    names.stages.set_priority(0, NOW, priority=True)

    assert (names.stage_of(), entry.priority, entry.next_check) == (ADMITTED, True, NEVER)


# -- checking --------------------------------------------------------------------------------------------------------------


def test_a_check_begins_and_ends_once() -> None:
    """Then the name is scheduled."""
    names = Names()
    entry = names.begin()
    check = entry.check
    assert names.stage_of() == CHECKING
    assert names.stages.end_check(entry) is check
    assert names.stages.end_check(entry) is None
    names.stages.schedule_check(entry, NOW + 5)

    assert (names.stage_of(), entry.check) == ((Stage.IDLE, NOW + 5), None)


def test_a_name_that_is_checked_cannot_begin_another_check() -> None:
    """Its wait ends all the same."""
    names = Names()
    entry = names.begin()
    names.stages.admit_name(0)

    assert not names.stages.leave_admission(entry)
    assert names.stage_of() == CHECKING


def test_priority_does_not_move_a_name_that_is_checked() -> None:
    """Neither to get it, nor to lose it."""
    names = Names()
    entry = names.begin()
    for priority in (True, False):
        names.stages.set_priority(0, NOW, priority=priority)
        assert (names.stage_of(), entry.priority) == (CHECKING, priority)


# -- the list --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["idle", "queued", "admitted", "checking"])
def test_a_name_that_is_not_watched_any_more_is_in_no_stage(stage: str) -> None:
    """Whichever it was in; watched again it is idle, and counted once."""
    names = Names()
    entry = names.begin() if stage == "checking" else None
    if stage == "queued":
        names.queue(0)
    elif stage == "admitted":
        names.stages.admit_name(0)
    names.stages.unwatch_name(0)

    assert names.stage_of() == UNWATCHED
    assert (names.table.watched_count, names.stages.is_admitted(0)) == (3, False)
    assert not names.stages.are_queued(np.array([0]))[0]
    assert entry is None or (entry.watched, entry.check) == (False, None)
    names.stages.unwatch_name(0)
    assert names.table.watched_count == 3

    names.stages.watch_again(0, NOW + 7, priority=True)
    assert (names.stage_of(), names.table.watched_count) == ((Stage.IDLE, NOW + 7), 4)
    assert entry is None or (entry.watched, entry.priority, entry.check, entry.next_check) == (True, True, None, NOW + 7)
    assert names.stages.take_due(NOW + 7, 1, priority=True)[0].tolist() == [0]


def test_an_admitted_name_that_left_the_list_does_not_begin() -> None:
    """The list changed while its detail was read."""
    names = Names()
    entry = names.load(0)
    names.stages.admit_name(0)
    names.stages.unwatch_name(0)

    assert not names.stages.leave_admission(entry)
    assert names.stage_of() == UNWATCHED


def test_an_idle_name_that_gets_priority_is_due_at_once_and_keeps_its_time_when_it_loses_it() -> None:
    """Its entry too."""
    names = Names()
    entry = names.load(0)
    names.stages.set_priority(0, NOW, priority=True)
    assert (names.stage_of(), entry.next_check, entry.priority) == ((Stage.IDLE, NOW), NOW, True)

    names.stages.schedule_check(entry, NOW + 9)
    names.stages.set_priority(0, NOW, priority=False)
    assert (names.stage_of(), entry.next_check, entry.priority) == ((Stage.IDLE, NOW + 9), NOW + 9, False)
    assert names.stages.take_due(NOW + 9, 1, priority=False)[0].tolist() == [0]


def test_a_start_makes_names_without_a_time_due() -> None:
    """And brings those of a wrong clock nearer."""
    names = Names(3)
    names.stages.schedule_checks(np.arange(3), np.array([0.0, NOW + 10, NOW + 10_000_000]))
    names.stages.clamp_times(NOW, Waits(60.0), Waits(3600.0))

    assert [names.stages.due_at(name_id) for name_id in (0, 1)] == [NOW, NOW + 10]
    assert NOW <= names.stages.due_at(2) <= NOW + 3600


# -- the only writer -------------------------------------------------------------------------------------------------------

#: Methods that change a flag of a name or its due time, and what they are called on.
METHODS = {"set_flag", "set_flags", "set_watched", "set_time", "set_times", "remove_name", "clamp_times"}
OWNERS = {"table", "schedule", "priority", "ordinary"}
#: Attributes that stages alone may assign: the flags of a table, the check and the due time of an entry.
FIELDS = {"flags", "check", "next_check"}


def writes_of(source: str) -> Iterator[str]:
    """The expressions in a source text that change flags, due times, or the check of an entry."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            owner = ast.unparse(node.func.value).rpartition(".")[2].lstrip("_")
            if owner in OWNERS:
                yield ast.unparse(node.func)
        for target in targets_of(node):
            if target.attr in FIELDS and ast.unparse(target.value) != "self":
                yield ast.unparse(target)


def targets_of(node: ast.AST) -> Iterator[ast.Attribute]:
    """The attributes that a statement assigns, as a whole or in part."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = [*node.targets]
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Tuple | ast.List):
            targets += target.elts
        elif isinstance(target, ast.Subscript | ast.Starred):
            targets.append(target.value)
        elif isinstance(target, ast.Attribute):
            yield target


@pytest.mark.parametrize(
    ("source", "writes"),
    [
        ("table.flags[ids] |= 1", ["table.flags"]),
        ("first, self.domains.table.flags[0] = 1, 2", ["self.domains.table.flags"]),
        ("self._table.set_flag(1, flag, on=True)", ["self._table.set_flag"]),
        ("table.schedule.set_times(ids, times, priority)", ["table.schedule.set_times"]),
        ("schedule.priority.set_time(1, 2.0)", ["schedule.priority.set_time"]),
        ("rooms.domains.table.schedule.remove_name(3)", ["rooms.domains.table.schedule.remove_name"]),
        ("entry.check = None", ["entry.check"]),
        ("entry.watched, entry.next_check = True, 0.0", ["entry.next_check"]),
        ("known = table.flags[0]; entry.check.sent['dns'] = 1.0; table.schedule.due_at(1)", []),
    ],
)
def test_writes_are_recognized(source: str, writes: list[str]) -> None:
    """In whatever statement; reading is none."""
    assert list(writes_of(source)) == writes


def test_no_other_room_writes_flags_or_due_times_or_the_check_of_an_entry() -> None:
    """`stages` makes every transition, so that a name is in exactly one stage."""
    rooms = (ROOT / "common/core/domains", ROOT / "common/core/schedule")
    files = [path for part in ("common/core", "actors") for path in (ROOT / part).rglob("*.py")]
    outside = [path for path in files if not any(path.is_relative_to(room) for room in rooms)]
    found = [(path.relative_to(ROOT).as_posix(), write) for path in outside for write in writes_of(path.read_text("utf-8"))]

    assert len(outside) > 150
    assert found == []


def test_in_the_room_due_times_are_written_by_stages_and_at_a_start() -> None:
    """`restore` and the table itself load them from the store."""
    found = {
        path.name
        for path in (ROOT / "common/core/domains").glob("*.py")
        for write in writes_of(path.read_text("utf-8"))
        if "schedule" in write or write.endswith((".check", ".next_check"))
    }

    assert found == {"stages.py", "restore.py", "domain_table.py", "working_set.py"}
