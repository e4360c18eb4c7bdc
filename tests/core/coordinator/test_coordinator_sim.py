"""The coordinator as a whole in a simulated world: what is announced, when, and how often."""

from __future__ import annotations

import json

import pytest

from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def drop_at(world: World, after: float) -> Name:
    """A name in pending delete that is purged `after` seconds from now."""
    return Name([(0.0, Phase.PENDING_DELETE), (world.now + after, None)])


def test_a_day_of_a_stable_list_costs_what_the_cadence_says_and_announces_nothing() -> None:
    """A simulated day with healthy names causes no event, about one DNS query per interval, and few at the registry."""
    world = World(interval=3600.0)
    names = [f"name{number}.com" for number in range(12)]
    world.watch(*names)
    world.run(86_400)

    assert world.notices() == []
    assert {world.state(name) for name in names} == {"REGISTERED"}
    dns = sum(1 for _, method, domain in world.asked if method == "dns" and domain in names)
    assert 12 * 23 <= dns <= 12 * 30
    registry = sum(1 for _, method, domain in world.asked if method in ("rdap", "whois") and domain in names)
    assert registry <= 12 * 3


def test_a_drop_of_a_priority_name_is_announced_within_seconds_and_once() -> None:
    """Purge to notice takes the polling step, the confirmation gap and the answers, all gates included."""
    world = World(interval=60.0, priority=2.0)
    world.names["gone.com"] = drop_at(world, 30)
    world.watch("gone.com", priority=True)
    purged = world.now + 30
    world.run(120)

    available = [at for at, status in world.notices("gone.com") if status == "available"]
    assert len(available) == 1
    assert available[0] - purged < 6.0
    assert world.entry("gone.com").drop is None
    assert world.state("gone.com") == "AVAILABLE"


def test_the_notice_has_the_contract_form() -> None:
    """A notice carries domain, status, confidence, timestamp and the checks of each method."""
    world = World(interval=60.0, priority=2.0)
    world.names["gone.com"] = drop_at(world, 10)
    world.watch("gone.com", priority=True)
    world.run(60)
    body = next(json.loads(body) for _, _, body in world.posted if json.loads(body)["status"] == "available")

    assert body["domain"] == "gone.com"
    assert 0.9 <= body["confidence"] <= 1.0
    assert isinstance(body["timestamp"], float)
    assert set(body["checks"]["checks"]) >= {"rdap", "whois"}
    assert isinstance(body["checks"]["timestamp"], float)


