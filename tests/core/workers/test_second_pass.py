"""The worker that confirms an answer: another one than the worker that got it, as far from it as possible."""

from __future__ import annotations

from common.core.model.entry import Entry, Rank
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.model.records import Evidence
from common.core.workers.second_pass import TROUBLED, worker_distance, worker_to_confirm

NOW = 1_790_000_000.0
DENIED = Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "no object"))
SHOWN = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"))
TIMED_OUT = Observation("rdap", Reading(Outcome.UNKNOWN, "rdap_timeout", "no answer in time"))


def entry_of(**evidence: Evidence) -> Entry:
    """A name with this evidence."""
    entry = Entry("a.com", "com", "a")
    entry.detail.evidence.update(evidence)
    return entry


def query_of(entry: Entry | None, *, confirm: bool = True, avoid: str = "") -> Query:
    """An RDAP query about a name."""
    return Query(
        method="rdap",
        pool="intermediate",
        domain="a.com",
        suffix="com",
        server="https://rdap.example/",
        limit=Limit("rdap/example", 1.0, 1),
        rank=Rank.URGENT,
        queued=NOW,
        budget=15.0,
        entry=entry,
        confirm=confirm,
        avoid=avoid,
    )


def test_distance_is_by_process_by_host_by_key_and_then_by_egress() -> None:
    """Another host is farther than another process of the same, and another key than both; another egress decides a draw."""
    assert worker_distance("fast-0@a", "fast-0@a") == 0
    assert worker_distance("fast-0@a", "fast-0@a", other_egress=True) == 0
    assert worker_distance("fast-1@a", "fast-0@a") == 2
    assert worker_distance("fast-1@a", "fast-0@a", other_egress=True) == 3
    assert worker_distance("fast-0@b", "fast-0@a") == 4
    assert worker_distance("fast-0@b#k", "fast-0@a#k") == 4
    assert worker_distance("fast-0@b#k", "fast-0@a#k", other_egress=True) == 5
    assert worker_distance("fast-0@a#k", "fast-0@a") == 6
    assert worker_distance("fast-0@a#k", "fast-0@a", other_egress=True) == 7


def test_a_denial_is_confirmed_by_another_worker() -> None:
    """In the second pass alone."""
    entry = entry_of(rdap=Evidence(DENIED, NOW - 60, NOW - 60, by="rdap-0@a"))

    assert worker_to_confirm(query_of(entry), NOW) == "rdap-0@a"
    assert worker_to_confirm(query_of(entry, confirm=False), NOW) == ""


def test_other_answers_need_no_other_worker() -> None:
    """One that shows a registration, one of another method, none at all, and canaries."""
    assert worker_to_confirm(query_of(entry_of(rdap=Evidence(SHOWN, NOW, NOW, by="rdap-0@a"))), NOW) == ""
    assert worker_to_confirm(query_of(entry_of(whois=Evidence(DENIED, NOW, NOW, by="deep-0@a"))), NOW) == ""
    assert worker_to_confirm(query_of(entry_of()), NOW) == ""
    assert worker_to_confirm(query_of(None), NOW) == ""


def test_a_query_that_another_worker_lost_may_go_to_any() -> None:
    """Also to the worker of the first answer: a name that dropped is announced all the same."""
    entry = entry_of(rdap=Evidence(DENIED, NOW - 60, NOW - 60, by="rdap-0@a"))

    assert worker_to_confirm(query_of(entry, avoid="rdap-0@b"), NOW) == ""
    assert worker_to_confirm(query_of(entry, avoid="rdap-0@a"), NOW) == "rdap-0@a"


def test_another_worker_without_an_answer_for_a_minute_is_not_required() -> None:
    """From its first failure on, or from the answer that it has to confirm, if that is later."""
    entry = entry_of(rdap=Evidence(DENIED, NOW - 300, NOW - 300, by="rdap-0@a"))
    entry.detail.trouble["rdap"] = Evidence(TIMED_OUT, NOW, NOW - TROUBLED, by="rdap-0@b")
    assert worker_to_confirm(query_of(entry), NOW - 1) == "rdap-0@a"
    assert worker_to_confirm(query_of(entry), NOW) == ""

    entry.detail.evidence["rdap"] = Evidence(DENIED, NOW - 10, NOW - 300, by="rdap-0@a")
    assert worker_to_confirm(query_of(entry), NOW) == "rdap-0@a"


def test_trouble_of_the_first_worker_itself_changes_nothing() -> None:
    """It is not the one that is waited for."""
    entry = entry_of(rdap=Evidence(DENIED, NOW - 300, NOW - 300, by="rdap-0@a"))
    entry.detail.trouble["rdap"] = Evidence(TIMED_OUT, NOW, NOW - TROUBLED, by="rdap-0@a")

    assert worker_to_confirm(query_of(entry), NOW) == "rdap-0@a"
