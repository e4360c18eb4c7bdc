"""Which queries an operator's queue admits, and which leave it without having been sent."""

from __future__ import annotations

import pytest

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import MOST_ROUTINE, QueryQueue
from common.core.rate_limits.saved import Saved
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.messages import VERSION, Credit

NOW = 20_718 * DAY
LIMIT = Limit("whois/example", 1.0, 1)
OTHER = Limit("rdap/other", 1.0, 1)
QUICK = Limit("rdap/quick", 1000.0, 1000)
EVERY_RANK = (Rank.URGENT, Rank.PRIORITY, Rank.NEWS, Rank.ORDINARY, Rank.BACKGROUND)


def query_of(domain: str, rank: int = Rank.URGENT, queued: float = NOW, limit: Limit = LIMIT, pool: str = "deep") -> Query:
    """A query at a registry."""
    return Query(
        method="whois",
        pool=pool,
        domain=domain,
        suffix="com",
        server="whois.example",
        limit=limit,
        rank=rank,
        queued=queued,
        budget=20.0,
    )


def queue_of(*queries: Query) -> QueryQueue:
    """Queues with these queries in them."""
    queue = QueryQueue()
    for item in queries:
        queue.add_query(item)
    return queue


def names(queries: list[Query]) -> list[str]:
    """The names that queries are about."""
    return [item.domain for item in queries]


def taken(queue: QueryQueue, now: float = NOW) -> list[Query]:
    """The queries that leave the queues for a worker with slots for all."""
    workers = Workers("boot")
    workers.note_credit(Credit(VERSION, "deep-0@h", "b", "deep", "home", ("whois",), 9999, 9999, 0), now)
    return [item for item, _ in queue.take_ready(Budgets(), workers, PoisonDetector(), now)]


def test_a_queue_is_emptied_by_rank_and_by_age() -> None:
    """All of its queries, and none of other queues."""
    queue = queue_of(
        query_of("late", Rank.ORDINARY, NOW - 1),
        query_of("early", Rank.ORDINARY, NOW - 9),
        query_of("first", Rank.URGENT),
        query_of("other", Rank.URGENT, limit=OTHER),
    )

    assert names(queue.take_operator("whois/example")) == ["first", "early", "late"]
    assert len(queue) == 1
    assert names(queue.take_operator("rdap/other")) == ["other"]
    assert len(queue) == 0


def test_an_operator_without_a_queue_has_no_queries() -> None:
    """It may limit us while nothing waits for it."""
    assert queue_of().take_operator("whois/example") == []


def test_a_queue_that_is_emptied_makes_room_for_routine_at_others() -> None:
    """Its queries do not count any more."""
    queue = queue_of(*(query_of(str(number), Rank.ORDINARY) for number in range(5)))
    assert queue.room_for_queries(QUICK, Rank.ORDINARY) == MOST_ROUTINE - 5

    queue.take_operator("whois/example")

    assert queue.room_for_queries(QUICK, Rank.ORDINARY) == MOST_ROUTINE


def test_queries_for_a_pool_without_workers_are_taken_out_and_the_rest_keeps_its_order() -> None:
    """In every queue those of that pool that have waited since before the given time."""
    queue = queue_of(
        query_of("third", queued=NOW - 10),
        query_of("old", queued=NOW - 30),
        query_of("first", queued=NOW - 40, pool="fast"),
        query_of("oldest", queued=NOW - 50),
        query_of("fourth", queued=NOW - 5),
        query_of("second", queued=NOW - 20),
        query_of("elsewhere", queued=NOW - 30, limit=OTHER),
    )

    assert sorted(names(queue.take_pool("deep", NOW - 20))) == ["elsewhere", "old", "oldest"]
    assert len(queue) == 4
    assert names(queue.take_operator("whois/example")) == ["first", "second", "third", "fourth"]


def test_after_a_pool_was_taken_out_the_longest_wait_still_goes_first() -> None:
    """What is left is in order."""
    waits = [70, 90, 60, 80, 50, 40, 30]
    queue = queue_of(*(query_of(str(wait), queued=NOW - wait, pool="fast" if wait == 90 else "deep") for wait in waits))
    queue.take_pool("fast", NOW)

    assert [names(taken(queue, NOW + second)) for second in range(3)] == [["80"], ["70"], ["60"]]


