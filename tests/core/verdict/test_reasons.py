"""Why a name is in its state: the reason of the decision stands for as long as an announced state does."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Phase
from common.core.model.states import State
from common.core.model.verdict import Verdict
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


def test_an_announced_name_keeps_the_reason_it_was_announced_for() -> None:
    """A newer look sees fewer positives at a time; what it says stands beside it and takes nothing away."""
    world = dropped()
    rooms = world.core.rooms
    entry = rooms.domains.find_loaded("gone.com") or rooms.domains.working_set.load_entry(
        rooms.domains.table.find_id("gone.com"), world.entry("gone.com").detail
    )
    look = "not found at the registry; still open: no second independent source agrees"
    board.announcer.apply_verdict(entry, Verdict(State.AVAILABLE, 0.9, 0.99, 0.97, look), world.now)

    assert entry.detail.reason == "not registered, confirmed in separate passes by independent sources"
    assert entry.detail.look == look


def test_the_next_state_has_a_reason_of_its_own() -> None:
    """Once somebody has taken the name."""
    world = dropped()
    world.names["gone.com"].changes.append((world.now + 10, Phase.ACTIVE))
    world.run(900)
    detail = world.entry("gone.com").detail

    assert world.state("gone.com") == "REGISTERED"
    assert "registered, confirmed" not in detail.reason
    assert detail.look == ""


def test_a_look_without_news_does_not_replace_the_reason() -> None:
    """Of a registered name that nobody answers about any more, the last proof is still the reason."""
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
