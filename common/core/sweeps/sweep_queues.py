"""Quiet names in line for a sweep, by suffix, in the order they came; those with priority in a pile of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from common.core.model.batch import Batch, IdQueue
from common.core.model.ids import NEVER, Ids, Times


@dataclass(slots=True)
class SweepQueue:
    """The names of one suffix that wait; `again` are whole sweeps that were lost."""

    urgent: IdQueue = field(default_factory=IdQueue)
    ordinary: IdQueue = field(default_factory=IdQueue)
    again: deque[Batch] = field(default_factory=deque)

    def __len__(self) -> int:
        return self.urgent.count + self.ordinary.count + sum(len(swarm.ids) for swarm in self.again)

    def take_lost(self) -> list[Batch]:
        """Take the lost sweeps out."""
        found = list(self.again)
        self.again.clear()
        return found

    def has_priority(self) -> bool:
        """Whether somebody with priority waits."""
        return bool(self.urgent.count) or any(swarm.urgent for swarm in self.again)


class SweepQueues:
    """Every line. `relieved_at`: when they were last looked at for names that cannot wait."""

    def __init__(self) -> None:
        self._lines: dict[str, SweepQueue] = {}
        self._hurried: dict[str, None] = {}  # suffixes with names that have priority, in the order they came
        self.released_at = 0.0
        self.wake = NEVER  # when a look may find something to send, as far as time decides

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add_names(self, suffix: str, rows: Ids, times: Times, now: float, *, urgent: bool) -> None:
        """Names of one suffix get in line."""
        line = self._lines.setdefault(suffix, SweepQueue())
        (line.urgent if urgent else line.ordinary).add_ids(rows, times, now)
        if urgent:
            self._hurried[suffix] = None

    def requeue_batch(self, swarm: Batch) -> None:
        """A sweep was lost: it goes again, before the others and not together with them."""
        self._lines.setdefault(swarm.suffix, SweepQueue()).again.append(swarm)
        if swarm.urgent:
            self._hurried[swarm.suffix] = None

    def all_queues(self) -> list[tuple[str, SweepQueue]]:
        """Every line, by suffix."""
        return list(self._lines.items())

    def take_all(self) -> list[tuple[Ids, Times]]:
        """Take everybody out."""
        out = []
        for line in self._lines.values():
            out += [(swarm.ids, swarm.times) for swarm in line.again]
            out += [*line.urgent.pieces, *line.ordinary.pieces]
        self._lines.clear()
        self._hurried.clear()
        return out

    def waiting_queues(self, *, urgent: bool) -> Iterator[tuple[str, SweepQueue]]:
        """The lines in which somebody waits, with `urgent` only those with priority; who got a look goes to the end."""
        for suffix in list(self._hurried if urgent else self._lines):
            line = self._lines.get(suffix)
            if line is None or (urgent and not line.has_priority()):
                self._hurried.pop(suffix, None)
                continue
            if not urgent:
                del self._lines[suffix]
                if not len(line):
                    continue
                self._lines[suffix] = line
            yield suffix, line
