"""What a line takes, for how long, in which order, and when it has something to do: each rule by itself."""

from __future__ import annotations

import pytest

from common.core.model.entry import BACKGROUND, NEWS, ORDINARY, PRIORITY, URGENT
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import (
    LONGEST,
    MOST_FROM_SWEEPS,
    MOST_ROUTINE,
    PLANS,
    SECONDS_FROM_SWEEPS,
    SHARE,
    TOKENS,
    Ask,
    Queue,
)
from common.core.registries.operators import Limit
from common.core.workers.leases import Workers
from common.messages import VERSION, Credit
from tests.core.rate_limits.queued import (
    DAILY,
    HOST_A,
    HOST_B,
    LIMIT,
    NOW,
    OTHER,
    ask,
    line_of,
    staffed,
    taken,
)

# -- what a question and a line begin with ---------------------------------------------------------------------------------


def test_a_new_question_was_never_tried_sent_or_held() -> None:
    """No entry, no probe, no egress, nothing to confirm or avoid; times in epoch seconds, 0 for never."""
    new = Ask("whois", "deep", "a.com", "com", "whois.example", LIMIT, URGENT, NOW, 20.0)

    assert (new.budget, new.entry, new.probe, new.confirm, new.tries, new.avoid) == (20.0, None, None, False, 0, "")
    assert (new.egress, new.deadline, new.rate, new.sent, new.aside, new.held) == ("", 0.0, 0.0, 0.0, False, 0.0)


def test_what_left_the_lines_is_counted() -> None:
    """However it left."""
    queue = line_of(
        ask("a"), ask("b"), ask("c", queued=NOW - 900), ask("d", limit=OTHER), ask("e", pool="fast", queued=NOW - 9)
    )
    assert (queue.gone, len(queue)) == (0, 5)
    queue.expire(NOW)
    assert (queue.gone, len(queue)) == (1, 4)
    queue.flush("rdap/other")
    assert (queue.gone, len(queue)) == (2, 3)
    queue.flush_pool("fast", NOW)
    assert (queue.gone, len(queue)) == (3, 2)
    taken(queue, staffed())
    assert (queue.gone, len(queue)) == (4, 1)


def test_the_published_limits() -> None:
    """Ranks, shares, seconds and counts."""
    assert LONGEST == {BACKGROUND: 1800.0, ORDINARY: 21_600.0}
    assert (TOKENS, SHARE, MOST_ROUTINE, MOST_FROM_SWEEPS, SECONDS_FROM_SWEEPS) == (6, 4, 2000, 1000, 60.0)
    assert [(plan.share, plan.evenly) for plan in (PLANS[rank] for rank in range(5))] == [
        (1.0, False), (0.75, False), (0.75, False), (0.5, True), (0.5, True),
    ]  # fmt: skip


# -- patience and room -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rank", "rate", "learned", "seconds"),
    [
        (URGENT, 1.0, 0.0, 300.0),
        (URGENT, 1.0, 0.005, 1200.0),  # what was learned counts
        (URGENT, 0.005, 0.0, 1200.0),
        (URGENT, 0.005, 1.0, 300.0),
        (URGENT, 0.0, 0.0, 300.0),
        (PRIORITY, 0.005, 0.0, 1200.0),
        (NEWS, 1.0, 0.0, 1800.0),
        (NEWS, 0.003, 0.0, 2000.0),
        (ORDINARY, 1.0, 0.0, 21_600.0),
        (BACKGROUND, 0.001, 0.001, 1800.0),
    ],
)
def test_how_long_a_question_waits_at_most(rank: int, rate: float, learned: float, seconds: float) -> None:
    """Six tokens of a slow operator where these take longer than five minutes; routine for its own time."""
    limit = Limit("whois/any", rate, 1)

    assert Queue(DAY).patience(limit, rank, learned) == pytest.approx(seconds)
    question = ask(rank=rank, limit=limit, rate=learned)
    line_of(question)
    assert question.deadline == pytest.approx(NOW + seconds)


def test_the_pace_is_the_configured_one_where_none_was_learned() -> None:
    """That is what is meant where none is named."""
    assert Queue(DAY).patience(Limit("whois/slow", 0.005, 1), URGENT) == 1200.0


