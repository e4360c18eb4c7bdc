"""Which worker a question goes to, and what waits beside its line: each rule by itself."""

from __future__ import annotations

import pytest

from common.core.model.entry import BACKGROUND, NEWS, PRIORITY, URGENT
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import (
    SHARE,
)
from common.core.workers.second_pass import WAIT
from tests.core.rate_limits.queued import (
    DAILY,
    HOST_A,
    HOST_B,
    HOST_C,
    LIMIT,
    NOW,
    ask,
    confirming,
    line_of,
    staffed,
    suspicious,
    taken,
)


def test_a_question_goes_to_another_worker_than_the_one_that_lost_it() -> None:
    """Where one is free, whatever its egress."""
    workers = staffed(HOST_A, HOST_B, a="one", b="two")

    assert taken(line_of(ask(avoid=HOST_A)), workers) == [("a.com", HOST_B)]
    assert taken(line_of(ask(avoid=HOST_B)), staffed(HOST_A, HOST_B, a="one", b="two")) == [("a.com", HOST_A)]
    assert taken(line_of(ask(avoid=HOST_A)), staffed(HOST_A)) == [("a.com", HOST_A)]


@pytest.mark.parametrize(("last", "worker"), [("one", HOST_C), ("two", HOST_B), ("", HOST_B)])
def test_a_confirmation_leaves_from_another_egress_where_one_is_ready(last: str, worker: str) -> None:
    """By the method's last question; other questions leave from the first."""
    workers = staffed(HOST_B, HOST_C, b="one", c="two")

    assert taken(line_of(confirming("gone@x", last)), workers) == [("a.com", worker)]
    first = confirming("gone@x", last)
    first.confirm = False
    assert taken(line_of(first), staffed(HOST_B, HOST_C, b="one", c="two")) == [("a.com", HOST_B)]


def test_where_an_egress_has_no_token_another_one_serves() -> None:
    """The budget is kept for each."""
    budgets, workers = Budgets(), staffed(HOST_B, HOST_C, b="one", c="two")
    budgets.take(LIMIT, "one", NOW)

    assert taken(line_of(ask()), workers, budgets=budgets) == [("a.com", HOST_C)]


def test_a_confirmation_waits_for_another_worker_while_that_is_busy_and_then_goes_to_the_same() -> None:
    """Ten seconds from when a token was there; the line goes on meanwhile."""
    queue, workers = line_of(confirming(), ask("b.com", BACKGROUND)), staffed(HOST_A, HOST_B)
    workers._workers[HOST_B].free = 0
    budgets = Budgets()
    assert taken(queue, workers, budgets=budgets) == [("b.com", HOST_A)]
    assert len(queue) == 1
    assert taken(queue, workers, NOW + WAIT - 0.001, budgets=budgets) == []
    assert taken(queue, workers, NOW + WAIT, budgets=budgets) == [("a.com", HOST_A)]


def test_a_confirmation_goes_to_another_worker_at_once_where_one_is_free() -> None:
    """The farthest there is, and to the same where there is no other."""
    assert taken(line_of(confirming()), staffed(HOST_A, HOST_B)) == [("a.com", HOST_B)]
    assert taken(line_of(confirming()), staffed(HOST_A)) == [("a.com", HOST_A)]
    assert taken(line_of(confirming(HOST_C)), staffed(HOST_A, HOST_B)) == [("a.com", HOST_A)]


def test_a_confirmation_is_not_held_while_there_is_no_token_anyway() -> None:
    """Its ten seconds begin with the token."""
    queue, workers, budgets = line_of(confirming()), staffed(HOST_A, HOST_B), Budgets()
    workers._workers[HOST_B].free = 0
    budgets.take(LIMIT, "home", NOW)
    assert taken(queue, workers, NOW + 0.5, budgets=budgets) == []
    assert taken(queue, workers, NOW + 5, budgets=budgets) == []
    assert taken(queue, workers, NOW + 5 + WAIT - 0.001, budgets=budgets) == []
    assert taken(queue, workers, NOW + 5 + WAIT, budgets=budgets) == [("a.com", HOST_A)]


def test_a_confirmation_that_another_worker_may_take_waits_for_its_token() -> None:
    """Though the worker that answered first has one, and the line waits with it."""
    budgets, workers = Budgets(), staffed(HOST_A, HOST_B, a="one", b="two")
    budgets.take(LIMIT, "two", NOW)
    queue = line_of(confirming(), ask("b.com", PRIORITY))

    assert taken(queue, workers, budgets=budgets) == []
    assert taken(queue, workers, NOW + 1, budgets=budgets) == [("a.com", HOST_B), ("b.com", HOST_A)]


def test_a_question_with_nothing_to_confirm_goes_to_any_worker() -> None:
    """A canary's, and one where some workers have a key of their own."""
    assert taken(line_of(ask(confirm=True)), staffed()) == [("a.com", HOST_A)]

    budgets, workers = Budgets(), staffed(HOST_A, "deep-0@b#k", a="one", k="two")
    budgets.take(LIMIT, "two", NOW)
    assert taken(line_of(ask()), workers, budgets=budgets) == [("a.com", HOST_A)]


def test_after_a_pool_was_turned_away_the_oldest_of_the_others_is_first() -> None:
    """Whatever came between them."""
    queue = line_of(*(ask(str(age), queued=NOW - age, pool="fast" if age == 90 else "deep") for age in (90, 50, 80)))
    queue.flush_pool("fast", NOW)

    assert taken(queue, staffed()) == [("80", HOST_A)]


def test_what_has_to_run_alone_waits_for_an_idle_worker_and_holds_up_no_other() -> None:
    """It gets one that has nothing to do, and that one gets nothing beside it."""
    queue, workers, budgets = line_of(ask("bad.com"), ask("b.com")), staffed(), Budgets()
    busy = workers.lease(workers._workers[HOST_A], None, 20.0, NOW)
    assert taken(queue, workers, suspicion=suspicious("bad.com"), budgets=budgets) == [("b.com", HOST_A)]
    assert not workers._workers[HOST_A].exclusive
    for attempt in [busy.attempt, *workers._leases]:
        workers.finish(attempt)
    queue.put(ask("c.com"))

    assert taken(queue, workers, NOW + 1, suspicion=suspicious("bad.com"), budgets=budgets) == [("bad.com", HOST_A)]
    assert workers._workers[HOST_A].exclusive
    assert taken(queue, workers, NOW + 2, budgets=budgets) == []


def test_what_the_day_does_not_allow_lets_others_go_first() -> None:
    """Polls that have had three quarters of it; without a quota a missing token stops the line."""
    budgets, late = Budgets(), NOW + DAY - 60
    budgets._bucket(DAILY, "home", late).used_today = 200
    queue = line_of(ask("poll", PRIORITY, late, DAILY), ask("news", NEWS, late - 9, DAILY), ask("alarm", URGENT, late, DAILY))
    assert taken(queue, staffed(), late, budgets=budgets) == [("alarm", HOST_A)]
    queue.put(ask("old alarm", URGENT, late, DAILY))
    queue._lines[DAILY.operator].turn = SHARE - 1  # the turn of what waits longest
    assert taken(queue, staffed(), late + 1, budgets=budgets) == [("old alarm", HOST_A)]
    assert len(queue) == 2
