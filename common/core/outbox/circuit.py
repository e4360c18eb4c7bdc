"""A circuit breaker for one lane to an endpoint: after many failures in a row only probes are sent until one succeeds."""

from __future__ import annotations

#: Failures in a row that open the circuit.
OPENS_AFTER = 10
#: Seconds before the first probe, the second, and so on while it is open: a hiccup must not cost a notice a quarter minute.
PROBE_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)
#: After it closes: attempts per second at first, how many seconds double that, and when the limit is lifted, in seconds.
RAMP_RATE = 10.0
RAMP_DOUBLES = 10.0
RAMP_LASTS = 60.0


class Circuit:
    """Closed, open, or closed with a ramp. Times in epoch seconds; `longest_asked`: most seconds that a Retry-After counts."""

    __slots__ = ("_allowed", "_closed_at", "_filled_at", "_longest_asked", "_probes", "failures", "probe_at")

    def __init__(self, longest_asked: float) -> None:
        self._longest_asked = longest_asked
        self.failures = 0
        self.probe_at: float | None = None  # when the next probe is due; None while closed
        self._closed_at: float | None = None
        self._filled_at = 0.0
        self._allowed = 0.0
        self._probes = 0  # since it opened

    @property
    def is_open(self) -> bool:
        """Whether only probes go out."""
        return self.probe_at is not None

    def allowed_attempts(self, now: float, wanted: int) -> int:
        """How many of `wanted` attempts may start now."""
        if self.probe_at is not None:
            return min(wanted, 1) if now >= self.probe_at else 0
        if self._closed_at is None:
            return wanted
        age = max(0.0, now - self._closed_at)
        if age >= RAMP_LASTS:
            self._closed_at = None
            return wanted
        rate = RAMP_RATE * 2.0 ** (age / RAMP_DOUBLES)
        self._allowed = min(rate, self._allowed + rate * max(0.0, now - self._filled_at))
        self._filled_at = max(now, self._filled_at)
        return min(wanted, int(self._allowed))

    def note_attempt(self, now: float) -> None:
        """Note that one attempt was sent."""
        if self.probe_at is not None:
            self._probes += 1
            self.probe_at = now + PROBE_WAITS[min(self._probes, len(PROBE_WAITS) - 1)]
        self._allowed -= 1.0

    def note_success(self, now: float) -> bool:
        """Note a success. Returns whether it closed the circuit."""
        self.failures = 0
        if self.probe_at is None:
            return False
        self.probe_at = None
        self._closed_at = self._filled_at = now
        self._allowed = 1.0
        return True

    def note_failure(self, now: float, retry_after: float | None = None) -> bool:
        """Note a failure. Returns whether it opened the circuit. `retry_after` in seconds."""
        self.failures += 1
        if self.probe_at is not None:
            if retry_after is not None:
                self.probe_at = max(self.probe_at, now + min(retry_after, self._longest_asked))
            return False
        if self.failures < OPENS_AFTER:
            return False
        self._probes = 0
        self.probe_at = now + max(PROBE_WAITS[0], min(retry_after or 0.0, self._longest_asked))
        return True

    def reopen_circuit(self, now: float) -> None:
        """Open it as it was before a restart: a start begins with one probe, not with a burst of attempts."""
        self.failures, self._probes = max(self.failures, OPENS_AFTER), 0
        self.probe_at = now
