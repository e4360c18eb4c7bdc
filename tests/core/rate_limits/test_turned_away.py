"""What is turned away: questions that an operator's line does not take, and those that leave it without a turn."""

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


def ask(domain: str, rank: int = Rank.URGENT, queued: float = NOW, limit: Limit = LIMIT, pool: str = "deep") -> Query:
    """A question at a registry."""
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


def line_of(*asks: Query) -> QueryQueue:
    """Lines with these questions in them."""
    queue = QueryQueue()
    for item in asks:
        queue.add_query(item)
    return queue


def names(asks: list[Query]) -> list[str]:
    """Whom they ask about."""
    return [item.domain for item in asks]


def taken(queue: QueryQueue, now: float = NOW) -> list[Query]:
    """What leaves the lines for a worker with slots for all."""
    workers = Workers("boot")
    workers.note_credit(Credit(VERSION, "deep-0@h", "b", "deep", "home", ("whois",), 9999, 9999, 0), now)
    return [item for item, _ in queue.take_ready(Budgets(), workers, PoisonDetector(), now)]


def test_a_line_that_is_emptied_is_told_by_rank_and_by_age() -> None:
    """All of it, and nothing of other lines."""
    queue = line_of(
        ask("late", Rank.ORDINARY, NOW - 1),
        ask("early", Rank.ORDINARY, NOW - 9),
        ask("first", Rank.URGENT),
        ask("other", Rank.URGENT, limit=OTHER),
    )

    assert names(queue.take_operator("whois/example")) == ["first", "early", "late"]
    assert len(queue) == 1
    assert names(queue.take_operator("rdap/other")) == ["other"]
    assert len(queue) == 0


def test_a_line_that_is_not_there_is_empty() -> None:
    """An operator may be shut while nothing waits for it."""
    assert line_of().take_operator("whois/example") == []


def test_a_line_that_is_emptied_makes_room_for_routine_at_others() -> None:
    """What it held counts no more."""
    queue = line_of(*(ask(str(number), Rank.ORDINARY) for number in range(5)))
    assert queue.room_for_queries(QUICK, Rank.ORDINARY) == MOST_ROUTINE - 5

    queue.take_operator("whois/example")

    assert queue.room_for_queries(QUICK, Rank.ORDINARY) == MOST_ROUTINE


def test_what_waits_for_a_pool_without_workers_is_turned_away_and_the_rest_keeps_its_order() -> None:
    """Only what waited before the moment that is named, of that pool, in every line."""
    queue = line_of(
        ask("third", queued=NOW - 10),
        ask("old", queued=NOW - 30),
        ask("first", queued=NOW - 40, pool="fast"),
        ask("oldest", queued=NOW - 50),
        ask("fourth", queued=NOW - 5),
        ask("second", queued=NOW - 20),
        ask("elsewhere", queued=NOW - 30, limit=OTHER),
    )

    assert sorted(names(queue.take_pool("deep", NOW - 20))) == ["elsewhere", "old", "oldest"]
    assert len(queue) == 4
    assert names(queue.take_operator("whois/example")) == ["first", "second", "third", "fourth"]


def test_after_a_pool_was_turned_away_the_longest_wait_still_goes_first() -> None:
    """A line in which something is missing is a line like others."""
    waits = [70, 90, 60, 80, 50, 40, 30]
    queue = line_of(*(ask(str(wait), queued=NOW - wait, pool="fast" if wait == 90 else "deep") for wait in waits))
    queue.take_pool("fast", NOW)

    assert [names(taken(queue, NOW + second)) for second in range(3)] == [["80"], ["70"], ["60"]]


@pytest.mark.parametrize("leave", ["taken", "expired", "pool turned away"])
def test_a_line_that_ran_empty_does_not_keep_the_others_from_being_planned(leave: str) -> None:
    """It is gone, whichever way its last question left."""
    queue = line_of(ask("a"), ask("b", queued=NOW + 250, limit=OTHER, pool="fast"))
    if leave == "taken":
        assert names(taken(queue)) == ["a"]
    elif leave == "expired":
        assert names(queue.take_expired(NOW + 400)) == ["a"]
    else:
        assert names(queue.take_pool("deep", NOW + 1)) == ["a"]

    wakes = queue.next_at(Budgets(), Workers("boot"), NOW)
    assert wakes is not None
    assert NOW < wakes <= NOW + 550


