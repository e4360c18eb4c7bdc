"""The order of queries in the queue of an operator: which goes first, that none waits for ever, and when its time is over."""

from __future__ import annotations

from collections.abc import ItemsView

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.operator_queue import SHARE
from common.core.rate_limits.query_queue import LONGEST, MOST_FROM_SWEEPS, QueryQueue
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.messages import VERSION, Credit

NOW = 20_718 * DAY
LIMIT = Limit("whois/example", 1.0, 1)
DAILY = Limit("whois/daily", 1.0, 1, 240)
HOUR = 3600.0


def query_of(rank: int, queued: float = NOW, domain: str = "a.com", limit: Limit = LIMIT) -> Query:
    """A query at a registry."""
    return Query(
        method="whois",
        pool="deep",
        domain=domain,
        suffix="com",
        server="whois.example",
        limit=limit,
        rank=rank,
        queued=queued,
        budget=20.0,
    )


def staffed() -> Workers:
    """A worker with more slots than are needed."""
    workers = Workers("boot")
    workers.note_credit(Credit(VERSION, "deep-0@h", "b", "deep", "default", ("whois",), 9999, 9999, 0), NOW)
    return workers


def served(queue: QueryQueue, seconds: int, budgets: Budgets | None = None, begin: float = NOW) -> list[Query]:
    """The queries that get the tokens of so many seconds."""
    workers, budgets = staffed(), budgets or Budgets()
    return [
        item for second in range(seconds) for item, _ in queue.take_ready(budgets, workers, PoisonDetector(), begin + second)
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([Rank.URGENT, Rank.PRIORITY, Rank.NEWS, Rank.ORDINARY, Rank.BACKGROUND]), max_size=4),
        max_size=40,
    )
)
def test_a_query_waits_for_four_tokens_at_most_for_each_that_waited_longer(arrivals: list[list[int]]) -> None:
    """And four for itself, whatever is added later, and of whatever rank."""
    queue, budgets, workers = QueryQueue(), Budgets(), staffed()
    latest: dict[int, int] = {}  # by query: the token that it gets at the latest
    tokens, number = 0, 0
    for second in range(len(arrivals) + 4 * sum(map(len, arrivals))):
        for rank in arrivals[second] if second < len(arrivals) else []:
            latest[number] = tokens + SHARE * (len(queue) + 1)
            queue.add_query(query_of(rank, NOW + second, str(number)))
            number += 1
        for item, _ in queue.take_ready(budgets, workers, PoisonDetector(), NOW + second):
            tokens += 1
            assert tokens <= latest.pop(int(item.domain))

    assert not latest


def test_what_an_alarm_waits_for_gets_three_of_four_tokens() -> None:
    """However long the other queries wait."""
    queue = QueryQueue()
    for number in range(100):
        queue.add_query(query_of(Rank.BACKGROUND, NOW - number))
        queue.add_query(query_of(Rank.URGENT))
    ranks = [item.rank for item in served(queue, 40)]

    assert ranks == [Rank.URGENT, Rank.URGENT, Rank.URGENT, Rank.BACKGROUND] * 10


def test_within_a_rank_the_query_that_waits_longest_goes_first() -> None:
    """Whatever the order in which they were added."""
    queue = QueryQueue()
    for age in (3, 9, 1):
        queue.add_query(query_of(Rank.NEWS, NOW - age, str(age)))

    assert [item.domain for item in served(queue, 3)] == ["9", "3", "1"]


