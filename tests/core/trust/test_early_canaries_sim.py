"""Canaries asked before they are needed, in the course of days; on a virtual clock."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Phase
from common.core.trust.early_canaries import PROBE_SILENT_EVERY
from common.core.trust.server_trust import QUARANTINE
from tests.core.trust.trust_rooms import RDAP, WHOIS
from tests.sim.dead_channels import Dead
from tests.sim.lives import Life
from tests.sim.registry_world import Lie, RegistryWorld
from tests.sim.suffix_models import DAY, SuffixModel
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

COM = SuffixModel("com")


def test_a_check_in_the_window_keeps_the_servers_verified() -> None:
    """So that a drop finds them verified, days after a name last needed them."""
    world = RegistryWorld([COM], interval=3600.0)
    world.live("gone.com", Life([(0.0, Phase.ACTIVE), (START, Phase.PENDING_DELETE)]))
    world.run_until(lambda: world.entry("gone.com").in_window(world.now, margin=0.0), START + 8 * DAY, 600.0)
    world.run(900)
    trust = world.core.rooms.trust

    assert world.now > START + 3 * DAY
    assert world.state("gone.com") == "PENDING_DELETE"
    assert trust.is_verified(RDAP, world.now)
    assert trust.is_verified(WHOIS, world.now)


def test_a_dead_channel_is_found_out_within_minutes_of_a_start() -> None:
    """No name asks for it, and its first query takes its whole time limit."""
    dead = {"com": [Dead("whois", "silence", START, float("inf"))]}
    world = RegistryWorld([COM], dead=dead, interval=3600.0)
    world.live("held.com", Life())
    world.run(300)

    assert world.core.rooms.channels.is_known_dead(WHOIS, world.now)


def test_a_server_that_lied_is_back_soon_although_no_name_needs_it() -> None:
    """A drop may be days away, and shall find both servers."""
    world = RegistryWorld([COM], interval=600.0)
    world.live("held.com", Life())
    world.run(60)
    trust = world.core.rooms.trust
    world.lies.append(Lie("rdap", "com", "known.com", world.now, world.now + 30.0))
    world.core.rooms.canaries.verify_server(RDAP, "held.com", world.now, world.now)
    world.run(30.0)
    assert trust.is_quarantined(RDAP, world.now)
    world.run(QUARANTINE + 30.0)
    assert trust.is_distrusted(RDAP, world.now)

    world.run(PROBE_SILENT_EVERY)
    assert not trust.is_distrusted(RDAP, world.now)
