"""The queue of queries: the most urgent query gets the next token, and none leaves without a token and a worker."""

from __future__ import annotations

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.query_queue import LONGEST, MOST_FROM_SWEEPS, MOST_ROUTINE, QueryQueue
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0
LIMIT = Limit("rdap/example", 1.0, 2, None)


def query(rank: Rank, domain: str = "example.com", queued: float = NOW, limit: Limit = LIMIT) -> Query:
    """An RDAP query."""
    return Query(
        method="rdap", pool="intermediate", domain=domain, suffix="com", server="https://rdap.example/", limit=limit, rank=rank,
        queued=queued, budget=15.0,
    )  # fmt: skip


def add_worker(workers: Workers, slots: int = 10, name: str = "intermediate-0@h") -> None:
    """Connect a checker with free slots."""
    workers.note_credit(Credit(VERSION, name, "b", "intermediate", "default", ("rdap",), slots, slots, 0), NOW)


def fill(queue: QueryQueue, operator: str, rank: Rank, count: int) -> Limit:
    """Queue so many queries at an operator with a large budget."""
    limit = Limit(operator, 10.0, 10, None)
    for number in range(count):
        queue.add_query(query(rank, f"n{number}.com", limit=limit))
    return limit


def test_the_most_urgent_query_gets_the_first_token() -> None:
    """Rank before age."""
    queue, workers, budgets = QueryQueue(), Workers("boot"), Budgets()
    add_worker(workers)
    for rank in (Rank.BACKGROUND, Rank.ORDINARY, Rank.URGENT, Rank.PRIORITY):
        queue.add_query(query(rank, f"rank{rank}.com"))
    order = []
    for second in range(6):
        order += [item.rank for item, _ in queue.take_ready(budgets, workers, PoisonDetector(), NOW + second)]

    assert order == [Rank.URGENT, Rank.PRIORITY, Rank.ORDINARY, Rank.BACKGROUND]


def test_no_query_leaves_without_token_and_worker() -> None:
    """Ten workers do not make the bucket fuller."""
    queue, workers, budgets = QueryQueue(), Workers("boot"), Budgets()
    queue.add_query(query(Rank.ORDINARY, "a.com"))
    queue.add_query(query(Rank.ORDINARY, "b.com"))
    assert list(queue.take_ready(budgets, workers, PoisonDetector(), NOW)) == []

    for number in range(10):
        add_worker(workers, 4, f"intermediate-{number}@h")
    assert [item.domain for item, _ in queue.take_ready(budgets, workers, PoisonDetector(), NOW)] == ["a.com"]
    assert len(queue) == 1


def test_the_queue_is_searched_again_when_a_token_is_there() -> None:
    """Without a free worker when the first query expires; the credit of a worker brings a search by itself."""
    queue, workers, budgets = QueryQueue(), Workers("boot"), Budgets()
    assert queue.next_at(budgets, workers, NOW) is None
    queue.add_query(query(Rank.ORDINARY, "a.com"))
    queue.add_query(query(Rank.ORDINARY, "b.com"))
    assert queue.next_at(budgets, workers, NOW) == NOW + LONGEST[Rank.ORDINARY]

    add_worker(workers)
    assert queue.next_at(budgets, workers, NOW) == NOW
    assert len(list(queue.take_ready(budgets, workers, PoisonDetector(), NOW))) == 1
    assert queue.next_at(budgets, workers, NOW) == NOW + 1 / LIMIT.rate


def test_a_long_queue_admits_urgent_queries_alone() -> None:
    """A routine name goes back to its schedule instead of waiting for hours."""
    queue, budgets = QueryQueue(), Budgets()
    for number in range(2000):
        queue.add_query(query(Rank.BACKGROUND, f"n{number}.com"))

    assert not queue.admits_query(LIMIT, Rank.BACKGROUND, budgets, ["default"], NOW)
    assert queue.admits_query(LIMIT, Rank.ORDINARY, budgets, ["default"], NOW)
    assert queue.admits_query(LIMIT, Rank.URGENT, budgets, ["default"], NOW)
    assert not queue.admits_query(LIMIT, Rank.URGENT, budgets, [], NOW)


def test_the_queries_of_a_pool_or_an_operator_can_be_taken_out() -> None:
    """An operator that limits us, or a pool without workers, keeps none of them waiting."""
    queue = QueryQueue()
    queue.add_query(query(Rank.ORDINARY, "old.com", NOW - 60))
    queue.add_query(query(Rank.ORDINARY, "new.com", NOW))

    assert [item.domain for item in queue.take_pool("intermediate", NOW - 15)] == ["old.com"]
    assert [item.domain for item in queue.take_operator("rdap/example")] == ["new.com"]
    assert len(queue) == 0


def test_a_queue_takes_no_more_routine_than_it_leaves_room_for() -> None:
    """One operator may have half of it, two a third each; the last one always finds some."""
    queue = QueryQueue()
    one = fill(queue, "rdap/one", Rank.ORDINARY, MOST_ROUTINE // 2)
    assert queue.room_for_queries(one, Rank.ORDINARY) == 0
    two = fill(queue, "rdap/two", Rank.BACKGROUND, 100)
    assert queue.room_for_queries(two, Rank.ORDINARY) == MOST_ROUTINE // 2 - 100
    assert queue.room_for_queries(two, Rank.BACKGROUND) == queue.room_for_queries(two, Rank.ORDINARY) - 100
    assert queue.room_for_queries(one, Rank.NEWS) == queue.room_for_queries(one, Rank.URGENT) > LONGEST[Rank.ORDINARY]
    assert queue.room_for_sweeps(one, Rank.NEWS, Budgets(), ["default"], NOW) >= MOST_FROM_SWEEPS

    queue.take_operator("rdap/one")
    assert queue.room_for_queries(one, Rank.ORDINARY) == MOST_ROUTINE - 100
