"""Which worker a query goes to, and which queries wait without delaying their queue: each rule by itself."""

from __future__ import annotations

import pytest

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.operator_queue import SHARE
from common.core.workers.second_pass import WAIT
from tests.core.rate_limits.queued import (
    DAILY,
    HOST_A,
    HOST_B,
    HOST_C,
    LIMIT,
    NOW,
    confirming_query,
    query_of,
    queue_of,
    staffed,
    suspicious,
    taken,
)


def test_a_query_goes_to_another_worker_than_the_one_that_lost_it() -> None:
    """Where one is free, whatever its egress."""
    workers = staffed(HOST_A, HOST_B, a="one", b="two")

    assert taken(queue_of(query_of(avoid=HOST_A)), workers) == [("a.com", HOST_B)]
    assert taken(queue_of(query_of(avoid=HOST_B)), staffed(HOST_A, HOST_B, a="one", b="two")) == [("a.com", HOST_A)]
    assert taken(queue_of(query_of(avoid=HOST_A)), staffed(HOST_A)) == [("a.com", HOST_A)]


@pytest.mark.parametrize(("last", "worker"), [("one", HOST_C), ("two", HOST_B), ("", HOST_B)])
def test_a_confirmation_leaves_from_another_egress_where_one_is_ready(last: str, worker: str) -> None:
    """By the method's last query; other queries leave from the first."""
    workers = staffed(HOST_B, HOST_C, b="one", c="two")

    assert taken(queue_of(confirming_query("gone@x", last)), workers) == [("a.com", worker)]
    first = confirming_query("gone@x", last)
    first.confirm = False
    assert taken(queue_of(first), staffed(HOST_B, HOST_C, b="one", c="two")) == [("a.com", HOST_B)]


def test_where_an_egress_has_no_token_another_one_sends() -> None:
    """The budget is kept for each."""
    budgets, workers = Budgets(), staffed(HOST_B, HOST_C, b="one", c="two")
    budgets.take_token(LIMIT, "one", NOW)

    assert taken(queue_of(query_of()), workers, budgets=budgets) == [("a.com", HOST_C)]


def test_a_confirmation_waits_for_another_worker_while_that_is_busy_and_then_goes_to_the_same() -> None:
    """Ten seconds from when a token was there; the rest of the queue goes on meanwhile."""
    queue, workers = queue_of(confirming_query(), query_of("b.com", Rank.BACKGROUND)), staffed(HOST_A, HOST_B)
    workers._workers[HOST_B].free = 0
    budgets = Budgets()
    assert taken(queue, workers, budgets=budgets) == [("b.com", HOST_A)]
    assert len(queue) == 1
    assert taken(queue, workers, NOW + WAIT - 0.001, budgets=budgets) == []
    assert taken(queue, workers, NOW + WAIT, budgets=budgets) == [("a.com", HOST_A)]


def test_a_confirmation_goes_to_another_worker_at_once_where_one_is_free() -> None:
    """The farthest there is, and to the same one where there is no other."""
    assert taken(queue_of(confirming_query()), staffed(HOST_A, HOST_B)) == [("a.com", HOST_B)]
    assert taken(queue_of(confirming_query()), staffed(HOST_A)) == [("a.com", HOST_A)]
    assert taken(queue_of(confirming_query(HOST_C)), staffed(HOST_A, HOST_B)) == [("a.com", HOST_A)]


def test_a_confirmation_is_not_held_while_there_is_no_token_anyway() -> None:
    """Its ten seconds begin with the token."""
    queue, workers, budgets = queue_of(confirming_query()), staffed(HOST_A, HOST_B), Budgets()
    workers._workers[HOST_B].free = 0
    budgets.take_token(LIMIT, "home", NOW)
    assert taken(queue, workers, NOW + 0.5, budgets=budgets) == []
    assert taken(queue, workers, NOW + 5, budgets=budgets) == []
    assert taken(queue, workers, NOW + 5 + WAIT - 0.001, budgets=budgets) == []
    assert taken(queue, workers, NOW + 5 + WAIT, budgets=budgets) == [("a.com", HOST_A)]


