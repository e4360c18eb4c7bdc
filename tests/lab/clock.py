"""Two times: the wall clock, by which alarms are judged, and the registries' own time, which can run fast."""

from __future__ import annotations

import time
from collections.abc import Callable

DAY = 86_400.0
YEAR = 365 * DAY


class LabClock:
    """Registry time = wall time at `speed`. Both in epoch seconds; registry time never runs backwards by itself."""

    def __init__(self, *, wall: Callable[[], float] = time.time, speed: float = 1.0, start: float | None = None) -> None:
        self.wall = wall
        self._speed = speed
        self._wall_mark = wall()
        self._mark = self._wall_mark if start is None else start

    @property
    def speed(self) -> float:
        """Registry seconds per wall second."""
        return self._speed

    def now(self) -> float:
        """Registry time, the one in RDAP and WHOIS dates."""
        return self._mark + (self.wall() - self._wall_mark) * self._speed

    def set(self, *, now: float | None = None, speed: float | None = None) -> None:
        """Jump to `now` and run at `speed` from here on; what is None stays."""
        current = self.now()
        self._wall_mark = self.wall()
        self._mark = current if now is None else now
        if speed is not None:
            self._speed = speed
