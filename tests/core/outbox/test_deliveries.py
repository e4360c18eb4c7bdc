"""The outbox: nothing is lost, one name's notices keep their order, and newer results take the place of older ones."""

from __future__ import annotations

import pytest

from common.core.model.records import DeliveryRow
from common.core.outbox.deliveries import REMEMBERED, Deliveries
from tests.core.outbox.posted import Middle, attempt, broken, ids, notice, outbox, result


def test_notices_go_before_results_and_stay_due_until_sent() -> None:
    """Asking twice gives the same answer; the number of free places is kept."""
    deliveries = outbox(result("r1", "x.com"), notice("n1"), notice("n2", "b.com", at=1.0), notice("n3", "c.com", at=9.0))

    assert ids(deliveries.due_rows(2.0, 10)) == ["n1", "n2", "r1"]
    assert ids(deliveries.due_rows(2.0, 10)) == ["n1", "n2", "r1"]
    assert ids(deliveries.due_rows(2.0, 2)) == ["n1", "n2"]
    assert deliveries.due_rows(2.0, 0) == []
    deliveries.note_sent("n1", "t", 2.0)
    assert ids(deliveries.due_rows(2.0, 10)) == ["n2", "r1"]


def test_the_notices_of_one_name_wait_for_each_other() -> None:
    """A later one is not sent before the earlier was accepted, whatever the order of arrival."""
    deliveries = outbox(notice("second", order=2), notice("first", order=1), notice("other", "b.com"))
    assert ids(deliveries.due_rows(0.0, 10)) == ["first", "other"]
    deliveries.note_sent("first", "t1", 0.0)
    assert ids(deliveries.due_rows(0.0, 10)) == ["other"]
    deliveries.note_result("t1", 500, "", None, 0.0, Middle())
    assert ids(deliveries.due_rows(0.5, 10)) == ["other"]
    assert attempt(deliveries, "first", 204, 1.0).state == "done"

    assert ids(deliveries.due_rows(1.0, 10)) == ["second", "other"]


@pytest.mark.parametrize("status", [0, 100, 199, 300, 301, 302, 304, 400, 401, 403, 404, 410, 422, 429, 500, 503, 999])
def test_only_2xx_is_done(status: int) -> None:
    """Everything else is tried again; what looks like a wrong URL or token is flagged until something is accepted."""
    deliveries = outbox(notice("n"), notice("m", "b.com"))
    row = attempt(deliveries, "n", status, 0.0)
    assert (row.state, row.attempts, row.next_at) == ("pending", 1, 1.0)
    assert deliveries.misconfigured == (status if status in {401, 403, 404, 410, 422} else 0)

    attempt(deliveries, "m", 200, 0.0)
    assert deliveries.misconfigured == 0


def test_a_delivery_of_another_instance_is_taken_over() -> None:
    """One that waits begins anew, one that was made is done here too; what is under way, or waits here already, stays."""
    deliveries = outbox(notice("a"), notice("b", "b.com"), notice("c", "c.com"), notice("d", order=2))
    tried = DeliveryRow("x", "notice", "x.com", 1, b"{}", attempts=5, next_at=99.0, first_at=1.0)
    row = deliveries.take_over(tried, 7.0)
    assert row is tried
    assert (row.attempts, row.next_at, row.first_at) == (0, 7.0, None)
    assert deliveries.take_over(notice("b", "b.com"), 7.0) is None

    def made(key: str) -> DeliveryRow:
        return DeliveryRow(key, "notice", "a.com", 1, b"{}", state="done", done_at=3.0, last_status=204)

    done = deliveries.take_over(made("a"), 7.0)
    assert done is not None
    assert (done.id, done.state, done.done_at, done.last_status) == ("a", "done", 7.0, 204)
    assert ids(deliveries.due_rows(7.0, 10)) == ["b", "c", "d"]
    unknown = made("y")
    assert deliveries.take_over(unknown, 7.0) is unknown
    deliveries.note_sent("c", "t", 7.0)
    assert deliveries.take_over(made("c"), 7.0) is None
    assert (deliveries.done, deliveries.snapshot(9.0)["pending"]) == (2, 3)


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


def test_a_result_that_is_done_is_forgotten() -> None:
    """Nothing is left of it that a later one could supersede."""
    deliveries = outbox(result("r"), result("w", method="whois"))
    assert deliveries.results_waiting() == 2
    attempt(deliveries, "r", 200, 5.0)

    assert deliveries.results_waiting() == 1
    assert list(deliveries._latest.values()) == ["w"]


def test_an_attempt_that_is_not_answered_goes_back() -> None:
    """When its time is over it counts as made and follows the schedule."""
    deliveries = outbox(notice("n"))
    deliveries.note_sent("n", "t", 0.0)
    row = deliveries.note_lost("t", 25.0)

    assert row is not None
    assert (row.state, row.attempts, row.next_at, row.last_status) == ("pending", 1, 26.0, 0)
    assert row.last_error == "the notifier did not report"
    assert deliveries.note_lost("t", 1000.0) is None
    assert ids(deliveries.due_rows(26.0, 1)) == ["n"]
    assert deliveries.circuits["notice"].failures == 0


