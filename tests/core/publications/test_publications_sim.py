"""Publications in a simulated world: a name on a drop list is left alone until its release, and found then."""

from __future__ import annotations

import pytest

from common.codec import decode_upward, encode
from common.core.coordinator.inputs import MessageArrived
from common.core.model.evidence import Phase
from common.core.model.publication import ListedName
from common.messages import PublicationPart
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOUR = 3600.0


def publish(world: World, publication: str, *names: tuple[str, float | None], age: float = 600.0) -> None:
    """A reading of a publication arrives, as its reader sends it."""
    listed = tuple(ListedName(name, at) for name, at in names)
    made_at = world.now - age
    part = PublicationPart(publication, made_at, world.now, 0, True, 1000, listed)
    world.event(MessageArrived(decode_upward(encode(part))))


def queries(world: World, domain: str, since: float) -> int:
    """How many single queries were sent about a name since then."""
    return sum(1 for at, _, name in world.asked if name == domain and at > since)


def dropping_world() -> tuple[World, float, float]:
    """A world with a name in its last phase, when its registry says it is released, and when it is, ten minutes later."""
    world = World(interval=600.0)
    listed = world.now + 4 * HOUR
    world.names["a.se"] = Name([(0.0, Phase.PENDING_DELETE), (listed + 600, None)])
    world.watch("a.se")
    world.run(60)
    return world, listed, listed + 600


def test_a_listed_name_costs_nothing_until_its_release_and_is_found_then() -> None:
    """Its registry publishes the answer; the alarm is raised by queries, as for any other name."""
    world, listed, purged = dropping_world()
    begun = world.now
    publish(world, "se-drops", ("a.se", listed))
    world.run(60)
    entry = world.entry("a.se")
    assert entry.state.value == "PENDING_DELETE"
    assert entry.drop is not None
    assert (entry.drop.earliest, entry.drop.latest) == (listed, listed + 4 * HOUR)
    assert "its release is published" in entry.detail.forecast_reason
    world.run(HOUR)
    publish(world, "se-drops", ("a.se", listed))
    world.run(listed - HOUR - world.now - 1)
    assert queries(world, "a.se", begun) == 0
    world.run(purged + 900 - world.now)

    assert world.state("a.se") == "AVAILABLE"
    ((told, word),) = [(at, word) for at, word in world.notices("a.se") if word == "available"]
    assert word
    assert purged < told < purged + 600


def test_a_name_that_left_its_list_was_renewed() -> None:
    """That is found as soon as the next list is read, and its forecast is gone."""
    world, listed, _ = dropping_world()
    publish(world, "se-drops", ("a.se", listed))
    world.run(HOUR)
    world.names["a.se"] = Name([(0.0, Phase.ACTIVE)])
    publish(world, "se-drops")
    world.run(60)

    assert world.state("a.se") == "REGISTERED"
    assert world.entry("a.se").detail.published is None


def test_what_a_list_said_is_kept_over_a_restart() -> None:
    """The forecast and the evidence are stored with the name."""
    world, listed, _ = dropping_world()
    publish(world, "se-drops", ("a.se", listed))
    world.run(60)
    world.restart()
    world.run(60)
    entry = world.entry("a.se")

    assert entry.detail.published is not None
    assert entry.detail.published[0] == listed
    assert "list" in entry.detail.evidence
    assert entry.drop is not None


def test_a_zone_takes_the_place_of_dns_queries() -> None:
    """While it is read hourly; once that stops, names are swept again."""
    world = World(interval=600.0)
    names = [f"n{number}.se" for number in range(50)]
    world.watch(*names)
    world.run(HOUR)
    for _ in range(3):
        publish(world, "se-zone", *((name, None) for name in names), age=1.0)
        world.run(HOUR)
    meanwhile = [name for at, _, name in world.asked if name in names and at > world.now - 2.5 * HOUR]
    world.run(2 * HOUR)
    later = [name for at, _, name in world.asked if name in names and at > world.now - HOUR]

    assert meanwhile == []
    assert len(later) > 250
    assert all(world.state(name) == "REGISTERED" for name in names)


def test_a_name_that_leaves_a_zone_is_seen_at_once() -> None:
    """By a check: the zone alone proves nothing."""
    world = World(interval=6 * HOUR)
    world.watch("a.se", "b.se")
    world.run(HOUR)
    world.names["a.se"] = Name([(0.0, Phase.ACTIVE), (world.now, Phase.REDEMPTION)])
    world.run(60)
    publish(world, "se-zone", ("b.se", None), age=1.0)
    world.run(60)

    assert world.state("a.se") == "REDEMPTION"
    assert world.state("b.se") == "REGISTERED"


def test_a_caught_name_is_found_with_its_certificate() -> None:
    """Within seconds, and not at its next routine look; without the certificate that one finds it."""
    for told in (True, False):
        world = World(interval=3 * HOUR)
        purged, caught = world.now + HOUR, world.now + 10 * HOUR
        world.names["a.se"] = Name([(0.0, Phase.PENDING_DELETE), (purged, None), (caught, Phase.ACTIVE)])
        world.watch("a.se")
        world.run(caught - world.now + 60)
        assert world.state("a.se") == "AVAILABLE"
        if told:
            publish(world, "certificates", ("a.se", None), age=0.0)
        world.run(30)
        assert world.state("a.se") == ("REGISTERED" if told else "AVAILABLE")
        assert ("certificate" in world.entry("a.se").detail.evidence) is told


def test_certificates_for_a_name_that_is_not_taken_change_nothing() -> None:
    """Before the purge, between the passes and after the alarm: the alarm comes as without them, and stands."""
    notices = []
    for told in (True, False):
        world = World(interval=600.0)
        world.names["a.se"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + HOUR, None)])
        world.watch("a.se")
        for _ in range(24):
            world.run(300)
            if told:
                publish(world, "certificates", ("a.se", None), age=0.0)
        assert world.state("a.se") == "AVAILABLE"
        notices.append([word for _, word in world.notices("a.se")])

    assert notices[0] == notices[1]
