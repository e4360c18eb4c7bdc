"""Delays of the coordinator's event loop, measured from inside: a check of a priority name waits for as long."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

from common.clock import monotonic
from common.core.coordinator.inputs import Measure, Measured

#: Seconds between two measurements.
EVERY = 0.02
#: Seconds over which the longest stall is shown.
SPAN = 60.0
#: Seconds between two lines about slow turns.
SAID_EVERY = 60.0


class SlowTurns:
    """Slow turns of the core: the first is logged at once, then once a minute how many there were and the worst."""

    def __init__(self) -> None:
        self._told_at = -inf
        self._count, self._worst, self._what = 0, 0.0, ""

    def note(self, what: str, seconds: float, at: float) -> dict[str, Any] | None:
        """Take a slow turn at a time in seconds; the fields of the line to write, None where it is not time for one."""
        self._count += 1
        if seconds > self._worst:
            self._worst, self._what = seconds, what
        if at - self._told_at < SAID_EVERY:
            return None
        fields = {"what": self._what, "ms": round(self._worst * 1000), "turns": self._count}
        self._told_at, self._count, self._worst = at, 0, 0.0
        return fields


class StallWatch:
    """A timer that notes by how much it came late: timer `loop_stall_seconds`, gauge `loop_stall_max_seconds`.

    Garbage collections are timed apart (`gc_seconds`): they stop every thread, and would be taken for a slow turn.
    """

    def __init__(self, measure: Callable[[Measured], None]) -> None:
        self._measure = measure
        self._loop = asyncio.get_running_loop()
        self._longest: deque[tuple[float, float]] = deque()  # (when, stall), falling: later and longer ones push others out
        self._due = self._loop.time() + EVERY
        self._timer = self._loop.call_at(self._due, self._look)
        self._collecting = 0.0
        self._pauses: deque[float] = deque()  # a collection may come while the figures are read, in any thread
        gc.callbacks.append(self._collected)

    def close(self) -> None:
        """Measure no more."""
        self._timer.cancel()
        gc.callbacks.remove(self._collected)

    def _collected(self, phase: str, _info: dict[str, Any]) -> None:
        if phase == "start":
            self._collecting = monotonic()
        else:
            self._pauses.append(monotonic() - self._collecting)

    def _look(self) -> None:
        now = self._loop.time()
        stall = max(0.0, now - self._due)
        self._measure(Measured(Measure.TIMER, "loop_stall_seconds", stall))
        while self._pauses:
            self._measure(Measured(Measure.TIMER, "gc_seconds", self._pauses.popleft()))
        while self._longest and self._longest[-1][1] <= stall:
            self._longest.pop()
        self._longest.append((now, stall))
        while self._longest[0][0] < now - SPAN:
            self._longest.popleft()
        self._measure(Measured(Measure.GAUGE, "loop_stall_max_seconds", self._longest[0][1]))
        self._due = now + EVERY
        self._timer = self._loop.call_at(self._due, self._look)
