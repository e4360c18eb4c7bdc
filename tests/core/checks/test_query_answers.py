"""The answer to a query: only the worker that holds its lease decides, and budget, channel and check learn from it."""

from __future__ import annotations

from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.states import State
from common.core.telemetry.metrics import snapshot_rows
from common.messages import Credit, Result, Task
from tests.core.checks.checks_room import NOW, RDAP, WHOIS, ChecksRoom, credit, query

DELEGATED = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated"), server="com", width=7)
DENIED = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied"), server="com")
THROTTLED = Observation("rdap", Reading(Outcome.THROTTLED, "rdap_429", "429", retry_after=3600.0), RDAP.server, status=429)
FAST = credit("fast")


def sent(room: ChecksRoom, name: str = "a.com") -> tuple[Entry, Task]:
    """A name under check, whose DNS query has left."""
    entry = room.load(name)
    room.checks.begin_check(entry, NOW)
    room.queries.send_ready_queries(NOW)
    (task,) = room.sent()
    return entry, task


def late_results(room: ChecksRoom) -> float:
    """How many answers came for no lease."""
    found = snapshot_rows(room.telemetry.metrics.snapshot(), "counters")
    return sum(count for name, _, count in found if name == "late_results")


def test_an_answer_is_evidence_and_continues_the_check() -> None:
    """The registry follows."""
    room = ChecksRoom()
    entry, task = sent(room)
    room.answers.take_result(Result(task.attempt, DENIED), FAST, NOW + 1)

    assert entry.detail.evidence["dns"].observation == DENIED
    assert entry.detail.evidence["dns"].by == "fast-0@h"
    assert room.waiting_queries() == [("rdap", "a.com")]
    assert room.workers.lease_count() == 0


def test_a_second_answer_to_a_query_decides_nothing() -> None:
    """Its lease is over."""
    room = ChecksRoom()
    entry, task = sent(room)
    for _ in range(2):
        room.answers.take_result(Result(task.attempt, DELEGATED), FAST, NOW + 1)
    room.answers.take_result(Result("boot.999", DENIED), FAST, NOW + 1)

    assert late_results(room) == 2
    assert entry.state is State.REGISTERED


def test_an_answer_by_a_worker_without_the_lease_decides_nothing() -> None:
    """Attempts can be guessed; the query is still awaited from the other one."""
    room = ChecksRoom()
    entry, task = sent(room)
    other = Credit(FAST.version, FAST.worker, "another boot", "fast", "default", FAST.methods, 100, 100, 0)
    room.answers.take_result(Result(task.attempt, DENIED), other, NOW + 1)

    assert "dns" not in entry.detail.evidence
    assert room.workers.lease_count() == 1


def test_a_query_that_comes_back_unasked_is_sent_again_and_costs_nothing() -> None:
    """The worker was full, or drains."""
    room = ChecksRoom()
    limit = room.registries.limit_of("dns", "com", "com")
    room.fill_budget(limit)
    entry, task = sent(room)
    room.answers.take_result(Result(task.attempt, returned=True), FAST, NOW)

    assert room.rate_limits.budgets.available_tokens(limit, "default", NOW) == limit.burst
    assert room.waiting_queries() == [("dns", "a.com")]
    assert entry.check is not None


def test_an_answer_by_another_method_than_asked_is_none() -> None:
    """A forged registry answer is no evidence."""
    room = ChecksRoom()
    entry, task = sent(room)
    forged = Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found"), server=RDAP.server)
    room.answers.take_result(Result(task.attempt, forged), FAST, NOW + 1)

    assert entry.detail.evidence == {}
    assert room.waiting_queries() == [("dns", "a.com")]


def test_an_answer_teaches_how_many_addresses_serve_its_zone() -> None:
    """The budget of the zone grows with them."""
    room = ChecksRoom()
    _, task = sent(room)
    room.answers.take_result(Result(task.attempt, DELEGATED), FAST, NOW + 1)

    assert room.registries.address_count("com") == 7


def test_an_operator_that_begins_to_limit_us_displaces_the_queries_that_wait_for_it() -> None:
    """Their checks go on without RDAP: by WHOIS."""
    room = ChecksRoom()
    entries = [room.load(name) for name in ("a.com", "b.com")]
    for entry in entries:
        room.checks.begin_check_from_sweep(entry, DENIED, NOW)
    waiting = room.rate_limits.queue.take_pool("intermediate", float("inf"))
    room.rate_limits.queue.add_query(waiting[0])
    room.queries.send_ready_queries(NOW)
    (task,) = room.sent()
    room.rate_limits.queue.add_query(waiting[1])
    room.answers.take_result(Result(task.attempt, THROTTLED), credit("intermediate"), NOW + 1)

    assert room.waiting_queries() == [("whois", "a.com"), ("whois", "b.com")]
    noted = {entry.name: entry.detail.trouble["rdap"].observation.reading.finding for entry in entries}
    assert sorted(noted.values()) == ["not_asked", "rdap_429"]


def test_an_answer_that_ends_no_check_is_still_evidence() -> None:
    """Its check may be over, and another one under way."""
    room = ChecksRoom()
    entry, task = sent(room)
    entry.check = None
    room.answers.take_result(Result(task.attempt, DENIED), FAST, NOW + 1)

    assert entry.detail.evidence["dns"].observation == DENIED
    assert room.waiting_queries() == []


def test_a_referral_teaches_the_whois_server_of_a_suffix() -> None:
    """IANA names it; the next check queries it."""
    room = ChecksRoom()
    room.rate_limits.queue.add_query(query("whois", "a.nowhere"))
    room.queries.send_ready_queries(NOW)
    (task,) = room.sent()
    reading = Reading(Outcome.UNKNOWN, "whois_referral", "see there", referral="whois.nowhere.test")
    room.answers.take_result(Result(task.attempt, Observation("whois", reading)), credit("deep"), NOW + 1)

    assert room.registries.server_of("whois", "nowhere") == "whois.nowhere.test"
    assert room.registries.server_of("whois", "com") == WHOIS.server
