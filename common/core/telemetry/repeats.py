"""What happens over and over is said once, and then how often, once a minute."""

from __future__ import annotations

#: Seconds between two lines about the same.
EVERY = 60.0


class Repeats:
    """Counts one kind of event. Times in seconds of any clock that does not run backwards."""

    def __init__(self) -> None:
        self._said_at: float | None = None
        self._unsaid = 0

    def note_repeat(self, now: float) -> bool:
        """Count one; whether to say so at once, because it is the first of a run."""
        if self._said_at is None:
            self._said_at = now
            return True
        self._unsaid += 1
        return False

    def count_due(self, now: float) -> int:
        """How many more to say now, 0 for nothing; a minute without any ends the run. To be called all the time."""
        if self._said_at is None or now - self._said_at < EVERY:
            return 0
        count, self._unsaid = self._unsaid, 0
        self._said_at = now if count else None
        return count
