"""A registry whose hours no row knows: they are learned by watching, and followed when it moves its batch to others."""

from __future__ import annotations

from random import Random
from statistics import median

import pytest

from common.core.model.evidence import Phase
from tests.sim.drops.families import BEGIN, DAY, HOUR, MINUTE, YEAR
from tests.sim.drops.registry import Registry
from tests.sim.drops.stories import Record, Story
from tests.sim.drops.world import DropWorld

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

#: Questions a day that the registry takes; its hours before the day of the move, in UTC, and after it, for an hour each.
PER_DAY, FIRST, THEN, MOVES = 300, 9.5, 20.25, 11
#: Names, of which one drops a day from the second day on.
NAMES = 21
#: The longest wait in seconds outside of learned hours, with its jitter, and time for the passes and canaries of an alarm.
BOUND = 1.2 * HOUR + 15 * MINUTE


def drop_on(day: int, rng: Random) -> Story:
    """A name that drops on a day of the run, in the batch of that day, after thirty days in redemption."""
    purge = BEGIN + day * DAY + (FIRST if day < MOVES else THEN) * HOUR + rng.uniform(0, HOUR)
    begun = BEGIN + (day - 30) * DAY + rng.uniform(0, DAY)
    expires, created = begun - 10 * DAY, begun - 3 * YEAR
    records = [
        Record(0.0, Phase.ACTIVE, expires, created, created),
        Record(begun, Phase.REDEMPTION, expires, begun, created),
        Record(purge, None, free=True),
    ]
    return Story(f"drop-{day:02}.fr", "fr", "drops", records, purge, purge)


class Watched:
    """The delay of each verdict in seconds, by day, and at the begin of each day the hours that were learned until then."""

    def __init__(self) -> None:
        rng = Random(7)
        stories = {story.name: story for story in (drop_on(day, rng) for day in range(1, NAMES + 1))}
        self.registry = Registry("fr", stories, PER_DAY)
        world = DropWorld({"fr": self.registry}, 1)
        world.watch_all()
        self.hours: list[tuple[float, float]] = []
        for _ in range(NAMES + 1):
            self.hours.append(world.core.rooms.domains.calendar.hours.hours_of("fr"))
            world.run(DAY)
        told = {name: at for name, at, word in world.verdicts() if word == "available"}
        self.delays = {day: told[name] - stories[name].purge for day, name in enumerate(stories, 1) if name in told}


@pytest.fixture(scope="module")
def watched() -> Watched:
    """Three weeks."""
    return Watched()


def test_hours_that_were_learned_make_verdicts_sooner(watched: Watched) -> None:
    """The questions of the whole day go into two hours or so."""
    learned = next(day for day, (_, length) in enumerate(watched.hours) if length < DAY)
    before, after = (median([watched.delays[day] for day in days]) for days in (range(2, learned), range(learned, MOVES)))
    start, length = watched.hours[MOVES - 1]

    assert start <= FIRST * HOUR
    assert (FIRST + 1) * HOUR <= start + length <= start + 4 * HOUR
    assert after < before / 3


def test_a_batch_that_moves_is_followed_and_no_drop_is_missed(watched: Watched) -> None:
    """The first ones at its new hours are found by the looks outside of the old ones."""
    start, length = watched.hours[-1]

    assert sorted(watched.delays) == list(range(1, NAMES + 1))
    assert all(watched.delays[day] <= BOUND for day in range(MOVES, NAMES + 1))
    assert start <= THEN * HOUR
    assert (THEN + 1) * HOUR <= start + length <= start + 4 * HOUR
    assert watched.registry.over == 0