@pytest.mark.parametrize(
    ("rank", "rate", "interval", "seconds"),
    [
        (Rank.BACKGROUND, 0.5, 3600.0, 1800.0),
        (Rank.BACKGROUND, 0.5, DAY, LONGEST[Rank.BACKGROUND]),
        (Rank.ORDINARY, 0.5, 3600.0, 1800.0),
        (Rank.ORDINARY, 0.5, 7200.0, 3600.0),
        (Rank.ORDINARY, 0.01, 10 * DAY, LONGEST[Rank.ORDINARY]),
        (Rank.ORDINARY, 0.5, 5.0, 15.0),  # a restarted worker is back by then
        (Rank.NEWS, 0.5, 3600.0, 1800.0),
        (Rank.NEWS, 0.5, 60.0, 300.0),
        (Rank.PRIORITY, 0.5, 3600.0, 300.0),
        (Rank.URGENT, 0.5, 3600.0, 300.0),
        (Rank.URGENT, 0.01, 3600.0, 600.0),
    ],
)
def test_a_query_leaves_the_queue_when_its_time_is_over(rank: int, rate: float, interval: float, seconds: float) -> None:
    """Routine after half of the base interval at most, what is urgent after minutes, and after more at a slow operator."""
    queue = QueryQueue(interval)
    query = query_of(rank, limit=Limit("whois/example", rate, 1))
    queue.add_query(query)

    assert query.deadline == NOW + seconds
    assert queue.take_expired(NOW + seconds - 0.01) == []
    assert queue.take_expired(NOW + seconds) == [query]
    assert len(queue) == 0


def test_all_queries_whose_time_is_over_leave_and_the_others_stay() -> None:
    """In every queue and of every rank; the places become free."""
    queue, other = QueryQueue(HOUR), Limit("whois/other", 1.0, 1)
    before = queue.room_for_queries(LIMIT, Rank.BACKGROUND)
    for number in range(3):
        queue.add_query(query_of(Rank.BACKGROUND, NOW - 1700 - 50 * number, f"old{number}"))
        queue.add_query(query_of(Rank.URGENT, NOW - 200 - 50 * number, f"urgent{number}"))
        queue.add_query(query_of(Rank.BACKGROUND, NOW - 1750, "other", other))
    queue.add_query(query_of(Rank.BACKGROUND, NOW - 1000, "young"))
    gone = {item.domain for item in queue.take_expired(NOW + 50)}

    assert gone == {"old1", "old2", "urgent1", "urgent2", "other"}
    assert len(queue) == 3
    assert queue.room_for_queries(LIMIT, Rank.BACKGROUND) == before - 3
    assert {item.domain for item in queue.take_expired(NOW + 100)} == {"old0", "urgent0"}


def test_queues_are_searched_only_when_a_deadline_may_be_over() -> None:
    """Ticks are many, and so may be the queues."""

    class Counted(dict[str, object]):
        searches = 0

        def items(self) -> ItemsView[str, object]:
            Counted.searches += 1
            return super().items()

    queue = QueryQueue(HOUR)
    queue._queues = Counted()
    queue.add_query(query_of(Rank.URGENT))
    queue.add_query(query_of(Rank.BACKGROUND))
    for second in range(2000):
        queue.take_expired(NOW + second)

    assert Counted.searches == 2


def test_the_end_of_a_wait_wakes_the_coordinator() -> None:
    """Also where nothing else would: no worker is there, and after others have left."""
    queue = QueryQueue(HOUR)
    queue.add_query(query_of(Rank.BACKGROUND))
    queue.add_query(query_of(Rank.BACKGROUND, NOW + 100))
    assert queue.next_at(Budgets(), Workers("boot"), NOW) == NOW + 1800
    queue.take_expired(NOW + 1800)
    assert queue.next_at(Budgets(), Workers("boot"), NOW) == NOW + 1900
    queue.take_expired(NOW + 1900)

    assert queue.next_at(Budgets(), Workers("boot"), NOW) is None


def test_a_lost_query_keeps_its_deadline() -> None:
    """A query that is sent again does not wait all over again."""
    queue, query = QueryQueue(HOUR), query_of(Rank.URGENT)
    queue.add_query(query)
    served(queue, 1)
    queue.add_query(query)

    assert queue.take_expired(NOW + 300) == [query]


