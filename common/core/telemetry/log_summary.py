"""What of thousands of events a second gets into the log: changes always, the first complaint of a kind, the rest in a summary.

A line for each check and each callback would be 96 of a hundred lines: those are for the level DEBUG. Once a minute one line
says what was done. A complaint that a fault repeats for each name is written once; how often it came again is written a minute
later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.core.telemetry.metrics import Metrics

#: Seconds between two summaries, and for which an equal complaint is only counted.
EVERY = 60.0
#: Most complaints of one event that are told apart within that time; further ones are counted together.
MOST_APART = 20
#: What a summary sums up: counters by the labels that name their rows.
_SUMMED = {"checks": ("method", "outcome"), "callbacks": ("lane", "state")}


@dataclass(slots=True)
class _Run:
    """A complaint that was written, and how often it came again since."""

    level: str
    since: float
    again: int = 0


@dataclass(slots=True)
class LogSummary:
    """See the module. Times in epoch seconds."""

    summed_at: float = 0.0
    _runs: dict[tuple[str, str], _Run] = field(default_factory=dict)
    _counted: dict[str, Counter[str]] = field(default_factory=dict)

    def writes_line(self, level: str, event: str, about: str, now: float) -> bool:
        """Whether a complaint about something is to be written now; otherwise it is counted."""
        if (event, about) not in self._runs and sum(1 for each, _ in self._runs if each == event) >= MOST_APART:
            about = ""
        run = self._runs.get((event, about))
        if run is None:
            self._runs[event, about] = _Run(level, now)
            return True
        run.again += 1
        return False

    def take_repeated(self, now: float) -> list[tuple[str, str, dict[str, Any]]]:
        """What is to be written of complaints whose minute is over: level, event, fields. Without any in it that was all."""
        ended = [(key, run) for key, run in self._runs.items() if now - run.since >= EVERY]
        found = []
        for (event, about), run in ended:
            del self._runs[event, about]
            if run.again:
                self._runs[event, about] = _Run(run.level, now)
                found.append(
                    (run.level, event, {"about": about or "others", "again": run.again, "seconds": round(now - run.since)})
                )
        return found

    def sum_up_work(self, metrics: Metrics, now: float) -> dict[str, Mapping[str, int]] | None:
        """What was done since the last summary, by method and outcome, lane and state; None where nothing was, or not yet."""
        if now - self.summed_at < EVERY:
            return None
        first, self.summed_at = not self.summed_at, now
        done: dict[str, Mapping[str, int]] = {}
        for name, labels in _SUMMED.items():
            total = metrics.sum_counter(name, labels)
            before = self._counted.get(name, Counter())
            # A reset begins again from nothing.
            since = {row: int(n - before[row] if n >= before[row] else n) for row, n in total.items()}
            self._counted[name] = total
            done[name] = {row: n for row, n in sorted(since.items()) if n}
        return done if any(done.values()) and not first else None
