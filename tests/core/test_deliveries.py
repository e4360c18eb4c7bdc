"""The outbox: nothing is lost, one name's notices keep their order, retries follow the schedule, a dead endpoint gets peace."""

from __future__ import annotations

import random

import pytest

from common.core.deliveries import DAY, HOUR, LATER, SCHEDULE, Deliveries, delay
from common.core.records import DeliveryRow
from tests.core.outbox import Middle, attempt, ids, notice, outbox, result


def test_notices_go_before_results_and_stay_due_until_sent() -> None:
    """Asking twice gives the same answer; the number of free places is kept."""
    deliveries = outbox(result("r1", "x.com"), notice("n1"), notice("n2", "b.com", at=1.0), notice("n3", "c.com", at=9.0))

    assert ids(deliveries.due(2.0, 10)) == ["n1", "n2", "r1"]
    assert ids(deliveries.due(2.0, 10)) == ["n1", "n2", "r1"]
    assert ids(deliveries.due(2.0, 2)) == ["n1", "n2"]
    assert deliveries.due(2.0, 0) == []
    deliveries.sent("n1", "t", 2.0)
    assert ids(deliveries.due(2.0, 10)) == ["n2", "r1"]


def test_the_notices_of_one_name_wait_for_each_other() -> None:
    """A later one is not sent before the earlier was accepted, whatever the order of arrival."""
    deliveries = outbox(notice("second", order=2), notice("first", order=1), notice("other", "b.com"))
    assert ids(deliveries.due(0.0, 10)) == ["first", "other"]
    deliveries.sent("first", "t1", 0.0)
    assert ids(deliveries.due(0.0, 10)) == ["other"]
    deliveries.result("t1", 500, "", None, 0.0, Middle())
    assert ids(deliveries.due(0.5, 10)) == ["other"]
    assert attempt(deliveries, "first", 204, 1.0).state == "done"

    assert ids(deliveries.due(1.0, 10)) == ["second", "other"]


def test_retries_follow_the_schedule_and_then_park() -> None:
    """Dense at first, every half hour for a day, every two hours for a week; then kept for a person."""
    deliveries = outbox(notice("n"))
    now, waits = 0.0, []
    while True:
        (row,) = deliveries.due(now, 1)
        deliveries.circuit.failures = 0  # other events are accepted meanwhile
        attempt(deliveries, "n", 503, now)
        if row.state != "pending":
            break
        waits.append(row.next_at - now)
        assert deliveries.due(row.next_at - 0.001, 1) == []
        now = row.next_at

    assert waits[:10] == [1, 2, 5, 10, 30, 60, 120, 300, 600, 1200]
    assert set(waits[10:57]) == {1800.0}
    assert set(waits[58:]) == {7200.0}
    assert (row.state, row.done_at, row.last_status, row.last_error) == ("parked", None, 503, "trouble")
    assert 7 * DAY <= now < 7 * DAY + LATER
    assert deliveries.snapshot(now)["parked"] == 1
    assert deliveries.due(now + DAY, 1) == []


def test_a_parked_notice_lets_the_next_one_pass() -> None:
    """Order does not make one hopeless event hold up its name for ever."""
    deliveries = outbox(notice("first", order=1), notice("second", order=2))
    attempt(deliveries, "first", 500, 0.0)
    attempt(deliveries, "first", 500, 8 * DAY)

    assert ids(deliveries.due(8 * DAY, 10)) == ["second"]


def test_waits_are_spread_by_a_fifth() -> None:
    """What failed together does not come back together."""
    rng = random.Random(1)
    waits = []
    for n in range(300):
        deliveries = outbox(notice("n"))
        for step in range(5):
            deliveries.sent("n", f"{n}.{step}", 0.0)
            row = deliveries.result(f"{n}.{step}", 500, "", None, 0.0, rng)
        assert row is not None
        waits.append(row.next_at)

    assert 24.0 <= min(waits) < 25.0
    assert 35.0 < max(waits) <= 36.0


@pytest.mark.parametrize(("asked", "wait"), [(0.2, 1.0), (0.0, 1.0), (7.0, 7.0), (1e9, 600.0), (None, 1.0)])
def test_retry_after_only_lengthens_the_wait(asked: float | None, wait: float) -> None:
    """Between a second and ten minutes it is honoured."""
    assert attempt(outbox(notice("n")), "n", 503, 0.0, asked).next_at == wait


def test_a_long_wait_is_not_shortened_by_retry_after() -> None:
    """The schedule is the least."""
    row = notice("n")
    row.attempts, row.first_at = 12, 0.0

    assert attempt(outbox(row), "n", 429, 10.0, 5.0).next_at == 10.0 + 1800.0


