"""The one place that reads a clock, or waits by one.

`now()` gives epoch seconds for schedules, signatures and records. It never runs backwards and never jumps over a small
correction of the wall clock: it runs a little faster or slower until both agree, so that no interval is skipped or repeated.
`monotonic()` measures durations. Both count the time that the machine slept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

#: Seconds of correction per second that passes.
SLEW = 0.5
#: A wall clock this far ahead, in seconds, was not set when we started: following it slowly would take for ever.
STEP = 86_400.0


def monotonic() -> float:
    """Seconds since an arbitrary start. `time.monotonic()` stands still while Linux sleeps, CLOCK_BOOTTIME does not."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def pause(seconds: float) -> None:
    """Stand still for so many seconds: for processes without an event loop alone."""
    time.sleep(seconds)


class SlewedClock:
    """Epoch seconds that follow `wall` without ever running backwards; `steady` is a clock that cannot be set."""

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self._wall = wall
        self._steady = steady
        self._last = steady()
        self._value = wall()
        self._lock = threading.Lock()

    def now(self) -> float:
        """Epoch seconds."""
        with self._lock:
            steady = self._steady()
            elapsed = max(0.0, steady - self._last)
            self._last = steady
            self._value += elapsed
            behind = self._wall() - self._value
            if behind > STEP:
                self._value += behind
            else:
                self._value += max(-SLEW * elapsed, min(SLEW * elapsed, behind))
            return self._value


now = SlewedClock(time.time, monotonic).now


def iso(epoch: float) -> str:
    """Epoch seconds as ISO 8601 in UTC with milliseconds: "2027-01-31T00:00:00.000Z"."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
