"""A registry that hides names on their way out in one of its channels: the denial there says nothing about a drop."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Observation, Outcome, Phase, Reading
from tests.sim.dead_channels import Dead
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import SuffixModel
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOUR = 3600.0
HIDDEN = Reading(Outcome.UNREGISTERED, "whois_free", "not found")


def world(*, rdap_dies: float, purge: float | None = None) -> RegistryWorld:
    """A name in redemption that WHOIS does not show, and RDAP only until it dies (seconds after the start)."""
    dead = {"org": [Dead("rdap", "silence", START + rdap_dies, float("inf"))]}
    made = RegistryWorld([SuffixModel("org")], 1, dead=dead, interval=300.0)
    changes: list[tuple[float, Phase | None]] = [(0.0, Phase.ACTIVE), (START - HOUR, Phase.REDEMPTION)]
    made.live("hidden.org", Life(changes + ([(START + purge, None)] if purge is not None else [])))
    made.lie = lambda method, domain, _: (
        Observation("whois", HIDDEN, server="whois.org.test") if (method, domain) == ("whois", "hidden.org") else None
    )
    return made


def told(made: RegistryWorld) -> list[str]:
    """The notices about the name, without that of the first check."""
    return [status for _, status in made.notices_of("hidden.org") if status != "redemption"]


def test_a_name_that_whois_never_showed_in_its_phase_is_not_called_free_when_rdap_falls_silent() -> None:
    """WHOIS passes its canaries and denies this name, as it did while RDAP still showed the record."""
    made = world(rdap_dies=2 * HOUR)
    made.run(8 * HOUR)

    assert told(made) == []
    assert made.entry("hidden.org").detail.blind == ("whois",)


def test_its_drop_is_told_by_the_channel_that_shows_such_names() -> None:
    """The verified passes of RDAP stand alone, and no second source is expected. In redemption it is asked every six hours."""
    made = world(rdap_dies=float("inf"), purge=2 * HOUR)
    made.run(9 * HOUR)

    assert told(made) == ["available"]


def test_a_channel_that_shows_the_name_after_all_counts_again() -> None:
    """What it denied before was another state of its database."""
    made = world(rdap_dies=float("inf"))
    made.run(2 * HOUR)
    made.lie = lambda *_: None
    entry = made.entry("hidden.org")
    assert entry.detail.blind == ("whois",)
    made.order("check", "hidden.org")
    made.run(60)

    assert made.entry("hidden.org").detail.blind == ()
