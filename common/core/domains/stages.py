"""The stage of every watched name on the way to its next check, and every transition between two stages.

An IDLE name has a due time. A QUEUED one waits for a sweep of its suffix, or is in one; an ADMITTED one waits for its single
check to begin, a CHECKING one for answers. These three have no due time. A watched name is in exactly one stage.

```
IDLE      -> QUEUED     take_due, queue_for_sweep
IDLE      -> ADMITTED   take_due, admit_names; or admit_name
IDLE      -> IDLE       postpone_checks
QUEUED    -> IDLE       schedule_checks; or set_priority
QUEUED    -> ADMITTED   admit_names, admit_name
ADMITTED  -> CHECKING   leave_admission, begin_check
ADMITTED  -> IDLE       leave_admission, schedule_check
CHECKING  -> IDLE       end_check, schedule_check
UNWATCHED -> IDLE       add_watched, watch_again
any       -> UNWATCHED  unwatch_name
```

Two calls in a line happen in one turn. No other room writes flags or due times, and no other module of this one writes those of
stages, except `restore` at a start.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from common.core.domains.domain_table import DomainTable, Flag
from common.core.model.entry import Check, Entry
from common.core.model.ids import NEVER, Ids, Times
from common.core.schedule.due_times import NO_IDS, Waits


class Stage(StrEnum):
    """Where a name is; see the module."""

    UNWATCHED = "unwatched"
    IDLE = "idle"
    QUEUED = "queued"
    ADMITTED = "admitted"
    CHECKING = "checking"


class Stages:
    """Moves names from stage to stage. `loaded` are the loaded entries by id; times in epoch seconds.

    Entries keep copies of their flags and due times (`watched`, `priority`, `next_check`), which every transition updates.
    """

    def __init__(self, table: DomainTable, loaded: dict[int, Entry]) -> None:
        self._table = table
        self._loaded = loaded

    def stage_of(self, name_id: int) -> Stage:
        """The stage of a name."""
        if not self._table.has_flag(name_id, Flag.WATCHED):
            return Stage.UNWATCHED
        if self._table.has_flag(name_id, Flag.QUEUED):
            return Stage.QUEUED
        if self._table.has_flag(name_id, Flag.ADMITTED):
            return Stage.ADMITTED
        entry = self._loaded.get(name_id)
        return Stage.CHECKING if entry is not None and entry.check is not None else Stage.IDLE

    def due_at(self, name_id: int) -> float:
        """When a name is due; NEVER in another stage than IDLE."""
        return self._table.schedule.due_at(name_id)

    def are_queued(self, ids: Ids) -> NDArray[np.bool_]:
        """Which of these names are still QUEUED: a command, or a change of the list, may have moved some on."""
        return self._table.have_flag(ids, Flag.QUEUED)

    def are_idle(self, ids: Ids) -> NDArray[np.bool_]:
        """Which of these names are IDLE: watched, with a due time."""
        watched = self._table.have_flag(ids, Flag.WATCHED) & ~self._table.have_flag(ids, Flag.QUEUED | Flag.ADMITTED)
        found: NDArray[np.bool_] = watched & (self._table.schedule.times_of(ids) < NEVER)
        return found

    def postpone_checks(self, ids: Ids, times: Times) -> None:
        """Make IDLE names due at `times` where that is later than planned: something else tells about them until then."""
        later = times > self._table.schedule.times_of(ids)
        self._move_checks(ids[later], times[later])

    def advance_checks(self, ids: Ids, times: Times) -> None:
        """Make IDLE names due at `times` where that is sooner than planned."""
        sooner = times < self._table.schedule.times_of(ids)
        self._move_checks(ids[sooner], times[sooner])

    def _move_checks(self, ids: Ids, times: Times) -> None:
        table = self._table
        table.schedule.set_times(ids, times, table.have_flag(ids, Flag.PRIORITY))
        table.mark_dirty(ids)
        loaded = table.have_flag(ids, Flag.LOADED)
        for name_id, at in zip(ids[loaded].tolist(), times[loaded].tolist(), strict=True):
            self._loaded[name_id].next_check = at

    def take_due(self, now: float, limit: int, *, priority: bool) -> tuple[Ids, Times]:
        """Take out at most `limit` names that are due, with their due times. The caller moves each of them on at once."""
        schedule = self._table.schedule
        return (schedule.priority if priority else schedule.ordinary).take_due(now, limit)

    def schedule_check(self, entry: Entry, at: float) -> None:
        """Make a loaded name due at `at`, whatever was planned before: its check ended, or did not begin.

        An ADMITTED name stays so: its check begins sooner, and would find it in two stages.
        """
        if self._table.has_flag(entry.id, Flag.ADMITTED):
            return
        entry.next_check = at
        self._table.schedule.set_time(entry.id, at, priority=entry.priority)

    def schedule_checks(self, ids: Ids, times: Times, *, looked: bool = True) -> None:
        """Make names due that are QUEUED or were just taken out; `looked`: a sweep looked at them, which has to be written."""
        table = self._table
        table.set_flags(ids, Flag.QUEUED, on=False)
        table.schedule.set_times(ids, times, table.have_flag(ids, Flag.PRIORITY))
        if looked:
            table.mark_dirty(ids)

    def queue_for_sweep(self, ids: Ids) -> None:
        """Move names that were just taken out on to wait for a sweep."""
        self._table.set_flags(ids, Flag.QUEUED, on=True)

    def admit_name(self, name_id: int) -> None:
        """Let a name wait for its single check, from any stage but CHECKING."""
        table = self._table
        table.set_flag(name_id, Flag.QUEUED, on=False)
        table.set_flag(name_id, Flag.ADMITTED, on=True)
        table.schedule.remove_name(name_id)
        entry = self._loaded.get(name_id)
        if entry is not None:
            entry.next_check = NEVER

    def admit_names(self, ids: Ids) -> None:
        """Let names that were just taken out, or are QUEUED, wait for their single checks."""
        table = self._table
        for name_id in ids[table.have_flag(ids, Flag.LOADED)].tolist():
            self._loaded[name_id].next_check = NEVER
        table.set_flags(ids, Flag.QUEUED, on=False)
        table.set_flags(ids, Flag.ADMITTED, on=True)

    def is_admitted(self, name_id: int) -> bool:
        """Whether a name waits for its single check to begin."""
        return self._table.has_flag(name_id, Flag.ADMITTED)

    def leave_admission(self, entry: Entry) -> bool:
        """End the wait of a name for its check. Returns whether one may begin: it is watched, and none is under way."""
        self._table.set_flag(entry.id, Flag.ADMITTED, on=False)
        return entry.watched and entry.check is None

    def begin_check(self, entry: Entry, check: Check) -> None:
        """Begin a check of a loaded name."""
        entry.check = check

    def end_check(self, entry: Entry) -> Check | None:
        """End the check of a name and return it; `schedule_check` follows at once. None where none was under way."""
        check, entry.check = entry.check, None
        return check

    def add_watched(self, ids: Ids, priority: NDArray[np.bool_], times: Times) -> None:
        """Watch new names, due at `times`."""
        table = self._table
        table.flags[ids] = np.uint8(Flag.WATCHED) + priority * np.uint8(Flag.PRIORITY)
        table.watched_count += len(ids)
        table.schedule.set_times(ids, times, priority)

    def watch_again(self, name_id: int, at: float, *, priority: bool) -> None:
        """Watch a name again that is UNWATCHED, due at `at`."""
        table, entry = self._table, self._loaded.get(name_id)
        table.set_watched(name_id, on=True)
        table.set_flag(name_id, Flag.PRIORITY, on=priority)
        table.schedule.set_time(name_id, at, priority=priority)
        if entry is not None:
            entry.watched, entry.priority, entry.check, entry.next_check = True, priority, None, at

    def unwatch_name(self, name_id: int) -> None:
        """Stop watching a name, in whatever stage it is."""
        table, entry = self._table, self._loaded.get(name_id)
        table.set_watched(name_id, on=False)
        table.set_flag(name_id, Flag.QUEUED | Flag.ADMITTED, on=False)
        table.schedule.remove_name(name_id)
        if entry is not None:
            entry.watched, entry.check = False, None

    def set_priority(self, name_id: int, now: float, *, priority: bool) -> None:
        """Give a name priority, or take it away; an IDLE or QUEUED name that gets it is due at once."""
        table, entry = self._table, self._loaded.get(name_id)
        table.set_flag(name_id, Flag.PRIORITY, on=priority)
        if entry is not None:
            entry.priority = priority
        if priority and table.has_flag(name_id, Flag.QUEUED):  # it must not wait behind names without priority
            table.set_flag(name_id, Flag.QUEUED, on=False)
            table.schedule.set_time(name_id, now, priority=True)
        planned = table.schedule.due_at(name_id)
        if planned != NEVER:
            at = now if priority else planned
            table.schedule.set_time(name_id, at, priority=priority)
            if entry is not None:
                entry.next_check = at

    def clamp_times(self, now: float, priority: Waits, ordinary: Waits, calm: Ids = NO_IDS, unguarded: Ids = NO_IDS) -> None:
        """At a start: names without a time are due now, and none later than the longest wait of its kind (`Waits`)."""
        self._table.schedule.clamp_times(now, priority, ordinary, calm, unguarded)
