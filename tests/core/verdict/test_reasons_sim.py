"""Why a name is in its state, in the course of its life; on a virtual clock."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Phase
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def dropped() -> World:
    """A name that drops and is announced."""
    world = World(interval=600.0, priority=10.0)
    begin = world.now
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (begin + 60, None)])
    world.watch("gone.com", priority=True)
    world.run(400)
    assert world.state("gone.com") == "AVAILABLE"
    return world


def test_the_next_state_has_a_reason_of_its_own() -> None:
    """Once the name was caught."""
    world = dropped()
    world.names["gone.com"].changes.append((world.now + 10, Phase.ACTIVE))
    world.run(900)
    detail = world.entry("gone.com").detail

    assert world.state("gone.com") == "REGISTERED"
    assert "registered, confirmed" not in detail.reason
    assert detail.look == ""


def test_a_check_without_news_does_not_replace_the_reason() -> None:
    """Of a registered name that no server answers about any more, the last proof is still the reason."""
    world = World(interval=600.0)
    world.watch("a.com")
    world.run(60)
    reason = world.entry("a.com").detail.reason
    world.order("check", "a.com")
    world.run(60)
    reason = world.entry("a.com").detail.reason or reason
    for pool in ("fast", "intermediate", "deep"):
        world.kill_worker(pool)
    world.order("check", "a.com")
    world.run(120)

    assert world.state("a.com") == "REGISTERED"
    assert world.entry("a.com").detail.reason == reason != "no new proof"
