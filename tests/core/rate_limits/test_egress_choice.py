"""The egress of a query: one that confirms an answer leaves from another egress than the query before, where one is free."""

from __future__ import annotations

from common.core.model.entry import Entry, Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import QueryQueue
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.messages import VERSION, Credit

NOW = 20_718 * DAY
LIMIT = Limit("whois/example", 1.0, 1)


def workers(**free: int) -> Workers:
    """A worker for each egress, with so many free slots."""
    made = Workers("boot")
    for egress, slots in free.items():
        made.note_credit(Credit(VERSION, f"deep-0@{egress}", "b", "deep", egress, ("whois",), 9, slots, 0), NOW)
    return made


def query_of(asked_from: str | None, *, confirm: bool = True) -> Query:
    """A query about a name whose last one left from this egress."""
    entry = Entry("a.com", "com", "a", asked_from={"whois": asked_from} if asked_from is not None else {})
    return Query(
        method="whois",
        pool="deep",
        domain="a.com",
        suffix="com",
        server="whois.example",
        limit=LIMIT,
        rank=Rank.URGENT,
        queued=NOW,
        budget=20.0,
        entry=entry,
        confirm=confirm,
    )


def leaves_from(query: Query, there: Workers, budgets: Budgets | None = None) -> list[str]:
    """The egress that a query leaves from, if it does."""
    queue = QueryQueue()
    queue.add_query(query)
    return [worker.egress for _, worker in queue.take_ready(budgets or Budgets(), there, PoisonDetector(), NOW)]


def test_a_query_that_confirms_leaves_from_another_egress() -> None:
    """Whichever the last one left from, and always the same of several others."""
    assert leaves_from(query_of("a"), workers(a=9, b=9, c=9)) == ["b"]
    assert leaves_from(query_of("b"), workers(a=9, b=9, c=9)) == ["a"]


def test_a_single_egress_confirms_its_own_answers() -> None:
    """Better than to wait for another one."""
    assert leaves_from(query_of("a"), workers(a=9)) == ["a"]


def test_an_egress_without_a_free_worker_or_a_token_is_not_waited_for() -> None:
    """The one of the last query has both."""
    spent = Budgets()
    spent.take_token(LIMIT, "b", NOW)

    assert leaves_from(query_of("a"), workers(a=9, b=0)) == ["a"]
    assert leaves_from(query_of("a"), workers(a=9, b=9), spent) == ["a"]


def test_the_egress_matters_to_confirmations_alone() -> None:
    """Other queries, and the first ones about a name, leave from the first."""
    assert leaves_from(query_of("a", confirm=False), workers(a=9, b=9)) == ["a"]
    assert leaves_from(query_of(None), workers(a=9, b=9)) == ["a"]