def test_a_line_takes_one_routine_question_more_than_it_serves_in_time() -> None:
    """The last place counts, for what is admitted and for what is left; without a day's quota only time does."""
    slow = Limit("whois/slow", 0.001, 1)
    queue = line_of(interval=DAY)
    assert queue.room(slow, BACKGROUND) == 1 + 1
    queue.put(ask("a", BACKGROUND, limit=slow))
    assert (queue.room(slow, BACKGROUND), queue.admits(slow, BACKGROUND, Budgets(), ["home"], NOW)) == (1, True)
    queue.put(ask("b", BACKGROUND, limit=slow))
    queue.put(ask("c", BACKGROUND, limit=slow))
    assert (queue.room(slow, BACKGROUND), queue.admits(slow, BACKGROUND, Budgets(), ["home"], NOW)) == (0, False)
    assert queue.room_for_sweeps(slow, BACKGROUND, Budgets(), ["home"], NOW) == 0


def test_ranks_that_are_never_turned_away_have_room_for_a_million() -> None:
    """Sweeps fill no more than their own share of a line with them."""
    assert Queue(DAY).room(LIMIT, URGENT) == 1_000_000
    fast = Limit("whois/fast", 1000.0, 1)
    assert Queue(DAY).room_for_sweeps(fast, NEWS, Budgets(), ["home"], NOW) == 1000 + 60_000
    assert Queue(DAY).room_for_sweeps(LIMIT, URGENT, Budgets(), ["home"], NOW) == 301


def test_a_line_that_took_more_than_it_leaves_to_others_has_no_room() -> None:
    """And all of it again when what waited has left, whatever its rank."""
    fast = Limit("rdap/fast", 1000.0, 1)
    queue = line_of(
        ask("urgent", URGENT, NOW - 9000, fast), *(ask(str(number), BACKGROUND, limit=fast) for number in range(1001))
    )
    assert queue.room(fast, BACKGROUND) == 0

    assert len(queue.expire(NOW + 1800)) == 1002
    assert queue.room(fast, BACKGROUND) == MOST_ROUTINE


def test_the_last_question_of_a_day_is_admitted() -> None:
    """And one more is not; from two egresses there are two days."""
    late, budgets = NOW + DAY - 3600, Budgets()
    for used, admitted in ((239, True), (240, False)):
        budgets._bucket(DAILY, "a", late).used_today = used
        assert Queue(60.0).admits(DAILY, URGENT, budgets, ["a"], late) is admitted
    assert Queue(60.0).admits(DAILY, URGENT, budgets, ["a", "b"], late)
    waiting = line_of(*(ask(str(number), limit=DAILY) for number in range(240)))
    assert not waiting.admits(DAILY, URGENT, budgets, ["b"], late)


# -- the order in a line ---------------------------------------------------------------------------------------------------


def test_of_questions_that_wait_as_long_the_first_that_came_goes_first() -> None:
    """In one rank, by age across ranks, and when the line is emptied."""
    queue = line_of(*(ask(name) for name in "abc"))
    assert [taken(queue, staffed(), NOW + second)[0][0] for second in range(3)] == ["a", "b", "c"]

    queue = line_of(ask("late", BACKGROUND), ask("early", ORDINARY), *(ask(name) for name in "uvwx"))
    assert [taken(queue, staffed(), NOW + second)[0][0] for second in range(4)] == ["u", "v", "w", "late"]
    assert [item.domain for item in queue.flush(LIMIT.operator)] == ["x", "early"]

    queue = line_of(*(ask(name) for name in "abcdefgh"))
    assert taken(queue, staffed())[0][0] == "a"
    assert [item.domain for item in queue.flush(LIMIT.operator)] == list("bcdefgh")


def test_each_operator_has_a_turn_of_its_own() -> None:
    """What one line gave counts for no other."""
    items = [ask(f"{limit.operator}{number}", URGENT, limit=limit) for limit in (LIMIT, OTHER) for number in range(9)]
    queue = line_of(*items, *(ask(f"old {limit.operator}", BACKGROUND, NOW - 9, limit) for limit in (LIMIT, OTHER)))
    budgets, workers = Budgets(), staffed(free=99)
    served = [[name for name, _ in taken(queue, workers, NOW + second, budgets=budgets)] for second in range(4)]

    assert served[3] == ["old whois/example", "old rdap/other"]
    assert all(not name.startswith("old") for names in served[:3] for name in names)