def test_a_catch_after_the_alarm_is_announced_as_registered_again() -> None:
    """The registration shows up as `registered`, with the seconds since the alarm."""
    world = World(interval=60.0, priority=2.0)
    world.names["caught.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None), (world.now + 60, Phase.ACTIVE)])
    world.watch("caught.com", priority=True)
    world.run(200)

    assert [status for _, status in world.notices("caught.com")] == ["pending_delete", "available", "registered"]
    last = json.loads(world.posted[-1][2])
    assert last["registrar"] == "Example Registrar"
    assert 30 < last["seconds_since_available"] < 50
    assert world.state("caught.com") == "REGISTERED"


def test_a_lying_server_raises_no_alarm() -> None:
    """An RDAP server that finds nothing at all fails its canary; with WHOIS and DNS disagreeing nothing is announced."""
    world = World(interval=30.0, priority=2.0)
    lie = Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found")
    world.lie = lambda method, _domain, _now: Observation("rdap", lie, server="rdap.com.test") if method == "rdap" else None
    world.names["held.com"] = Name([(0.0, Phase.UNDELEGATED)])
    world.watch("held.com", "healthy.com", priority=True)
    world.run(1200)

    assert [status for _, status in world.notices() if status == "available"] == []


def test_an_answer_that_arrives_after_its_server_was_caught_lying_delays_no_name() -> None:
    """Queries were on their way when the canary failed: the others decide about every name, not once the lie has aged."""
    world = World(interval=60.0, priority=2.0)
    lie = Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found")
    world.lie = lambda method, _domain, _now: Observation("rdap", lie, server="rdap.com.test") if method == "rdap" else None
    names = [f"free{number}.com" for number in range(24)]
    world.names.update({name: Name([(0.0, None)]) for name in names})
    world.watch(*names, priority=True)
    world.run(30)

    assert {name: world.state(name) for name in names} == dict.fromkeys(names, "AVAILABLE")


def test_servers_that_all_lie_about_everything_raise_no_alarm() -> None:
    """When every server says "not found" to everything the canaries fail everywhere."""
    world = World(interval=30.0, priority=2.0)
    findings = {"rdap": "rdap_404_json", "whois": "whois_free", "dns": "dns_auth_nxdomain"}

    def lie(method: str, _domain: str, _now: float) -> Observation | None:
        server = {"dns": "com", "rdap": "rdap.com.test", "whois": "whois.com.test"}.get(method, "")
        return (
            Observation(method, Reading(Outcome.UNREGISTERED, findings[method], "no"), server) if method in findings else None
        )

    world.lie = lie
    world.watch("healthy.com", priority=True)
    world.run(1200)

    assert [status for _, status in world.notices() if status == "available"] == []


def test_silence_is_unknown_and_overwrites_nothing() -> None:
    """A network without answers leaves known states alone and new names UNKNOWN."""
    world = World(interval=60.0, priority=10.0)
    world.watch("known-before.com")
    world.run(120)
    world.lie = lambda method, _domain, _now: Observation(method, unknown_reading(f"{method}_timeout", "silence"))
    world.watch("new.com")
    world.run(3600)

    assert world.state("known-before.com") == "REGISTERED"
    assert world.state("new.com") == "UNKNOWN"
    assert world.notices() == []


def test_a_reserved_name_is_not_announced_as_available() -> None:
    """RDAP knows no object, WHOIS says reserved: the state is RESERVED."""
    world = World(interval=60.0, priority=2.0)
    world.names["kept.com"] = drop_at(world, 10)
    world.names["kept.com"].reserved = True
    world.watch("kept.com", priority=True)
    world.run(120)

    assert "available" not in [status for _, status in world.notices("kept.com")]
    assert world.state("kept.com") == "RESERVED"


def test_a_suffix_without_rdap_is_followed_through_whois() -> None:
    """WHOIS alone, repeated and verified by its canaries, is enough where there is nothing else."""
    world = World(interval=60.0, priority=2.0)
    world.names["gone.se"] = drop_at(world, 20)
    world.watch("gone.se", priority=True)
    world.run(120)

    assert "available" in [status for _, status in world.notices("gone.se")]


def test_workers_killed_in_turn_cost_nothing_but_time() -> None:
    """With a pool killed every few seconds and lossy messages the drop is still announced, once, with one id."""
    world = World(seed=7, interval=60.0, priority=2.0)
    world.loss = 0.02
    world.names["gone.com"] = drop_at(world, 60)
    world.watch("gone.com", priority=True)
    for step in range(40):
        pool = ("fast", "intermediate", "deep", "notifier")[step % 4]
        world.kill_worker(pool, noticed=step % 3 != 0)
        world.run(1.5)
        world.start_worker(pool)
        world.run(2.5)
    world.run(120)
    available = [identity for _, identity, body in world.posted if json.loads(body)["status"] == "available"]

    assert len(set(available)) == 1
    assert sum(1 for event in world.stored.events if event.kind == "available") == 1


def test_a_dead_endpoint_gets_every_notice_when_it_returns_in_order() -> None:
    """Notices wait for the endpoint and arrive in the order of their events."""
    world = World(interval=60.0, priority=2.0)
    begin = world.now
    world.endpoint = lambda now: 503 if now < begin + 300 else 200
    world.names["gone.com"] = Name([(0.0, Phase.ACTIVE), (begin + 10, Phase.PENDING_DELETE), (begin + 60, None)])
    world.watch("gone.com", priority=True)
    world.run(100)
    world.order("check", "gone.com")  # its calendar says that it drops days later
    world.run(800)

    statuses = [status for _, status in world.notices("gone.com")]
    assert statuses.index("pending_delete") < statuses.index("available")
    assert all(at >= begin + 300 for at, _ in world.notices())


def test_the_same_seed_repeats_the_same_run() -> None:
    """Nothing in the core depends on anything but its inputs."""

    def once() -> list[tuple[float, str, str]]:
        world = World(seed=11, interval=60.0, priority=2.0)
        world.names["gone.com"] = drop_at(world, 20)
        world.watch("gone.com", "other.org", priority=True)
        world.run(90)
        return world.asked

    assert once() == once()


def test_a_notice_has_the_canaries_of_the_server_of_each_answer() -> None:
    """Verified again after the answer; where no canary was needed there are none."""
    world = World(interval=60.0, priority=2.0)
    world.names["gone.com"] = drop_at(world, 10)
    world.watch("gone.com", priority=True)
    world.run(60)
    body = next(json.loads(body) for _, _, body in world.posted if json.loads(body)["status"] == "available")
    checks = body["checks"]["checks"]

    for method in ("rdap", "whois"):
        assert checks[method]["canary"]["green"]
        assert checks[method]["canary"]["bracketed"]
        assert checks[method]["canary"]["registered_ok"] >= checks[method]["timestamp"]
    assert checks["dns"]["canary"] is None


def test_a_zone_that_times_out_at_first_is_measured_again_for_a_wildcard() -> None:
    """The query of a random name is repeated within minutes, and names do not wait for its answer in vain."""
    world = World(interval=600.0, priority=30.0)
    begin = world.now

    def time_out(method: str, _domain: str, now: float) -> Observation | None:
        silent = method == "dns" and now < begin + 100
        return Observation("dns", unknown_reading("dns_timeout", "silence"), server="com") if silent else None

    world.lie = time_out
    world.watch("healthy.com", priority=True)
    world.run(3)
    assert ("rdap", "healthy.com") in [(method, domain) for _, method, domain in world.asked]
    assert "com" not in world.core.rooms.registries.wildcards._measured

    world.run(400)
    assert world.core.rooms.registries.wildcards._measured["com"] is False


def test_an_endpoint_that_is_down_over_a_restart_gets_one_attempt() -> None:
    """The state of the circuit is in the store: a start sends one attempt, not one for each notice that waits."""
    world = World(interval=60.0, priority=2.0)
    begin, tried = world.now, []
    world.endpoint = lambda now: tried.append(now) or 503
    names = [f"gone{n}.com" for n in range(40)]
    for name in names:
        world.names[name] = Name([(0.0, Phase.ACTIVE), (begin + 10, Phase.PENDING_DELETE)])
    world.watch(*names, priority=True)
    world.run(60)
    assert len(tried) >= 10
    tried.clear()
    world.restart()
    world.run(3.0)  # its worker says hello after two seconds, and the next attempt is two seconds after the first

    assert len(tried) == 1