def test_a_late_success_spares_the_duplicate() -> None:
    """Of an attempt that was given up, an acceptance still counts while nothing newer is under way; a failure does not."""
    deliveries = outbox(notice("n"), notice("m", "b.com"))
    for key in ("n", "m"):
        deliveries.note_sent(key, f"late {key}", 0.0)
        deliveries.note_lost(f"late {key}", 30.0)
    assert deliveries.note_result("late n", 500, "", None, 30.5, Middle()) is None
    deliveries.note_sent("m", "again", 31.0)
    assert deliveries.note_result("late m", 200, "", None, 31.5, Middle()) is None

    row = deliveries.note_result("late n", 200, "", None, 32.0, Middle())
    assert row is not None
    assert (row.id, row.state) == ("n", "done")
    assert deliveries.note_result("late n", 200, "", None, 33.0, Middle()) is None
    assert deliveries.note_result("never sent", 200, "", None, 33.0, Middle()) is None
    again = deliveries.note_result("again", 200, "", None, 33.0, Middle())
    assert again is not None
    assert again.state == "done"


@pytest.mark.parametrize(("later", "counts"), [(REMEMBERED - 1, True), (REMEMBERED, False)])
def test_a_late_success_is_waited_for_while_few_came_after_it(later: int, counts: bool) -> None:
    """Of attempts that ran out of time only so many are remembered, the last ones."""
    deliveries = outbox(*(notice(f"n{n}", f"n{n}.com") for n in range(1 + later)))
    for n in range(1 + later):
        deliveries.note_sent(f"n{n}", f"t{n}", 0.0)
        deliveries.note_lost(f"t{n}", 30.0)

    assert (deliveries.note_result("t0", 200, "", None, 31.0, Middle()) is not None) is counts
    assert deliveries.note_result("t1", 200, "", None, 31.0, Middle()) is not None


def test_the_worker_that_lost_the_last_attempt_is_known() -> None:
    """Until an attempt is answered; of what was never lost, or is not there, there is none."""
    deliveries = outbox(notice("n"))
    assert (deliveries.lost_by("n"), deliveries.lost_by("unknown")) == ("", "")
    deliveries.note_sent("n", "t", 0.0)
    deliveries.note_lost("t", 3.0, "notifier-1@host")
    assert deliveries.lost_by("n") == "notifier-1@host"

    attempt(deliveries, "n", 500, 4.0)
    assert deliveries.lost_by("n") == ""


def test_what_is_handed_back_is_found_again() -> None:
    """Though it was passed over while it was under way."""
    deliveries = outbox(notice("n", at=1.0))
    deliveries.note_sent("n", "t", 1.0)
    assert deliveries.next_at() is None
    deliveries.note_returned("t", 2.0)

    assert deliveries.next_at() == 1.0
    assert ids(deliveries.due_rows(2.0, 5)) == ["n"]


def test_what_a_notifier_hands_back_is_due_at_once() -> None:
    """It was not tried, so it counts for nothing."""
    deliveries = outbox(notice("n"))
    deliveries.note_sent("n", "t", 0.0)
    deliveries.note_returned("t", 1.0)
    deliveries.note_returned("t", 1.0)
    (row,) = deliveries.due_rows(1.0, 5)

    assert (row.attempts, row.next_at) == (0, 0.0)


def test_a_worker_that_dies_takes_nothing_along() -> None:
    """Its attempts are over at once and follow the schedule."""
    deliveries = outbox(notice("n"))
    deliveries.note_sent("n", "t", 0.0)
    row = deliveries.note_lost("t", 3.0)

    assert row is not None
    assert row.next_at == 4.0
    assert deliveries.note_lost("t", 3.0) is None


def test_sending_twice_or_something_unknown_changes_nothing() -> None:
    """Only the first attempt in flight counts."""
    deliveries = outbox(notice("n"))
    deliveries.note_sent("n", "t1", 0.0)
    deliveries.note_sent("n", "t2", 0.0)
    deliveries.note_sent("unknown", "t3", 0.0)

    assert deliveries.note_result("t2", 500, "", None, 1.0, Middle()) is None
    assert deliveries.snapshot(1.0)["in_flight"] == 1


def test_adding_the_same_delivery_twice_keeps_the_first() -> None:
    """An event is in the outbox once."""
    deliveries = outbox(notice("n"))
    deliveries.add_delivery(notice("n", "b.com"))

    assert [row.domain for row in deliveries.due_rows(0.0, 9)] == ["a.com"]


def test_a_newer_result_supersedes_one_that_waits() -> None:
    """Of the same name and check only; the older row is handed back to be written."""
    deliveries = outbox(result("r1", order=1), result("w1", order=2, method="whois"), result("b1", "b.com"))
    (old,) = deliveries.add_delivery(result("r2", order=3, at=7.0))

    assert (old.id, old.state, old.done_at) == ("r1", "superseded", 7.0)
    assert ids(deliveries.due_rows(9.0, 9)) == ["w1", "b1"]
    assert deliveries.snapshot(9.0)["superseded"] == 1


