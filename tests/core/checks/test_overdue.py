"""A question that waited in line for too long: the check goes on without it, and says so."""

from __future__ import annotations

import pytest

from common.core.model.channel import Probe
from common.core.model.entry import Check, Entry, Rank
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.model.records import Detail
from common.core.telemetry.error_kinds import NOT_ASKED
from common.core.telemetry.metrics import snapshot_rows
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

FREE = {"*": Limit("*", 1e6, 10**6, None)}
SLOW = {**FREE, "rdap/rdap.com.test": Limit("x", 0.0005, 1, None)}


def expired(world: World) -> dict[tuple[str, str], float]:
    """How many questions left their line unasked, by method and rank."""
    found = snapshot_rows(world.core.rooms.telemetry.metrics.snapshot(), "counters")
    return {(labels["method"], labels["rank"]): count for name, labels, count in found if name == "questions_expired" and count}


def waiting(world: World, rank: int = Rank.BACKGROUND, tries: int = 0) -> tuple[Entry, Query]:
    """A name in a round, whose question to RDAP waits for a token that will not come."""
    rooms = world.core.rooms
    world.watch("a.com")
    world.run(1)
    entry = rooms.domains.working_set.load_entry(rooms.domains.table.find_id("a.com"), Detail())
    entry.check = Check(world.now, asked={"dns", "rdap", "whois"}, awaiting={"rdap"}, outcomes={"dns": Outcome.REGISTERED})
    limit = rooms.registries.limit_of("rdap", "rdap.com.test", "com")
    ask = Query(
        "rdap", "intermediate", "a.com", "com", "https://rdap.com.test/", limit, rank, world.now, 15.0, entry, tries=tries
    )
    rooms.rate_limits.queue.add_query(ask)
    rooms.rate_limits.budgets.take_token(limit, "default", world.now)
    return entry, ask


def test_the_names_of_a_registry_that_cannot_be_asked_are_seen_all_the_same() -> None:
    """In the zone, at their cadence, and nothing waits for longer than half of it."""
    slow = {**SLOW, "whois/whois.com.test": Limit("x", 0.0005, 1, None)}
    world = World(interval=600.0, limits=slow)
    names = [f"n{number}.com" for number in range(20)]
    world.watch(*names)
    world.run(1000)

    assert expired(world)["rdap", "background"] >= 1
    assert [name for name in names if world.state(name) != "REGISTERED"] == []
    assert [name for name in names if world.now - (world.entry(name).checked_at or 0.0) > 900] == []


def test_a_name_says_which_method_could_not_be_asked() -> None:
    """Beside its evidence, with the time that it waited and why; no word of the server is made of that."""
    world = World(interval=600.0, limits=SLOW)
    entry, ask = waiting(world)
    known = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"))
    entry.note_observation(known, world.now)
    world.core.rooms.queries.expire_queries(ask.deadline)
    said = entry.detail.trouble["rdap"].observation

    assert said.reading.outcome is Outcome.UNKNOWN
    assert said.reading.finding == "not_asked"
    assert said.reading.reason == "no question could be asked within 300 s: the operator's budget is used up by others"
    assert said.server == "rdap.com.test"
    assert entry.detail.evidence["rdap"].observation == known
    assert entry.check is None
    assert entry.detail.registry_at is None


def test_a_question_that_no_worker_took_does_not_blame_the_budget() -> None:
    """Its token was there."""
    world = World(interval=600.0)
    entry, ask = waiting(world)
    world.core.rooms.queries.expire_queries(ask.deadline)

    assert entry.detail.trouble["rdap"].observation.reading.reason.endswith("no worker had a place for it")


def test_what_a_server_said_of_itself_is_not_overwritten() -> None:
    """Why it says nothing is worth more than that it was not asked again."""
    world = World(interval=600.0, limits=SLOW)
    entry, ask = waiting(world)
    entry.note_observation(Observation("rdap", unknown_reading("rdap_503", "broken")), world.now)
    world.core.rooms.queries.expire_queries(ask.deadline)

    assert entry.detail.trouble["rdap"].observation.reading.finding == "rdap_503"


def test_that_it_was_not_asked_for_a_second_time_is_said_anew() -> None:
    """With the time of the second wait."""
    world = World(interval=600.0, limits=SLOW)
    entry, ask = waiting(world)
    entry.note_observation(Observation("rdap", unknown_reading(NOT_ASKED, "before")), world.now)
    world.core.rooms.queries.expire_queries(ask.deadline)

    assert entry.detail.trouble["rdap"].at == ask.deadline


def test_a_question_that_was_asked_and_lost_is_no_question_that_was_not_asked() -> None:
    """The check goes on without it, and blames no budget."""
    world = World(interval=600.0, limits=SLOW)
    entry, ask = waiting(world, tries=1)
    world.core.rooms.queries.expire_queries(ask.deadline)

    assert entry.detail.trouble == {}
    assert entry.check is None


@pytest.mark.parametrize(("rank", "word"), [(Rank.BACKGROUND, "background"), (Rank.URGENT, "urgent")])
def test_questions_that_leave_unasked_are_counted(rank: int, word: str) -> None:
    """By method and rank."""
    world = World(interval=600.0, limits=SLOW)
    _, ask = waiting(world, rank)
    world.core.rooms.queries.expire_queries(ask.deadline)

    assert expired(world) == {("rdap", word): 1}


def test_a_canary_that_waits_for_too_long_is_asked_again_when_it_is_needed() -> None:
    """It is not on its way any more."""
    world = World(interval=600.0, limits=SLOW)
    board, key = world.core.rooms, ("rdap", "rdap.com.test", "com")
    board.canaries.ask_canary(Probe(key, "known.com", registered=True), world.now)
    assert key in rooms.canaries._on_way
    board.queries.expire_queries(world.now + 20_000)

    assert key not in rooms.canaries._on_way
    assert expired(world) == {("rdap", "urgent"): 1}


def test_where_rdap_cannot_be_asked_in_time_whois_is() -> None:
    """A name in redemption is not left waiting for a channel that others use up."""
    world = World(interval=600.0, limits=SLOW)
    world.names["gone.com"] = Name([(0.0, Phase.REDEMPTION)])
    world.watch(*[f"n{number}.com" for number in range(5)], "gone.com")
    world.run(1000)

    assert world.state("gone.com") == "REDEMPTION"
    assert {method for _, method, name in world.asked if name == "gone.com"} >= {"dns", "whois"}
