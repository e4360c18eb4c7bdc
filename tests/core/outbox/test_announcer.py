"""From verdicts to what is told: events with frozen bodies, their deliveries, and reasons."""

from __future__ import annotations

import json

import pytest

from common.core.model.effects import LogLine
from common.core.model.evidence import Fields, Outcome
from common.core.model.states import ANNOUNCED, OWNED, State
from common.core.model.verdict import NO_NEWS
from common.core.outbox.callback_bodies import event_id
from tests.core.outbox.told import CONFIRMED, NOW, Outbox, answer, body_of

# -- which changes are events --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(set(State) - {State.UNKNOWN, State.REGISTERED}))
def test_a_change_to_another_state_is_an_event_of_its_name(state: State) -> None:
    """From a name that was registered."""
    outbox = Outbox()

    assert outbox.tell(outbox.load_name(State.REGISTERED), state) == state.value.lower()


@pytest.mark.parametrize(("before", "state"), [(State.UNKNOWN, State.REGISTERED), (State.REGISTERED, State.UNKNOWN)])
def test_a_first_look_at_a_registered_name_is_no_event_nor_is_a_return_to_unknown(before: State, state: State) -> None:
    """The state is written all the same, and counted."""
    outbox = Outbox()
    entry = outbox.load_name(before)
    assert outbox.tell(entry, state) is None
    changes = outbox.take_transaction()

    assert (entry.state, entry.since, entry.generation) == (state, NOW, 0)
    assert outbox.domains.by_state == {before: 0, state: 1}
    assert ([row.state for row in changes.domains], changes.events, changes.deliveries) == ([state.value], [], [])


@pytest.mark.parametrize("before", sorted(ANNOUNCED))
def test_an_announced_name_that_is_not_free_after_all_is_retracted(before: State) -> None:
    """Reserved, in a release procedure, or owned without a registration that is younger than the alarm."""
    for state in (State.RESERVED, State.DROPPING, *OWNED):
        outbox = Outbox()
        entry = outbox.load_name(before)
        entry.detail.alarmed_at = NOW - 3600.0
        assert outbox.tell(entry, state) == "retracted"


def test_a_change_between_announced_states_is_no_retraction() -> None:
    """The name is still free to take, at another price."""
    outbox = Outbox()

    assert outbox.tell(outbox.load_name(State.AVAILABLE), State.AVAILABLE_PREMIUM) == "available_premium"


@pytest.mark.parametrize(
    ("created", "seen_at", "kind"),
    [
        ("2026-09-21T14:13:20Z", NOW + 60.0, "registered"),
        ("2026-09-20T14:13:21Z", NOW + 60.0, "registered"),  # within a day: some registries give only that
        ("2026-09-20T14:13:19Z", NOW + 60.0, "retracted"),
        (None, NOW + 60.0, "registered"),
        ("2026-09-21T15:00:00Z", NOW, "retracted"),  # seen before the alarm: no news of a registration
    ],
)
def test_a_registration_younger_than_the_alarm_is_a_catch_and_an_older_one_a_mistake(
    created: str | None, seen_at: float, kind: str
) -> None:
    """By the creation date of the record, which has to have been seen since."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at = NOW
    entry.note_observation(answer(Outcome.REGISTERED, created_at=created), seen_at)
    entry.detail.fields = entry.detail.evidence["rdap"].observation.reading.fields

    assert outbox.tell(entry, State.REGISTERED, NOW + 60.0) == kind


def test_a_catch_that_only_the_zone_shows_is_registered_whatever_the_old_record_says() -> None:
    """That record is of the holder before."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at, entry.detail.fields = NOW, Fields(created_at="2001-01-01")
    entry.note_observation(answer(Outcome.REGISTERED), NOW - 4000.0)
    entry.note_observation(answer(Outcome.REGISTERED, "dns"), NOW + 60.0)

    assert outbox.tell(entry, State.REGISTERED, NOW + 60.0) == "registered"


