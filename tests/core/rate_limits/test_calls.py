"""Calls that carry several names: which queries leave with the one that has the token, and what that costs."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Call, Query
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.calls import MOST_PASSED_OVER
from common.core.rate_limits.query_queue import QueryQueue
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.core.workers.second_pass import WAIT
from common.messages import MAX_BATCH
from tests.core.rate_limits.queued import (
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
)

FOUR, TWENTY = Limit("registrar/four", 1.0, 1, batch=4), Limit("registrar/twenty", 0.5, 1, batch=20)


def leave(queue: QueryQueue, workers: Workers, now: float = NOW, **tools: Any) -> list[tuple[str, list[str]]]:
    """The calls that leave now: the worker that gets each, and its names in their order."""
    calls: dict[int, tuple[str, list[str]]] = {}
    alone: list[tuple[str, list[str]]] = []
    for item, worker in queue.take_ready(
        tools.get("budgets") or Budgets(), workers, tools.get("poison") or PoisonDetector(), now
    ):
        workers.grant_lease(worker, item, item.budget, now)
        assert item.egress == worker.egress
        if item.call is None:
            alone.append((worker.name, [item.domain]))
        else:
            calls.setdefault(item.call.number, (worker.name, []))[1].append(item.domain)
            assert item.domain in item.call.names
    return [*calls.values(), *alone]


def many(number: int, rank: Rank = Rank.URGENT, limit: Limit = FOUR, word: str = "n", **changes: Any) -> list[Query]:
    """So many queries at one registrar."""
    return [query_of(f"{word}{place}", rank, limit=limit, **changes) for place in range(number)]


def test_a_thousand_names_need_the_fewest_calls_and_no_more_tokens() -> None:
    """Twenty names a call: fifty calls, fifty tokens, no faster than the rate, each query with a lease of its own."""
    queue, workers, budgets = queue_of(*many(1000, limit=TWENTY)), staffed(free=2000), Budgets()
    sent, now = [], NOW
    while len(queue):
        now = queue.next_at(budgets, workers, now) or now
        sent += [names for _, names in leave(queue, workers, now, budgets=budgets)]

    assert [len(names) for names in sent] == [20] * 50
    assert [name for names in sent for name in names] == [f"n{number}" for number in range(1000)]
    assert budgets.snapshot(now)[0]["used_today"] == 50
    assert now - NOW == pytest.approx(49 / 0.5)
    assert workers.lease_count() == 1000
    assert queue.left_count == 1000


def test_calls_have_numbers_of_their_own() -> None:
    """Above zero; a query of a method that takes one name is in no call, nor is one that was in one before."""
    queue, workers = queue_of(*many(9)), staffed(free=99)
    budgets = Budgets()
    numbers = []
    for second in range(3):
        for item, worker in queue.take_ready(budgets, workers, PoisonDetector(), NOW + second):
            workers.grant_lease(worker, item, 20.0, NOW)
            assert item.call is not None
            numbers.append(item.call.number)
    assert numbers == [1] * 4 + [2] * 4 + [3]

    single = query_of(call=Call(number=9, names={"a.com"}))
    assert leave(queue_of(single), workers) == [(HOST_A, ["a.com"])]
    assert single.call is None


def test_no_query_waits_for_a_call_to_be_full() -> None:
    """What is there leaves when the token is there."""
    assert leave(queue_of(*many(2)), staffed()) == [(HOST_A, ["n0", "n1"])]
    assert leave(queue_of(*many(1)), staffed()) == [(HOST_A, ["n0"])]
    two = Limit("registrar/two", 1.0, 1, batch=2)
    assert leave(queue_of(*many(3, limit=two)), staffed()) == [(HOST_A, ["n0", "n1"])]


def test_queries_ride_in_the_order_in_which_they_would_be_sent() -> None:
    """Of four places of a call three go to the highest rank, and one to the query that has waited longest."""
    limit = Limit("registrar/nine", 1.0, 1, batch=9)
    queue = queue_of(
        *many(9, Rank.URGENT, limit, "urgent"),
        *(query_of(f"old{age}", Rank.BACKGROUND, NOW - age, limit) for age in (10, 20, 30)),
        query_of("poll", Rank.PRIORITY, NOW - 5, limit),
    )
    assert leave(queue, staffed(free=99)) == [
        (HOST_A, ["urgent0", "urgent1", "urgent2", "old30", "urgent3", "urgent4", "urgent5", "old20", "urgent6"])
    ]


def test_one_of_four_tokens_begins_with_the_query_that_has_waited_longest() -> None:
    """Whatever rides in the other calls: a query that can ride in none still leaves."""
    queue = queue_of(*many(40), query_of("other", Rank.BACKGROUND, NOW - 9, FOUR, server="elsewhere"))
    budgets, workers = Budgets(), staffed(free=99)
    heads = [leave(queue, workers, NOW + second, budgets=budgets)[0][1] for second in range(4)]

    assert heads[3] == ["other"]
    assert [len(names) for names in heads[:3]] == [4, 4, 4]


def test_a_query_that_the_day_leaves_no_token_for_rides_all_the_same() -> None:
    """The quota counts calls: routine has had its half of the day, and the alarm has a place to spare."""
    daily = Limit("registrar/daily", 1.0, 1, 240, batch=4)
    budgets, late = Budgets(), NOW + DAY - 60
    budgets._bucket_now(daily, "home", late).used_today = 200
    queue = queue_of(query_of("routine", Rank.ORDINARY, late - 9, daily), query_of("alarm", Rank.URGENT, late, daily))

    assert leave(queue, staffed(), late, budgets=budgets) == [(HOST_A, ["alarm", "routine"])]
    assert budgets.snapshot(late)[0]["used_today"] == 201


def test_the_days_quota_counts_calls() -> None:
    """Three calls a day carry twelve names."""
    daily = Limit("registrar/three", 10.0, 10, 3, batch=4)
    queue, workers, budgets = queue_of(*many(20, limit=daily)), staffed(free=99), Budgets()
    sent = [len(names) for second in range(60) for _, names in leave(queue, workers, NOW + second, budgets=budgets)]

    assert sent == [4, 4, 4]


def test_only_queries_of_one_method_at_one_server_share_a_call() -> None:
    """The others keep their places."""
    queue = queue_of(
        query_of("a", limit=FOUR),
        query_of("b", limit=FOUR, server="elsewhere"),
        query_of("c", limit=FOUR, method="epp"),
        query_of("d", limit=FOUR),
    )
    assert leave(queue, staffed()) == [(HOST_A, ["a", "d"])]
    assert [item.domain for item in queue.take_operator(FOUR.operator)] == ["b", "c"]


def test_a_server_that_wants_one_suffix_a_call_gets_one() -> None:
    """The others leave with the next token; where no such thing is known suffixes mix."""
    for one_suffix, calls in ((True, [["a", "c"], ["b"]]), (False, [["a", "b", "c"]])):
        limit = Limit("registrar/four", 1.0, 1, batch=4, one_suffix=one_suffix)
        suffixes = {"a": "com", "b": "net", "c": "com"}
        queue = queue_of(*(query_of(name, limit=limit, suffix=suffix) for name, suffix in suffixes.items()))
        workers, budgets = staffed(), Budgets()
        sent = [leave(queue, workers, NOW + second, budgets=budgets) for second in range(2)]
        assert [names for left in sent for _, names in left] == calls


def test_a_name_is_once_in_a_call() -> None:
    """Two answers about one name could not be told apart; the second leaves with the next."""
    queue, workers, budgets = queue_of(query_of("a", limit=FOUR), query_of("a", limit=FOUR), *many(1)), staffed(), Budgets()

    assert leave(queue, workers, budgets=budgets) == [(HOST_A, ["a", "n0"])]
    assert leave(queue, workers, NOW + 1, budgets=budgets) == [(HOST_A, ["a"])]


def test_a_query_that_has_to_run_alone_shares_no_call() -> None:
    """Neither its own, to a worker without any lease, nor that of another."""
    queue, workers, budgets = queue_of(*many(1), query_of("bad", limit=FOUR), *many(1, word="m")), staffed(), Budgets()
    assert leave(queue, workers, poison=suspicious("bad"), budgets=budgets) == [(HOST_A, ["n0", "m0"])]

    for attempt in list(workers._leases):
        workers.finish_lease(attempt)
    queue.add_query(query_of("late", limit=FOUR))
    assert leave(queue, workers, NOW + 1, poison=suspicious("bad"), budgets=budgets) == [(HOST_A, ["bad"])]
    assert workers._workers[HOST_A].exclusive
    assert len(queue) == 1


def test_a_call_is_no_longer_than_the_free_slots_of_its_worker() -> None:
    """Every name takes one; the others wait for the next token."""
    queue, workers, budgets = queue_of(*many(6, limit=TWENTY)), staffed(free=4), Budgets()

    assert leave(queue, workers, budgets=budgets) == [(HOST_A, ["n0", "n1", "n2", "n3"])]
    assert leave(queue, workers, NOW + 2, budgets=budgets) == []


def test_a_call_goes_to_one_worker() -> None:
    """Also where another one has more free slots by then."""
    assert leave(queue_of(*many(4)), staffed(HOST_A, HOST_B, free=6)) == [(HOST_A, ["n0", "n1", "n2", "n3"])]


def test_a_call_fits_into_one_message() -> None:
    """Whatever a setting says about how many names it carries."""
    huge = Limit("registrar/huge", 1.0, 1, batch=MAX_BATCH + 1)
    ((_, names),) = leave(queue_of(*many(MAX_BATCH + 9, limit=huge)), staffed(free=999))

    assert len(names) == MAX_BATCH


def test_a_call_passes_over_a_bounded_number_of_queries() -> None:
    """What it passed over is in the queue again."""
    others = many(MOST_PASSED_OVER - 1, word="x", server="elsewhere")
    queue = queue_of(query_of("a", limit=FOUR), *others, query_of("b", limit=FOUR))
    assert leave(queue, staffed()) == [(HOST_A, ["a", "b"])]
    assert len(queue) == len(others) == len(queue.take_operator(FOUR.operator))

    queue = queue_of(
        query_of("a", limit=FOUR), *others, query_of("x", limit=FOUR, server="elsewhere"), query_of("b", limit=FOUR)
    )
    assert leave(queue, staffed()) == [(HOST_A, ["a"])]


def test_what_was_passed_over_stays_where_sending_stops_in_the_middle() -> None:
    """An error of what sends loses no query."""
    queue, workers = queue_of(query_of("a", limit=FOUR), query_of("x", limit=FOUR, server="elsewhere"), *many(2)), staffed()
    ready = queue.take_ready(Budgets(), workers, PoisonDetector(), NOW)
    assert [next(ready)[0].domain, next(ready)[0].domain] == ["a", "n0"]
    ready.close()

    assert [item.domain for item in queue.take_operator(FOUR.operator)] == ["x", "n1"]


# -- which worker --------------------------------------------------------------------------------------------------------


def test_a_lost_query_rides_to_the_same_worker_only_where_there_is_no_other() -> None:
    """All queries of a lost call leave in one call again."""
    lost = many(4, avoid=HOST_A)
    assert leave(queue_of(*lost), staffed(HOST_A)) == [(HOST_A, ["n0", "n1", "n2", "n3"])]
    assert leave(queue_of(*many(4, avoid=HOST_A)), staffed(HOST_A, HOST_B)) == [(HOST_B, ["n0", "n1", "n2", "n3"])]

    queue = queue_of(query_of("new", limit=FOUR), *many(1, avoid=HOST_A), *many(1, word="m", avoid=HOST_B))
    assert leave(queue, staffed(HOST_A, HOST_B)) == [(HOST_A, ["new", "m0"])]


def test_a_confirmation_rides_to_another_worker_than_the_one_that_answered() -> None:
    """Where there is another; after ten seconds with a token to either."""

    def queue() -> QueryQueue:
        return queue_of(query_of("new", limit=FOUR), confirming_query(limit=FOUR))

    assert leave(queue(), staffed(HOST_A)) == [(HOST_A, ["new", "a.com"])]
    assert leave(queue(), staffed(HOST_B)) == [(HOST_B, ["new", "a.com"])]
    workers = staffed(HOST_A, HOST_B)
    workers._workers[HOST_B].free = 0
    assert leave(queue(), workers) == [(HOST_A, ["new"])]

    for waited, names in ((WAIT, ["new", "a.com"]), (WAIT - 0.001, ["new"])):
        workers = staffed(HOST_A, HOST_B)
        workers._workers[HOST_B].free = 0
        patient = queue_of(query_of("new", limit=FOUR), confirming_query(limit=FOUR, waiting_since=NOW - waited))
        assert leave(patient, workers) == [(HOST_A, names)]


@pytest.mark.parametrize(("last", "free", "rides"), [("one", 9, False), ("two", 9, True), ("", 9, True), ("one", 0, True)])
def test_a_confirmation_rides_from_another_egress_where_one_is_free(last: str, free: int, rides: bool) -> None:
    """The call leaves from "one"; other queries ride from any."""
    workers = staffed(HOST_B, HOST_C, b="one", c="two")
    workers._workers[HOST_C].free = free
    budgets = Budgets()
    budgets.take_token(FOUR, "two", NOW)
    queue = queue_of(query_of("new", limit=FOUR), confirming_query("gone@x", last, limit=FOUR))
    assert leave(queue, workers, budgets=budgets) == [(HOST_B, ["new", "a.com"] if rides else ["new"])]

    first = confirming_query("gone@x", last, limit=FOUR)
    first.confirm = False
    budgets = Budgets()
    budgets.take_token(FOUR, "two", NOW)
    workers = staffed(HOST_B, HOST_C, b="one", c="two")
    assert leave(queue_of(query_of("new", limit=FOUR), first), workers, budgets=budgets) == [(HOST_B, ["new", "a.com"])]


def test_a_confirmation_of_a_canary_rides_with_any() -> None:
    """No name is watched, so nothing is to be confirmed."""
    queue = queue_of(query_of("new", limit=FOUR), query_of("canary", limit=FOUR, confirm=True))

    assert leave(queue, staffed(HOST_A, HOST_B)) == [(HOST_A, ["new", "canary"])]


def test_a_query_with_nothing_to_confirm_rides_to_a_worker_without_a_key_of_its_own() -> None:
    """Though workers with one are farther from everything."""
    budgets, workers = Budgets(), staffed(HOST_A, "deep-0@b#k", a="one", k="two")
    budgets.take_token(FOUR, "two", NOW)
    queue = queue_of(query_of("new", limit=FOUR), query_of("canary", limit=FOUR, confirm=True))

    assert leave(queue, workers, budgets=budgets) == [(HOST_A, ["new", "canary"])]


# -- room in a queue -----------------------------------------------------------------------------------------------------


def test_a_queue_has_room_for_all_names_of_a_call() -> None:
    """One token serves twenty: what is sent in time, what sweeps may add, and what the day allows."""
    slow, daily = Limit("registrar/slow", 0.001, 1, batch=20), Limit("registrar/day", 10.0, 10, 24, batch=20)
    queue = queue_of(*many(19, Rank.BACKGROUND, slow), interval=DAY)
    assert queue.room_for_queries(slow, Rank.BACKGROUND) == 2 * 20 - 19
    assert queue.room_for_sweeps(slow, Rank.BACKGROUND, Budgets(), ["home"], NOW) == 2 * 20 - 19
    assert QueryQueue(DAY).room_for_sweeps(LIMIT, Rank.URGENT, Budgets(), ["home"], NOW) == 301
    ready = Limit("registrar/ready", 1.0, 1, batch=20)
    assert QueryQueue(DAY).room_for_sweeps(ready, Rank.URGENT, Budgets(), ["home"], NOW) == 1000 + 60 * 20
    few = Limit("registrar/few", 0.1, 1, batch=20)
    assert QueryQueue(DAY).room_for_sweeps(few, Rank.URGENT, Budgets(), ["home"], NOW) == (1 + 30) * 20

    late, budgets = NOW + DAY - 3600, Budgets()
    budgets._bucket_now(daily, "home", late).used_today = 22
    assert QueryQueue(60.0).room_for_sweeps(daily, Rank.URGENT, budgets, ["home"], late) == 2 * 20
    waiting = queue_of(*many(39, limit=daily), interval=60.0)
    assert waiting.admits_query(daily, Rank.URGENT, budgets, ["home"], late)
    waiting.add_query(query_of("last", limit=daily))
    assert not waiting.admits_query(daily, Rank.URGENT, budgets, ["home"], late)


def test_how_long_a_query_waits_at_most_is_told_in_tokens() -> None:
    """A call that carries more names takes no less time to come."""
    one, twenty = Limit("registrar/a", 0.005, 1), Limit("registrar/b", 0.005, 1, batch=20)

    assert QueryQueue(DAY).longest_wait(twenty, Rank.URGENT) == QueryQueue(DAY).longest_wait(one, Rank.URGENT) == 1200.0


def test_the_room_for_routine_in_all_queues_counts_names() -> None:
    """Each keeps one loaded, whatever a call carries."""
    assert LIMIT.batch == 1
    assert QueryQueue(DAY).room_for_queries(Limit("registrar/fast", 100.0, 1, batch=200), Rank.ORDINARY) == 2000