@pytest.mark.parametrize("status", [0, 100, 199, 300, 301, 302, 304, 400, 401, 403, 404, 410, 422, 429, 500, 503, 999])
def test_only_2xx_is_done(status: int) -> None:
    """Everything else is tried again; what looks like a wrong URL or token is flagged until something is accepted."""
    deliveries = outbox(notice("n"), notice("m", "b.com"))
    row = attempt(deliveries, "n", status, 0.0)
    assert (row.state, row.attempts, row.next_at) == ("pending", 1, 1.0)
    assert deliveries.misconfigured == (status if status in {401, 403, 404, 410, 422} else 0)

    attempt(deliveries, "m", 200, 0.0)
    assert deliveries.misconfigured == 0


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_2xx_is_done_and_forgotten(status: int) -> None:
    """The row says when, how often and with which status; the outbox keeps only the count."""
    deliveries = outbox(notice("n"))
    row = attempt(deliveries, "n", status, 5.0)

    assert (row.state, row.attempts, row.done_at, row.last_status, row.last_error) == ("done", 1, 5.0, status, "")
    assert row.first_at == 5.0
    assert deliveries.snapshot(9.0)["pending"] == 0
    assert deliveries.snapshot(9.0)["done"] == 1
    assert (deliveries._queues, deliveries._attempts, deliveries._lanes["notice"]) == ({}, {}, {})


def test_an_attempt_that_is_not_answered_goes_back() -> None:
    """When its time is over it counts as made and follows the schedule."""
    deliveries = outbox(notice("n"))
    deliveries.sent("n", "t", 0.0)
    row = deliveries.lost("t", 25.0)

    assert row is not None
    assert (row.state, row.attempts, row.next_at, row.last_status) == ("pending", 1, 26.0, 0)
    assert deliveries.lost("t", 1000.0) is None
    assert ids(deliveries.due(26.0, 1)) == ["n"]
    assert deliveries.circuit.failures == 0


def test_a_late_success_spares_the_duplicate() -> None:
    """Of an attempt that was given up, an acceptance still counts while nothing newer is under way; a failure does not."""
    deliveries = outbox(notice("n"), notice("m", "b.com"))
    for key in ("n", "m"):
        deliveries.sent(key, f"late {key}", 0.0)
        deliveries.lost(f"late {key}", 30.0)
    assert deliveries.result("late n", 500, "", None, 30.5, Middle()) is None
    deliveries.sent("m", "again", 31.0)
    assert deliveries.result("late m", 200, "", None, 31.5, Middle()) is None

    row = deliveries.result("late n", 200, "", None, 32.0, Middle())
    assert row is not None
    assert (row.id, row.state) == ("n", "done")
    assert deliveries.result("late n", 200, "", None, 33.0, Middle()) is None
    assert deliveries.result("never sent", 200, "", None, 33.0, Middle()) is None
    again = deliveries.result("again", 200, "", None, 33.0, Middle())
    assert again is not None
    assert again.state == "done"


def test_what_a_notifier_hands_back_is_due_at_once() -> None:
    """It was not tried, so it counts for nothing."""
    deliveries = outbox(notice("n"))
    deliveries.sent("n", "t", 0.0)
    deliveries.returned("t", 1.0)
    deliveries.returned("t", 1.0)
    (row,) = deliveries.due(1.0, 5)

    assert (row.attempts, row.next_at) == (0, 0.0)


def test_a_worker_that_dies_takes_nothing_along() -> None:
    """Its attempts are over at once and follow the schedule."""
    deliveries = outbox(notice("n"))
    deliveries.sent("n", "t", 0.0)
    row = deliveries.lost("t", 3.0)

    assert row is not None
    assert row.next_at == 4.0
    assert deliveries.lost("t", 3.0) is None


def test_sending_twice_or_something_unknown_changes_nothing() -> None:
    """Only the first attempt in flight counts."""
    deliveries = outbox(notice("n"))
    deliveries.sent("n", "t1", 0.0)
    deliveries.sent("n", "t2", 0.0)
    deliveries.sent("unknown", "t3", 0.0)

    assert deliveries.result("t2", 500, "", None, 1.0, Middle()) is None
    assert deliveries.snapshot(1.0)["in_flight"] == 1


def test_adding_the_same_delivery_twice_keeps_the_first() -> None:
    """An event is in the outbox once."""
    deliveries = outbox(notice("n"))
    deliveries.add(notice("n", "b.com"))

    assert [row.domain for row in deliveries.due(0.0, 9)] == ["a.com"]


