"""What an operator's queue takes, for how long, in which order, and when it is searched again: each rule by itself."""

from __future__ import annotations

import pytest

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.operator_queue import SHARE
from common.core.rate_limits.query_queue import (
    LONGEST,
    MOST_FROM_SWEEPS,
    MOST_ROUTINE,
    PLANS,
    SECONDS_FROM_SWEEPS,
    TOKENS,
    QueryQueue,
)
from common.core.workers.leases import Workers
from common.messages import VERSION, Credit
from tests.core.rate_limits.queued import (
    DAILY,
    HOST_A,
    HOST_B,
    LIMIT,
    NOW,
    OTHER,
    query_of,
    queue_of,
    staffed,
    taken,
)

# -- what a query and a queue begin with -----------------------------------------------------------------------------------


def test_a_new_query_was_never_tried_sent_or_kept_waiting() -> None:
    """No entry, no probe, no egress, nothing to confirm or avoid; times in epoch seconds, 0 for never."""
    new = Query(
        method="whois", pool="deep", domain="a.com", suffix="com", server="whois.example", limit=LIMIT, rank=Rank.URGENT,
        queued=NOW, budget=20.0,
    )  # fmt: skip

    assert (new.budget, new.entry, new.probe, new.confirm, new.tries, new.avoid) == (20.0, None, None, False, 0, "")
    assert (new.egress, new.unawaited) == ("", False)
    assert (new.deadline, new.rate, new.sent_at, new.waiting_since) == (0.0, 0.0, 0.0, 0.0)


def test_the_queries_that_left_the_queues_are_counted() -> None:
    """However they left."""
    queue = queue_of(
        query_of("a"),
        query_of("b"),
        query_of("c", queued=NOW - 900),
        query_of("d", limit=OTHER),
        query_of("e", pool="fast", queued=NOW - 9),
    )
    assert (queue.left_count, len(queue)) == (0, 5)
    queue.take_expired(NOW)
    assert (queue.left_count, len(queue)) == (1, 4)
    queue.take_operator("rdap/other")
    assert (queue.left_count, len(queue)) == (2, 3)
    queue.take_pool("fast", NOW)
    assert (queue.left_count, len(queue)) == (3, 2)
    taken(queue, staffed())
    assert (queue.left_count, len(queue)) == (4, 1)


def test_the_published_limits() -> None:
    """Ranks, shares, seconds and counts."""
    assert LONGEST == {Rank.BACKGROUND: 1800.0, Rank.ORDINARY: 21_600.0, Rank.FIRST: 21_600.0}
    assert (TOKENS, SHARE, MOST_ROUTINE, MOST_FROM_SWEEPS, SECONDS_FROM_SWEEPS) == (6, 4, 2000, 1000, 60.0)
    assert [(plan.share, plan.evenly) for plan in (PLANS[rank] for rank in Rank)] == [
        (1.0, False), (0.75, False), (0.75, False), (0.6, False), (0.5, True), (0.5, True),
    ]  # fmt: skip


# -- longest wait and room -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rank", "rate", "learned", "seconds"),
    [
        (Rank.URGENT, 1.0, 0.0, 300.0),
        (Rank.URGENT, 1.0, 0.005, 1200.0),  # what was learned counts
        (Rank.URGENT, 0.005, 0.0, 1200.0),
        (Rank.URGENT, 0.005, 1.0, 300.0),
        (Rank.URGENT, 0.0, 0.0, 300.0),
        (Rank.PRIORITY, 0.005, 0.0, 1200.0),
        (Rank.NEWS, 1.0, 0.0, 1800.0),
        (Rank.NEWS, 0.003, 0.0, 2000.0),
        (Rank.ORDINARY, 1.0, 0.0, 21_600.0),
        (Rank.BACKGROUND, 0.001, 0.001, 1800.0),
    ],
)
def test_how_long_a_query_waits_at_most(rank: Rank, rate: float, learned: float, seconds: float) -> None:
    """Six tokens of a slow operator where these take longer than five minutes; routine for its own time."""
    limit = Limit("whois/any", rate, 1)

    assert QueryQueue(DAY).longest_wait(limit, rank, learned) == pytest.approx(seconds)
    query = query_of(rank=rank, limit=limit, rate=learned)
    queue_of(query)
    assert query.deadline == pytest.approx(NOW + seconds)


def test_the_pace_is_the_configured_one_where_none_was_learned() -> None:
    """That is what is meant where none is named."""
    assert QueryQueue(DAY).longest_wait(Limit("whois/slow", 0.005, 1), Rank.URGENT) == 1200.0


