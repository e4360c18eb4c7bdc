"""Which worker a question goes to, what waits beside its line, and when a line has something to do: each rule by itself."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.entry import BACKGROUND, NEWS, ORDINARY, PRIORITY, URGENT, Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Evidence
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
from common.core.workers.leases import SUSPICIOUS, Suspicion, Workers
from common.core.workers.second_pass import WAIT
from common.messages import VERSION, Credit

NOW = 20_718 * DAY
LIMIT = Limit("whois/example", 1.0, 1)
OTHER = Limit("rdap/other", 1.0, 1)
DAILY = Limit("whois/daily", 1.0, 1, 240)
HOST_A, HOST_B, HOST_C = "deep-0@a", "deep-0@b", "deep-0@c"


def ask(domain: str = "a.com", rank: int = URGENT, queued: float = NOW, limit: Limit = LIMIT, **changes: Any) -> Ask:
    """A question at a registry."""
    return Ask(**{"method": "whois", "pool": "deep", "suffix": "com", "server": "whois.example", "budget": 20.0, **changes},
               domain=domain, limit=limit, rank=rank, queued=queued)  # fmt: skip


def confirming(by: str = HOST_A, egress: str = "", **changes: Any) -> Ask:
    """The question of a second pass: the first was answered by this worker, from this egress."""
    entry = Entry("a.com", "com", "a")
    reading = Reading(Outcome.UNREGISTERED, "whois_free", "no object")
    entry.detail.evidence["whois"] = Evidence(Observation("whois", reading), NOW - 60, NOW - 60, by=by)
    entry.asked_from["whois"] = egress
    return ask(entry=entry, confirm=True, **changes)


def staffed(*names: str, free: int = 9, pool: str = "deep", **egresses: str) -> Workers:
    """Workers with free slots; each asks from its own egress where one is named (by the host's letter), else from "home"."""
    workers = Workers("boot")
    for name in names or (HOST_A,):
        egress = egresses.get(name[-1], "home")
        workers.heard(Credit(VERSION, name, f"b{name}", pool, egress, ("whois",), free, free, 0), NOW)
    return workers


def line_of(*asks: Ask, interval: float = DAY) -> Queue:
    """Lines with these questions in them."""
    queue = Queue(interval)
    for item in asks:
        queue.put(item)
    return queue


def taken(queue: Queue, workers: Workers, now: float = NOW, **tools: Any) -> list[tuple[str, str]]:
    """What leaves the lines, with the worker that gets it, and takes a slot of it."""
    found = []
    for item, worker in queue.take(tools.get("budgets") or Budgets(), workers, tools.get("suspicion") or Suspicion(), now):
        workers.lease(worker, item, item.budget, now)
        found.append((item.domain, worker.name))
    return found


def suspicious(*names: str) -> Suspicion:
    """What killed workers so often that it has to run alone."""
    suspicion = Suspicion()
    for _ in range(SUSPICIOUS):
        suspicion.died(list(names), alone=False, now=NOW)
    return suspicion


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


# -- workers ---------------------------------------------------------------------------------------------------------------


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
