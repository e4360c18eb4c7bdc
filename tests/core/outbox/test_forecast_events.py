"""What is told of forecasts: renewals, restores, windows that passed, and what became of a name after its drop."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from common.core.lifecycle.forecast import AHEAD, DAY
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Fields, Outcome, Phase
from common.core.model.states import State
from common.core.model.verdict import Verdict
from common.core.outbox.forecast_events import (
    EXPECTED,
    PATIENCE,
    RENEWAL,
    is_missed,
    is_renewed,
    returned_kind,
    show_catch,
    show_renewal,
    show_window,
)
from tests.core.outbox.told import NOW, Outbox, answer, body_of

WINDOW = DropWindow(NOW - 3 * DAY, NOW - 2.5 * DAY, NOW - 2 * DAY, 0.9)
VERDICT = Verdict(State.PENDING_DELETE, 0.0, 0.01, 0.97, "a reason")


def entry_in(state: State, phase: Phase = Phase.PENDING_DELETE) -> Entry:
    """A name that the registry showed a second ago."""
    entry = Entry("name.com", "com", "name", state=state)
    entry.detail.phase, entry.detail.registered_seen, entry.detail.registry_at = phase.value, NOW - 1, NOW - 1
    return entry


@pytest.mark.parametrize(
    ("before", "state", "created", "kind"),
    [
        (State.REDEMPTION, State.REGISTERED, None, "restored"),
        (State.PENDING_DELETE, State.UNDELEGATED, None, "restored"),
        (State.PENDING_DELETE, State.EXPIRED_GRACE, None, "restored"),
        (State.REDEMPTION, State.REGISTERED, NOW - 2 * DAY - 1, "restored"),
        (State.REDEMPTION, State.REGISTERED, NOW - 2 * DAY, "registered"),  # younger than the state, or of the day before it
        (State.REDEMPTION, State.PENDING_DELETE, None, None),
        (State.EXPIRED_GRACE, State.REGISTERED, None, "renewed"),
        (State.EXPIRED_GRACE, State.UNDELEGATED, None, None),
        (State.EXPIRED_GRACE, State.REDEMPTION, None, None),
        (State.REGISTERED, State.UNDELEGATED, None, None),
    ],
)
def test_a_return_from_deletion_is_told_as_what_it_is(
    before: State, state: State, created: float | None, kind: str | None
) -> None:
    """The state before began a day ago."""
    entry = entry_in(state)
    if created is not None:
        entry.detail.fields = Fields(created_at=_iso(created))

    assert returned_kind(entry, before, NOW - DAY) == kind


def test_a_restore_needs_no_date_to_be_told() -> None:
    """Of a state whose begin is not known."""
    entry = entry_in(State.REGISTERED)
    entry.detail.fields = Fields(created_at=_iso(NOW))

    assert returned_kind(entry, State.REDEMPTION, None) == "restored"


def renewed_entry(**changes: Any) -> Entry:
    """A healthy name whose record shows an expiry date far away."""
    entry = entry_in(State.REGISTERED, Phase.ACTIVE)
    entry.detail.expires_epoch = NOW - 1 + AHEAD + 1
    for key, value in changes.items():
        setattr(entry if key in ("state", "drop") else entry.detail, key, value)
    return entry


def test_a_later_expiry_voids_the_forecast_and_is_told_once() -> None:
    """A date that moves by hours is no renewal."""
    assert is_renewed(renewed_entry(), WINDOW)
    told = renewed_entry().detail.expires_epoch or 0.0
    assert is_renewed(renewed_entry(renewed_to=told - RENEWAL - 1), WINDOW)
    assert not is_renewed(renewed_entry(renewed_to=told - RENEWAL), WINDOW)
    assert not is_renewed(renewed_entry(), None)
    assert not is_renewed(renewed_entry(drop=WINDOW), WINDOW)
    assert not is_renewed(renewed_entry(expires_epoch=NOW - 1 + AHEAD), WINDOW)
    assert not is_renewed(renewed_entry(expires_epoch=None), WINDOW)
    assert not is_renewed(renewed_entry(registered_seen=None), WINDOW)
    assert not is_renewed(renewed_entry(phase="redemption"), WINDOW)
    assert not is_renewed(renewed_entry(state=State.PENDING_DELETE), WINDOW)
    assert is_renewed(renewed_entry(state=State.UNDELEGATED, phase="undelegated"), WINDOW)


def test_a_window_that_ended_a_day_ago_is_missed_once() -> None:
    """Where the registry showed the name since, and a drop was expected."""
    missed = WINDOW._replace(latest=NOW - 1 - PATIENCE - 1)
    entry = entry_in(State.PENDING_DELETE)
    assert is_missed(entry, missed, NOW)
    assert is_missed(entry, missed._replace(probability=EXPECTED), NOW)
    assert not is_missed(entry, missed._replace(probability=EXPECTED - 0.01), NOW)
    assert not is_missed(entry, None, NOW)
    assert not is_missed(entry, missed._replace(latest=NOW - 1 - PATIENCE), NOW)  # it was not seen since
    assert not is_missed(entry, missed, missed.latest + PATIENCE)
    entry.detail.registry_at = missed.latest
    assert not is_missed(entry, missed, NOW)
    entry.detail.registry_at, entry.detail.registered_seen = NOW - 1, None
    assert not is_missed(entry, missed, NOW)
    entry.detail.registered_seen, entry.detail.missed_latest = NOW - 1, missed.latest
    assert not is_missed(entry, missed, NOW)
    entry.detail.missed_latest, entry.state = missed.latest - 1, State.AVAILABLE
    assert not is_missed(entry, missed, NOW)


def test_a_forecast_is_shown_by_the_names_of_its_contract() -> None:
    """Times in epoch seconds."""
    assert show_window(None, "") is None
    assert show_window(DropWindow(1.0, 2.0, 3.0, 0.9), "counted") == {
        "earliest": 1.0,
        "likely": 2.0,
        "latest": 3.0,
        "probability": 0.9,
        "basis": "counted",
    }


@pytest.mark.parametrize(
    ("created", "seconds"),
    [
        (NOW + 7, 7.0),
        (NOW - 7, 0.0),  # created before it was seen purged
        ("2026-09-21", 60.0),  # no more than a day: until it was seen
        (None, 60.0),
    ],
)
def test_a_catch_is_told_with_its_registrar_and_the_seconds_since_the_drop(created: float | str | None, seconds: float) -> None:
    """By the record from after the drop."""
    entry = entry_in(State.REGISTERED)
    assert show_catch(entry.detail, NOW + 60) == {}
    entry.detail.dropped_at = NOW
    text = _iso(created) if isinstance(created, float) else created
    entry.note_observation(answer(Outcome.REGISTERED, registrar="Catcher", created_at=text), NOW + 50)

    assert show_catch(entry.detail, NOW + 60) == {"registrar": "Catcher", "seconds_after_drop": seconds}


def test_of_the_holder_before_no_catch_is_told() -> None:
    """Its record is from before the drop; the zone alone shows no registrar."""
    entry = entry_in(State.REGISTERED)
    entry.detail.dropped_at = NOW
    entry.note_observation(answer(Outcome.REGISTERED, registrar="Holder", created_at=_iso(NOW + 9)), NOW)
    entry.note_observation(answer(Outcome.REGISTERED, "dns"), NOW + 50)

    assert show_catch(entry.detail, NOW + 60) == {"registrar": None, "seconds_after_drop": 60.0}


def test_a_renewal_is_told_with_the_registrar_before_where_there_was_another() -> None:
    """A transfer renews as well."""
    entry = entry_in(State.REGISTERED)
    entry.detail.fields = Fields(expires_at="2028-01-01", registrar="New")
    assert show_renewal(entry.detail) == {"expires_at": "2028-01-01", "registrar": "New", "transferred_from": None}
    entry.detail.transferred_from = "Old"
    assert show_renewal(entry.detail)["transferred_from"] == "Old"


# -- events ----------------------------------------------------------------------------------------------------------------


def test_a_renewal_and_a_missed_window_are_events_without_a_change_of_state() -> None:
    """With a number of their own, and a callback."""
    outbox = Outbox()
    entry = outbox.load_name(State.REGISTERED)
    for key in ("phase", "registered_seen", "registry_at", "expires_epoch"):
        setattr(entry.detail, key, getattr(renewed_entry().detail, key))
    kind = outbox.announcer.tell_forecast(
        entry, structs.replace(VERDICT, state=State.REGISTERED), State.REGISTERED, WINDOW, NOW
    )
    changes = outbox.take_transaction()
    body = body_of(changes)
    assert (kind, body["status"], body["state"], body["previous"]) == ("renewed", "renewed", "REGISTERED", "REGISTERED")
    assert body["reason"] == "the record shows a later expiry date: the forecast is void"
    assert "transferred_from" in body
    assert "forecast" not in body
    assert (entry.generation, len(changes.deliveries), len(changes.domains)) == (1, 1, 1)

    entry.state, entry.drop, entry.detail.forecast_reason = State.PENDING_DELETE, WINDOW, "counted"
    kind = outbox.announcer.tell_forecast(entry, VERDICT, State.PENDING_DELETE, WINDOW, NOW)
    body = body_of(outbox.take_transaction())
    assert (kind, body["status"]) == ("forecast_missed", "forecast_missed")
    assert body["forecast"] == show_window(WINDOW, "counted")
    assert body["reason"] == "the forecast window ended a day ago, and the registry still shows the name"


def test_a_change_of_state_is_told_once() -> None:
    """As the change that it is."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    entry.detail.registered_seen = entry.detail.registry_at = NOW - 1
    entry.drop = WINDOW

    assert outbox.announcer.tell_forecast(entry, VERDICT, State.REDEMPTION, WINDOW, NOW) is None
    assert not outbox.domains.journal.has_events()


