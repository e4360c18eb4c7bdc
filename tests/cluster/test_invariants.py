"""The checkers of the campaign can fail: each violation is found in records that have it, and none in records without."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster import invariants
from tests.cluster.invariants import Bounds
from tests.cluster.records import Epoch, Event, Fault, Limit, Post, Round
from tests.lab.queries import Query

BOUNDS = Bounds(told=20.0, check=4.0)
DROPPING = Event("id-1", "a.com", 1, "pending_delete", b"one")
AVAILABLE = Event("id-2", "a.com", 2, "available", b"two")
KILLED = Fault(1, "kill", "i1", 110.0, 118.0, takeover=10.0, unasked=10.0, led_by=1)


def good() -> Round:
    """A minute in which a leader was killed, another took over after six seconds, and a name dropped meanwhile."""
    away = range(111, 116)
    return Round(
        until=160.0,
        freed={"a.com": [112.0]},
        posts=[Post(100.0, DROPPING, True), Post(119.0, AVAILABLE, False), Post(121.0, AVAILABLE, True)],
        stored=[DROPPING, AVAILABLE],
        seen={"id-1": DROPPING},
        queries=[Query(float(at), "rdap/com", "b.com", "GET") for at in range(100, 161) if at not in away],
        steady=("b.com",),
        limits={("rdap/com",): Limit(rate=0.5, burst=5.0)},
        faults=[KILLED],
        epochs=[Epoch(99.0, "i1", 1), Epoch(116.0, "i2", 2)],
    )


def violations(found: Round) -> list[str]:
    """The kinds of violations, in order."""
    return [text.partition(":")[0] for text in invariants.check_round(found, BOUNDS)]


def test_a_good_round_has_no_violation() -> None:
    """Nothing is wrong with a takeover in time, nor with a callback that was refused once."""
    assert violations(good()) == []


def test_an_event_that_never_reached_the_receiver_is_lost() -> None:
    """It is in the store, and every POST of it was refused."""
    found = good()
    found.posts[2] = found.posts[2]._replace(accepted=False)

    assert violations(found) == ["late", "lost"]


def test_an_event_that_the_store_forgot_is_found() -> None:
    """It was there at an earlier look, or it read otherwise."""
    found = good()
    found.stored = [AVAILABLE]
    assert violations(found) == ["vanished"]

    found.stored = [DROPPING._replace(generation=7), AVAILABLE]
    assert violations(found) == ["changed"]


def test_a_second_id_for_one_notice_is_found() -> None:
    """The same name, generation and kind under two ids; the second is a false alarm too."""
    found = good()
    found.posts.append(Post(130.0, AVAILABLE._replace(id="id-9"), True))

    assert violations(found) == ["second id", "order", "false alarm"]


def test_a_second_body_under_one_id_is_found() -> None:
    """Whether it was posted, or the store has another than was posted."""
    found = good()
    found.posts[1] = found.posts[1]._replace(event=AVAILABLE._replace(body=b"other"))
    assert violations(found) == ["second body"]

    found = good()
    found.seen["id-2"] = AVAILABLE._replace(body=b"other")
    assert violations(found) == ["second body", "changed"]


def test_one_id_for_two_notices_is_found() -> None:
    """Receivers would take the second one for a repetition."""
    found = good()
    found.posts.append(Post(130.0, Event("id-2", "c.com", 1, "pending_delete", b"two"), True))

    assert violations(found) == ["one id for two notices"]


def test_notices_in_the_wrong_order_are_found() -> None:
    """A repetition of an earlier one is no disorder."""
    found = good()
    found.posts.append(Post(130.0, DROPPING, True))
    assert violations(found) == []

    found.posts[0] = Post(125.0, DROPPING, True)
    assert violations(found) == ["order"]


def test_an_alarm_about_a_name_that_was_not_freed_is_false() -> None:
    """Not freed at all, or not yet, or not a second time."""
    found = good()
    found.freed = {}
    assert violations(found) == ["false alarm"]

    found.freed = {"a.com": [119.5]}
    assert violations(found) == ["false alarm"]

    found = good()
    found.posts.append(Post(140.0, Event("id-4", "a.com", 4, "available", b"four"), True))
    found.posts.insert(3, Post(139.0, Event("id-3", "a.com", 3, "registered", b"three"), True))
    assert violations(found) == ["false alarm"]

    found.freed["a.com"].append(138.0)
    assert violations(found) == []


def test_a_freed_name_that_is_told_late_or_never_is_found() -> None:
    """Seconds in which a fault had effects do not count, but for a minute in all they do."""
    found = good()
    found.posts[2] = found.posts[2]._replace(at=139.0)
    assert violations(found) == ["late"]

    found.faults = [KILLED._replace(over=122.0)]
    assert violations(found) == []

    found.faults = [KILLED._replace(over=300.0)]
    found.until = 300.0
    found.queries += [Query(float(at), "rdap/com", "b.com", "GET") for at in range(161, 301)]
    found.posts[2] = found.posts[2]._replace(at=173.0)
    assert violations(found) == ["late"]

    found.faults = [KILLED._replace(over=300.0, away=1.5)]
    assert violations(found) == []

    found = good()
    found.freed["c.com"] = [130.0]
    assert violations(found) == ["late"]


def test_a_name_is_told_at_most_once_for_each_time_it_was_freed() -> None:
    """The second freeing waits for a notice of its own."""
    found = good()
    found.freed["a.com"].append(125.0)

    assert violations(found) == ["late"]


def test_time_under_several_faults_counts_once() -> None:
    """Faults that overlap, touch, or lie outside."""
    faults = [KILLED._replace(began=began, over=over) for began, over in ((10, 20), (12, 14), (18, 25), (40, 50), (60, 70))]

    assert invariants.covered(faults, 15.0, 45.0) == 10.0 + 5.0
    assert invariants.covered(faults, 26.0, 39.0) == 0.0


def test_a_leader_that_comes_late_or_never_is_found() -> None:
    """By the log line of the next epoch; a fault that needs no other leader is no matter."""
    found = good()
    found.epochs[1] = Epoch(120.5, "i2", 2)
    assert violations(found) == ["leader"]

    assert violations(replace(found, faults=[KILLED._replace(away=1.0)])) == []
    found.epochs.pop()
    assert violations(found) == ["leader"]

    found.faults = [KILLED._replace(takeover=None, unasked=None)]
    assert violations(found) == []


def test_two_leaders_of_one_epoch_are_found() -> None:
    """Two instances that log the same number."""
    found = good()
    found.epochs.append(Epoch(117.0, "i3", 2))

    assert violations(found) == ["split"]


def test_each_shard_has_epochs_of_its_own() -> None:
    """One number in two shards is no split, and a new leader of another shard takes over nothing."""
    found = good()
    found.epochs.append(Epoch(117.0, "i3", 2, 1))
    assert violations(found) == []
    found.faults = [KILLED._replace(shard=1, led_by=1, takeover=2.0)]
    assert invariants.next_leader(found.faults[0], found.epochs) == Epoch(117.0, "i3", 2, 1)
    found.epochs.pop()
    assert invariants.next_leader(found.faults[0], found.epochs) is None


def test_a_steady_name_without_queries_for_too_long_is_found() -> None:
    """Around a fault, by the query log; a gap that began before the fault counts from its beginning."""
    found = good()
    assert violations(replace(found, faults=[KILLED._replace(unasked=1.5)])) == ["gap"]
    found.queries = [query for query in found.queries if not 105 < query.at < 121]
    assert violations(found) == ["gap"]
    assert violations(replace(found, faults=[KILLED._replace(away=4.0)])) == []

    found.faults = [KILLED._replace(unasked=None)]
    assert violations(found) == []


def test_a_silence_after_the_effects_of_a_fault_is_not_its_own() -> None:
    """It belongs to the next one."""
    found = good()
    found.queries = [query for query in found.queries if not 125 < query.at < 159]

    assert violations(found) == []


def test_a_bound_grows_with_the_slack_of_a_busy_machine() -> None:
    """Three times as long, and no longer."""
    found = good()
    found.queries = [query for query in found.queries if not 105 < query.at < 121]
    assert invariants.check_round(found, BOUNDS._replace(slack=3.0)) == []

    found.epochs.pop()
    assert len(invariants.check_round(found, BOUNDS._replace(slack=3.0))) == 1


def test_more_queries_than_a_budget_are_found() -> None:
    """In any ten seconds, summed over the servers that share it, whichever instance sent them."""
    found = good()
    assert invariants.allowed_in(Limit(0.5, 5.0)) == pytest.approx(10.5)
    found.queries += [Query(at, "rdap/org", "c.com", "GET") for at in (140.1, 141.1)]
    assert violations(found) == []

    found.limits = {("rdap/com", "rdap/org"): Limit(0.5, 5.0)}
    assert violations(found) == ["budget"]


def test_each_egress_has_a_budget_of_its_own() -> None:
    """Queries from an address of its own count by themselves; all other addresses share one budget."""
    found = good()
    near = [Query(120.0 + number / 10, "rdap/com", "c.com", "GET", f"10.0.0.{number % 3}") for number in range(10)]
    far = [replace(query, source="10.0.0.9") for query in near]
    egresses = {"10.0.0.9": "far"}
    assert invariants.find_excess(near + far, found.limits, (), egresses) == []
    assert len(invariants.find_excess(near + far, found.limits)) == 1
    (excess,) = invariants.find_excess(near + far + far[:1], found.limits, (), egresses)
    assert "from far" in excess
    (excess,) = invariants.find_excess(near + near[:1] + far, found.limits, (), egresses)
    assert "from far" not in excess


def test_queries_that_a_slow_link_held_back_may_arrive_together() -> None:
    """As many as came in while they were held back, and only then."""
    found = good()
    found.limits = {("rdap/com", "rdap/org"): Limit(0.5, 5.0)}
    found.queries += [Query(117.5, "rdap/org", "c.com", "GET")]
    found.queries = [query for query in found.queries if 116 <= query.at < 127]
    slow = KILLED._replace(delay=2.0)
    assert invariants.find_excess(found.queries, found.limits, [slow]) == []
    for fault in (KILLED, slow._replace(over=115.9), slow._replace(began=126.1, over=140.0), slow._replace(delay=0.5)):
        assert len(invariants.find_excess(found.queries, found.limits, [fault])) == 1
