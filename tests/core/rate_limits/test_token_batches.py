"""Tokens by the hundred, as sweeps take them, and the room that queues have for what sweeps find."""

from __future__ import annotations

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import LONGEST, QueryQueue

NOW = 1_790_000_000.0
LIMIT = Limit("dns/com", 100.0, 400, None)


def test_tokens_are_taken_by_the_hundred_and_returned() -> None:
    """Returned tokens can be taken again; there are never more than the burst."""
    budgets = Budgets()
    assert budgets.available_tokens(LIMIT, "default", NOW) == 1
    assert budgets.available_tokens(LIMIT, "default", NOW + 2) == 201
    budgets.take_tokens(LIMIT, "default", 150, NOW + 2)
    assert budgets.available_tokens(LIMIT, "default", NOW + 2) == 51
    budgets.return_tokens(LIMIT, "default", NOW + 2, 150)
    assert budgets.available_tokens(LIMIT, "default", NOW + 2) == 201
    budgets.return_tokens(LIMIT, "default", NOW + 2, 10_000)
    assert budgets.available_tokens(LIMIT, "default", NOW + 2) == 400


def test_it_is_known_when_many_tokens_will_be_there() -> None:
    """After as long as they take at the learned rate; more than the burst never come together."""
    budgets = Budgets()
    budgets.take_tokens(LIMIT, "default", 1, NOW)
    assert budgets.next_at(LIMIT, "default", NOW, 100) == NOW + 1.0
    assert budgets.next_at(LIMIT, "default", NOW, 10_000) == NOW + 4.0
    assert budgets.available_tokens(LIMIT, "default", NOW + 1.0) == 100


def test_tokens_beyond_the_daily_quota_are_there_tomorrow() -> None:
    """Sixty of a hundred are used; forty can be taken today, fifty tomorrow."""
    limit, budgets = Limit("dns/com", 100.0, 400, 100), Budgets()
    budgets.available_tokens(limit, "default", NOW)
    budgets.take_tokens(limit, "default", 60, NOW + 2)

    assert budgets.available_tokens(limit, "default", NOW + 10) == 40
    assert budgets.next_at(limit, "default", NOW + 10, 40) == NOW + 10
    assert budgets.next_at(limit, "default", NOW + 10, 50) == (NOW // DAY + 1) * DAY


def test_a_queue_tells_how_many_more_queries_of_each_rank_it_takes() -> None:
    """As many as its budget allows in reasonable time; urgent ones always."""
    queue, limit = QueryQueue(), Limit("rdap/x", 0.1, 1, None)
    room = int(LONGEST[Rank.BACKGROUND] * limit.rate) + 1
    assert queue.room_for_queries(limit, Rank.BACKGROUND) == room
    for _ in range(room):
        queue.add_query(
            Query(
                method="rdap",
                pool="intermediate",
                domain="a.com",
                suffix="com",
                server="",
                limit=limit,
                rank=Rank.BACKGROUND,
                queued=NOW,
                budget=5.0,
            )
        )

    assert queue.room_for_queries(limit, Rank.BACKGROUND) == 0
    assert queue.room_for_queries(limit, Rank.ORDINARY) > 0
    assert queue.room_for_queries(limit, Rank.URGENT) > 1000
