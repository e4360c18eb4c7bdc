"""Why methods say nothing about a name, noted while a simulated world runs."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.telemetry.error_kinds import explain_unknown
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

PLENTY = {"*": Limit("*", 1e6, 10**6, None)}


def silence(method: str, *_: object) -> Observation | None:
    """No server answers."""
    return Observation(method, unknown_reading(f"{method}_timeout", "no answer in time"), server=f"{method}.test")


def troubles(world: World, name: str) -> dict[str, str]:
    """What is noted of each method."""
    found = world.entry(name).detail.trouble
    return {method: item.observation.reading.reason for method, item in found.items()}


def watch_for(world: World, name: str, seconds: float = 120.0) -> None:
    """Watch a name of which nothing is known, for a while."""
    world.watch(name)
    world.run(seconds)


def test_a_name_about_which_no_server_answers_names_every_method() -> None:
    """Each with its last trouble, and why in one sentence."""
    world = World(interval=60.0)
    world.lie = silence
    watch_for(world, "a.com", 900.0)
    found = troubles(world, "a.com")

    assert world.state("a.com") == "UNKNOWN"
    assert {"dns", "http", "rdap", "whois"} <= found.keys()
    assert explain_unknown(world.entry("a.com").detail).startswith("no answer from any channel: DNS: no answer in time")


def test_a_suffix_without_a_registry_server_says_so() -> None:
    """There is nothing to wait for."""
    world = World(interval=60.0)
    world.lie = silence
    watch_for(world, "a.nowhere", 300.0)

    assert troubles(world, "a.nowhere")["rdap"] == "no server is known for .nowhere"


def test_an_operator_that_limits_us_is_named_with_the_time_it_takes() -> None:
    """Queued when it began to limit us, or not admitted since."""
    world = World(interval=60.0, limits=PLENTY)
    world.names["a.com"] = Name([(0.0, None)])

    def throttled(method: str, *_: object) -> Observation | None:
        if method == "dns":
            return None
        reading = Reading(Outcome.THROTTLED, f"{method}_throttled", "429", retry_after=3600.0)
        return Observation(method, reading, server=f"{method}.com.test", status=429)

    world.lie = throttled
    watch_for(world, "b.com")
    watch_for(world, "a.com")
    item = world.entry("a.com").detail.trouble["rdap"]

    assert "limits us, for another" in item.observation.reading.reason
    assert item.observation.reading.finding == "not_asked"
    assert 3000 < (item.observation.reading.retry_after or 0.0) <= 3600


def test_a_pool_without_workers_is_named() -> None:
    """The check goes on without it, and the name says which one it missed."""
    world = World(interval=60.0)
    world.names["a.com"] = Name([(0.0, None)])
    world.run(20.0)
    world.kill_worker("intermediate")
    world.kill_worker("deep")
    watch_for(world, "a.com")

    assert troubles(world, "a.com") == {
        "rdap": "no worker is there that asks rdap",
        "whois": "no worker is there that asks whois",
    }


def test_an_answer_ends_the_trouble() -> None:
    """What was not queried for a while and then was is no trouble any more."""
    world = World(interval=60.0)
    world.lie = silence
    watch_for(world, "a.com", 300.0)
    world.lie = lambda *_: None
    world.run(900.0)

    assert world.state("a.com") == "REGISTERED"
    assert "dns" not in troubles(world, "a.com")
