"""Registries that cannot be queried in time, in a simulated world: names are checked by the channels that are left."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Phase
from common.core.model.limit import Limit
from common.core.telemetry.metrics import snapshot_rows
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

SLOW = {"*": Limit("*", 1e6, 10**6, None), "rdap/rdap.com.test": Limit("x", 0.0005, 1, None)}


def test_the_names_of_a_registry_that_cannot_be_queried_are_checked_all_the_same() -> None:
    """In the zone, at their interval, and none waits for longer than half of it."""
    world = World(interval=600.0, limits={**SLOW, "whois/whois.com.test": Limit("x", 0.0005, 1, None)})
    names = [f"n{number}.com" for number in range(20)]
    world.watch(*names)
    world.run(1000)
    counters = snapshot_rows(world.core.rooms.telemetry.metrics.snapshot(), "counters")
    expired = sum(
        count
        for name, labels, count in counters
        if name == "questions_expired" and (labels["method"], labels["rank"]) == ("rdap", "background")
    )

    assert expired >= 1
    assert [name for name in names if world.state(name) != "REGISTERED"] == []
    assert [name for name in names if world.now - (world.entry(name).checked_at or 0.0) > 900] == []


def test_where_rdap_cannot_be_queried_in_time_whois_is() -> None:
    """A name in redemption does not wait for a channel that others use up."""
    world = World(interval=600.0, limits=SLOW)
    world.names["gone.com"] = Name([(0.0, Phase.REDEMPTION)])
    world.watch(*[f"n{number}.com" for number in range(5)], "gone.com")
    world.run(1000)

    assert world.state("gone.com") == "REDEMPTION"
    assert {method for _, method, name in world.asked if name == "gone.com"} >= {"dns", "whois"}
