"""What a calm name costs its registry where no quota is short: what the product wants to ask, not what it may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.sim.drops.bounds import CALM
from tests.sim.drops.families import DAY, FAMILIES, make_stories
from tests.sim.drops.registry import make_registry
from tests.sim.drops.runs import SKEW
from tests.sim.drops.world import DropWorld

DAYS, NAMES = 30, 40
#: Drives a simulated world.
pytestmark = pytest.mark.simulation


class QuietWorld(DropWorld):
    """Nothing happens for hours."""

    skip = 1800.0


@pytest.mark.parametrize("suffix", ["com", "uk", "de", "fr"])
def test_a_calm_name_costs_its_registry_a_question_in_five_days_at_most(suffix: str) -> None:
    """Though all of them expire about now: where registrars delete them, where the date does, and where no date is shown."""
    chosen = next(family for family in FAMILIES if family.suffix == suffix)
    stories = [story for story in make_stories(chosen, NAMES, DAYS, 1, SKEW) if story.is_calm]
    registry = replace(make_registry(chosen.suffix, stories, DAYS, 1), per_day=2000, outages=())
    world = QuietWorld({chosen.suffix: registry}, 1)
    world.watch_all()
    world.run(DAYS * DAY)

    assert len(stories) > NAMES / 2
    assert len(stories) <= registry.of_calm <= CALM * len(stories) * DAYS
