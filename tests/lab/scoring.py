"""Judges the product: which drops were seen and how fast, which were missed, and which alarms were false."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from tests.lab.customer import Received
from tests.lab.story import Alarm, Role
from tests.lab.truth import Truth, TruthLog

#: An alarm about a name that was truly free at most this many seconds ago was true when it was sent.
GRACE = 10.0


@dataclass(slots=True)
class Score:
    """`latencies` in seconds from purge to callback, by name; `false` one sentence per wrong alarm."""

    due: int = 0
    seen: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    latencies: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float | None:
        """Median latency of the drops seen."""
        return median(self.latencies.values()) if self.latencies else None

    @property
    def worst(self) -> float | None:
        """Worst latency of the drops seen."""
        return max(self.latencies.values(), default=None)

    @property
    def clean(self) -> bool:
        """Nothing missed, nothing false."""
        return not self.missed and not self.false


def false_alarm(log: TruthLog, notice: Received) -> str | None:
    """Why this "available" notice was wrong, or None."""
    name = str(notice.data.get("domain", ""))
    if Truth.UNREGISTERED in log.during(name, notice.at - GRACE, notice.at):
        return None
    return f'{name}: "available" came while the truth was {log.at(name, notice.at)}'


def latency(log: TruthLog, notice: Received) -> float | None:
    """Seconds from the moment the name last became free to this notice; None where it had not been freed by then."""
    freed = log.freed_at(str(notice.data.get("domain", "")), notice.at)
    return None if freed is None else notice.at - freed


def score(log: TruthLog, notices: Iterable[Received], cast: Iterable[Role]) -> Score:
    """Judge all accepted notices of a run. A name that was never purged counts neither as seen nor as missed."""
    result = Score()
    available = [notice for notice in notices if notice.data.get("status") == "available"]
    for notice in available:
        wrong = false_alarm(log, notice)
        took = latency(log, notice)
        if wrong is not None:
            result.false.append(wrong)
        elif took is not None:
            result.latencies.setdefault(str(notice.data["domain"]), took)
    for role in cast:
        if role.alarm is Alarm.MUST_NOT or log.freed_at(role.name) is None:
            continue
        result.due += role.alarm is Alarm.MUST
        if role.name in result.latencies:
            result.seen.append(role.name)
        elif role.alarm is Alarm.MUST:
            result.missed.append(role.name)
    return result
