"""Quiet names in line for a sweep, by suffix, in the order they came; those with priority in a pile of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.core.domains.name_index import Rows
from common.core.registries.operators import Limit
from common.core.schedule.due_times import NEVER, Times


@dataclass(frozen=True, slots=True)
class Swarm:
    """Names on their way in one sweep: `times` is when each was due, `sent` when it left, in epoch seconds."""

    rows: Rows
    times: Times
    suffix: str
    limit: Limit
    egress: str = ""
    tries: int = 0
    urgent: bool = False
    avoid: str = ""  # the worker that lost the last attempt
    sent: float = 0.0
    by: str = ""  # the worker that has it


@dataclass(slots=True)
class Pile:
    """Names in line, in the order they came."""

    pieces: deque[tuple[Rows, Times]] = field(default_factory=deque)
    count: int = 0
    since: float = 0.0  # how long the first of them waits, at most
    not_before: float = 0.0  # when there may be tokens for it

    def put(self, rows: Rows, times: Times, now: float) -> None:
        """Names get in line; `times` is when each was due."""
        if not self.count:
            self.since = now
        self.pieces.append((rows, times))
        self.count += len(rows)

    def take(self, most: int) -> tuple[Rows, Times]:
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

    def rows(self) -> Rows:
        """All of them."""
        return np.concatenate([rows for rows, _ in self.pieces]) if self.pieces else np.empty(0, np.int64)

    def pick(self, wanted: Callable[[Rows], NDArray[np.bool_]], most: int) -> tuple[Rows, Times]:
        """The first that are wanted, at most so many, wherever they stand; the others keep their places."""
        rows, times, kept = [np.empty(0, np.int64)], [np.empty(0)], deque[tuple[Rows, Times]]()
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


@dataclass(slots=True)
class Line:
    """The names of one suffix that wait; `again` are whole sweeps that were lost."""

    urgent: Pile = field(default_factory=Pile)
    ordinary: Pile = field(default_factory=Pile)
    again: deque[Swarm] = field(default_factory=deque)

    def __len__(self) -> int:
        return self.urgent.count + self.ordinary.count + sum(len(swarm.rows) for swarm in self.again)

    def lost(self) -> list[Swarm]:
        """Take the lost sweeps out."""
        found = list(self.again)
        self.again.clear()
        return found

    def hurried(self) -> bool:
        """Whether somebody with priority waits."""
        return bool(self.urgent.count) or any(swarm.urgent for swarm in self.again)


class Lines:
    """Every line. `relieved_at`: when they were last looked at for names that cannot wait."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._hurried: dict[str, None] = {}  # suffixes with names that have priority, in the order they came
        self.relieved_at = 0.0
        self.wake = NEVER  # when a look may find something to send, as far as time decides

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def put(self, suffix: str, rows: Rows, times: Times, now: float, *, urgent: bool) -> None:
        """Names of one suffix get in line."""
        line = self._lines.setdefault(suffix, Line())
        (line.urgent if urgent else line.ordinary).put(rows, times, now)
        if urgent:
            self._hurried[suffix] = None

    def again(self, swarm: Swarm) -> None:
        """A sweep was lost: it goes again, before the others and not together with them."""
        self._lines.setdefault(swarm.suffix, Line()).again.append(swarm)
        if swarm.urgent:
            self._hurried[swarm.suffix] = None

    def all(self) -> list[tuple[str, Line]]:
        """Every line, by suffix."""
        return list(self._lines.items())

    def clear(self) -> list[tuple[Rows, Times]]:
        """Take everybody out."""
        out = []
        for line in self._lines.values():
            out += [(swarm.rows, swarm.times) for swarm in line.again]
            out += [*line.urgent.pieces, *line.ordinary.pieces]
        self._lines.clear()
        self._hurried.clear()
        return out

    def waiting(self, *, urgent: bool) -> Iterator[tuple[str, Line]]:
        """The lines in which somebody waits, with `urgent` only those with priority; who got a look goes to the end."""
        for suffix in list(self._hurried if urgent else self._lines):
            line = self._lines.get(suffix)
            if line is None or (urgent and not line.hurried()):
                self._hurried.pop(suffix, None)
                continue
            if not urgent:
                del self._lines[suffix]
                if not len(line):
                    continue
                self._lines[suffix] = line
            yield suffix, line
