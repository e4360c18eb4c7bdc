"""How fast something may be called: a token bucket."""

from __future__ import annotations


class TokenBucket:
    """`rate` calls per second on average, at most `burst` at once. Times in seconds of any steady clock."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    def take(self, now: float) -> float:
        """0.0 where the call may go on, else the seconds to wait."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate
