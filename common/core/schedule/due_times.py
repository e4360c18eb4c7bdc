"""The due times of all names in one array, searched by the block, so that a search among a million names takes microseconds.

Of each block the least due time is kept, or an earlier one. A search reads those, and then blocks that may hold a due name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.core.model.ids import NEVER, Ids, Times

NO_IDS: Ids = np.empty(0, np.int64)
#: Names in a block.
BLOCK = 4096
#: An array is larger than needed by one part in so many, so that it grows seldom.
SPARE = 16


class Waits(NamedTuple):
    """The longest waits that are planned, in seconds.

    Of most names, of `calm` ones, whose calendar tells the day, and of `unguarded` ones, of which only the registry tells.
    """

    longest: float
    calm: float = 0.0
    unguarded: float = 0.0


class DueTimes:
    """One due time for each name, in epoch seconds; NEVER for a name that is not scheduled here."""

    def __init__(self) -> None:
        self._at: Times = np.full(BLOCK, NEVER)
        self._least: Times = np.full(1, NEVER)

    def reserve_names(self, count: int) -> None:
        """Make room for the ids below `count`."""
        before, blocks = len(self._least), -(-(count + count // SPARE) // BLOCK)
        if -(-count // BLOCK) > before:
            for array, size in ((self._at, BLOCK), (self._least, 1)):
                array.resize(blocks * size, refcheck=False)  # in place: the kernel moves large arrays instead of copying them
                array[before * size :] = NEVER

    def due_at(self, name_id: int) -> float:
        """When a name is due, in epoch seconds; NEVER where it is not scheduled here."""
        return float(self._at[name_id])

    def times_of(self, ids: Ids) -> Times:
        """When these names are due, in epoch seconds."""
        return self._at[ids]

    def set_time(self, name_id: int, at: float) -> None:
        """Make a name due at `at` (epoch seconds), whatever was planned before."""
        self._at[name_id] = at
        block = name_id // BLOCK
        self._least[block] = min(self._least[block], at)

    def set_times(self, ids: Ids, times: Times) -> None:
        """Make names due at these times, one each, in epoch seconds."""
        self._at[ids] = times
        np.minimum.at(self._least, ids // BLOCK, times)

    def take_due(self, now: float, limit: int) -> tuple[Ids, Times]:
        """Take out at most `limit` names that are due, with their due times; those of the most overdue blocks come first."""
        blocks = np.flatnonzero(self._least <= now)
        found: list[Ids] = []
        times: list[Times] = []
        for block in blocks[np.argsort(self._least[blocks], kind="stable")].tolist():
            piece = self._at[block * BLOCK : (block + 1) * BLOCK]
            due = np.flatnonzero(piece <= now)
            if len(due) > limit:
                due = due[np.argsort(piece[due], kind="stable")[:limit]]
            found.append(due + block * BLOCK)
            times.append(piece[due])
            piece[due] = NEVER
            self._least[block] = piece.min()
            limit -= len(due)
            if limit <= 0:
                break
        if not found:
            return np.empty(0, np.int64), np.empty(0)
        return np.concatenate(found), np.concatenate(times)

    def clamp_times(self, now: float, longest: float, others: Iterable[tuple[Ids, float]] = ()) -> None:
        """At a start: bring all due times between `now` and `longest` seconds from it; overdue names keep theirs.

        A name without a time (0) is due now, so that it does not count as late. Later times, planned by a clock that was ahead
        or with a longer interval, are brought nearer and stay spread. `others` have longest waits of their own, in seconds.
        """
        self._at[self._at <= 0.0] = now
        far = (self._at > now + longest) & (self._at < NEVER)
        for ids, wait in others:
            far[ids] &= self._at[ids] > now + wait
        self._at[far] = now + np.fmod(self._at[far] - now, longest)
        self._least = self._at.reshape(-1, BLOCK).min(axis=1)

    def next_at(self) -> float:
        """When the next name is due, in epoch seconds, or earlier: its time may have been moved since. NEVER without any."""
        return float(self._least.min())

    def count_overdue(self, now: float) -> int:
        """How many names are due by now."""
        blocks = np.flatnonzero(self._least <= now)
        return sum(int(np.count_nonzero(self._at[block * BLOCK : (block + 1) * BLOCK] <= now)) for block in blocks.tolist())


class Schedule:
    """The due times of names with priority and of the others. A name has a time in one of the two at most.

    They are kept apart so that any number of overdue names without priority delays none with it.
    """

    def __init__(self) -> None:
        self.priority, self.ordinary = DueTimes(), DueTimes()

    def reserve_names(self, count: int) -> None:
        """Make room for the ids below `count`."""
        self.priority.reserve_names(count)
        self.ordinary.reserve_names(count)

    def set_time(self, name_id: int, at: float, *, priority: bool) -> None:
        """Make a name due at `at` (epoch seconds), whatever was planned before."""
        here, other = (self.priority, self.ordinary) if priority else (self.ordinary, self.priority)
        other.set_time(name_id, NEVER)
        here.set_time(name_id, at)

    def set_times(self, ids: Ids, times: Times, priority: NDArray[np.bool_]) -> None:
        """Make names due at these times (epoch seconds). They must not be scheduled at the moment."""
        if priority.any():
            self.priority.set_times(ids[priority], times[priority])
            ids, times = ids[~priority], times[~priority]
        self.ordinary.set_times(ids, times)

    def clamp_times(self, now: float, priority: Waits, ordinary: Waits, calm: Ids = NO_IDS, unguarded: Ids = NO_IDS) -> None:
        """At a start: `DueTimes.clamp_times` for both, with the longest waits of each."""
        for times, waits in ((self.priority, priority), (self.ordinary, ordinary)):
            times.clamp_times(now, waits.longest, ((calm, waits.calm), (unguarded, waits.unguarded)))

    def due_at(self, name_id: int) -> float:
        """When a name is due, in epoch seconds; NEVER where it is not scheduled."""
        return min(self.priority.due_at(name_id), self.ordinary.due_at(name_id))

    def times_of(self, ids: Ids) -> Times:
        """When these names are due, in epoch seconds."""
        return np.minimum(self.priority.times_of(ids), self.ordinary.times_of(ids))

    def remove_name(self, name_id: int) -> None:
        """Unschedule a name."""
        self.priority.set_time(name_id, NEVER)
        self.ordinary.set_time(name_id, NEVER)

    def next_at(self) -> float:
        """When the next name is due, in epoch seconds, or earlier; NEVER without any."""
        return min(self.priority.next_at(), self.ordinary.next_at())

    def count_overdue(self, now: float) -> int:
        """How many names are due by now."""
        return self.priority.count_overdue(now) + self.ordinary.count_overdue(now)

    def lateness(self, now: float) -> float:
        """How late the most overdue name is, in seconds."""
        return max(0.0, now - self.next_at())
