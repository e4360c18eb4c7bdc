"""How callbacks get to notifiers in batches, and what follows from the answers to their POSTs."""

from __future__ import annotations

from random import Random

import pytest

from common.codec import encode
from common.core.domains.domains import Domains
from common.core.model.effects import Effects, LogLine, Send
from common.core.model.records import DeliveryRow
from common.core.outbox.callback_dispatch import BATCH_BYTES, RESERVED, CallbackDispatch
from common.core.outbox.deliveries import Deliveries
from common.core.outbox.retry_times import retry_delay
from common.core.schedule.cadence import Cadence
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Workers
from common.messages import MAX_BATCH, VERSION, Credit, DeliveryResult
from common.messages import Deliveries as DeliveryBatch
from tests.core.outbox.posted import notice, result

NOW = 1000.0


class Desk:
    """The dispatch of callbacks with what it needs, and one notifier with so many slots."""

    def __init__(self, *rows: DeliveryRow, slots: int = 8) -> None:
        self.effects = Effects()
        self.telemetry = Telemetry(self.effects, NOW)
        self.workers = Workers("boot1")
        self.deliveries = Deliveries()
        self.journal = Domains(Cadence(600.0, 60.0, 30.0, 2.0), encode, NOW).journal
        self.dispatch = CallbackDispatch(
            workers=self.workers,
            deliveries=self.deliveries,
            journal=self.journal,
            effects=self.effects,
            telemetry=self.telemetry,
            rng=Random(1),
        )
        self.slots = slots
        self.workers.note_credit(self.credit(), NOW)
        self.dispatch.add_durable(list(rows))

    def credit(self, name: str = "notifier-0@test") -> Credit:
        """What a notifier says of itself."""
        return Credit(VERSION, name, "b1", "notifier", "default", (), self.slots, self.slots, 0)

    def send(self, now: float = NOW) -> list[Send]:
        """Send what is due; the messages that leave by that."""
        self.dispatch.send_due_callbacks(now)
        return [effect for effect in self.effects.take_planned() if isinstance(effect, Send)]

    def send_one(self, now: float = NOW) -> str:
        """Send the one that is due; its attempt."""
        ((attempt,),) = [message.attempts for message in self.send(now)]
        return attempt

    def answer(self, attempt: str, status: int, now: float = NOW + 1.0, **more: object) -> None:
        """The notifier's answer to an attempt."""
        made = DeliveryResult(attempt, status, **more)  # type: ignore[arg-type]
        self.dispatch.take_post_result(made, self.credit(), now)

    def written(self) -> list[DeliveryRow]:
        """The deliveries that the next transaction writes."""
        changes = self.journal.begin_transaction(NOW)
        self.journal.end_transaction()
        return changes.deliveries if changes is not None else []

    def log_lines(self) -> list[tuple[str, object]]:
        """(level, status) of the lines about callbacks."""
        lines = [effect for effect in self.effects.take_planned() if isinstance(effect, LogLine)]
        return [(line.level, line.fields["status"]) for line in lines if line.event == "callback"]


def sent_ids(messages: list[Send]) -> list[list[str]]:
    """The ids of the deliveries in each message."""
    found = []
    for message in messages:
        assert isinstance(message.message, DeliveryBatch)
        found.append([delivery.event_id for delivery in message.message.deliveries])
    return found


def test_what_is_due_goes_to_a_notifier_in_one_message() -> None:
    """Each attempt leased to it, with the frozen body and its number."""
    desk = Desk(notice("n1"), notice("n2", "b.com"))
    (message,) = desk.send()
    assert isinstance(message.message, DeliveryBatch)
    first, second = message.message.deliveries

    assert (message.worker, message.boot, message.attempts) == ("notifier-0@test", "b1", (first.attempt, second.attempt))
    assert (first.event_id, first.domain, first.number, first.replay) == ("n1", "a.com", 1, False)
    assert first.body == notice("n1").body
    assert desk.workers.lease_count() == 2
    assert desk.send() == []


