"""When the outbox tries again: by its schedule, spread, no sooner than asked, not for ever, and on command."""

from __future__ import annotations

import random

import pytest

from common.core.outbox.deliveries import Deliveries
from common.core.outbox.retry_times import DAY, HOUR, LATER, SCHEDULE, retry_delay
from tests.core.outbox.posted import attempt, ids, notice, outbox


class Lowest:
    """An rng that makes waits as short as they may be."""

    def random(self) -> float:
        """The least of the range."""
        return 0.0


def test_retries_follow_the_schedule_and_then_park() -> None:
    """Dense at first, every half hour for a day, every two hours for a week; then kept for a person."""
    deliveries = outbox(notice("n"))
    now, waits = 0.0, []
    while True:
        (row,) = deliveries.due_rows(now, 1)
        deliveries.circuits["notice"].failures = 0  # other events are accepted meanwhile
        attempt(deliveries, "n", 503, now)
        if row.state != "pending":
            break
        waits.append(row.next_at - now)
        assert deliveries.due_rows(row.next_at - 0.001, 1) == []
        now = row.next_at

    assert waits[:10] == [1, 2, 5, 10, 30, 60, 120, 300, 600, 1200]
    assert set(waits[10:57]) == {1800.0}
    assert set(waits[58:]) == {7200.0}
    assert (row.state, row.done_at, row.last_status, row.last_error) == ("parked", None, 503, "trouble")
    assert 7 * DAY <= now < 7 * DAY + LATER
    assert deliveries.snapshot(now)["parked"] == 1
    assert deliveries.due_rows(now + DAY, 1) == []


def test_a_parked_notice_lets_the_next_one_pass() -> None:
    """Order does not make one hopeless event hold up its name for ever."""
    deliveries = outbox(notice("first", order=1), notice("second", order=2))
    attempt(deliveries, "first", 500, 0.0)
    attempt(deliveries, "first", 500, 8 * DAY)

    assert ids(deliveries.due_rows(8 * DAY, 10)) == ["second"]


def test_waits_are_spread_by_a_fifth() -> None:
    """What failed together does not come back together."""
    rng = random.Random(1)
    waits = []
    for n in range(300):
        deliveries = outbox(notice("n"))
        for step in range(5):
            deliveries.note_sent("n", f"{n}.{step}", 0.0)
            row = deliveries.note_result(f"{n}.{step}", 500, "", None, 0.0, rng)
        assert row is not None
        waits.append(row.next_at)

    assert 24.0 <= min(waits) < 25.0
    assert 35.0 < max(waits) <= 36.0


@pytest.mark.parametrize(("asked", "wait"), [(0.2, 1.0), (0.0, 1.0), (7.0, 7.0), (1e9, 300.0), (None, 1.0)])
def test_retry_after_only_lengthens_the_wait(asked: float | None, wait: float) -> None:
    """Between a second and five minutes a notice honours it."""
    assert attempt(outbox(notice("n")), "n", 503, 0.0, asked).next_at == wait


def test_a_long_wait_is_not_shortened_by_retry_after() -> None:
    """The schedule is the least."""
    row = notice("n")
    row.attempts, row.first_at = 12, 0.0

    assert attempt(outbox(row), "n", 429, 10.0, 5.0).next_at == 10.0 + 1800.0


def test_a_replay_sends_the_same_again() -> None:
    """Parked, done or waiting: the same id and body, from the beginning of the schedule, marked as a replay."""
    deliveries = Deliveries()
    deliveries.restore_counts({"parked": 2}, "", 0.0)
    old = notice("n")
    body = old.body
    old.state, old.attempts, old.first_at, old.done_at = "parked", 60, 0.0, None
    row = deliveries.replay_row(old, 8 * DAY)
    assert (row.state, row.attempts, row.next_at, row.first_at, row.done_at) == ("pending", 0, 8 * DAY, None, None)
    assert deliveries.is_replay("n")
    deliveries.add_delivery(notice("new", "b.com"))
    assert not deliveries.is_replay("new")
    assert deliveries.snapshot(8 * DAY)["parked"] == 1
    assert attempt(deliveries, "n", 500, 8 * DAY).next_at == 8 * DAY + 1

    done = attempt(deliveries, "n", 200, 8 * DAY + 1)
    again = deliveries.replay_row(done, 9 * DAY)
    assert (again.id, again.body, again.state) == ("n", body, "pending")
    assert not deliveries.is_replay("unknown")


def test_replaying_what_waits_makes_it_due_now() -> None:
    """And what is in flight just carries the mark on its next attempt."""
    deliveries = outbox(notice("n"), notice("m", "b.com"))
    attempt(deliveries, "n", 500, 0.0)
    deliveries.note_sent("m", "t", 0.0)
    for key in ("n", "m"):
        assert deliveries.replay_row(notice(key), 0.5).id == key

    assert ids(deliveries.due_rows(0.5, 9)) == ["n"]
    assert deliveries.is_replay("m")


def test_a_replayed_notice_goes_before_later_ones_of_its_name() -> None:
    """Also when the later one was about to be sent."""
    deliveries = outbox(notice("later", order=2))
    old = notice("earlier", order=1)
    old.state = "parked"
    deliveries.replay_row(old, 5.0)
    assert ids(deliveries.due_rows(5.0, 9)) == ["earlier"]

    attempt(deliveries, "earlier", 200, 5.0)
    assert ids(deliveries.due_rows(5.0, 9)) == ["later"]


def test_the_wait_depends_on_attempts_and_then_on_age() -> None:
    """The schedule as published."""
    assert [retry_delay(n, 0.0) for n in range(len(SCHEDULE))] == [0, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200]
    assert [retry_delay(11, age) for age in (23 * HOUR, DAY - 0.001, DAY, 25 * HOUR)] == [1800, 1800, 7200, 7200]


@pytest.mark.parametrize(("age", "state"), [(7 * DAY - 0.001, "pending"), (7 * DAY, "parked")])
def test_a_notice_is_given_up_when_it_is_a_week_old(age: float, state: str) -> None:
    """To the tick, counted from its first attempt."""
    deliveries = outbox(notice("n"))
    attempt(deliveries, "n", 500, 100.0)

    assert attempt(deliveries, "n", 500, 100.0 + age).state == state


def test_without_retry_after_a_wait_may_be_a_fifth_shorter_than_the_schedule_says() -> None:
    """A second that nothing asked for is no least."""
    deliveries = outbox(notice("n"))
    deliveries.note_sent("n", "t", 0.0)
    row = deliveries.note_result("t", 500, "", None, 0.0, Lowest())

    assert row is not None
    assert row.next_at == 0.8