def broken(*rows: DeliveryRow) -> Deliveries:
    """An outbox whose endpoint has just failed ten times in a row at time 0."""
    deliveries = outbox(*rows)
    for n in range(10):
        deliveries.add(notice(f"f{n}", f"f{n}.com", order=1))
        attempt(deliveries, f"f{n}", 500, 0.0)
    return deliveries


def test_a_dead_endpoint_is_probed_with_the_oldest_first() -> None:
    """One attempt at a time, each with another event; they use up no attempts, and nothing else moves."""
    deliveries = broken(notice("old", "old.com"), notice("old too", "old.com", order=2))
    probes, attempts = [], []
    for now in range(1, 121):
        for row in deliveries.due(now, 50):
            probes.append((now, row.id))
            attempts.append(attempt(deliveries, row.id, 0, now).attempts)

    moments = [1, 3, 7, 15, 30, 45, 60, 75, 90, 105, 120]
    assert probes == list(zip(moments, ["old", *(f"f{n}" for n in range(10))], strict=True))
    assert attempts == [0] + [1] * 10
    assert deliveries.snapshot(121)["circuit_open_until"] == 135


def test_one_event_that_is_never_accepted_does_not_keep_the_circuit_open() -> None:
    """The probes take turns, so a good one gets through and the rest is released."""
    deliveries = outbox(*(notice(f"bad{n}", f"bad{n}.com") for n in range(10)), notice("good", "good.com"))
    for n in range(10):
        attempt(deliveries, f"bad{n}", 422, 0.0)
    now = 0.0
    while deliveries.circuit.open:
        now += 15.0
        for row in deliveries.due(now, 50):
            attempt(deliveries, row.id, 200 if row.id == "good" else 422, now)

    assert now <= 11 * 15.0
    assert deliveries.snapshot(now)["done"] == 1


def test_when_the_endpoint_is_back_everything_is_released_gently() -> None:
    """Also what waited for a later retry; ten in the first second, then more and more."""
    deliveries = broken(*(notice(f"n{n}", f"n{n}.com") for n in range(500)))
    for row in deliveries._lanes["notice"].values():
        row.row.next_at = 1e9
    now, sent = 15.0, {}
    attempt(deliveries, deliveries.due(now, 50)[0].id, 200, now)
    while deliveries.snapshot(now)["pending"]:
        now += 0.1
        rows = deliveries.due(now, 50)
        for row in rows:
            attempt(deliveries, row.id, 200, now)
        sent[int(now)] = sent.get(int(now), 0) + len(rows)

    assert sent[15] <= 11
    assert sum(sent.values()) == 509
    assert sent[25] > 1.5 * sent[16]
    assert now < 15 + 40


def test_a_newer_result_supersedes_one_that_waits() -> None:
    """Of the same name and check only; the older row is handed back to be written."""
    deliveries = outbox(result("r1", order=1), result("w1", order=2, method="whois"), result("b1", "b.com"))
    (old,) = deliveries.add(result("r2", order=3, at=7.0))

    assert (old.id, old.state, old.done_at) == ("r1", "superseded", 7.0)
    assert ids(deliveries.due(9.0, 9)) == ["w1", "b1"]
    assert deliveries.snapshot(9.0)["superseded"] == 1


def test_a_result_in_flight_is_superseded_only_when_it_fails() -> None:
    """It may be accepted, and then both are delivered in order; what failed and is old is not tried again."""
    for status, state in ((200, "done"), (500, "superseded")):
        deliveries = outbox(result("r1", order=1))
        deliveries.sent("r1", "t", 0.0)
        assert deliveries.add(result("r2", order=2)) == []
        assert deliveries.due(0.0, 9) == []
        row = deliveries.result("t", status, "", None, 1.0, Middle())

        assert row is not None
        assert row.state == state
        assert ids(deliveries.due(1.0, 9)) == ["r2"]


def test_the_number_of_results_is_bounded_and_notices_are_not() -> None:
    """Beyond the limit the oldest result that is not in flight gives way, and this is counted."""
    deliveries = outbox(*(result(f"r{n}", f"n{n}.com") for n in range(3)), result_limit=3)
    deliveries.sent("r0", "t", 0.0)
    gone = [row.id for n in range(3, 8) for row in deliveries.add(result(f"r{n}", f"n{n}.com"))]
    for n in range(50):
        assert deliveries.add(notice(f"n{n}", f"n{n}.com")) == []

    assert gone == ["r1", "r2", "r3", "r4", "r5"]
    snapshot = deliveries.snapshot(0.0)
    assert (snapshot["pending"], snapshot["superseded"], snapshot["pending_notices"]) == (53, 5, 50)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"check_type":7}', b"[" * 100_000])