def test_routine_takes_no_place_that_comes_too_late() -> None:
    """A queue takes what its operator serves before the deadline, also of what sweeps found."""
    queue, slow, fast = QueryQueue(HOUR), Limit("whois/slow", 0.1, 1), Limit("whois/fast", 10.0, 10)

    assert queue.room_for_queries(slow, Rank.BACKGROUND) == queue.room_for_queries(slow, Rank.ORDINARY) == 181
    assert queue.room_for_sweeps(slow, Rank.NEWS, Budgets(), ["default"], NOW) == 181
    assert queue.room_for_sweeps(fast, Rank.NEWS, Budgets(), ["default"], NOW) > MOST_FROM_SWEEPS
    for _ in range(181):
        queue.add_query(query_of(Rank.ORDINARY, limit=slow))
    assert not queue.admits_query(slow, Rank.ORDINARY, Budgets(), ["default"], NOW)
    assert queue.admits_query(slow, Rank.NEWS, Budgets(), ["default"], NOW)


def test_routine_that_has_used_up_its_share_of_the_day_keeps_no_confirmation_waiting() -> None:
    """Not even when its turn has come by age; it stays in its queue."""
    queue, budgets = QueryQueue(), Budgets()
    budgets._bucket_now(DAILY, "default", NOW).used_today = 120
    for number in range(6):
        queue.add_query(query_of(Rank.ORDINARY, NOW - 100, limit=DAILY))
        queue.add_query(query_of(Rank.URGENT, NOW - number, limit=DAILY))
    ranks = [item.rank for item in served(queue, 20, budgets)]

    assert ranks == [Rank.URGENT] * 6
    assert len(queue) == 6


def test_a_queue_that_waits_for_the_daily_quota_is_not_looked_at_before() -> None:
    """Routine has had what an hour brings: the next token is of use to it later, and then for certain."""
    queue, budgets, workers = QueryQueue(DAY), Budgets(), staffed()
    for _ in range(10):
        queue.add_query(query_of(Rank.ORDINARY, limit=DAILY))
    assert len(served(queue, 60, budgets)) == 5
    due = queue.next_at(budgets, workers, NOW + 60)

    assert due == NOW + DAY / 120
    assert len(served(queue, 1, budgets, due)) == 1
    queue.add_query(query_of(Rank.NEWS, limit=DAILY))
    assert queue.next_at(budgets, workers, due) == due + 1.0


def test_a_quota_that_is_used_up_admits_no_more_queries() -> None:
    """Routine at its half, polls at three quarters, an alarm at the end."""
    queue, budgets = QueryQueue(HOUR), Budgets()
    late = NOW + DAY - HOUR
    admitted = []
    for used in (119, 120, 180, 240):
        budgets._bucket_now(DAILY, "default", late).used_today = used
        admitted.append(
            [
                queue.admits_query(DAILY, rank, budgets, ["default"], late)
                for rank in (Rank.URGENT, Rank.PRIORITY, Rank.NEWS, Rank.ORDINARY)
            ]
        )

    assert admitted == [
        [True, True, True, True],
        [True, True, True, False],
        [True, False, False, False],
        [False, False, False, False],
    ]


def test_no_more_routine_is_admitted_than_the_quota_allows_in_time() -> None:
    """What waits already counts; what an alarm waits for does not wait behind it."""
    queue, budgets = QueryQueue(HOUR), Budgets()
    admitted = 0
    assert queue.room_for_sweeps(DAILY, Rank.ORDINARY, budgets, ["default"], NOW) == 7
    while queue.admits_query(DAILY, Rank.ORDINARY, budgets, ["default"], NOW):
        queue.add_query(query_of(Rank.ORDINARY, limit=DAILY))
        admitted += 1

    assert admitted == 5 + 2  # what an hour brings ahead, and half an hour
    assert queue.admits_query(DAILY, Rank.URGENT, budgets, ["default"], NOW)
