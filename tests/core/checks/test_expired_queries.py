"""A query that waited in its queue for too long: the check goes on without it, and notes why it was not answered."""

from __future__ import annotations

import pytest

from common.core.checks.query_dispatch import LONGEST_POOL_WAIT
from common.core.model.channel import Probe
from common.core.model.entry import Check, Entry, Rank
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.telemetry.error_kinds import NOT_ASKED
from common.core.telemetry.metrics import snapshot_rows
from tests.core.checks.checks_room import NOW, PLENTY, RDAP, ChecksRoom

SLOW = {**PLENTY, "rdap/rdap.com.test": Limit("x", 0.0005, 1, None)}


def slow_room() -> ChecksRoom:
    """The RDAP server of com takes one query in half an hour."""
    return ChecksRoom(limits=SLOW, interval=600.0)


def expired(room: ChecksRoom) -> dict[tuple[str, str], float]:
    """How many queries left their queue unsent, by method and rank."""
    found = snapshot_rows(room.telemetry.metrics.snapshot(), "counters")
    return {(labels["method"], labels["rank"]): count for name, labels, count in found if name == "questions_expired" and count}


def waiting(room: ChecksRoom, rank: Rank = Rank.BACKGROUND, tries: int = 0) -> tuple[Entry, Query]:
    """A name under check, whose RDAP query waits for a token that will not come."""
    entry = room.load("a.com")
    check = Check(NOW, asked={"dns", "rdap", "whois"}, awaiting={"rdap"}, outcomes={"dns": Outcome.REGISTERED})
    room.domains.stages.begin_check(entry, check)
    limit = room.registries.limit_of("rdap", RDAP.server, "com")
    query = Query(
        method="rdap", pool="intermediate", domain="a.com", suffix="com", server="https://rdap.com.test/", limit=limit,
        rank=rank, queued=NOW, budget=15.0, entry=entry, tries=tries,
    )  # fmt: skip
    room.rate_limits.queue.add_query(query)
    room.rate_limits.budgets.take_token(limit, "default", NOW)
    return entry, query


def test_a_name_says_which_method_was_not_queried() -> None:
    """Beside its evidence, with the time that the query waited and why; it stands for no answer of the server."""
    room = slow_room()
    entry, query = waiting(room)
    known = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"))
    entry.note_observation(known, NOW)
    room.queries.expire_queries(query.deadline)
    noted = entry.detail.trouble["rdap"].observation

    assert noted.reading.outcome is Outcome.UNKNOWN
    assert noted.reading.finding == "not_asked"
    assert noted.reading.reason == "no question could be asked within 300 s: the operator's budget is used up by others"
    assert noted.server == "rdap.com.test"
    assert entry.detail.evidence["rdap"].observation == known
    assert entry.check is None
    assert entry.detail.registry_at is None


def test_a_query_that_no_worker_took_does_not_blame_the_budget() -> None:
    """Its token was there."""
    room = ChecksRoom(interval=600.0)
    entry, query = waiting(room)
    room.queries.expire_queries(query.deadline)

    assert entry.detail.trouble["rdap"].observation.reading.reason.endswith("no worker had a place for it")


def test_the_answer_of_a_server_is_not_overwritten() -> None:
    """Why it says nothing is worth more than that it was not queried again."""
    room = slow_room()
    entry, query = waiting(room)
    entry.note_observation(Observation("rdap", unknown_reading("rdap_503", "broken")), NOW)
    room.queries.expire_queries(query.deadline)

    assert entry.detail.trouble["rdap"].observation.reading.finding == "rdap_503"


def test_a_second_wait_is_noted_anew() -> None:
    """With its own time."""
    room = slow_room()
    entry, query = waiting(room)
    entry.note_observation(Observation("rdap", unknown_reading(NOT_ASKED, "before")), NOW)
    room.queries.expire_queries(query.deadline)

    assert entry.detail.trouble["rdap"].at == query.deadline


def test_a_query_that_was_sent_and_lost_is_not_noted_as_unsent() -> None:
    """The check goes on without it, and blames no budget."""
    room = slow_room()
    entry, query = waiting(room, tries=1)
    room.queries.expire_queries(query.deadline)

    assert entry.detail.trouble == {}
    assert entry.check is None


@pytest.mark.parametrize(("rank", "word"), [(Rank.BACKGROUND, "background"), (Rank.URGENT, "urgent")])
def test_queries_that_leave_unsent_are_counted(rank: Rank, word: str) -> None:
    """By method and rank."""
    room = slow_room()
    _, query = waiting(room, rank)
    room.queries.expire_queries(query.deadline)

    assert expired(room) == {("rdap", word): 1}


def test_an_expired_canary_may_be_sent_again() -> None:
    """It is not on its way any more."""
    room = slow_room()
    room.canaries.ask_canary(Probe(RDAP, "known.com", registered=True), NOW)
    assert room.canaries.is_on_way(RDAP)
    room.queries.expire_queries(NOW + 20_000)

    assert not room.canaries.is_on_way(RDAP)
    assert expired(room) == {("rdap", "urgent"): 1}


def test_a_query_to_a_pool_without_workers_expires_sooner() -> None:
    """A worker that is restarted is back by then; the name says which pool is missing."""
    room = ChecksRoom(workers=False)
    entry, _ = waiting(room)
    room.queries.expire_queries(NOW + LONGEST_POOL_WAIT)
    assert entry.check is not None
    room.queries.expire_queries(NOW + LONGEST_POOL_WAIT + 0.1)

    assert entry.check is None
    assert entry.detail.trouble["rdap"].observation.reading.reason == "no worker of the intermediate pool is there"