def test_a_queue_takes_one_routine_query_more_than_can_be_sent_in_time() -> None:
    """The last place counts, for what is admitted and for the room that is left; without a daily quota only time counts."""
    slow = Limit("whois/slow", 0.001, 1)
    queue = queue_of(interval=DAY)
    assert queue.room_for_queries(slow, Rank.BACKGROUND) == 1 + 1
    queue.add_query(query_of("a", Rank.BACKGROUND, limit=slow))
    assert queue.room_for_queries(slow, Rank.BACKGROUND) == 1
    assert queue.admits_query(slow, Rank.BACKGROUND, Budgets(), ["home"], NOW)
    queue.add_query(query_of("b", Rank.BACKGROUND, limit=slow))
    queue.add_query(query_of("c", Rank.BACKGROUND, limit=slow))
    assert queue.room_for_queries(slow, Rank.BACKGROUND) == 0
    assert not queue.admits_query(slow, Rank.BACKGROUND, Budgets(), ["home"], NOW)
    assert queue.room_for_sweeps(slow, Rank.BACKGROUND, Budgets(), ["home"], NOW) == 0


def test_ranks_without_a_bound_have_room_for_a_million() -> None:
    """Sweeps fill no more than their own share of a queue with them."""
    assert QueryQueue(DAY).room_for_queries(LIMIT, Rank.URGENT) == 1_000_000
    fast = Limit("whois/fast", 1000.0, 1)
    assert QueryQueue(DAY).room_for_sweeps(fast, Rank.NEWS, Budgets(), ["home"], NOW) == 1000 + 60_000
    assert QueryQueue(DAY).room_for_sweeps(LIMIT, Rank.URGENT, Budgets(), ["home"], NOW) == 301


def test_a_queue_that_took_more_than_it_leaves_to_others_has_no_room() -> None:
    """And all of it again when the queries have left, whatever their rank."""
    fast = Limit("rdap/fast", 1000.0, 1)
    queue = queue_of(
        query_of("urgent", Rank.URGENT, NOW - 9000, fast),
        *(query_of(str(number), Rank.BACKGROUND, limit=fast) for number in range(1001)),
    )
    assert queue.room_for_queries(fast, Rank.BACKGROUND) == 0

    assert len(queue.take_expired(NOW + 1800)) == 1002
    assert queue.room_for_queries(fast, Rank.BACKGROUND) == MOST_ROUTINE


def test_the_last_query_of_a_day_is_admitted() -> None:
    """And one more is not; two egresses have two quotas."""
    late, budgets = NOW + DAY - 3600, Budgets()
    for used, admitted in ((239, True), (240, False)):
        budgets._bucket_now(DAILY, "a", late).used_today = used
        assert QueryQueue(60.0).admits_query(DAILY, Rank.URGENT, budgets, ["a"], late) is admitted
    assert QueryQueue(60.0).admits_query(DAILY, Rank.URGENT, budgets, ["a", "b"], late)
    waiting = queue_of(*(query_of(str(number), limit=DAILY) for number in range(240)))
    assert not waiting.admits_query(DAILY, Rank.URGENT, budgets, ["b"], late)


# -- the order in a queue --------------------------------------------------------------------------------------------------


def test_of_queries_that_wait_as_long_the_one_that_was_added_first_goes_first() -> None:
    """In one rank, by age across ranks, and when the queue is emptied."""
    queue = queue_of(*(query_of(name) for name in "abc"))
    assert [taken(queue, staffed(), NOW + second)[0][0] for second in range(3)] == ["a", "b", "c"]

    queue = queue_of(query_of("late", Rank.BACKGROUND), query_of("early", Rank.ORDINARY), *(query_of(name) for name in "uvwx"))
    assert [taken(queue, staffed(), NOW + second)[0][0] for second in range(4)] == ["u", "v", "w", "late"]
    assert [item.domain for item in queue.take_operator(LIMIT.operator)] == ["x", "early"]

    queue = queue_of(*(query_of(name) for name in "abcdefgh"))
    assert taken(queue, staffed())[0][0] == "a"
    assert [item.domain for item in queue.take_operator(LIMIT.operator)] == list("bcdefgh")


def test_each_operator_has_a_turn_of_its_own() -> None:
    """The tokens of one queue count for no other."""
    items = [query_of(f"{limit.operator}{number}", Rank.URGENT, limit=limit) for limit in (LIMIT, OTHER) for number in range(9)]
    queue = queue_of(*items, *(query_of(f"old {limit.operator}", Rank.BACKGROUND, NOW - 9, limit) for limit in (LIMIT, OTHER)))
    budgets, workers = Budgets(), staffed(free=99)
    served = [[name for name, _ in taken(queue, workers, NOW + second, budgets=budgets)] for second in range(4)]

    assert served[3] == ["old whois/example", "old rdap/other"]
    assert all(not name.startswith("old") for names in served[:3] for name in names)


