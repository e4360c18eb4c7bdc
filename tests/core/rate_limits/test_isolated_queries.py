"""Queries that must run alone, or that no worker can take: they delay no other query, and cost no ticks while they wait."""

from __future__ import annotations

import pytest

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.query_queue import QueryQueue
from common.core.workers.leases import Workers
from common.core.workers.poison import SUSPICION_MEMORY, PoisonDetector
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0
PLENTY = Limit("whois/x", 1000.0, 1000, None)
INNOCENTS = [f"innocent{number}.com" for number in range(51)]


def credit(name: str = "deep-0@h", *, free: int = 100, egress: str = "default") -> Credit:
    """A credit message of a worker that knows WHOIS; `deep-0` is the one that loses things."""
    return Credit(VERSION, name, f"boot of {name}", "deep", egress, ("whois",), 100, free, 0)


def query(domain: str, *, rank: Rank = Rank.ORDINARY, queued: float = NOW, avoid: str = "", limit: Limit = PLENTY) -> Query:
    """A WHOIS query about a name."""
    return Query(
        method="whois", pool="deep", domain=domain, suffix="com", server="whois.x", limit=limit, rank=rank, queued=queued,
        budget=5.0, avoid=avoid,
    )  # fmt: skip


class Queue:
    """Workers, a queue of queries, and a name that was under work in three deaths."""

    def __init__(self, *there: Credit) -> None:
        self.workers, self.queue, self.poison = Workers("boot"), QueryQueue(), PoisonDetector()
        self.budgets = Budgets()
        self.budgets.available_tokens(PLENTY, "default", NOW - 10)  # the bucket is full by now
        for each in there or (credit(),):
            self.workers.note_credit(each, NOW)
        for _ in range(3):
            self.poison.note_death(["poison.com"], alone=False, now=NOW)

    def take(self, now: float = NOW) -> list[tuple[str, str]]:
        """(domain, worker) of everything that leaves now."""
        taken = []
        for each, worker in self.queue.take_ready(self.budgets, self.workers, self.poison, now):
            self.workers.grant_lease(worker, each, each.budget, now)
            taken.append((each.domain, worker.name))
        return taken

    def occupy(self) -> str:
        """Let the first worker do something that has nothing to do with the queue; the attempt."""
        worker = self.workers.choose_worker("deep")
        assert worker is not None
        return self.workers.grant_lease(worker, query("unrelated.com"), 60.0, NOW).attempt


def test_a_name_that_must_run_alone_delays_no_other() -> None:
    """One unrelated task runs for a minute: the fifty-one behind the suspicious name leave at once."""
    there = Queue()
    there.occupy()
    for domain in ("poison.com", *INNOCENTS):
        there.queue.add_query(query(domain))

    assert [domain for domain, _ in there.take()] == INNOCENTS
    assert len(there.queue) == 1


@pytest.mark.parametrize("per_day", [None, 1000])
def test_a_name_that_must_run_alone_delays_no_rank_behind_it(per_day: int | None) -> None:
    """Whatever its own rank, and whether the operator counts days or not."""
    there = Queue()
    there.occupy()
    limit = Limit("whois/x", 1000.0, 1000, per_day)
    there.queue.add_query(query("poison.com", rank=Rank.URGENT, limit=limit))
    there.queue.add_query(query("innocent.com", limit=limit))

    assert [domain for domain, _ in there.take()] == ["innocent.com"]


def test_a_suspicious_name_runs_in_its_turn_once_a_worker_is_idle_and_nothing_runs_beside_it() -> None:
    """It keeps its place in the queue, and leaves by itself."""
    there = Queue()
    attempt = there.occupy()
    there.queue.add_query(query("poison.com", queued=NOW - 1))
    assert there.take() == []

    there.workers.finish_lease(attempt)
    there.queue.add_query(query("innocent.com"))
    assert there.take() == [("poison.com", "deep-0@h")]


def test_with_two_workers_one_takes_the_suspicious_name_and_the_other_the_rest() -> None:
    """The idle one runs it alone."""
    there = Queue(credit(free=100), credit("deep-1@h", free=50))
    there.occupy()
    for domain in ("poison.com", "innocent.com"):
        there.queue.add_query(query(domain))

    assert there.take() == [("poison.com", "deep-1@h"), ("innocent.com", "deep-0@h")]


def test_a_suspicion_ends_where_no_worker_is_ever_idle() -> None:
    """Ten minutes after the last death the name goes with the others again."""
    poison = Queue().poison
    poison.forget_old(NOW + SUSPICION_MEMORY - 1)
    assert poison.must_run_alone("poison.com")

    poison.forget_old(NOW + SUSPICION_MEMORY)
    assert not poison.must_run_alone("poison.com")


def test_a_query_that_waits_for_a_worker_needs_no_tick_before_there_is_news() -> None:
    """Its token is there all the time; a credit message, or the end of a lease, may be what it waits for."""
    there = Queue()
    attempt = there.occupy()
    there.queue.add_query(query("poison.com"))
    assert there.queue.next_at(there.budgets, there.workers, NOW) == NOW
    assert there.take() == []
    at = there.queue.next_at(there.budgets, there.workers, NOW)
    assert at is not None
    assert at > NOW + 60

    there.workers.finish_lease(attempt)
    assert there.queue.next_at(there.budgets, there.workers, NOW) == NOW
    assert there.take() == [("poison.com", "deep-0@h")]


def test_a_query_that_no_worker_knows_needs_no_tick_either() -> None:
    """A pool of another version, with places and without the method."""
    there = Queue(Credit(VERSION, "deep-0@h", "b", "deep", "default", ("other",), 4, 4, 0))
    there.queue.add_query(query("a.com"))
    assert there.take() == []
    at = there.queue.next_at(there.budgets, there.workers, NOW)

    assert at is not None
    assert at > NOW + 60


def test_the_queue_is_searched_again_when_a_token_is_there_for_the_next_query() -> None:
    """Also with a suspicious name before it."""
    there = Queue()
    there.occupy()
    slow = Limit("whois/slow", 0.5, 1, None)
    for domain in ("poison.com", "a.com", "b.com"):
        there.queue.add_query(query(domain, limit=slow))

    assert [domain for domain, _ in there.take()] == ["a.com"]
    assert there.queue.next_at(there.budgets, there.workers, NOW) == NOW + 2.0
    assert [domain for domain, _ in there.take(NOW + 2.0)] == ["b.com"]


def test_a_lost_query_leaves_from_another_egress_where_only_there_is_another_worker() -> None:
    """The worker that lost it comes last, in whatever order egresses are tried."""
    there = Queue(credit(egress="a"), credit("deep-1@h", free=1, egress="b"))
    there.queue.add_query(query("lost.com", avoid="deep-0@h"))
    there.budgets.available_tokens(PLENTY, "a", NOW - 10)
    there.budgets.available_tokens(PLENTY, "b", NOW - 10)

    assert there.take() == [("lost.com", "deep-1@h")]


def test_what_the_only_worker_lost_goes_to_it_again() -> None:
    """There is no other."""
    there = Queue()
    there.queue.add_query(query("lost.com", avoid="deep-0@h"))

    assert there.take() == [("lost.com", "deep-0@h")]
