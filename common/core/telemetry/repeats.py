"""Counts an event that repeats: the first is told at once, the others as a number once a minute."""

from __future__ import annotations

#: Seconds between two lines about the same.
EVERY = 60.0


class Repeats:
    """Counts one kind of event. Times in seconds of any clock that does not run backwards."""

    def __init__(self) -> None:
        self._told_at: float | None = None
        self._untold = 0

    def note_repeat(self, now: float) -> bool:
        """Count one. Returns whether to tell it at once, because it is the first of a run."""
        if self._told_at is None:
            self._told_at = now
            return True
        self._untold += 1
        return False

    def count_due(self, now: float) -> int:
        """How many more to tell now, 0 for nothing; a minute without any ends the run. To be called all the time."""
        if self._told_at is None or now - self._told_at < EVERY:
            return 0
        count, self._untold = self._untold, 0
        self._told_at = now if count else None
        return count