def test_a_confirmation_that_another_worker_may_take_waits_for_its_token() -> None:
    """Though the worker that answered first has one, which the rest of the queue may use."""
    budgets, workers = Budgets(), staffed(HOST_A, HOST_B, a="one", b="two")
    budgets.take_token(LIMIT, "two", NOW)
    queue = queue_of(confirming_query(), query_of("b.com", Rank.PRIORITY))

    assert taken(queue, workers, budgets=budgets) == [("b.com", HOST_A)]
    assert taken(queue, workers, NOW + 1, budgets=budgets) == [("a.com", HOST_B)]


def test_a_confirmation_does_not_wait_for_ever_for_a_token_elsewhere() -> None:
    """After ten seconds the egress of the first answer will do, and not before."""
    budgets, workers = Budgets(), staffed(HOST_A, HOST_B, a="one", b="two")
    query = confirming_query()
    query.limit = Limit("rdap/slow", 0.001, 1)
    budgets.take_token(query.limit, "two", NOW)
    queue = queue_of(query)

    assert taken(queue, workers, NOW, budgets=budgets) == []
    assert taken(queue, workers, NOW + WAIT - 0.001, budgets=budgets) == []
    assert taken(queue, workers, NOW + WAIT, budgets=budgets) == [("a.com", HOST_A)]


def test_a_query_with_nothing_to_confirm_goes_to_any_worker() -> None:
    """A canary's, and one where some workers have a key of their own."""
    assert taken(queue_of(query_of(confirm=True)), staffed()) == [("a.com", HOST_A)]

    budgets, workers = Budgets(), staffed(HOST_A, "deep-0@b#k", a="one", k="two")
    budgets.take_token(LIMIT, "two", NOW)
    assert taken(queue_of(query_of()), workers, budgets=budgets) == [("a.com", HOST_A)]


def test_after_a_pool_was_taken_out_the_oldest_of_the_others_is_first() -> None:
    """Whatever came between them."""
    queue = queue_of(*(query_of(str(age), queued=NOW - age, pool="fast" if age == 90 else "deep") for age in (90, 50, 80)))
    queue.take_pool("fast", NOW)

    assert taken(queue, staffed()) == [("80", HOST_A)]


def test_a_query_that_has_to_run_alone_waits_for_an_idle_worker_and_delays_no_other() -> None:
    """It gets one without any lease, and that one gets nothing beside it."""
    queue, workers, budgets = queue_of(query_of("bad.com"), query_of("b.com")), staffed(), Budgets()
    busy = workers.grant_lease(workers._workers[HOST_A], None, 20.0, NOW)
    assert taken(queue, workers, poison=suspicious("bad.com"), budgets=budgets) == [("b.com", HOST_A)]
    assert not workers._workers[HOST_A].exclusive
    for attempt in [busy.attempt, *workers._leases]:
        workers.finish_lease(attempt)
    queue.add_query(query_of("c.com"))

    assert taken(queue, workers, NOW + 1, poison=suspicious("bad.com"), budgets=budgets) == [("bad.com", HOST_A)]
    assert workers._workers[HOST_A].exclusive
    assert taken(queue, workers, NOW + 2, budgets=budgets) == []


def test_a_query_that_the_quota_does_not_allow_yet_lets_others_go_first() -> None:
    """Polls that have had three quarters of it; without a quota a missing token stops the queue."""
    budgets, late = Budgets(), NOW + DAY - 60
    budgets._bucket_now(DAILY, "home", late).used_today = 200
    queue = queue_of(
        query_of("poll", Rank.PRIORITY, late, DAILY),
        query_of("news", Rank.NEWS, late - 9, DAILY),
        query_of("alarm", Rank.URGENT, late, DAILY),
    )
    assert taken(queue, staffed(), late, budgets=budgets) == [("alarm", HOST_A)]
    queue.add_query(query_of("old alarm", Rank.URGENT, late, DAILY))
    queue._queues[DAILY.operator].turn = SHARE - 1  # the turn of what waits longest
    assert taken(queue, staffed(), late + 1, budgets=budgets) == [("old alarm", HOST_A)]
    assert len(queue) == 2
