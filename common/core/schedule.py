"""What is due when. The entry's own `next_check` is the truth; the heap may hold stale times, which are skipped."""

from __future__ import annotations

import heapq

from common.core.domains import Entry


class Schedule:
    """Names by due time, priority names first where both are due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._urgent: list[tuple[float, str]] = []

    def put(self, entry: Entry, at: float) -> None:
        """Make a name due at `at` (epoch seconds), whatever was planned before."""
        entry.next_check = at
        heapq.heappush(self._urgent if entry.priority else self._heap, (at, entry.name))

    def due(self, entries: dict[str, Entry], now: float, limit: int) -> list[Entry]:
        """At most `limit` names that are due, taken out of the schedule."""
        found: list[Entry] = []
        for heap in (self._urgent, self._heap):
            while heap and heap[0][0] <= now and len(found) < limit:
                at, name = heapq.heappop(heap)
                entry = entries.get(name)
                if entry is not None and entry.watched and entry.round is None and entry.next_check == at:
                    entry.next_check = float("inf")  # a second heap item of the same time must not count
                    found.append(entry)
        return found

    def next_at(self) -> float | None:
        """When the next name may be due, in epoch seconds."""
        times = [heap[0][0] for heap in (self._urgent, self._heap) if heap]
        return min(times) if times else None

    def waiting(self, now: float) -> int:
        """How many names are overdue; counted up to a thousand per lane, stale times included."""
        return sum(1 for heap in (self._urgent, self._heap) for at, _ in heap[:1000] if at <= now)

    def late(self, now: float) -> float:
        """How late the most overdue name is, in seconds."""
        return max(0.0, now - (self.next_at() or now))