def test_a_forecast_that_changed_is_published_on_the_feed() -> None:
    """One that is void is null; one that stays is not told again."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    entry.drop, entry.detail.forecast_reason = WINDOW, "counted"
    outbox.announcer.tell_forecast(entry, VERDICT, State.PENDING_DELETE, None, NOW - 2 * DAY)
    outbox.announcer.tell_forecast(entry, VERDICT, State.PENDING_DELETE, WINDOW, NOW - 2 * DAY)
    entry.drop = None
    outbox.announcer.tell_forecast(entry, VERDICT, State.PENDING_DELETE, WINDOW, NOW - 2 * DAY)
    maps = outbox.take_maps()

    assert [topic for topic, _ in maps] == ["forecast.n0.com", "forecast.n0.com"]
    assert (maps[0][1]["type"], maps[0][1]["domain"]) == ("forecast", "n0.com")
    assert [content["forecast"] for _, content in maps] == [show_window(WINDOW, "counted"), None]


def test_a_notice_about_a_deletion_carries_the_forecast_and_a_restore_is_told_as_one() -> None:
    """Where there is a forecast."""
    outbox = Outbox()
    entry = outbox.load_name(State.REDEMPTION)
    entry.drop, entry.detail.forecast_reason = WINDOW, "counted"
    assert outbox.tell(entry, State.PENDING_DELETE) == "pending_delete"
    assert body_of(outbox.take_transaction())["forecast"] == show_window(WINDOW, "counted")
    entry.drop = None
    assert outbox.tell(entry, State.REGISTERED, NOW + 60) == "restored"
    assert "forecast" not in body_of(outbox.take_transaction())


def test_a_catch_is_told_with_the_notice_registered() -> None:
    """Beside the seconds since the alarm."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at, entry.detail.dropped_at = NOW, NOW - 5
    entry.note_observation(answer(Outcome.REGISTERED, registrar="Catcher", created_at=_iso(NOW + 7)), NOW + 50)
    entry.detail.fields = entry.detail.evidence["rdap"].observation.reading.fields
    assert outbox.tell(entry, State.REGISTERED, NOW + 60) == "registered"
    body = body_of(outbox.take_transaction())

    assert (body["registrar"], body["seconds_after_drop"], body["seconds_since_available"]) == ("Catcher", 12.0, 60.0)


def test_a_renewal_that_ends_the_grace_carries_the_new_date() -> None:
    """A change of state as well."""
    outbox = Outbox()
    entry = outbox.load_name(State.EXPIRED_GRACE)
    entry.detail.fields = Fields(expires_at="2028-01-01")
    assert outbox.tell(entry, State.REGISTERED) == "renewed"

    assert body_of(outbox.take_transaction())["expires_at"] == "2028-01-01"


def _iso(at: float) -> str:
    """The moment as records write it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
