"""One reading of a publication on its way: parts in, the watched names in it as arrays out once the last part is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from common.core.model.ids import Ids, Times
from common.core.model.publication import ListedName
from common.messages import PublicationPart

#: No time of release.
NO_TIME = np.nan


@dataclass(frozen=True, slots=True)
class Joined:
    """The watched names of one reading by their ids, ascending, each once; `times` are their releases, NaN for none.

    `made_at` is when the publication was made, `size` how many names it holds, watched or not. Times in epoch seconds.
    """

    ids: Ids
    times: Times
    made_at: float
    size: int

    def keep_names(self, kept: NDArray[np.bool_]) -> Joined:
        """The same reading with some of its names only."""
        return replace(self, ids=self.ids[kept], times=self.times[kept])

    def places_of(self, ids: Ids) -> Ids:
        """Where these names stand in `ids`, -1 for those that do not."""
        if not len(self.ids):
            return np.full(len(ids), -1, np.int64)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)

    def times_of(self, ids: Ids) -> Times:
        """The releases of these names, NaN for none."""
        places = self.places_of(ids)
        found: Times = np.full(len(ids), NO_TIME)
        found[places >= 0] = self.times[places[places >= 0]]
        return found


class Collected:
    """Collects the parts of one reading. `find_ids` gives the ids of names, -1 for those that are not watched."""

    def __init__(self, first: PublicationPart, find_ids: Callable[[Sequence[str]], Ids]) -> None:
        self._first = first
        self._find_ids = find_ids
        self._next = 0
        self._ids: list[Ids] = []
        self._times: list[Times] = []

    def add_part(self, part: PublicationPart) -> bool:
        """Add the next part; False where it is none of this reading, or one is missing before it."""
        first = self._first
        same = (part.made_at, part.read_at, part.total) == (first.made_at, first.read_at, first.total)
        if not same or part.number != self._next:
            return False
        self._next += 1
        ids = self._find_ids([listed.name for listed in part.names])
        times = np.array([_time_of(listed) for listed in part.names], np.float64)
        self._ids.append(ids[ids >= 0])
        self._times.append(times[ids >= 0])
        return True

    def join_names(self) -> Joined:
        """The names of all parts; of one that stands there several times its first."""
        ids, first = np.unique(np.concatenate(self._ids), return_index=True)
        return Joined(ids, np.concatenate(self._times)[first], self._first.made_at, self._first.total)


def _time_of(listed: ListedName) -> float:
    return NO_TIME if listed.at is None else listed.at