def test_an_alarm_that_ends_because_a_server_lied_is_retracted() -> None:
    """The zone saw the name last before the alarm: that is no news of a registration."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at = NOW - 60.0
    entry.note_observation(answer(Outcome.REGISTERED, "dns"), NOW - 4000.0)

    assert outbox.tell(entry, State.REGISTERED) == "retracted"


def test_an_alarm_is_remembered_until_it_is_taken_back_or_ends() -> None:
    """UNREGISTERED neither raises nor ends one."""
    outbox, seen = Outbox(), []
    entry = outbox.load_name(State.PENDING_DELETE)
    for number, state in enumerate(
        (State.UNREGISTERED, State.AVAILABLE, State.UNREGISTERED, State.AVAILABLE_PREMIUM, State.RESERVED)
    ):
        outbox.tell(entry, state, NOW + number)
        seen.append(entry.detail.alarmed_at)

    assert seen == [None, NOW + 1, NOW + 1, NOW + 3, None]


# -- events and their deliveries -----------------------------------------------------------------------------------------


def test_state_event_and_delivery_are_written_in_one_transaction_and_nothing_is_published_before() -> None:
    """With the same id and the same body; the row of the name has the new state."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    outbox.tell(entry, State.AVAILABLE)
    assert outbox.take_maps() == []
    changes = outbox.take_transaction()
    (event,), (delivery,), (row,) = changes.events, changes.deliveries, changes.domains

    assert (event.id, event.seq, event.generation, event.kind) == (event_id("n0.com", 1, "available"), 1, 1, "available")
    assert (delivery.id, delivery.lane, delivery.order, delivery.body) == (event.id, "notice", event.seq, event.body)
    assert (delivery.domain, delivery.state, delivery.next_at) == ("n0.com", "pending", NOW)
    assert (row.state, row.generation, row.since, row.confidence) == ("AVAILABLE", 1, NOW, 0.9)


def test_without_a_url_there_is_an_event_and_no_delivery() -> None:
    """The feed tells it all the same."""
    outbox = Outbox(callbacks=False)
    outbox.tell(outbox.load_name(State.PENDING_DELETE), State.AVAILABLE)
    changes = outbox.take_transaction()

    assert (len(changes.events), changes.deliveries) == (1, [])


def test_the_body_of_a_notice_says_what_changed_why_and_what_it_rests_on() -> None:
    """Every method with what it said, where, when, and whether its server was verified."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    entry.detail.basis = "sources"
    entry.note_observation(answer(Outcome.UNREGISTERED), NOW)
    outbox.tell(entry, State.AVAILABLE, reason=CONFIRMED)
    body = body_of(outbox.take_transaction())
    said = body.pop("checks")["checks"]["rdap"]

    assert body == {
        "domain": "n0.com",
        "status": "available",
        "confidence": 0.9,
        "timestamp": NOW,
        "basis": "sources",
        "confirmed_by": [],
        "premium": None,
        "price": None,
        "currency": None,
        "generation": 1,
        "id": event_id("n0.com", 1, "available"),
        "p_unregistered": 0.99,
        "previous": "PENDING_DELETE",
        "reason": CONFIRMED,
        "seq": 1,
        "state": "AVAILABLE",
    }
    assert (said["result"], said["server"], said["timestamp"]) == ("unregistered", "rdap.com.test", NOW)
    assert (said["duration_ms"], said["canary"]) == (12.35, None)


def test_only_a_notice_that_a_name_is_free_says_what_it_rests_on() -> None:
    """Others rest on the record they name."""
    outbox = Outbox()
    outbox.tell(outbox.load_name(State.REGISTERED), State.PENDING_DELETE)

    assert "basis" not in body_of(outbox.take_transaction())


def test_a_catch_tells_the_registrar_and_how_long_the_name_was_free() -> None:
    """The alarm before it is known."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at, entry.detail.fields = NOW, Fields(registrar="Catcher Inc.", created_at="2026-09-21T14:14:00Z")
    entry.note_observation(answer(Outcome.REGISTERED), NOW + 61.27)
    outbox.tell(entry, State.REGISTERED, NOW + 61.27)
    body = body_of(outbox.take_transaction())

    assert (body["status"], body["registrar"], body["seconds_since_available"]) == ("registered", "Catcher Inc.", 61.3)


