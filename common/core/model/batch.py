"""Names that wait or are under way together, by their ids: a queue of them, and the batch of one sweep."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.core.model.ids import Ids, Times
from common.core.model.limit import Limit


@dataclass(frozen=True, slots=True)
class Batch:
    """The names of one sweep, with what a retry of it needs.

    `times` is when each name was due, `sent_at` when the sweep was sent (epoch seconds); its tokens came from the budget of
    `limit` and `egress`.
    """

    ids: Ids
    times: Times
    suffix: str
    limit: Limit
    egress: str = ""
    tries: int = 0
    urgent: bool = False
    avoid: str = ""  # the worker whose lease of the last attempt was lost
    sent_at: float = 0.0
    worker: str = ""  # the worker that has the lease


@dataclass(slots=True)
class IdQueue:
    """Ids with the times at which they were due, first in, first out, in arrays: any number of names may wait.

    `since` is when the oldest of them came, at the earliest, `not_before` when there may be tokens for them (epoch seconds).
    """

    pieces: deque[tuple[Ids, Times]] = field(default_factory=deque)
    count: int = 0
    since: float = 0.0
    not_before: float = 0.0

    def add_ids(self, ids: Ids, times: Times, now: float) -> None:
        """Append names; `times` is when each was due."""
        if not self.count:
            self.since = now
        self.pieces.append((ids, times))
        self.count += len(ids)

    def take_ids(self, most: int) -> tuple[Ids, Times]:
        """Take out the first `most` names, or all; raises ValueError where none waits."""
        ids, times = [], []
        while self.pieces and most > 0:
            piece, due = self.pieces.popleft()
            if len(piece) > most:
                self.pieces.appendleft((piece[most:], due[most:]))
                piece, due = piece[:most], due[:most]
            ids.append(piece)
            times.append(due)
            most -= len(piece)
            self.count -= len(piece)
        return np.concatenate(ids), np.concatenate(times)

    def all_ids(self) -> Ids:
        """The ids of all names that wait, in order."""
        return np.concatenate([ids for ids, _ in self.pieces]) if self.pieces else np.empty(0, np.int64)

    def pick_ids(self, wanted: Callable[[Ids], NDArray[np.bool_]], most: int) -> tuple[Ids, Times]:
        """Take out the first `most` names for which `wanted` is true, wherever they stand; the others keep their order."""
        ids, times, kept = [np.empty(0, np.int64)], [np.empty(0)], deque[tuple[Ids, Times]]()
        for piece, due in self.pieces:
            places = np.flatnonzero(wanted(piece))[:most]
            most -= len(places)
            ids.append(piece[places])
            times.append(due[places])
            if len(places) < len(piece):
                kept.append((np.delete(piece, places), np.delete(due, places)) if len(places) else (piece, due))
        self.pieces = kept
        found = np.concatenate(ids)
        self.count -= len(found)
        return found, np.concatenate(times)
