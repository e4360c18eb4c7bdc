"""What is asked seldom is found all the same: catches that are not delegated, and drops under a zone that tells nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from common.core.model.evidence import Phase
from common.core.schedule.cadence import JITTER
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import SuffixModel
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOUR, DAY = 3600.0, 86_400.0
DROPPED = START + HOUR


def registry_queries(world: RegistryWorld, domain: str, since: float) -> int:
    """How many queries to its registry were sent about a name since then."""
    counts = Counter(method for at, method, name in world.asked if name == domain and at > since)
    return counts["rdap"] + counts["whois"]


@pytest.mark.parametrize("wildcard", [False, True])
def test_a_catch_that_is_not_delegated_is_found_within_six_hours(*, wildcard: bool) -> None:
    """In the first week; until then a name that stays free costs its registry four questions a day and channel."""
    world = RegistryWorld([SuffixModel("com", rdap=True, whois=True, wildcard=wildcard)], interval=HOUR)
    caught = DROPPED + 2 * DAY
    changes: list[tuple[float, Phase | None]] = [(0.0, Phase.PENDING_DELETE), (DROPPED, None), (caught, Phase.UNDELEGATED)]
    world.live("dropped.com", Life(changes, wildcard=wildcard))
    world.run(DAY)
    assert world.notices_of("dropped.com")[-1][1] == "available"
    begun = world.now
    world.run(caught - world.now)
    asked = registry_queries(world, "dropped.com", begun)
    world.run(6 * HOUR * (1 + JITTER) + HOUR * (1 + JITTER))
    told, word = world.notices_of("dropped.com")[-1]

    assert word == "registered"
    assert caught < told <= world.now
    assert 0 < asked <= 2 * 5 * 1.25


def test_a_drop_under_a_zone_that_tells_nothing_is_found_within_a_day() -> None:
    """Its registry shows an expiry date just over, so it is asked about twice a day, and not at the base interval."""
    world = RegistryWorld([SuffixModel("com", rdap=True, whois=False, wildcard=True)], interval=HOUR)
    purged = START + 4 * DAY
    world.live("dropped.com", Life([(0.0, Phase.ACTIVE), (purged, None)], expires=START - 10 * DAY, wildcard=True))
    world.run(4 * DAY)
    asked = registry_queries(world, "dropped.com", START + HOUR)
    world.run(DAY * (1 + JITTER))
    told, word = world.notices_of("dropped.com")[-1]

    assert word in ("available", "unregistered")
    assert purged < told
    assert 6 <= asked <= 12
