"""A method that was not asked, or whose worker was lost, says so beside the evidence of the name."""

from __future__ import annotations

import pytest

from common.core.checks import unanswered
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.records import Detail
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


def looked_at(world: World, name: str, seconds: float = 120.0) -> None:
    """Watch a name that nothing is known of, for a while."""
    world.watch(name)
    world.run(seconds)


def test_a_name_that_no_server_answers_about_names_every_method() -> None:
    """Each with its last trouble, and why in one sentence."""
    world = World(interval=60.0)
    world.lie = silence
    looked_at(world, "a.com", 900.0)
    found = troubles(world, "a.com")

    assert world.state("a.com") == "UNKNOWN"
    assert {"dns", "http", "rdap", "whois"} <= found.keys()
    assert explain_unknown(world.entry("a.com").detail).startswith("no answer from any channel: DNS: no answer in time")


def test_a_suffix_without_a_registry_server_says_so() -> None:
    """There is nothing to wait for."""
    world = World(interval=60.0)
    world.lie = silence
    looked_at(world, "a.nowhere", 300.0)

    assert troubles(world, "a.nowhere")["rdap"] == "no server is known for .nowhere"


def test_an_operator_that_limits_us_is_named_with_the_time_it_takes() -> None:
    """In the line when it complained, or turned away since."""
    world = World(interval=60.0, limits=PLENTY)
    world.names["a.com"] = Name([(0.0, None)])

    def throttled(method: str, *_: object) -> Observation | None:
        if method == "dns":
            return None
        reading = Reading(Outcome.THROTTLED, f"{method}_throttled", "429", retry_after=3600.0)
        return Observation(method, reading, server=f"{method}.com.test", status=429)

    world.lie = throttled
    looked_at(world, "b.com")
    looked_at(world, "a.com")
    item = world.entry("a.com").detail.trouble["rdap"]

    assert "limits us, for another" in item.observation.reading.reason
    assert item.observation.reading.finding == "not_asked"
    assert 3000 < (item.observation.reading.retry_after or 0.0) <= 3600


def test_a_pool_without_workers_is_named() -> None:
    """The check goes on without them, and the name says whom it missed."""
    world = World(interval=60.0)
    world.names["a.com"] = Name([(0.0, None)])
    world.run(20.0)
    world.kill_worker("intermediate")
    world.kill_worker("deep")
    looked_at(world, "a.com")

    assert troubles(world, "a.com") == {
        "rdap": "no worker is there that asks rdap",
        "whois": "no worker is there that asks whois",
    }


def test_a_worker_that_dies_with_the_question_is_told() -> None:
    """How many times that happened so far."""
    world = World(interval=60.0)
    world.watch("a.com")
    world.run(1)
    rooms = world.core.rooms
    entry = rooms.domains.working_set.load_entry(rooms.domains.table.find_id("a.com"), Detail())
    entry.check = Check(world.now)
    board.checks._proceed(entry, world.now)
    (ask,) = (item[2] for line in rooms.rate_limits.queue._queues.values() for heap in line.heaps.values() for item in heap)
    board.checks.retry_lost(ask, "fast-0@sim", world.now)

    assert entry.detail.trouble["dns"].observation.reading.reason == "the worker that had the question was lost, 1 of 3 times"
    assert entry.detail.trouble["dns"].observation.reading.finding == "not_answered"


def test_a_server_in_quarantine_is_not_believed_and_the_name_says_why() -> None:
    """What it was caught at is the reason."""
    world = World(interval=60.0)
    board, entry = world.core.rooms, Entry("a.com", "com", "a")
    rooms.trust.row(("rdap", "rdap.com.test", "com")).quarantined_until = world.now + 60
    rooms.trust.row(("rdap", "rdap.com.test", "com")).reason = "it denied known.com"
    board.unanswered.note_left_out(entry, {"dns", "whois"}, world.now)

    assert entry.detail.trouble["rdap"].observation.reading.reason == "its server is not believed: it denied known.com"


def test_what_a_server_said_in_this_check_is_worth_more() -> None:
    """In the next check that it was not asked is the news; that the suffix is gone stays until somebody says otherwise."""
    entry = Entry("a.com", "com", "a", check=Check(100.0))
    entry.note_observation(Observation("rdap", unknown_reading("rdap_5xx", "broken")), 101.0)
    entry.note_observation(Observation("dns", unknown_reading("dns_tld_gone", "gone")), 101.0)
    unanswered._keep_trouble(entry, "rdap", "", unknown_reading("not_asked", "the line is too long"), 102.0)
    assert entry.detail.trouble["rdap"].observation.reading.finding == "rdap_5xx"

    entry.check = Check(200.0)
    for method in ("rdap", "dns"):
        unanswered._keep_trouble(entry, method, "", unknown_reading("not_asked", "the line is too long"), 202.0)
    assert entry.detail.trouble["rdap"].observation.reading.finding == "not_asked"
    assert entry.detail.trouble["dns"].observation.reading.finding == "dns_tld_gone"


def test_an_answer_ends_the_trouble() -> None:
    """What was not asked for a while and then was is no trouble any more."""
    world = World(interval=60.0)
    world.lie = silence
    looked_at(world, "a.com", 300.0)
    world.lie = lambda *_: None
    world.run(900.0)

    assert world.state("a.com") == "REGISTERED"
    assert "dns" not in troubles(world, "a.com")