def test_a_line_takes_over_the_limit_of_its_newest_question() -> None:
    """The number of a zone's addresses is known only later."""
    queue = line_of(ask("a", limit=Limit("dns/com", 1.0, 1)), ask("b", limit=Limit("dns/com", 2.0, 1, 240)))
    assert queue._lines["dns/com"].limit == Limit("dns/com", 2.0, 1, 240)


# -- when a line has something to do ---------------------------------------------------------------------------------------


def test_a_line_without_a_token_is_woken_by_the_next_one() -> None:
    """The first of all lines, by the egress that is ready first."""
    budgets, workers = Budgets(), staffed(HOST_A, HOST_B, a="one", b="two")
    slow = Limit("rdap/slow", 0.1, 1)
    queue = line_of(*(ask(name) for name in "abc"), *(ask(name, limit=slow) for name in "def"))
    budgets.take(LIMIT, "one", NOW - 0.5)
    assert sorted(name for name, _ in taken(queue, workers, budgets=budgets)) == ["a", "d", "e"]

    assert queue.next_at(budgets, workers, NOW) == NOW + 0.5


def test_a_line_that_waits_for_a_worker_is_not_woken_by_a_token() -> None:
    """Until there is news of a worker, or of the line."""
    budgets, workers = Budgets(), staffed(free=0)
    queue = line_of(ask("a"))
    assert queue.next_at(budgets, workers, NOW) == NOW + 300.0  # its deadline: no egress has a free slot
    assert taken(queue, workers, budgets=budgets) == []
    workers._workers[HOST_A].free = 1
    assert queue.next_at(budgets, workers, NOW) == NOW + 300.0
    workers.news += 1
    assert queue.next_at(budgets, workers, NOW) == NOW

    workers._workers[HOST_A].free = 0
    taken(queue, workers, budgets=budgets)
    workers._workers[HOST_A].free = 1
    queue.put(ask("b"))
    assert queue.next_at(budgets, workers, NOW) == NOW


def test_a_line_is_woken_for_its_best_rank() -> None:
    """What that may use of the day is the most."""
    budgets, late = Budgets(), NOW + DAY - 60
    budgets._bucket(DAILY, "home", late).used_today = 200
    queue = line_of(ask("poll", PRIORITY, late, DAILY), ask("alarm", URGENT, late, DAILY))

    assert queue.next_at(budgets, staffed(), late) == late


def test_each_pool_has_egresses_of_its_own() -> None:
    """A token for an egress from which a pool cannot ask wakes no line of it."""
    budgets, workers = Budgets(), staffed(HOST_A, a="one")
    workers.heard(Credit(VERSION, "fast-0@b", "b", "fast", "two", ("whois",), 9, 9, 0), NOW)
    for egress in ("one", "two"):
        budgets.take(LIMIT, egress, NOW - (0.25 if egress == "two" else 0.0))
    queue = line_of(ask("a", limit=LIMIT))
    queue.put(ask("b", limit=OTHER, pool="fast"))
    budgets.take(OTHER, "two", NOW)

    assert queue.next_at(budgets, workers, NOW) == NOW + 1.0


def test_an_empty_queue_waits_for_nothing() -> None:
    """And nothing expires."""
    assert Queue().next_at(Budgets(), staffed(), NOW) is None
    assert Queue().expire(NOW) == []


def test_after_an_expiry_the_next_deadline_is_known() -> None:
    """The nearest of all ranks and lines that are left."""
    queue = line_of(
        ask("a", queued=NOW - 300),
        ask("b", queued=NOW - 100),
        ask("e", queued=NOW - 90),
        ask("c", BACKGROUND, NOW - 1790),
        ask("d", queued=NOW - 50, limit=OTHER),
    )
    assert [item.domain for item in queue.expire(NOW)] == ["a"]
    assert queue.next_at(Budgets(), Workers("boot"), NOW) == NOW + 10
    assert [item.domain for item in queue.expire(NOW + 10)] == ["c"]
    assert queue.next_at(Budgets(), Workers("boot"), NOW) == NOW + 200
