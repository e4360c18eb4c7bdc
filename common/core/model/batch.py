"""Ids of names that wait or are under way together: queues of them, and the batch of one sweep."""

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
    """Names on their way in one sweep: `times` is when each was due, `sent` when it left, in epoch seconds."""

    ids: Ids
    times: Times
    suffix: str
    limit: Limit
    egress: str = ""
    tries: int = 0
    urgent: bool = False
    avoid: str = ""  # the worker that lost the last attempt
    sent_at: float = 0.0
    worker: str = ""  # the worker that has it


@dataclass(slots=True)
class IdQueue:
    """Names in line, in the order they came."""

    pieces: deque[tuple[Ids, Times]] = field(default_factory=deque)
    count: int = 0
    since: float = 0.0  # how long the first of them waits, at most
    not_before: float = 0.0  # when there may be tokens for it

    def add_ids(self, ids: Ids, times: Times, now: float) -> None:
        """Names get in line; `times` is when each was due."""
        if not self.count:
            self.since = now
        self.pieces.append((ids, times))
        self.count += len(ids)

    def take_ids(self, most: int) -> tuple[Ids, Times]:
        """The first of them, at most so many; there is at least one."""
        rows, times = [], []
        while self.pieces and most > 0:
            piece, due = self.pieces.popleft()
            if len(piece) > most:
                self.pieces.appendleft((piece[most:], due[most:]))
                piece, due = piece[:most], due[:most]
            rows.append(piece)
            times.append(due)
            most -= len(piece)
            self.count -= len(piece)
        return np.concatenate(rows), np.concatenate(times)

    def all_ids(self) -> Ids:
        """All of them."""
        return np.concatenate([rows for rows, _ in self.pieces]) if self.pieces else np.empty(0, np.int64)

    def pick_ids(self, wanted: Callable[[Ids], NDArray[np.bool_]], most: int) -> tuple[Ids, Times]:
        """The first that are wanted, at most so many, wherever they stand; the others keep their places."""
        rows, times, kept = [np.empty(0, np.int64)], [np.empty(0)], deque[tuple[Ids, Times]]()
        for piece, due in self.pieces:
            places = np.flatnonzero(wanted(piece))[:most]
            most -= len(places)
            rows.append(piece[places])
            times.append(due[places])
            if len(places) < len(piece):
                kept.append((np.delete(piece, places), np.delete(due, places)) if len(places) else (piece, due))
        self.pieces = kept
        found = np.concatenate(rows)
        self.count -= len(found)
        return found, np.concatenate(times)
