"""Which canaries serve, and what happens when a canary or a server goes bad; on a virtual clock."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from common.core.trust.canaries import WAIT
from common.messages import Delivery, Sweep, Task
from tests.core.trust.trust_rooms import RDAP
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

    assert world.core.rooms.canaries.known_names.is_dead("known.com")
    assert alarms(world, "gone.com") == 1


def test_a_canary_that_the_zone_still_knows_proves_that_the_server_lied() -> None:
    """A registry server that loses a delegated name lies, however long it insists."""
    world = World(interval=60.0, priority=5.0)
    lie = Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found")
    world.lie = lambda method, _domain, _now: Observation("rdap", lie, server="rdap.com.test") if method == "rdap" else None
    world.names["held.com"] = Name([(0.0, Phase.UNDELEGATED)])
    world.watch("held.com", priority=True)
    world.run(3600)

    assert not world.core.rooms.canaries.known_names.is_dead("known.com")
    assert alarms(world, "held.com") == 0


def test_a_server_that_finds_everything_is_found_out() -> None:
    """A name that should be gone and is still called registered makes that server be asked about a random one.

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


def test_one_pass_needs_verified_servers_and_only_the_last_one_is_verified_afterwards() -> None:
    """Queries are scarce: an honest drop costs each registry server the known name at most three times."""
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

    assert world.core.rooms.canaries.known_names.is_dead("known.com")
    assert all(row["contradicted"] == 0 for row in world.core.rooms.audit.accuracy.to_plain()["servers"])
    assert alarms(world, "free.com") == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_zone_that_denies_everything_is_contradicted_by_the_registry_and_holds_up_no_drop(seed: int) -> None:
    """It is left out like a silent one; names that are there stay registered."""
    world = World(seed, interval=60.0, priority=5.0)
    lie = Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "NXDOMAIN")
    world.lie = lambda method, _domain, _now: Observation("dns", lie, server="com") if method == "dns" else None
    names = [f"free{number}.com" for number in range(12)]
    world.names.update({name: Name([(0.0, None)]) for name in names})
    world.watch(*names, "healthy.com", priority=True)
    world.run(60)
    wrong = {row["method"]: row["contradicted"] for row in world.core.rooms.audit.accuracy.to_plain()["servers"]}

    assert not world.core.rooms.canaries.known_names.is_dead("known.com")
    assert wrong["dns"] >= 1
    assert {name: alarms(world, name) for name in names} == dict.fromkeys(names, 1)
    assert alarms(world, "healthy.com") == 0


class SwallowingWorld(World):
    """A world in which the canary of .com is never answered over RDAP, not even by an error."""

    def _takes(self, item: Task | Sweep | Delivery) -> float:
        if isinstance(item, Task) and (item.method, item.domain) == ("rdap", "known.com"):
            return 86_400.0
        return super()._takes(item)


def test_a_name_waits_for_a_canary_that_never_answers_only_for_a_while() -> None:
    """Then it is evicted like the others: nothing stays loaded for ever."""
    world = SwallowingWorld(interval=3600.0)
    world.watch("waiting.com")
    world.order("check", "waiting.com")
    world.run(5)
    rooms = world.core.rooms
    entry = rooms.domains.find_loaded("waiting.com")
    assert entry is not None
    rooms.canaries.await_canaries(entry, [(RDAP, world.now)], world.now, world.now)
    world.run(WAIT / 2)
    assert rooms.canaries.waiting_names() == {"waiting.com"}
    assert rooms.domains.find_loaded("waiting.com") is entry
    world.run(WAIT / 2 + 60)

    assert rooms.canaries.waiting_names() == set()
    assert rooms.domains.find_loaded("waiting.com") is None
