"""What came of a run, as rows that can be stored: of each name that dropped, of each registry, and of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from pathlib import Path

import msgspec

from tests.sim.drops.families import BEGIN, DAY
from tests.sim.drops.registry import Registry

#: What is told of a name that can be registered.
FREE_WORDS = ("available", "unregistered", "available_premium")


class Drop(msgspec.Struct, array_like=True):
    """One name that dropped. Seconds from the begin of the run, None for never or not seen.

    `denied`: the first "no object" of a registry server; `told`: the first verdict that it can be registered. A verdict within
    the registry's release procedure is a false alarm, and counts as told when the name was free: that favours loops that know
    of no such procedure.
    """

    name: str
    purge: float
    freed: float
    caught: float | None
    denied: float | None
    told: float | None


class Asked(msgspec.Struct):
    """What one registry counted; `calm_days` is how many names never left the zone, times the days."""

    suffix: str
    per_day: int
    total: int
    phases: dict[str, int]
    ages: dict[int, int]
    of_calm: int
    calm_days: float
    over: int
    bans: int
    busiest: int


class Outcome(msgspec.Struct):
    """One way to watch, over one run. `false_alarms` are names that were told free when they were not; `cpu` in seconds."""

    drops: list[Drop]
    asked: list[Asked]
    false_alarms: list[str]
    cpu: float = 0.0


class Recorded(msgspec.Struct):
    """A run with what it was made from; `commit` is the version of the product, where that is one."""

    names: int
    days: int
    seed: int
    suffixes: list[str]
    commit: str
    outcome: Outcome


def collect_outcome(
    registries: Mapping[str, Registry], told: Iterable[tuple[str, float, str]], days: int, cpu: float = 0.0
) -> Outcome:
    """Compare what was told, as (name, epoch seconds, word), with the truth of the registries."""
    stories = {name: story for registry in registries.values() for name, story in registry.stories.items()}
    first: dict[str, float] = {}
    false_alarms = []
    for name, at, word in told:
        if word not in FREE_WORDS:
            continue
        story = stories[name]
        if story.was_free(at - 60.0, at):  # it may have been caught while the verdict came about
            first.setdefault(name, at)
            continue
        false_alarms.append(name)
        if story.purge <= at < story.freed:
            first.setdefault(name, story.freed)
    end = BEGIN + days * DAY
    drops = [
        Drop(
            name,
            round(story.purge - BEGIN, 3),
            round(story.freed - BEGIN, 3),
            round(story.caught - BEGIN, 3) if story.caught < inf else None,
            _since(registries[story.suffix].first_denied.get(name)),
            _since(first.get(name)),
        )
        for name, story in stories.items()
        if story.kind == "drops" and story.freed <= end - DAY
    ]
    return Outcome(drops, [_asked_of(registry, days) for registry in registries.values()], false_alarms, round(cpu, 1))


def join_outcomes(parts: Iterable[Outcome]) -> Outcome:
    """The outcome of several registries that were run apart."""
    whole = Outcome([], [], [])
    for part in parts:
        whole.drops += part.drops
        whole.asked += part.asked
        whole.false_alarms += part.false_alarms
        whole.cpu = round(whole.cpu + part.cpu, 1)
    return whole


def choose_suffixes(outcome: Outcome, suffixes: list[str]) -> Outcome:
    """The part of an outcome that is about these suffixes; of the CPU time as much as their part of the questions."""
    asked = [one for one in outcome.asked if one.suffix in suffixes]
    part = sum(one.total for one in asked) / max(1, sum(one.total for one in outcome.asked))
    return Outcome(
        [drop for drop in outcome.drops if drop.name.rpartition(".")[2] in suffixes],
        asked,
        [name for name in outcome.false_alarms if name.rpartition(".")[2] in suffixes],
        round(outcome.cpu * part, 1),
    )


def read_recorded(path: Path) -> list[Recorded]:
    """Recorded runs of a file."""
    return msgspec.json.decode(path.read_bytes(), type=list[Recorded])


def write_recorded(path: Path, runs: list[Recorded]) -> None:
    """Store runs, one row a line."""
    text = msgspec.json.encode(runs).decode().replace("[[", "[\n[").replace("],[", "],\n[").replace("},{", "},\n{")
    path.write_text(text + "\n", encoding="utf-8")


def _since(at: float | None) -> float | None:
    return None if at is None else round(at - BEGIN, 3)


def _asked_of(registry: Registry, days: int) -> Asked:
    calm = sum(story.is_calm for story in registry.stories.values())
    outside = ("could not drop that day",)
    total = sum(count for phase, count in registry.asked.items() if phase not in outside)
    return Asked(
        registry.suffix, registry.per_day, total, dict(registry.asked), dict(sorted(registry.by_age.items())), registry.of_calm,
        calm * days, registry.over, registry.bans, registry.busiest,
    )  # fmt: skip