def test_a_result_in_flight_is_superseded_only_when_it_fails() -> None:
    """It may be accepted, and then both are delivered in order; what failed and is old is not tried again."""
    for status, state in ((200, "done"), (500, "superseded")):
        deliveries = outbox(result("r1", order=1))
        deliveries.note_sent("r1", "t", 0.0)
        assert deliveries.add_delivery(result("r2", order=2)) == []
        assert deliveries.due_rows(0.0, 9) == []
        row = deliveries.note_result("t", status, "", None, 1.0, Middle())

        assert row is not None
        assert row.state == state
        assert ids(deliveries.due_rows(1.0, 9)) == ["r2"]


def test_the_number_of_results_is_bounded_and_notices_are_not() -> None:
    """Beyond the limit the oldest result that is not in flight gives way, and this is counted."""
    deliveries = outbox(*(result(f"r{n}", f"n{n}.com") for n in range(3)), result_limit=3)
    deliveries.note_sent("r0", "t", 0.0)
    gone = [row.id for n in range(3, 8) for row in deliveries.add_delivery(result(f"r{n}", f"n{n}.com"))]
    for n in range(50):
        assert deliveries.add_delivery(notice(f"n{n}", f"n{n}.com")) == []

    assert gone == ["r1", "r2", "r3", "r4", "r5"]
    snapshot = deliveries.snapshot(0.0)
    assert (snapshot["pending"], snapshot["superseded"], snapshot["pending_notices"]) == (53, 5, 50)


def test_a_result_that_supersedes_another_takes_a_second_one_along_where_there_are_too_many() -> None:
    """Replays are not bounded: what they added gives way to the next result."""
    deliveries = outbox(result("r1"), result_limit=1)
    deliveries.replay_row(result("old", "b.com"), 0.0)

    assert ids(deliveries.add_delivery(result("r2", order=2))) == ["r1", "old"]
    assert ids(deliveries.due_rows(0.0, 9)) == ["r2"]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"check_type":7}', b"[" * 100_000])
def test_a_result_whose_body_says_nothing_is_delivered_too(body: bytes) -> None:
    """Such results of one name are one kind of check."""
    deliveries = outbox(DeliveryRow("r", "result", "a.com", 1, body))
    (old,) = deliveries.add_delivery(DeliveryRow("s", "result", "a.com", 2, body))

    assert old.id == "r"
    assert ids(deliveries.due_rows(0.0, 1)) == ["s"]
    assert ids(deliveries.add_delivery(DeliveryRow("t", "result", "a.com", 3, b"{}"))) == ["s"]


def test_the_next_moment_is_known() -> None:
    """When something may be due: the earliest waiting one, the next probe, or never."""
    assert Deliveries().next_at() is None
    deliveries = outbox(notice("n", at=3.0), result("r", "b.com", at=7.0))
    assert deliveries.next_at() == 3.0
    deliveries.note_sent("n", "t", 3.0)
    assert deliveries.next_at() == 7.0
    deliveries.note_result("t", 500, "", None, 4.0, Middle())
    assert deliveries.next_at() == 5.0

    assert broken().next_at() == 1.0


def test_the_next_moment_is_that_of_the_first_row_that_waits() -> None:
    """Not of one that is under way, nor of a later one; and a lane that is held up and empty waits for nothing."""
    deliveries = outbox(*(notice(f"n{n}", f"n{n}.com", at=float(n)) for n in (3, 5, 8)))
    assert deliveries.next_at() == 3.0
    deliveries.note_sent("n3", "t", 3.0)
    assert deliveries.next_at() == 5.0

    empty = Deliveries()
    empty.circuits.restore_open("notice", 7.0)
    assert empty.next_at() is None


def test_the_snapshot_tells_how_long_the_oldest_notice_waits() -> None:
    """In seconds since it was due for the first time; results do not count."""
    deliveries = outbox(result("r", at=1.0), notice("n", at=5.0), notice("m", "b.com", at=8.0))
    deliveries.restore_counts({"parked": 3, "done": 4}, "", 0.0)
    snapshot = deliveries.snapshot(20.0)

    assert (snapshot["oldest_age"], snapshot["pending"], snapshot["parked"], snapshot["done"]) == (15.0, 3, 3, 4)
    assert snapshot["circuit_open_until"] is None
    assert [deliveries.snapshot(now)["oldest_age"] for now in (4.0, 5.0, 5.5)] == [0.0, 0.0, 0.5]
    assert Deliveries().snapshot(0.0)["oldest_age"] is None


def test_counts_and_open_circuits_come_back_after_a_restart() -> None:
    """What was not counted is 0."""
    deliveries = Deliveries()
    deliveries.restore_counts({"parked": 1, "done": 2, "superseded": 3}, "result", 5.0)
    assert (deliveries.parked, deliveries.done, deliveries.superseded) == (1, 2, 3)
    assert [deliveries.circuits[lane].probe_at for lane in ("notice", "result")] == [None, 5.0]

    deliveries.restore_counts({}, "", 6.0)
    assert (deliveries.parked, deliveries.done, deliveries.superseded) == (0, 0, 0)