def test_a_question_knows_from_where_it_is_asked() -> None:
    """Its token came from that egress."""
    assert [item.egress for item in taken(line_of(ask("a")))] == ["home"]


@pytest.mark.parametrize("rank", EVERY_RANK)
def test_an_operator_that_must_not_be_asked_admits_nothing(rank: int) -> None:
    """Nor does one that no worker can reach; one that can be asked admits every rank."""
    budgets = Budgets()

    assert QueryQueue().admits_query(LIMIT, rank, budgets, ["home"], NOW)
    assert not QueryQueue().admits_query(LIMIT, rank, budgets, [], NOW)
    assert not QueryQueue().admits_query(Limit("whois/off", 0.0, 1), rank, budgets, ["home"], NOW)


def test_an_operator_that_is_shut_is_waited_for_half_a_minute() -> None:
    """From the egress that opens first; longer waits are turned away at once."""
    shut = Budgets({"whois/example|a": Saved(NOW + 31.0, 1.0), "whois/example|b": Saved(NOW + 30.0, 1.0)})

    assert not QueryQueue().admits_query(LIMIT, Rank.URGENT, shut, ["a"], NOW)
    assert QueryQueue().admits_query(LIMIT, Rank.URGENT, shut, ["a", "b"], NOW)


def test_ranks_that_do_not_wait_for_long_are_never_turned_away_for_lack_of_room() -> None:
    """Routine is, once all lines hold as much of it as may be held; other ranks take no place of it."""
    full = line_of(
        *(ask(str(number), Rank.BACKGROUND, limit=QUICK) for number in range(MOST_ROUTINE)), ask("a", Rank.URGENT, limit=QUICK)
    )

    assert [full.room_for_queries(LIMIT, rank) > 0 for rank in EVERY_RANK] == [True, True, True, False, False]
    assert full.room_for_queries(QUICK, Rank.URGENT) > MOST_ROUTINE


def mixed(limit: Limit) -> QueryQueue:
    """A line with one urgent question, three ordinary ones and five that are nice to have."""
    ranks = [Rank.URGENT, *[Rank.ORDINARY] * 3, *[Rank.BACKGROUND] * 5]
    return line_of(*(ask(str(number), rank, limit=limit) for number, rank in enumerate(ranks)))


def test_a_line_leaves_others_as_much_room_for_routine_as_it_has_taken() -> None:
    """What is nice to have takes no place of ordinary questions in its own line, nor does what is urgent."""
    queue = mixed(QUICK)

    assert queue.room_for_queries(QUICK, Rank.ORDINARY) == MOST_ROUTINE - 8 - 3
    assert queue.room_for_queries(QUICK, Rank.BACKGROUND) == MOST_ROUTINE - 8 - 8
    assert queue.room_for_queries(LIMIT, Rank.BACKGROUND) == 1 + 1800  # what its rate brings within the longest wait


def test_sweeps_fill_a_line_up_to_a_thousand_and_a_minute_of_its_budget() -> None:
    """Counting what goes before them, and nothing behind."""
    queue = mixed(LIMIT)

    assert queue.room_for_sweeps(LIMIT, Rank.NEWS, Budgets(), ["home"], NOW) == 1060 - 1
    assert queue.room_for_sweeps(LIMIT, Rank.ORDINARY, Budgets(), ["home"], NOW) == 1060 - 4


def test_the_day_is_shared_by_what_goes_before() -> None:
    """Of a day's quota only as much is left for a rank as better ranks in line leave."""
    daily = Limit("whois/example", 1.0, 1, 24)
    there = QueryQueue().room_for_sweeps(daily, Rank.NEWS, Budgets(), ["home"], NOW)

    assert 1 < there < 24
    assert mixed(daily).room_for_sweeps(daily, Rank.NEWS, Budgets(), ["home"], NOW) == there - 1
