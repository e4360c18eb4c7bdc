"""Which canaries serve, and what happens when a canary or a server goes bad; on a virtual clock."""

from __future__ import annotations

import pytest
from common.core.checks.rounds import ASIDE
from common.core.coordinator.board import MOST_RETIRED, WAIT

from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def alarms(world: World, domain: str) -> int:
    """How often a name was announced as available."""
    return sum(status == "available" for _, status in world.notices(domain))


def test_an_operators_canary_that_dropped_is_retired_and_no_server_suffers_for_it() -> None:
    """Registry and zone both deny it: it was a bad canary. Another name takes its place and the drop is told."""
    world = World(interval=60.0, priority=5.0)
    world.names["known.com"] = Name([(0.0, None)])
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 600, None)])
    world.watch("gone.com", priority=True)
    world.watch("healthy-one.com", "healthy-two.com")
    world.run(3600)

    assert "known.com" in world.core.rooms.canaries.known_names._dead
    assert alarms(world, "gone.com") == 1


def test_a_canary_that_the_zone_still_knows_keeps_its_accusation() -> None:
    """A registry server that loses a delegated name lies, however long it insists."""
    world = World(interval=60.0, priority=5.0)
    lie = Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found")
    world.lie = lambda method, _domain, _now: Observation("rdap", lie, server="rdap.com.test") if method == "rdap" else None
    world.names["held.com"] = Name([(0.0, Phase.UNDELEGATED)])
    world.watch("held.com", priority=True)
    world.run(3600)

    assert not world.core.rooms.canaries.known_names._dead
    assert alarms(world, "held.com") == 0


def test_a_server_that_finds_everything_is_found_out() -> None:
    """A name that should be gone and is still called registered makes us ask that server about a random one.

    What it said then is dropped, and the other channel tells the drop alone.
    """
    world = World(interval=600.0, priority=30.0)
    fields = Fields(created_at="2020-01-01T00:00:00Z", statuses=("pending delete",))
    always = Reading(Outcome.REGISTERED, "rdap_200_match", "found", Phase.PENDING_DELETE, fields)
    world.lie = lambda method, _domain, _now: Observation("rdap", always, server="rdap.com.test") if method == "rdap" else None
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 900, None)])
    world.watch("gone.com", priority=True)
    world.run(6 * 3600)

    assert alarms(world, "gone.com") == 1
    assert any(row.reason for row in world.core.rooms.trust.all_rows() if row.method == "rdap")


def test_one_pass_asks_only_for_green_servers_and_the_last_one_is_bracketed() -> None:
    """Questions are scarce: an honest drop costs each registry server the known name at most three times."""
    world = World(interval=60.0, priority=2.0)
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 10, None)])
    world.watch("gone.com", priority=True)
    world.run(20)
    asked = [method for _, method, domain in world.asked if domain == "known.com" and method in ("rdap", "whois")]

    assert alarms(world, "gone.com") == 1
    assert len(asked) <= 4


def test_a_canary_that_its_registry_took_out_of_the_zone_is_retired_and_the_zone_is_pardoned() -> None:
    """Suspended, not gone: the zone denies it rightly, and the registry says why."""
    world = World(interval=60.0, priority=5.0)
    world.names["known.com"] = Name([(0.0, Phase.UNDELEGATED)])
    world.names["free.com"] = Name([(0.0, None)])
    world.watch("free.com", priority=True)
    world.watch("healthy.com")
    world.run(600)

    assert "known.com" in world.core.rooms.canaries.known_names._dead
    assert all(row["contradicted"] == 0 for row in world.core.rooms.audit.accuracy.to_plain()["servers"])
    assert alarms(world, "free.com") == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_zone_that_denies_everything_is_contradicted_by_the_registry_and_holds_up_no_drop(seed: int) -> None:
    """It is left out like a mute one; names that are there stay registered."""
    world = World(seed, interval=60.0, priority=5.0)
    lie = Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "NXDOMAIN")
    world.lie = lambda method, _domain, _now: Observation("dns", lie, server="com") if method == "dns" else None
    names = [f"free{number}.com" for number in range(12)]
    world.names.update({name: Name([(0.0, None)]) for name in names})
    world.watch(*names, "healthy.com", priority=True)
    world.run(60)
    wrong = {row["method"]: row["contradicted"] for row in world.core.rooms.audit.accuracy.to_plain()["servers"]}

    assert not world.core.rooms.canaries.known_names._dead
    assert wrong["dns"] >= 1
    assert {name: alarms(world, name) for name in names} == dict.fromkeys(names, 1)
    assert alarms(world, "healthy.com") == 0


def test_a_name_waits_for_a_canary_that_never_answers_only_for_a_while() -> None:
    """Then it can be put back like the others: nothing stays in hand for ever."""
    world = World(interval=3600.0)
    world.watch("quiet.com")
    world.order("check", "quiet.com")
    world.run(5)
    rooms = world.core.rooms
    assert rooms.domains.find_loaded("quiet.com") is not None
    rooms.canaries._waiting[("rdap", "rdap.com.test", "com")] = {"quiet.com": world.now}
    world.run(WAIT + 60)

    assert not rooms.canaries._waiting
    assert rooms.domains.find_loaded("quiet.com") is None


def test_a_name_that_was_put_aside_is_let_go_when_that_is_over() -> None:
    """Names that kill workers do not add up over the months."""
    world = World(interval=600.0)
    world.watch("poison.com")
    world.order("check", "poison.com")
    world.run(5)
    rooms = world.core.rooms
    entry = rooms.domains.find_loaded("poison.com")
    assert entry is not None
    entry.isolated_until, rooms.poison._isolated["poison.com"] = world.now + ASIDE, entry
    world.run(ASIDE / 2)
    assert rooms.poison._isolated
    world.run(ASIDE)

    assert not rooms.poison._isolated
    assert rooms.domains.find_loaded("poison.com") is None


def test_only_so_many_canaries_are_remembered_as_gone() -> None:
    """The one that has been gone for longest is given another chance."""
    rooms = World().core.rooms
    for number in range(MOST_RETIRED + 1):
        rooms.canaries.known_names.bury_canary(f"n{number}.com")

    assert len(rooms.canaries.known_names._dead) == MOST_RETIRED
    assert "n0.com" not in rooms.canaries.known_names._dead
