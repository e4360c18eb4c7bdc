"""The room's door: log lines, counters and timers, and what the coordinator needs to check its own work."""

from __future__ import annotations

from typing import Any

from common.core.model.effects import Effects, LogLine
from common.core.telemetry.log_summary import LogSummary
from common.core.telemetry.metrics import Metrics
from common.core.telemetry.problems import ProblemLog
from common.core.telemetry.reach import Reach


class Telemetry:
    """Counters and timers (`metrics`), what answers from outside (`reach`), open problems (`problems`), and the log."""

    def __init__(self, effects: Effects, now: float) -> None:
        self.metrics = Metrics(now)
        self.reach = Reach()
        self.problems = ProblemLog()
        self._effects = effects
        self._summary = LogSummary()

    def write_log(self, level: str, event: str, **fields: Any) -> None:
        """Write one log line."""
        self._effects.plan_effect(LogLine(level, event, fields))

    def write_limited(self, level: str, event: str, about: str, now: float, **fields: Any) -> None:
        """Write the first log line of an event about something in a minute; count the others for the summary."""
        if self._summary.writes_line(level, event, about, now):
            self.write_log(level, event, **fields)

    def write_summary(self, now: float) -> None:
        """Write what is due once a minute: what was done, and how often limited lines came again."""
        for level, event, fields in self._summary.take_repeated(now):
            self.write_log(level, event, **fields)
        done = self._summary.sum_up_work(self.metrics, now)
        if done is not None:
            self.write_log("info", "work_done", **done)