def test_a_result_whose_body_says_nothing_is_delivered_too(body: bytes) -> None:
    """Such results of one name are one kind of check."""
    deliveries = outbox(DeliveryRow("r", "result", "a.com", 1, body))
    (old,) = deliveries.add(DeliveryRow("s", "result", "a.com", 2, body))

    assert old.id == "r"
    assert ids(deliveries.due(0.0, 1)) == ["s"]


def test_a_replay_sends_the_same_again() -> None:
    """Parked, done or waiting: the same id and body, from the beginning of the schedule, marked as a replay."""
    deliveries = Deliveries(parked=2)
    old = notice("n")
    body = old.body
    old.state, old.attempts, old.first_at, old.done_at = "parked", 60, 0.0, None
    row = deliveries.replay(old, 8 * DAY)
    assert (row.state, row.attempts, row.next_at, row.first_at, row.done_at) == ("pending", 0, 8 * DAY, None, None)
    assert deliveries.replayed("n")
    assert deliveries.snapshot(8 * DAY)["parked"] == 1
    assert attempt(deliveries, "n", 500, 8 * DAY).next_at == 8 * DAY + 1

    done = attempt(deliveries, "n", 200, 8 * DAY + 1)
    again = deliveries.replay(done, 9 * DAY)
    assert (again.id, again.body, again.state) == ("n", body, "pending")
    assert not deliveries.replayed("unknown")


def test_replaying_what_waits_makes_it_due_now() -> None:
    """And what is in flight just carries the mark on its next attempt."""
    deliveries = outbox(notice("n"), notice("m", "b.com"))
    attempt(deliveries, "n", 500, 0.0)
    deliveries.sent("m", "t", 0.0)
    for key in ("n", "m"):
        assert deliveries.replay(notice(key), 0.5).id == key

    assert ids(deliveries.due(0.5, 9)) == ["n"]
    assert deliveries.replayed("m")


def test_a_replayed_notice_goes_before_later_ones_of_its_name() -> None:
    """Also when the later one was about to be sent."""
    deliveries = outbox(notice("later", order=2))
    old = notice("earlier", order=1)
    old.state = "parked"
    deliveries.replay(old, 5.0)
    assert ids(deliveries.due(5.0, 9)) == ["earlier"]

    attempt(deliveries, "earlier", 200, 5.0)
    assert ids(deliveries.due(5.0, 9)) == ["later"]


def test_the_next_moment_is_known() -> None:
    """When something may be due: the earliest waiting one, the next probe, or never."""
    assert Deliveries().next_at() is None
    deliveries = outbox(notice("n", at=3.0), result("r", "b.com", at=7.0))
    assert deliveries.next_at() == 3.0
    deliveries.sent("n", "t", 3.0)
    assert deliveries.next_at() == 7.0
    deliveries.result("t", 500, "", None, 4.0, Middle())
    assert deliveries.next_at() == 5.0

    assert broken().next_at() == 1.0


def test_the_snapshot_tells_how_long_the_oldest_notice_waits() -> None:
    """In seconds since it was due for the first time; results do not count."""
    deliveries = outbox(result("r", at=1.0), notice("n", at=5.0), notice("m", "b.com", at=8.0), parked=3, done=4)
    snapshot = deliveries.snapshot(20.0)

    assert (snapshot["oldest_age"], snapshot["pending"], snapshot["parked"], snapshot["done"]) == (15.0, 3, 3, 4)
    assert snapshot["circuit_open_until"] is None
    assert Deliveries().snapshot(0.0)["oldest_age"] is None


def test_memory_does_not_grow_while_the_endpoint_is_dead() -> None:
    """Results that come and are superseded for days leave nothing behind."""
    deliveries = broken()
    for n in range(50_000):
        deliveries.add(result(f"r{n}", f"n{n % 10}.com", order=n, method="dns" if n % 100 else "whois", at=float(n)))
    sizes = [len(deliveries._ready["result"]), sum(map(len, deliveries._queues.values())), len(deliveries._latest)]

    assert max(sizes) < 1300
    assert deliveries.snapshot(0.0)["pending"] <= 10 + 20


def test_the_wait_depends_on_attempts_and_then_on_age() -> None:
    """The schedule as published."""
    assert [delay(n, 0.0) for n in range(len(SCHEDULE))] == list(SCHEDULE)
    assert delay(11, 23 * HOUR) == 1800
    assert delay(11, 25 * HOUR) == 7200