@pytest.mark.parametrize("leave", ["taken", "expired", "pool taken out"])
def test_a_queue_that_ran_empty_does_not_hide_when_the_others_are_next(leave: str) -> None:
    """However its last query left."""
    queue = queue_of(query_of("a"), query_of("b", queued=NOW + 250, limit=OTHER, pool="fast"))
    if leave == "taken":
        assert names(taken(queue)) == ["a"]
    elif leave == "expired":
        assert names(queue.take_expired(NOW + 400)) == ["a"]
    else:
        assert names(queue.take_pool("deep", NOW + 1)) == ["a"]

    wakes = queue.next_at(Budgets(), Workers("boot"), NOW)
    assert wakes is not None
    assert NOW < wakes <= NOW + 550


def test_a_query_notes_its_egress() -> None:
    """Its token came from the budget there."""
    assert [item.egress for item in taken(queue_of(query_of("a")))] == ["home"]


@pytest.mark.parametrize("rank", EVERY_RANK)
def test_an_operator_that_must_not_be_queried_admits_nothing(rank: int) -> None:
    """Nor does one that no worker can reach; others admit every rank."""
    budgets = Budgets()

    assert QueryQueue().admits_query(LIMIT, rank, budgets, ["home"], NOW)
    assert not QueryQueue().admits_query(LIMIT, rank, budgets, [], NOW)
    assert not QueryQueue().admits_query(Limit("whois/off", 0.0, 1), rank, budgets, ["home"], NOW)


def test_a_pause_of_half_a_minute_is_waited_for() -> None:
    """At the egress where it ends first; during longer ones nothing is admitted."""
    limited = Budgets({"whois/example|a": Saved(NOW + 31.0, 1.0), "whois/example|b": Saved(NOW + 30.0, 1.0)})

    assert not QueryQueue().admits_query(LIMIT, Rank.URGENT, limited, ["a"], NOW)
    assert QueryQueue().admits_query(LIMIT, Rank.URGENT, limited, ["a", "b"], NOW)


def test_only_routine_finds_its_queue_full() -> None:
    """Once all queues together have as much of it as they may; queries of other ranks do not count."""
    full = queue_of(
        *(query_of(str(number), Rank.BACKGROUND, limit=QUICK) for number in range(MOST_ROUTINE)),
        query_of("a", Rank.URGENT, limit=QUICK),
    )

    assert [full.room_for_queries(LIMIT, rank) > 0 for rank in EVERY_RANK] == [True, True, True, False, False]
    assert full.room_for_queries(QUICK, Rank.URGENT) > MOST_ROUTINE


def mixed(limit: Limit) -> QueryQueue:
    """A queue with one urgent query, three ordinary ones and five of the background."""
    ranks = [Rank.URGENT, *[Rank.ORDINARY] * 3, *[Rank.BACKGROUND] * 5]
    return queue_of(*(query_of(str(number), rank, limit=limit) for number, rank in enumerate(ranks)))


def test_a_queue_leaves_others_as_much_room_for_routine_as_it_has_taken() -> None:
    """Neither background queries nor urgent ones take room from ordinary ones of their queue."""
    queue = mixed(QUICK)

    assert queue.room_for_queries(QUICK, Rank.ORDINARY) == MOST_ROUTINE - 8 - 3
    assert queue.room_for_queries(QUICK, Rank.BACKGROUND) == MOST_ROUTINE - 8 - 8
    assert queue.room_for_queries(LIMIT, Rank.BACKGROUND) == 1 + 1800  # what its rate brings within the longest wait


def test_sweeps_fill_a_queue_up_to_a_thousand_and_a_minute_of_its_budget() -> None:
    """Only queries that go before theirs count."""
    queue = mixed(LIMIT)

    assert queue.room_for_sweeps(LIMIT, Rank.NEWS, Budgets(), ["home"], NOW) == 1060 - 1
    assert queue.room_for_sweeps(LIMIT, Rank.ORDINARY, Budgets(), ["home"], NOW) == 1060 - 4


def test_the_day_is_shared_by_what_goes_before() -> None:
    """Of a daily quota as much is left for a rank as higher ranks in its queue leave."""
    daily = Limit("whois/example", 1.0, 1, 24)
    there = QueryQueue().room_for_sweeps(daily, Rank.NEWS, Budgets(), ["home"], NOW)

    assert 1 < there < 24
    assert mixed(daily).room_for_sweeps(daily, Rank.NEWS, Budgets(), ["home"], NOW) == there - 1
