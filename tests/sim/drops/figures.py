"""What a run is worth: how soon drops were seen and told, how many of them, and what the questions were spent on."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import NamedTuple

from tests.sim.drops.families import DAY, HOUR, MINUTE
from tests.sim.drops.outcomes import Asked, Drop, Outcome, choose_suffixes

#: Names that stay free for so long count for the latencies: all of them can be told by every way to watch.
LASTING = 2 * DAY
#: The step of polling that the budget pays for: one question a name and day.
STEP = DAY


class Figures(NamedTuple):
    """Seconds at the median, at nine of ten and at 99 of 100, infinity where so many were not seen or told; parts of 1.

    `seen`: from the purge to the first "no object"; `told`: from when it could be registered to the verdict; both
    of the drops that stayed free for two days. `minute`, `minutes`, `step`: told of the drops that could be registered for a
    minute, for ten, and for longer than a day; `seen_step`: seen of those. `calm`: registry questions a calm name and day,
    `calm_most`: the same under the suffix where they are most.
    """

    drops: int
    lasting: int
    seen: tuple[float, float, float]
    told: tuple[float, float, float]
    minute: float
    minutes: float
    step: float
    seen_step: float
    false_alarms: int
    questions: int
    idle: int
    canaries: int
    calm: float
    calm_most: float
    over: int
    bans: int
    cpu: float


def measure_outcome(outcome: Outcome) -> Figures:
    """The figures of a run."""
    lasting = [drop for drop in outcome.drops if _lives(drop) >= LASTING]
    long = [drop for drop in outcome.drops if _lives(drop) > STEP]
    calm_days = sum(asked.calm_days for asked in outcome.asked)
    return Figures(
        drops=len(outcome.drops),
        lasting=len(lasting),
        seen=_spread([_after(drop.purge, drop.denied) for drop in lasting]),
        told=_spread([_after(drop.freed, drop.told) for drop in lasting]),
        minute=_share_told([drop for drop in outcome.drops if _lives(drop) >= MINUTE]),
        minutes=_share_told([drop for drop in outcome.drops if _lives(drop) >= 10 * MINUTE]),
        step=_share_told(long),
        seen_step=_share([drop.denied is not None for drop in long]),
        false_alarms=len(outcome.false_alarms),
        questions=sum(asked.total for asked in outcome.asked),
        idle=sum(asked.phases.get("could not drop that day", 0) for asked in outcome.asked),
        canaries=sum(asked.phases.get("canaries", 0) for asked in outcome.asked),
        calm=sum(asked.of_calm for asked in outcome.asked) / calm_days if calm_days else 0.0,
        calm_most=max((asked.of_calm / asked.calm_days for asked in outcome.asked if asked.calm_days), default=0.0),
        over=sum(asked.over for asked in outcome.asked),
        bans=sum(asked.bans for asked in outcome.asked),
        cpu=outcome.cpu,
    )


def latencies_of(outcome: Outcome) -> list[float]:
    """Seconds from the moment at which a name could be registered to its verdict, sorted, infinity for never."""
    return sorted(_after(drop.freed, drop.told) for drop in outcome.drops if _lives(drop) >= LASTING)


def count_phases(asked: list[Asked]) -> Counter[str]:
    """Registry questions by the phase of the name."""
    found: Counter[str] = Counter()
    for one in asked:
        found.update(one.phases)
    return found


def average_ages(outcome: Outcome, days: int) -> dict[int, float]:
    """Registry questions a day about a name that drops, by days from its purge, over a run of so many days."""
    found: Counter[int] = Counter()
    for one in outcome.asked:
        found.update(one.ages)
    there = Counter(day - int(drop.purge // DAY) for drop in outcome.drops for day in range(days))
    return {age: found[age] / there[age] for age in there}


def measure_suffixes(outcome: Outcome) -> dict[str, Figures]:
    """The figures of each suffix apart."""
    return {one.suffix: measure_outcome(choose_suffixes(outcome, [one.suffix])) for one in outcome.asked}


def say_seconds(seconds: float) -> str:
    """A span as people say it."""
    if seconds == inf:
        return "never"
    for unit, word in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {word}"
    return f"{seconds:.0f} s"


def _lives(drop: Drop) -> float:
    return (inf if drop.caught is None else drop.caught) - drop.freed


def _after(begin: float, at: float | None) -> float:
    return inf if at is None else max(0.0, at - begin)


def _spread(values: list[float]) -> tuple[float, float, float]:
    ordered = sorted(values) or [0.0]
    middle, tenth, last = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.9, 0.99))
    return middle, tenth, last


def _share_told(drops: list[Drop]) -> float:
    return _share([drop.told is not None for drop in drops])


def _share(happened: list[bool]) -> float:
    return sum(happened) / len(happened) if happened else 1.0
