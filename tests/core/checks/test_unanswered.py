"""A method that was not queried, or whose worker was lost, is noted beside the evidence of the name with its reason."""

from __future__ import annotations

import pytest

from common.core.model.entry import Check, Entry
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.methods import POOL_OF
from common.core.rate_limits.query_queue import QueryQueue
from tests.core.checks.checks_room import NOW, PLENTY, RDAP, ChecksRoom, query

THROTTLED = Observation("rdap", Reading(Outcome.THROTTLED, "rdap_429", "429", retry_after=3600.0), status=429)


def refuse_place(room: ChecksRoom, entry: Entry, now: float = NOW) -> str:
    """Note that an RDAP query about a name was not admitted; the reason that is noted."""
    limit = room.registries.limit_of("rdap", RDAP.server, "com")
    room.unanswered.note_refused_place(entry, "rdap", "https://rdap.com.test/", limit, now)
    return entry.detail.trouble["rdap"].observation.reading.reason


def only_query(queue: QueryQueue) -> list[str]:
    """The methods of the queries that wait; they leave their queues."""
    return [item.method for pool in set(POOL_OF.values()) for item in queue.take_pool(pool, float("inf"))]


def test_a_worker_that_dies_with_a_query_is_noted() -> None:
    """With the number of times that happened so far; the query waits again, for another worker if possible."""
    room = ChecksRoom()
    entry = room.load("a.com")
    room.checks.begin_check(entry, NOW)
    (waiting,) = room.rate_limits.queue.take_pool("fast", float("inf"))
    room.checks.retry_lost_query(waiting, "fast-0@h", NOW)

    assert entry.detail.trouble["dns"].observation.reading.reason == "the worker that had the question was lost, 1 of 3 times"
    assert entry.detail.trouble["dns"].observation.reading.finding == "not_answered"
    assert waiting.avoid == "fast-0@h"
    assert only_query(room.rate_limits.queue) == ["dns"]


def test_a_query_that_was_lost_three_times_is_given_up() -> None:
    """The check goes on without its answer."""
    room = ChecksRoom()
    entry = room.load("a.com")
    room.checks.begin_check(entry, NOW)
    (waiting,) = room.rate_limits.queue.take_pool("fast", float("inf"))
    for _ in range(2):
        room.checks.retry_lost_query(waiting, "fast-0@h", NOW)
        room.rate_limits.queue.take_pool("fast", float("inf"))
    room.checks.retry_lost_query(waiting, "fast-0@h", NOW)

    assert only_query(room.rate_limits.queue) == ["http"]


def test_a_server_in_quarantine_is_distrusted_and_the_name_says_why() -> None:
    """With the lie as the reason."""
    room, entry = ChecksRoom(), Entry("a.com", "com", "a")
    room.trust.row_of(RDAP).quarantined_until = NOW + 60
    room.trust.row_of(RDAP).reason = "it denied known.com"
    room.unanswered.note_left_out(entry, {"dns", "whois"}, NOW)

    assert entry.detail.trouble["rdap"].observation.reading.reason == "its server is not believed: it denied known.com"


def test_a_suffix_without_a_registry_server_says_so() -> None:
    """There is nothing to wait for."""
    room, entry = ChecksRoom(), Entry("a.nowhere", "nowhere", "a")
    room.unanswered.note_left_out(entry, {"dns"}, NOW)

    assert {item.observation.reading.reason for item in entry.detail.trouble.values()} == {"no server is known for .nowhere"}


def test_what_a_server_answered_in_this_check_is_worth_more() -> None:
    """In the next check it is news that it was not queried; that the suffix is gone stays until another answer arrives."""
    room = ChecksRoom()
    entry = Entry("a.com", "com", "a", check=Check(100.0))
    entry.note_observation(Observation("rdap", unknown_reading("rdap_5xx", "broken")), 101.0)
    entry.note_observation(Observation("dns", unknown_reading("dns_tld_gone", "gone")), 101.0)
    limit = room.registries.limit_of("rdap", RDAP.server, "com")
    room.unanswered.note_refused_place(entry, "rdap", "", limit, 102.0)
    assert entry.detail.trouble["rdap"].observation.reading.finding == "rdap_5xx"

    entry.check = Check(200.0)
    for method in ("rdap", "dns"):
        room.unanswered.note_refused_place(entry, method, "", limit, 202.0)
    assert entry.detail.trouble["rdap"].observation.reading.finding == "not_asked"
    assert entry.detail.trouble["dns"].observation.reading.finding == "dns_tld_gone"


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (Limit("rdap/x", 1.0, 1, None), "the line of rdap/x is too long"),
        (Limit("rdap/x", 0.0, 0, None), "the budget of rdap/x allows no questions"),
        (Limit("rdap/x", 1.0, 1, 0), "the day's quota of rdap/x is used up"),
    ],
)
def test_a_query_that_is_not_admitted_says_why(limit: Limit, reason: str) -> None:
    """A queue that is too long, a budget of nothing, a quota that is used up."""
    room, entry = ChecksRoom(), Entry("a.com", "com", "a")
    room.unanswered.note_refused_place(entry, "rdap", "https://rdap.com.test/", limit, NOW)

    assert entry.detail.trouble["rdap"].observation.reading.reason == reason


def test_an_operator_that_limits_us_is_named_with_the_seconds_left() -> None:
    """They are kept as the time after which a query may succeed."""
    room, entry = ChecksRoom(), Entry("a.com", "com", "a")
    room.rate_limits.budgets.note_answer(room.registries.limit_of("rdap", RDAP.server, "com"), "default", THROTTLED, NOW)

    assert refuse_place(room, entry, NOW + 600).endswith("limits us, for another 3000 s")
    assert entry.detail.trouble["rdap"].observation.reading.retry_after == 3000.0


def test_a_pool_without_workers_is_named() -> None:
    """Nothing else can be the reason then."""
    room = ChecksRoom(limits=PLENTY, workers=False)

    assert refuse_place(room, Entry("a.com", "com", "a")) == "no worker is there that asks rdap"


def test_a_lost_try_is_noted_but_not_that_it_then_waited_in_vain() -> None:
    """A query that was sent once is no query that was never sent."""
    room, entry = ChecksRoom(), Entry("a.com", "com", "a")
    item = query("rdap", "a.com", server="https://rdap.com.test/")
    item.entry, item.tries = entry, 1
    room.unanswered.note_query(item, "no token", NOW)

    assert entry.detail.trouble == {}
