"""What registries of the simulation publish reaches the product, and is worth it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.core.model.publication import MOST_LISTED
from common.core.publications.catalogue import find_publication
from tests.sim.drops.families import BEGIN, DAY
from tests.sim.drops.figures import measure_outcome
from tests.sim.drops.lists import READ, Listed, make_parts
from tests.sim.drops.outcomes import Outcome, collect_outcome
from tests.sim.drops.runs import make_registries
from tests.sim.drops.world import DropWorld

#: Drives a simulated world.
simulation = pytest.mark.simulation


def listed_outcome(world: type[DropWorld], suffix: str) -> Outcome:
    """What the product does in a week with forty names of a suffix."""
    registries = make_registries([suffix], 400, 8, 2)
    registry = registries[suffix] = replace(registries[suffix], per_day=2 * registries[suffix].per_day)
    drops = [story for story in registry.stories.values() if story.kind == "drops"]
    assert len(drops) > 3
    made = world(registries, 1)
    made.watch_all()
    made.run(8 * DAY)
    return collect_outcome(registries, made.verdicts(), 8)


class Unlisted(DropWorld):
    """A product that reads no lists."""

    def take_list(self, suffix: str, listed: tuple[Listed, ...]) -> None:
        """Leave it unread."""


@simulation
def test_what_a_registry_publishes_is_told_sooner_and_costs_less() -> None:
    """Nominet states the second: a look at its end is enough, where others are asked about all day."""
    read, unread = (measure_outcome(listed_outcome(world, "uk")) for world in (DropWorld, Unlisted))

    assert read.told[0] < 60.0 < unread.told[0] / 20
    assert read.told[2] < unread.told[2]
    assert read.minute >= unread.minute
    assert read.false_alarms == 0
    assert read.questions < unread.questions


def test_the_product_reads_the_lists_of_which_it_has_a_row() -> None:
    """In parts as its reader sends them, with the release of each name; others are not read."""
    listed = tuple(Listed(f"n{number}.uk", BEGIN + number, BEGIN + number + 1.0) for number in range(MOST_LISTED + 1))
    first, last = make_parts("uk", listed, BEGIN)

    assert (first.publication, first.number, first.last, len(first.names)) == ("uk-drops", 0, False, MOST_LISTED)
    assert (last.number, last.last, last.total) == (1, True, MOST_LISTED + 1)
    assert (last.names[0].name, last.names[0].at) == (f"n{MOST_LISTED}.uk", BEGIN + MOST_LISTED)
    (empty,) = make_parts("se", (), BEGIN)
    assert (empty.publication, empty.last, empty.names) == ("se-drops", True, ())
    assert make_parts("ca", listed[:1], BEGIN) == []
    for name in READ.values():
        publication = find_publication(name)
        assert publication is not None
        assert publication.on