def test_a_queue_takes_over_the_limit_of_its_newest_query() -> None:
    """The number of a zone's addresses is known only later."""
    queue = queue_of(query_of("a", limit=Limit("dns/com", 1.0, 1)), query_of("b", limit=Limit("dns/com", 2.0, 1, 240)))
    assert queue._queues["dns/com"].limit == Limit("dns/com", 2.0, 1, 240)


# -- when a queue is searched again ----------------------------------------------------------------------------------------


def test_a_queue_without_a_token_is_searched_again_at_the_next_one() -> None:
    """The first of all queues, by the egress that is ready first."""
    budgets, workers = Budgets(), staffed(HOST_A, HOST_B, a="one", b="two")
    slow = Limit("rdap/slow", 0.1, 1)
    queue = queue_of(*(query_of(name) for name in "abc"), *(query_of(name, limit=slow) for name in "def"))
    budgets.take_token(LIMIT, "one", NOW - 0.5)
    assert sorted(name for name, _ in taken(queue, workers, budgets=budgets)) == ["a", "d", "e"]

    assert queue.next_at(budgets, workers, NOW) == NOW + 0.5


def test_a_queue_that_waits_for_a_worker_is_not_searched_again_for_a_token() -> None:
    """Until the capacity of the workers changes, or a query is added to the queue."""
    budgets, workers = Budgets(), staffed(free=0)
    queue = queue_of(query_of("a"))
    assert queue.next_at(budgets, workers, NOW) == NOW + 300.0  # its deadline: no egress has a free slot
    assert taken(queue, workers, budgets=budgets) == []
    workers._workers[HOST_A].free = 1
    assert queue.next_at(budgets, workers, NOW) == NOW + 300.0
    workers.capacity_changes += 1
    assert queue.next_at(budgets, workers, NOW) == NOW

    workers._workers[HOST_A].free = 0
    taken(queue, workers, budgets=budgets)
    workers._workers[HOST_A].free = 1
    queue.add_query(query_of("b"))
    assert queue.next_at(budgets, workers, NOW) == NOW


def test_a_queue_is_searched_again_for_its_highest_rank() -> None:
    """The plan of that one allows most of the daily quota."""
    budgets, late = Budgets(), NOW + DAY - 60
    budgets._bucket_now(DAILY, "home", late).used_today = 200
    queue = queue_of(query_of("poll", Rank.PRIORITY, late, DAILY), query_of("alarm", Rank.URGENT, late, DAILY))

    assert queue.next_at(budgets, staffed(), late) == late


def test_each_pool_has_egresses_of_its_own() -> None:
    """A token for an egress that a pool does not have is no reason to search its queues."""
    budgets, workers = Budgets(), staffed(HOST_A, a="one")
    workers.note_credit(Credit(VERSION, "fast-0@b", "b", "fast", "two", ("whois",), 9, 9, 0), NOW)
    for egress in ("one", "two"):
        budgets.take_token(LIMIT, egress, NOW - (0.25 if egress == "two" else 0.0))
    queue = queue_of(query_of("a", limit=LIMIT))
    queue.add_query(query_of("b", limit=OTHER, pool="fast"))
    budgets.take_token(OTHER, "two", NOW)

    assert queue.next_at(budgets, workers, NOW) == NOW + 1.0


def test_an_empty_queue_waits_for_nothing() -> None:
    """And nothing expires."""
    assert QueryQueue().next_at(Budgets(), staffed(), NOW) is None
    assert QueryQueue().take_expired(NOW) == []


def test_after_an_expiry_the_next_deadline_is_known() -> None:
    """The nearest of all ranks and queues that are left."""
    queue = queue_of(
        query_of("a", queued=NOW - 300),
        query_of("b", queued=NOW - 100),
        query_of("e", queued=NOW - 90),
        query_of("c", Rank.BACKGROUND, NOW - 1790),
        query_of("d", queued=NOW - 50, limit=OTHER),
    )
    assert [item.domain for item in queue.take_expired(NOW)] == ["a"]
    assert queue.next_at(Budgets(), Workers("boot"), NOW) == NOW + 10
    assert [item.domain for item in queue.take_expired(NOW + 10)] == ["c"]
    assert queue.next_at(Budgets(), Workers("boot"), NOW) == NOW + 200