def test_events_are_numbered_by_name_and_in_all() -> None:
    """Generation and sequence; equal kinds of different generations have different ids."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    for state in (State.AVAILABLE, State.RESERVED, State.AVAILABLE):
        outbox.tell(entry, state)
    events = outbox.take_transaction().events

    assert [(event.seq, event.generation, event.kind) for event in events] == [
        (1, 1, "available"),
        (2, 2, "retracted"),
        (3, 3, "available"),
    ]
    assert len({event.id for event in events}) == 3


def test_an_event_is_logged_and_counted() -> None:
    """By its kind; the line names both states and the reason."""
    outbox = Outbox()
    outbox.tell(outbox.load_name(State.PENDING_DELETE), State.AVAILABLE, reason=CONFIRMED)
    (line,) = [effect for effect in outbox.effects.take_planned() if isinstance(effect, LogLine)]

    assert (line.level, line.event) == ("info", "state_changed")
    assert line.fields == {
        "domain": "n0.com",
        "state": "AVAILABLE",
        "previous": "PENDING_DELETE",
        "kind": "available",
        "confidence": 0.9,
        "reason": CONFIRMED,
    }
    assert outbox.telemetry.metrics.sum_counter("events", ("kind",)) == {"available": 1}


def test_a_durable_event_is_published_under_its_state_and_an_available_one_under_a_topic_of_its_own() -> None:
    """The same event with the same number under both."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    outbox.tell(entry, State.AVAILABLE)
    outbox.tell(entry, State.RESERVED)
    events = outbox.take_transaction().events
    outbox.effects.take_planned()
    for event in events:
        outbox.announcer.publish_event(event)
    maps = outbox.take_maps()

    assert [topic for topic, _ in maps] == ["state.n0.com", "available.n0.com", "state.n0.com"]
    assert [content["seq"] for _, content in maps] == [1, 1, 2]
    assert maps[0][1] == {
        "v": 1,
        "seq": 1,
        "type": "event",
        "ts": NOW,
        "instance": "test",
        "event": json.loads(events[0].body),
        "id": events[0].id,
        "domain": "n0.com",
        "kind": "available",
    }


# -- reasons -------------------------------------------------------------------------------------------------------------


def test_a_verdict_without_a_change_updates_confidence_and_reason_and_writes_the_row_later() -> None:
    """No event, no transaction of its own."""
    outbox = Outbox()
    entry = outbox.load_name(State.REGISTERED)

    assert outbox.tell(entry, State.REGISTERED, reason="found") is None
    assert (entry.confidence, entry.detail.reason, entry.since) == (0.9, "found", NOW - 3600.0)
    assert outbox.take_transaction().is_empty()
    assert outbox.domains.journal.is_unwritten(entry)


def test_an_announced_name_keeps_the_reason_it_was_announced_for() -> None:
    """A newer check sees fewer positives at a time; what it says stands beside it and takes nothing away."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    outbox.tell(entry, State.AVAILABLE, reason=CONFIRMED)
    outbox.tell(entry, State.AVAILABLE, reason="not found at the registry; still open: one gate")
    assert (entry.detail.reason, entry.detail.look) == (CONFIRMED, "not found at the registry; still open: one gate")

    outbox.tell(entry, State.REGISTERED, reason="found")
    assert (entry.detail.reason, entry.detail.look) == ("found", "")


def test_a_check_without_news_does_not_replace_the_reason() -> None:
    """The last proof of a registered name is still why it is registered; the next proof takes its place."""
    outbox = Outbox()
    entry = outbox.load_name(State.REGISTERED)
    for reason in ("found", NO_NEWS):
        outbox.tell(entry, State.REGISTERED, reason=reason)
    assert (entry.detail.reason, entry.detail.look) == ("found", NO_NEWS)

    outbox.tell(entry, State.REGISTERED, reason="delegated")
    assert (entry.detail.reason, entry.detail.look) == ("delegated", "")
