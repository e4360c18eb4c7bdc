"""Where each watched name is on its way to its next check: the one state machine, and the only writer of its marks and due times.

```
          take_due             admit              begin
  IDLE ----------> (QUEUED) ----------> ADMITTED -------> CHECKING
   ^  ^ schedule_many |                     |                |
   |  +---------------+                     | schedule       | end, schedule
   +----------------------------------------+----------------+
```

IDLE names have a due time. QUEUED ones wait for a sweep of their suffix, or are in one. ADMITTED ones wait for their single check to
begin, CHECKING ones for answers. A watched name is in exactly one stage, an unwatched one in none.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from common.core.domains.domain_table import DomainTable, Flag
from common.core.model.entry import Check, Entry
from common.core.model.ids import NEVER, Ids, Times


class Stage(StrEnum):
    """See the module."""

    UNWATCHED = "unwatched"
    IDLE = "idle"
    QUEUED = "queued"
    ADMITTED = "admitted"
    CHECKING = "checking"


class Stages:
    """Moves names from stage to stage. `loaded`: the entries in memory, by id."""

    def __init__(self, table: DomainTable, loaded: dict[int, Entry]) -> None:
        self._table = table
        self._loaded = loaded

    def stage_of(self, name_id: int) -> Stage:
        """The stage that a name is in."""
        if not self._table.has_flag(name_id, Flag.WATCHED):
            return Stage.UNWATCHED
        if self._table.has_flag(name_id, Flag.QUEUED):
            return Stage.QUEUED
        if self._table.has_flag(name_id, Flag.ADMITTED):
            return Stage.ADMITTED
        entry = self._loaded.get(name_id)
        return Stage.CHECKING if entry is not None and entry.check is not None else Stage.IDLE

    def due_at(self, name_id: int) -> float:
        """When a name is due, in epoch seconds; NEVER while it is in another stage than IDLE."""
        return self._table.schedule.due_at(name_id)

    def are_queued(self, ids: Ids) -> NDArray[np.bool_]:
        """Which of these names still wait for a sweep: a command, or the list, may have taken one out meanwhile."""
        return self._table.have_flag(ids, Flag.QUEUED)

    def take_due(self, now: float, limit: int, *, priority: bool) -> tuple[Ids, Times]:
        """At most `limit` names that are due, with their due times. The caller moves each on in the same turn."""
        schedule = self._table.schedule
        return (schedule.priority if priority else schedule.ordinary).take_due(now, limit)

    def schedule_check(self, entry: Entry, at: float) -> None:
        """Make a loaded name due at `at` (epoch seconds), whatever was planned before: its check is over, or does not begin."""
        entry.next_check = at
        self._table.schedule.set_time(entry.id, at, priority=entry.priority)

    def schedule_checks(self, ids: Ids, times: Times, *, looked: bool = True) -> None:
        """Make names due; `looked` says that a sweep looked at them, which is to be written."""
        table = self._table
        table.set_flags(ids, Flag.QUEUED, on=False)
        table.schedule.set_times(ids, times, table.have_flag(ids, Flag.PRIORITY))
        if looked:
            table.mark_dirty(ids)

    def queue_for_sweep(self, ids: Ids) -> None:
        """Names that were due wait for a sweep."""
        self._table.set_flags(ids, Flag.QUEUED, on=True)

    def admit_name(self, name_id: int) -> None:
        """A name waits for its single check, wherever it was but for a check."""
        table = self._table
        table.set_flag(name_id, Flag.QUEUED, on=False)
        table.set_flag(name_id, Flag.ADMITTED, on=True)
        table.schedule.remove_name(name_id)
        entry = self._loaded.get(name_id)
        if entry is not None:
            entry.next_check = NEVER

    def admit_names(self, ids: Ids) -> None:
        """Names that were due, or queued, wait for their single checks."""
        table = self._table
        for name_id in ids[table.have_flag(ids, Flag.LOADED)].tolist():
            self._loaded[name_id].next_check = NEVER
        table.set_flags(ids, Flag.QUEUED, on=False)
        table.set_flags(ids, Flag.ADMITTED, on=True)

    def is_admitted(self, name_id: int) -> bool:
        """Whether a name waits for its single check."""
        return self._table.has_flag(name_id, Flag.ADMITTED)

    def leave_admission(self, entry: Entry) -> bool:
        """A name waits no more for its check to begin. Returns whether one may: it is watched, and none is under way."""
        self._table.set_flag(entry.id, Flag.ADMITTED, on=False)
        return entry.watched and entry.check is None

    def begin_check(self, entry: Entry, check: Check) -> None:
        """A check begins."""
        entry.check = check

    def end_check(self, entry: Entry) -> Check | None:
        """The check under way is over; `schedule` follows in the same turn. None where there was none."""
        check, entry.check = entry.check, None
        return check

    def add_watched(self, ids: Ids, priority: NDArray[np.bool_], times: Times) -> None:
        """Watch names that were never watched, due at `times`."""
        table = self._table
        table.flags[ids] = np.uint8(Flag.WATCHED) + priority * np.uint8(Flag.PRIORITY)
        table.watched_count += len(ids)
        table.schedule.set_times(ids, times, priority)

    def watch_again(self, name_id: int, at: float, *, priority: bool) -> None:
        """Watch a name that was taken off the list before, due at `at`."""
        table, entry = self._table, self._loaded.get(name_id)
        table.set_watched(name_id, on=True)
        table.set_flag(name_id, Flag.PRIORITY, on=priority)
        table.schedule.set_time(name_id, at, priority=priority)
        if entry is not None:
            entry.watched, entry.priority, entry.check, entry.next_check = True, priority, None, at

    def unwatch_name(self, name_id: int) -> None:
        """Watch a name no more: it is in no stage."""
        table, entry = self._table, self._loaded.get(name_id)
        table.set_watched(name_id, on=False)
        table.set_flag(name_id, Flag.QUEUED | Flag.ADMITTED, on=False)
        table.schedule.remove_name(name_id)
        if entry is not None:
            entry.watched, entry.check = False, None

    def set_priority(self, name_id: int, now: float, *, priority: bool) -> None:
        """Give a name priority, or take it; one that gets it is due at once, unless its check has begun or is admitted."""
        table, entry = self._table, self._loaded.get(name_id)
        table.set_flag(name_id, Flag.PRIORITY, on=priority)
        if entry is not None:
            entry.priority = priority
        if priority and table.has_flag(name_id, Flag.QUEUED):  # it need not wait behind the others
            table.set_flag(name_id, Flag.QUEUED, on=False)
            table.schedule.set_time(name_id, now, priority=True)
        planned = table.schedule.due_at(name_id)
        if planned != NEVER:
            at = now if priority else planned
            table.schedule.set_time(name_id, at, priority=priority)
            if entry is not None:
                entry.next_check = at

    def clamp_times(self, now: float, longest_priority: float, longest_ordinary: float) -> None:
        """At a start: names without a time are due now, and no name later than in so many seconds."""
        self._table.schedule.clamp_times(now, longest_priority, longest_ordinary)
