"""The names of `bench drops`: which drop when, each as a registry shows it on its last day, and the calm rest."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from common.core.schedule.drop_hours import PUBLISHED
from tests.lab import story
from tests.lab.clock import DAY
from tests.lab.model import Registry
from tests.lab.story import Alarm, Role, Scene
from tests.lab.suffixes import SUFFIXES, Suffix, registrable

#: Suffixes beside those of every lab, whose names may drop at any hour of the day.
FURTHER = (
    Suffix("dev", 21, 21, "gtld"),
    Suffix("xyz", 26, 26, "gtld"),
    Suffix("fr", 44, 44, "afnic", auto_renews=False, redemption_days=30, pending_days=0),
)
#: Suffixes of the lab in which no purged name is free at once, or for which no window is forecast: calm names alone.
CALM = ("io", "ws")
#: One in so many dropping names has priority, and one in so many calm names is no delegated one.
URGENT, ODD = 5, 20
_ODD = (Scene.GRACE, Scene.HELD, Scene.REDEMPTION)
#: Registry seconds that a name would still have had before its purge, had the benchmark not purged it.
SPARE = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many names are watched, how many of them drop, over how many seconds, and CHECK_INTERVAL."""

    names: int = 2000
    drops: int = 200
    seconds: float = 240.0
    interval: float = 60.0
    seed: int = 14


@dataclass(frozen=True, slots=True)
class Drop:
    """A name that is purged `at` seconds after the curtain."""

    name: str
    at: float
    priority: bool


def open_suffixes(now: float, seconds: float) -> list[str]:
    """Suffixes that delete names at this time of the day, and still will in so many `seconds`."""
    return [label for label in SUFFIXES if label not in CALM and _stays_open(*PUBLISHED.hours_of(label), now, seconds)]


def _stays_open(start: float, length: float, now: float, seconds: float) -> bool:
    return length >= DAY or (now - start) % DAY + seconds <= length


def wait_for_midnight(now: float, seconds: float) -> float:
    """Seconds until midnight UTC where that falls into so many `seconds`, else 0: a forecast counts in days of the calendar."""
    left = DAY - now % DAY
    return left if left <= seconds else 0.0


def plan_drops(plan: Plan, suffixes: list[str]) -> list[Drop]:
    """The names that drop, spread over `suffixes` in turn, at moments that nothing else depends on."""
    rng = random.Random(plan.seed)
    times = sorted(rng.uniform(0, plan.seconds) for _ in range(plan.drops))
    return [
        Drop(f"drop-{number:04d}.{suffixes[number % len(suffixes)]}", at, number // len(suffixes) % URGENT == 0)
        for number, at in enumerate(times)
    ]


def calm_roles(count: int) -> list[Role]:
    """Names that do not drop: delegated, a few expired, held or in redemption."""
    labels = list(SUFFIXES)
    return [Role(f"calm-{number:04d}.{labels[number % len(labels)]}", _scene_of(number, labels)) for number in range(count)]


def _scene_of(number: int, labels: list[str]) -> Scene:
    suffix = SUFFIXES[labels[number % len(labels)]]
    if number // len(labels) % ODD or suffix.label in CALM or not suffix.grace_days:
        return Scene.HEALTHY
    return _ODD[number // len(labels) // ODD % len(_ODD)]


def stage(registry: Registry, drops: Iterable[Drop], calm: Iterable[Role], ahead: float) -> None:
    """Register all names; those that drop are due at their registry `ahead` + `SPARE` seconds after their moment."""
    story.stage(registry, calm)
    for drop in drops:
        registry.register(drop.name, age_years=4)
        _enter_last_day(registry, drop.name, ahead + drop.at + SPARE)


def cast_of(drops: Iterable[Drop], calm: Iterable[Role]) -> list[Role]:
    """All names, and whether an alarm is due."""
    return [*(Role(drop.name, Scene.LAST_DAY, Alarm.MUST, drop.priority) for drop in drops), *calm]


def _enter_last_day(registry: Registry, name: str, left: float) -> None:
    """`left` seconds before the purge of a name that ran through all phases as its registry's calendar says."""
    found = registrable(name)
    assert found is not None
    suffix = found[1]
    early = 5 if suffix.auto_renews else 0  # there the registrar chooses the day; elsewhere all is counted from the expiry
    registry.expire(name, ago_days=suffix.grace_days + suffix.redemption_days + suffix.pending_days - early - left / DAY)
    registry.delete(name, ago_days=suffix.redemption_days + suffix.pending_days - left / DAY)
    if suffix.pending_days:
        registry.pending_delete(name, ago_days=suffix.pending_days - left / DAY)
