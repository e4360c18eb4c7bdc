"""Which servers and alarms turned out right, in the course of drops, catches and lies; on a virtual clock."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.audit.accuracy import Accuracy
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

FINDINGS = {"rdap": "rdap_404_json", "whois": "whois_free", "dns": "dns_auth_nxdomain"}
SERVERS = {"rdap": "rdap.com.test", "whois": "whois.com.test", "dns": "com"}


def lies(method: str) -> Observation:
    """A server says that there is no such object."""
    return Observation(method, Reading(Outcome.UNREGISTERED, FINDINGS[method], "not found"), server=SERVERS[method])


def test_a_drop_that_is_caught_confirms_the_alarm_and_the_servers_behind_it() -> None:
    """Announced, then registered with a younger creation date: precision 1, and it is stored."""
    world = World(interval=60.0, priority=2.0)
    world.names["caught.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None), (world.now + 60, Phase.ACTIVE)])
    world.watch("caught.com", priority=True)
    world.run(200)
    shown = world.core.rooms.audit.accuracy.to_plain()
    stored = Accuracy()
    stored.restore_text(world.stored.meta["accuracy"])

    assert shown["alarms"] == {"announced": 1, "confirmed": 1, "retracted": 0, "unsettled": 0, "precision": 1.0}
    assert all(row["confirmed"] > 0 and row["contradicted"] == 0 for row in shown["methods"])
    assert {row["method"] for row in shown["methods"]} >= {"rdap", "whois"}
    assert stored.to_plain()["alarms"] == shown["alarms"]


def test_a_server_that_lies_about_one_name_is_found_out() -> None:
    """Its canaries are fine; the verdict of the others shows which server was wrong."""
    world = World(interval=30.0, priority=2.0)
    world.lie = lambda method, domain, _now: lies("rdap") if method == "rdap" and domain == "held.com" else None
    world.names["held.com"] = Name([(0.0, Phase.UNDELEGATED)])
    world.watch("held.com", priority=True)
    world.run(3600)
    worst: dict[str, Any] = world.core.rooms.audit.accuracy.to_plain()["servers"][0]

    assert (worst["method"], worst["server"]) == ("rdap", "rdap.com.test")
    assert worst["contradicted"] > 0
    assert worst["confirmed"] == 0


def test_a_false_alarm_counts_against_every_server_behind_it() -> None:
    """Registry and zone deny a name that was there all along: retracted, precision 0, contradicted three times."""
    world = World(interval=60.0, priority=2.0)
    end = world.now + 60

    def lie(method: str, domain: str, now: float) -> Observation | None:
        return lies(method) if domain == "held.com" and now < end and method in FINDINGS else None

    world.lie = lie
    world.watch("held.com", priority=True)
    world.run(300)
    shown = world.core.rooms.audit.accuracy.to_plain()

    assert [status for _, status in world.notices("held.com")] == ["available", "retracted"]
    assert shown["alarms"] == {"announced": 1, "confirmed": 0, "retracted": 1, "unsettled": 0, "precision": 0.0}
    assert {row["method"]: row["contradicted"] for row in shown["methods"]} == {"dns": 1, "rdap": 1, "whois": 1}


def test_a_catch_that_only_the_zone_shows_is_not_called_a_false_alarm() -> None:
    """The registry cannot be asked after the catch: the old record of the name before its drop proves nothing about it."""
    world = World(interval=60.0, priority=2.0)
    caught = world.now + 40
    world.names["caught.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 10, None), (caught, Phase.ACTIVE)])

    def mute(method: str, domain: str, now: float) -> Observation | None:
        silent = method in ("rdap", "whois") and domain == "caught.com" and now >= caught
        return Observation(method, unknown_reading(f"{method}_timeout", "silence"), server=SERVERS[method]) if silent else None

    world.lie = mute
    world.watch("caught.com", priority=True)
    world.run(300)

    assert [status for _, status in world.notices("caught.com")] == ["pending_delete", "available", "registered"]
    assert world.core.rooms.audit.accuracy.to_plain()["alarms"]["retracted"] == 0


def test_names_out_of_the_zone_do_not_count_against_the_zone() -> None:
    """NXDOMAIN of a name in redemption is the truth."""
    world = World(interval=60.0, priority=10.0)
    world.names["late.com"] = Name([(0.0, Phase.REDEMPTION)])
    world.watch("late.com", priority=True)
    world.run(600)

    assert all(row["contradicted"] == 0 for row in world.core.rooms.audit.accuracy.to_plain()["methods"])


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_failed_canary_counts_once_the_other_side_has_said_that_the_canary_is_there(seed: int) -> None:
    """A server that loses every name is contradicted; registry and zone are not that both deny a canary, in any order."""
    world = World(seed, interval=60.0, priority=5.0)
    begin = world.now
    world.names["gone.com"] = Name([(0.0, None)])
    world.lie = lambda method, _domain, now: lies("rdap") if method == "rdap" and now < begin + 60 else None
    world.watch("gone.com", priority=True)
    world.run(50)
    rows = {row["method"]: row["contradicted"] for row in world.core.rooms.audit.accuracy.to_plain()["servers"]}
    assert rows["rdap"] >= 1

    other = World(seed, interval=60.0, priority=5.0)
    del other.names["known.com"]  # the canary itself was given up
    other.watch("gone.com", priority=True)
    other.names["gone.com"] = Name([(0.0, None)])
    other.run(50)
    assert all(row["contradicted"] == 0 for row in other.core.rooms.audit.accuracy.to_plain()["servers"])