def test_no_more_is_sent_than_notifiers_have_free_slots_and_results_leave_some_of_them() -> None:
    """A quarter of the slots is kept for notices, which never wait for a result to end."""
    desk = Desk(*(result(f"r{number}", f"r{number}.com") for number in range(10)), slots=8)
    assert sent_ids(desk.send()) == [[f"r{number}" for number in range(8 - 8 // RESERVED)]]

    desk.dispatch.add_durable([notice(f"n{number}", f"n{number}.com") for number in range(3)])
    assert sent_ids(desk.send()) == [["n0", "n1"]]


def test_without_a_notifier_nothing_is_sent() -> None:
    """It stays due."""
    desk = Desk(notice("n1"))
    desk.workers.note_draining("notifier-0@test", "b1")
    assert desk.send() == []

    desk.workers.note_credit(desk.credit("notifier-1@test"), NOW)
    assert [message.worker for message in desk.send()] == ["notifier-1@test"]


def test_large_bodies_are_split_over_messages() -> None:
    """No message grows near the limit of a frame."""
    rows = [notice(f"n{number}", f"n{number}.com") for number in range(40)]
    for row in rows:
        row.body = b"x" * 60_000
    desk = Desk(*rows, slots=64)
    sizes = [sum(60_000 for _ in group) for group in sent_ids(desk.send())]

    assert len(sizes) == 3
    assert max(sizes) <= BATCH_BYTES
    assert sum(sizes) == 40 * 60_000


def test_no_message_carries_more_than_a_batch() -> None:
    """However small the bodies."""
    desk = Desk(*(notice(f"n{number}", f"n{number}.com") for number in range(MAX_BATCH + 5)), slots=2 * MAX_BATCH)

    assert [len(group) for group in sent_ids(desk.send())] == [MAX_BATCH, 5]


def test_a_callback_that_was_taken_is_written_as_done_and_counted() -> None:
    """Its line is for the level DEBUG: the summary tells how many there were."""
    desk = Desk(notice("n1"))
    desk.answer(desk.send_one(), 204, duration_ms=150.0)
    (row,) = desk.written()

    assert (row.id, row.state, row.attempts, row.last_status) == ("n1", "done", 1, 204)
    assert desk.log_lines() == [("debug", 204)]
    assert desk.telemetry.metrics.sum_counter("callbacks", ("lane", "status", "state")) == {"notice 204 done": 1}
    assert desk.telemetry.metrics.sum_counter("upstream_requests", ("api", "status")) == {"callback 2xx": 1}
    assert desk.workers.lease_count() == 0


def test_a_callback_that_failed_is_sent_again_later_and_its_kind_of_failure_logged_once() -> None:
    """A dead endpoint answers thousands of attempts alike."""
    desk = Desk(notice("n1"), notice("n2", "b.com"), notice("n3", "c.com"))
    (message,) = desk.send()
    for attempt, status in zip(message.attempts, (500, 503, 0), strict=True):
        desk.answer(attempt, status, error="trouble")
    rows = desk.written()

    assert [(row.state, row.attempts, row.last_status) for row in rows] == [
        ("pending", 1, 500),
        ("pending", 1, 503),
        ("pending", 1, 0),
    ]
    assert desk.log_lines() == [("warning", 500), ("warning", 0)]
    assert desk.telemetry.metrics.sum_counter("upstream_requests", ("status",)) == {"5xx": 2, "none": 1}
    assert desk.send(NOW + 1.0 + 0.7 * retry_delay(1, 0.0)) == []


def test_a_callback_that_is_given_up_is_always_logged() -> None:
    """After a week of failures, each by itself."""
    rows = [notice("n1"), notice("n2", "b.com")]
    for row in rows:
        row.attempts, row.first_at = 60, NOW - 8 * 86_400.0
    desk = Desk(*rows)
    (message,) = desk.send()
    for attempt in message.attempts:
        desk.answer(attempt, 500)

    assert [row.state for row in desk.written()] == ["parked", "parked"]
    assert desk.log_lines() == [("warning", 500), ("warning", 500)]


def test_an_answer_to_an_attempt_that_is_over_counts_as_late() -> None:
    """Nothing is written for it."""
    desk = Desk(notice("n1"))
    attempt = desk.send_one()
    desk.answer("boot1.999", 200)
    desk.answer(attempt, 200)
    desk.written()
    desk.answer(attempt, 200)

    assert desk.written() == []
    assert desk.telemetry.metrics.sum_counter("late_results", ()) == {"": 2}


@pytest.mark.parametrize("returned", [True, False])
def test_an_attempt_that_was_not_made_is_due_again_at_once(returned: bool) -> None:
    """Handed back by its notifier, or never taken by its socket: it does not count."""
    desk = Desk(notice("n1"))
    attempt = desk.send_one()
    if returned:
        desk.answer(attempt, 0, now=NOW, returned=True)
    else:
        desk.workers.finish_lease(attempt)
        desk.dispatch.requeue_unsent_attempt(attempt, NOW)
    desk.workers.note_credit(desk.credit(), NOW)

    assert desk.written() == []
    assert desk.send_one() != attempt


def test_an_attempt_that_was_not_reported_counts_and_goes_to_another_notifier() -> None:
    """It may have been made; the notifier that lost it is asked again only where there is no other."""
    desk = Desk(notice("n1"))
    attempt = desk.send_one()
    desk.workers.finish_lease(attempt)
    desk.dispatch.take_lost_attempt(attempt, "notifier-0@test", NOW + 25.0)
    (row,) = desk.written()
    assert (row.state, row.attempts, row.last_error) == ("pending", 1, "the notifier did not report")

    for name in ("notifier-0@test", "notifier-1@test"):
        desk.workers.note_credit(desk.credit(name), NOW + 60.0)
    assert [message.worker for message in desk.send(NOW + 60.0)] == ["notifier-1@test"]


def test_a_replay_is_written_and_sent_with_the_mark_of_one() -> None:
    """Same id, same body."""
    desk = Desk()
    old = notice("n1")
    old.state, old.attempts = "parked", 60
    desk.dispatch.replay_callback(old, NOW)
    (row,) = desk.written()
    assert (row.id, row.state, row.attempts) == ("n1", "pending", 0)

    (message,) = desk.send()
    assert isinstance(message.message, DeliveryBatch)
    assert [(delivery.event_id, delivery.replay) for delivery in message.message.deliveries] == [("n1", True)]


def test_a_newer_result_of_a_check_supersedes_the_one_that_waits() -> None:
    """What it takes the place of is written too."""
    desk = Desk(result("old"), result("new", order=2))

    assert [(row.id, row.state) for row in desk.written()] == [("old", "superseded")]
    assert sent_ids(desk.send()) == [["new"]]
