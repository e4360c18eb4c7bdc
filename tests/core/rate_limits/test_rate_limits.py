"""The door of the room: what an operator takes now from the egresses that are there, and what follows when it limits us."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.effects import Effects, LogLine
from common.core.model.entry import Rank
from common.core.model.evidence import Observation, Outcome, Quota, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.query import Call, Query
from common.core.rate_limits.policy import PATIENCE, SEVERAL
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.directory import Directory
from common.core.registries.registries import Registries
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import RETURN, Workers
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0
LIMIT = Limit("rdap/rdap.com.test", 2.0, 4, None)


class Room:
    """The door, with the rooms below it, for an RDAP server and workers at these egresses."""

    def __init__(self, *egresses: str) -> None:
        self.effects = Effects()
        self.workers = Workers("boot")
        registries = Registries(
            directory=Directory(own={"com": ("https://rdap.com.test/",)}),
            overrides={"rdap/*": LIMIT, "*": Limit("*", 1.0, 1)},
            recursive_dns=False,
            iana_host="whois.iana.org",
        )
        self.telemetry = Telemetry(self.effects, NOW)
        self.limits = RateLimits(registries, self.workers, self.telemetry, 3600.0)
        for egress in egresses:
            credit = Credit(VERSION, f"i@{egress}", "b", "intermediate", egress, ("rdap",), 4, 4, 0)
            self.workers.note_credit(credit, NOW)

    def log(self) -> list[tuple[str, dict[str, Any]]]:
        """The log lines written since the last call."""
        return [(line.event, line.fields) for line in self.effects.take_planned() if isinstance(line, LogLine)]


def query_of(domain: str = "a.com", egress: str = "north", rank: Rank = Rank.ORDINARY) -> Query:
    """A query to the server of com."""
    return Query(
        method="rdap",
        pool="intermediate",
        domain=domain,
        suffix="com",
        server="https://rdap.com.test/",
        limit=LIMIT,
        rank=rank,
        queued=NOW,
        budget=15.0,
        egress=egress,
        sent_at=NOW,
    )


def throttled(wait: float | None = None) -> Observation:
    """A 429, with Retry-After in seconds or without."""
    return Observation("rdap", Reading(Outcome.THROTTLED, "rdap_429", "slow down", retry_after=wait), status=429)


def test_the_best_egress_counts() -> None:
    """Limited at one, the operator takes queries from the other."""
    room = Room("north", "south")
    assert room.limits.egresses_of("rdap", NOW) == ["north", "south"]
    assert room.limits.note_query_answer(query_of(), throttled(600.0), NOW) is None

    assert room.limits.current_pace("rdap", "com", NOW) == 2.0
    assert room.limits.learned_rate("rdap", LIMIT, NOW) == 2.0
    assert room.limits.has_token("rdap", "com", NOW)
    assert room.limits.admits_query("rdap", LIMIT, Rank.URGENT, NOW)
    assert not room.limits.is_limited(LIMIT, "intermediate", NOW)


def test_an_operator_that_limits_every_egress_takes_no_queries() -> None:
    """Until its pause is over; the learned rate is known meanwhile."""
    room = Room("north", "south")
    for egress in ("north", "south"):
        room.limits.note_query_answer(query_of(egress=egress), throttled(600.0), NOW)

    assert room.limits.is_limited(LIMIT, "intermediate", NOW)
    assert room.limits.current_pace("rdap", "com", NOW) == 0.0
    assert not room.limits.has_token("rdap", "com", NOW)
    assert not room.limits.admits_query("rdap", LIMIT, Rank.URGENT, NOW)
    assert room.limits.learned_rate("rdap", LIMIT, NOW) == 1.0
    assert room.limits.current_pace("rdap", "com", NOW + 600) == 1.0


def test_a_long_pause_displaces_the_queries_that_wait() -> None:
    """Those of this operator, with the reason, and for how long; it is logged and counted."""
    room = Room("north")
    waiting = [query_of("b.com"), query_of("c.com", rank=Rank.URGENT)]
    for query in waiting:
        room.limits.queue.add_query(query)
    displaced = room.limits.note_query_answer(query_of(), throttled(600.0), NOW)

    assert displaced is not None
    assert displaced.queries == [waiting[1], waiting[0]]
    assert (displaced.why, displaced.wait) == ("rdap/rdap.com.test limits us: throttled: slow down", 600.0)
    assert len(room.limits.queue) == 0
    assert room.log() == [("operator_shut", {"operator": LIMIT.operator, "until": NOW + 600, "reason": "throttled: slow down"})]
    assert room.telemetry.metrics.sum_counter("operator_complaints", ("operator",)) == {LIMIT.operator: 1}


def test_a_short_pause_is_waited_for() -> None:
    """Nothing is displaced, and the complaint is logged all the same."""
    room = Room("north")
    room.limits.queue.add_query(query_of())

    assert room.limits.note_query_answer(query_of(), throttled(PATIENCE), NOW) is None
    assert len(room.limits.queue) == 1
    assert [event for event, _ in room.log()] == ["operator_shut"]


def test_an_answer_without_complaint_displaces_nothing() -> None:
    """Nor is it logged."""
    room = Room("north")
    clean = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200)

    assert room.limits.note_query_answer(query_of(), clean, NOW) is None
    assert room.log() == []


def test_a_sweep_that_was_refused_limits_like_a_query() -> None:
    """Also at the egress of a pool whose last worker just left."""
    room = Room()
    limit = Limit("dns/com", 8.0, 8, None, 4)
    refused = Observation("dns", Reading(Outcome.UNKNOWN, "dns_refused", "9 of 9 refused"), refused=True)
    displaced = room.limits.note_sweep_answer(limit, "north", refused, NOW, NOW)

    assert displaced is not None
    assert (displaced.queries, displaced.wait) == ([], 60.0)
    assert room.limits.is_limited(limit, "fast", NOW, "north")
    assert not room.limits.is_limited(limit, "fast", NOW)


def test_a_suffix_without_a_server_takes_no_queries() -> None:
    """Nor does one without a worker; one whose last worker is being restarted does."""
    room = Room("north")
    assert (room.limits.current_pace("rdap", "zz", NOW), room.limits.has_token("rdap", "zz", NOW)) == (0.0, False)
    assert Room().limits.current_pace("rdap", "com", NOW) == Room().limits.learned_rate("rdap", LIMIT, NOW) == 0.0

    room.workers.drop_left("i@north", "b")
    assert room.limits.current_pace("rdap", "com", NOW + RETURN) == 2.0
    assert room.limits.current_pace("rdap", "com", NOW + RETURN + 1) == 0.0


def test_sweeps_may_add_as_many_queries_as_the_queue_has_room_for() -> None:
    """None without an egress: there would be no worker to send them."""
    room = Room("north")
    before = room.limits.room_for_sweeps("rdap", LIMIT, Rank.ORDINARY, NOW)
    room.limits.queue.add_query(query_of())

    assert before > 1000
    assert room.limits.room_for_sweeps("rdap", LIMIT, Rank.ORDINARY, NOW) == before - 1
    assert Room().limits.room_for_sweeps("rdap", LIMIT, Rank.ORDINARY, NOW) == 0


@pytest.mark.parametrize("last", [False, True])
def test_what_was_learned_is_stored_when_it_changed(last: bool) -> None:
    """Counts of the day only now and then, and at the end of a run."""
    room, daily = Room("north"), Limit("whois/daily", 100.0, 100, 20_000)
    assert room.limits.take_changed(last=last) is None
    room.limits.budgets.take_token(daily, "north", NOW)
    assert (room.limits.take_changed(last=last) is not None) is last

    room.limits.note_query_answer(query_of(), throttled(600.0), NOW)
    text = room.limits.take_changed(last=last)
    assert text is not None
    again = Room("north")
    again.limits.restore_learned(text)
    assert again.limits.is_limited(LIMIT, "intermediate", NOW + 60)
    again.limits.restore_learned("{broken")
    assert not again.limits.is_limited(LIMIT, "intermediate", NOW + 60)


# -- calls and what servers state --------------------------------------------------------------------------------------------


def called(*names: str) -> list[Query]:
    """Queries that left in one call."""
    call = Call(number=1, names=set(names))
    queries = [query_of(name) for name in names]
    for query in queries:
        query.call = call
    return queries


def test_the_token_of_a_call_comes_back_once_and_only_if_the_call_was_never_made() -> None:
    """A query without a call has one of its own."""
    room = Room("north")
    room.limits.budgets.available_tokens(LIMIT, "north", NOW - 10)
    room.limits.budgets.take_tokens(LIMIT, "north", 3, NOW)
    budgets = room.limits.budgets
    for query, left in zip(called("a.com", "b.com", "c.com"), (1, 1, 2), strict=True):
        room.limits.return_token(query, NOW)
        assert budgets.available_tokens(LIMIT, "north", NOW) == left
    for query in called("a.com", "b.com", "c.com")[:2]:
        room.limits.return_token(query, NOW)
    assert budgets.available_tokens(LIMIT, "north", NOW) == 2
    room.limits.return_token(query_of(), NOW)
    assert budgets.available_tokens(LIMIT, "north", NOW) == 3


def test_what_a_call_found_is_learned_once() -> None:
    """One page that means nothing is told for each of twenty names: it is one odd answer, and eight make a complaint."""
    room = Room("north")
    odd = Observation("rdap", unknown_reading("rdap_html", "a page"), status=200)
    for number in range(SEVERAL - 1):
        for query in called(*(f"n{number}-{place}.com" for place in range(20))):
            assert room.limits.note_query_answer(query, odd, NOW + number) is None
    assert room.log() == []
    (last,) = called("last.com")
    last.sent_at = NOW + SEVERAL

    assert room.limits.note_query_answer(last, odd, NOW + SEVERAL) is not None
    assert [event for event, _ in room.log()] == ["operator_shut"]


def test_different_answers_of_a_call_each_teach() -> None:
    """A name that is found does not hide the refusal of another."""
    room = Room("north")
    first, second, third = called("a.com", "b.com", "c.com")
    clean = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200)

    assert room.limits.note_query_answer(first, clean, NOW) is None
    assert room.limits.note_query_answer(second, throttled(600.0), NOW) is not None
    assert room.limits.note_query_answer(third, throttled(600.0), NOW) is None
    assert room.limits.learned_rate("rdap", LIMIT, NOW) == 1.0


def test_a_long_wait_displaces_the_queries_that_wait_and_is_no_complaint() -> None:
    """Nothing is logged or counted, and the rate stays."""
    room = Room("north")
    room.limits.queue.add_query(waiting := query_of("b.com"))
    clean = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200, quota=Quota(wait=600.0))
    displaced = room.limits.note_query_answer(query_of(), clean, NOW)

    assert displaced is not None
    assert (displaced.queries, displaced.wait) == ([waiting], 600.0)
    assert displaced.why == "rdap/rdap.com.test takes no call for a while"
    assert room.log() == []
    assert room.limits.learned_rate("rdap", LIMIT, NOW) == 2.0
    assert room.limits.current_pace("rdap", "com", NOW + 599) == 0.0


@pytest.mark.parametrize("quota", [Quota(wait=PATIENCE), Quota(wait=0.0), Quota(rate=5.0), None])
def test_without_a_long_wait_nothing_is_displaced(quota: Quota | None) -> None:
    """Also while an earlier pause lasts: that one displaced what there was."""
    room = Room("north")
    clean = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200, quota=quota)
    room.limits.queue.add_query(query_of())
    assert room.limits.note_query_answer(query_of(), clean, NOW) is None
    assert len(room.limits.queue) == 1
