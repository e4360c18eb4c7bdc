"""What is due when: one time per name in an array, looked at by the block: a look at a million names takes microseconds.

Each block knows a time before which nothing in it is due. A look reads those, and only blocks whose time has come.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.core.model.ids import NEVER, Ids, Times

#: Names in a block.
BLOCK = 4096
#: Part of its size by which a lane is larger than it has to be.
SPARE = 16


class DueTimes:
    """The due times of some names, in epoch seconds; NEVER for those that are not in the lane."""

    def __init__(self) -> None:
        self._at: Times = np.full(BLOCK, NEVER)
        self._least: Times = np.full(1, NEVER)

    def reserve_names(self, count: int) -> None:
        """Make room for so many names."""
        before, blocks = len(self._least), -(-(count + count // SPARE) // BLOCK)
        if -(-count // BLOCK) > before:
            for array, size in ((self._at, BLOCK), (self._least, 1)):
                array.resize(blocks * size, refcheck=False)  # in place: what is large is moved by the kernel, not copied
                array[before * size :] = NEVER

    def due_at(self, name_id: int) -> float:
        """When a name is due."""
        return float(self._at[name_id])

    def times_of(self, ids: Ids) -> Times:
        """When these names are due."""
        return self._at[ids]

    def set_time(self, name_id: int, at: float) -> None:
        """Make a name due then, whatever was planned before."""
        self._at[name_id] = at
        block = name_id // BLOCK
        self._least[block] = min(self._least[block], at)

    def set_times(self, ids: Ids, times: Times) -> None:
        """Make names due then, one time each."""
        self._at[ids] = times
        np.minimum.at(self._least, ids // BLOCK, times)

    def take_due(self, now: float, limit: int) -> tuple[Ids, Times]:
        """At most `limit` names that are due, with their times, out of the lane; those of the most overdue blocks first."""
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

    def clamp_times(self, now: float, longest: float) -> None:
        """Whoever has no time (0) is due now: nobody is late for what was not planned.

        Nobody waits longer than `longest` seconds: what is planned beyond (the clock was ahead, or the cadence longer) is drawn
        nearer, spread as it was.
        """
        self._at[self._at <= 0.0] = now
        far = (self._at > now + longest) & (self._at < NEVER)
        self._at[far] = now + np.fmod(self._at[far] - now, longest)
        self._least = self._at.reshape(-1, BLOCK).min(axis=1)

    def next_at(self) -> float:
        """When the next name may be due; a look then finds at worst that it was planned anew."""
        return float(self._least.min())

    def count_overdue(self, now: float) -> int:
        """How many names are due."""
        blocks = np.flatnonzero(self._least <= now)
        return sum(int(np.count_nonzero(self._at[block * BLOCK : (block + 1) * BLOCK] <= now)) for block in blocks.tolist())


class Schedule:
    """Two lanes: names with priority, and the others. A name is in one of them at most."""

    def __init__(self) -> None:
        self.priority, self.ordinary = DueTimes(), DueTimes()

    def reserve_names(self, count: int) -> None:
        """Make room for so many names."""
        self.priority.reserve_names(count)
        self.ordinary.reserve_names(count)

    def set_time(self, name_id: int, at: float, *, priority: bool) -> None:
        """Make a name due at `at` (epoch seconds), whatever was planned before."""
        here, other = (self.priority, self.ordinary) if priority else (self.ordinary, self.priority)
        other.set_time(name_id, NEVER)
        here.set_time(name_id, at)

    def set_times(self, ids: Ids, times: Times, priority: NDArray[np.bool_]) -> None:
        """Make names due, each in its lane. They are in none at the moment."""
        if priority.any():
            self.priority.set_times(ids[priority], times[priority])
            ids, times = ids[~priority], times[~priority]
        self.ordinary.set_times(ids, times)

    def clamp_times(self, now: float, longest_urgent: float, longest_ordinary: float) -> None:
        """Whoever has no time (0) is due now, and nobody later than in so many seconds."""
        self.priority.clamp_times(now, longest_urgent)
        self.ordinary.clamp_times(now, longest_ordinary)

    def due_at(self, name_id: int) -> float:
        """When a name is due, NEVER for one that is not planned."""
        return min(self.priority.due_at(name_id), self.ordinary.due_at(name_id))

    def times_of(self, ids: Ids) -> Times:
        """When these names are due."""
        return np.minimum(self.priority.times_of(ids), self.ordinary.times_of(ids))

    def remove_name(self, name_id: int) -> None:
        """Plan a name no more."""
        self.priority.set_time(name_id, NEVER)
        self.ordinary.set_time(name_id, NEVER)

    def next_at(self) -> float:
        """When the next name may be due, in epoch seconds; NEVER without any."""
        return min(self.priority.next_at(), self.ordinary.next_at())

    def count_overdue(self, now: float) -> int:
        """How many names are overdue."""
        return self.priority.count_overdue(now) + self.ordinary.count_overdue(now)

    def lateness(self, now: float) -> float:
        """How late the most overdue name is, in seconds."""
        return max(0.0, now - self.next_at())
