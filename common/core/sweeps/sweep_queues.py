"""Queues of names that wait for a sweep, by suffix, first in first out; names with priority in a queue of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from common.core.model.batch import Batch, IdQueue
from common.core.model.ids import NEVER, Ids, Times


@dataclass(slots=True)
class SweepQueue:
    """The names of one suffix that wait; `lost` holds batches whose sweep was lost."""

    urgent: IdQueue = field(default_factory=IdQueue)
    ordinary: IdQueue = field(default_factory=IdQueue)
    lost: deque[Batch] = field(default_factory=deque)

    def __len__(self) -> int:
        return self.urgent.count + self.ordinary.count + sum(len(batch.ids) for batch in self.lost)

    def take_lost(self) -> list[Batch]:
        """Take the lost sweeps out."""
        batches = list(self.lost)
        self.lost.clear()
        return batches

    def has_priority(self) -> bool:
        """Whether a name with priority waits."""
        return bool(self.urgent.count) or any(batch.urgent for batch in self.lost)


class SweepQueues:
    """The queues of all suffixes. `released_at`: when they were last searched for names that cannot wait, in epoch seconds."""

    def __init__(self) -> None:
        self._queues: dict[str, SweepQueue] = {}
        self._urgent_suffixes: dict[str, None] = {}  # suffixes with names that have priority, oldest first
        self.released_at = 0.0
        self.wake = NEVER  # when there may be something to send, in epoch seconds, as far as time decides

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add_names(self, suffix: str, ids: Ids, times: Times, now: float, *, urgent: bool) -> None:
        """Queue names of one suffix; `times` is when each was due."""
        queue = self._queues.setdefault(suffix, SweepQueue())
        (queue.urgent if urgent else queue.ordinary).add_ids(ids, times, now)
        if urgent:
            self._urgent_suffixes[suffix] = None

    def requeue_batch(self, batch: Batch) -> None:
        """Queue a lost sweep: it is sent again before other names and not merged with them."""
        self._queues.setdefault(batch.suffix, SweepQueue()).lost.append(batch)
        if batch.urgent:
            self._urgent_suffixes[batch.suffix] = None

    def all_queues(self) -> list[tuple[str, SweepQueue]]:
        """Every queue with its suffix."""
        return list(self._queues.items())

    def take_all(self) -> list[tuple[Ids, Times]]:
        """Take all names out, with the times at which they were due."""
        taken = []
        for queue in self._queues.values():
            taken += [(batch.ids, batch.times) for batch in queue.lost]
            taken += [*queue.urgent.pieces, *queue.ordinary.pieces]
        self._queues.clear()
        self._urgent_suffixes.clear()
        return taken

    def waiting_queues(self, *, urgent: bool) -> Iterator[tuple[str, SweepQueue]]:
        """The queues that are not empty, with `urgent` those with priority names; each goes to the end as it is yielded."""
        for suffix in list(self._urgent_suffixes if urgent else self._queues):
            queue = self._queues.get(suffix)
            if queue is None or (urgent and not queue.has_priority()):
                self._urgent_suffixes.pop(suffix, None)
                continue
            if not urgent:
                del self._queues[suffix]
                if not len(queue):
                    continue
                self._queues[suffix] = queue
            yield suffix, queue
