"""The calendar learns from every change of state, and scores the forecast that it ends."""

from __future__ import annotations

import pytest

from common.core.lifecycle.calendar import CHANGES, WRITE_EVERY, LearnedCalendar, add_change
from common.core.lifecycle.entry_forecast import forecast_of, refresh_forecast
from common.core.lifecycle.forecast import PUBLISHED, forecast_published
from common.core.lifecycle.observed import DAY, PENDING_DELETE, REDEMPTION, REDEMPTION_ALONE, ObservedSuffix
from common.core.lifecycle.purge_hours import Purge
from common.core.lifecycle.scores import Ended
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Fields, Phase
from common.core.model.records import PhaseChange
from common.core.model.states import State

MIDNIGHT = 1_789_948_800.0  # 2026-09-21T00:00:00Z
HOUR = 3600.0
WINDOW = DropWindow(MIDNIGHT + 5 * DAY, MIDNIGHT + 5 * DAY + HOUR, MIDNIGHT + 5 * DAY + 2 * HOUR, 0.9)


def entry_in(phase: Phase, state: State, *, began: float = MIDNIGHT, suffix: str = "com") -> Entry:
    """A name that was seen entering a phase within an hour."""
    entry = Entry(f"name.{suffix}", suffix, "name", state=state)
    entry.detail.phase, entry.detail.phase_after, entry.detail.phase_since = phase.value, began, began + HOUR
    return entry


def purge(entry: Entry, at: float) -> Entry:
    """Seen registered a minute before, and found purged."""
    entry.detail.registered_seen, entry.detail.purged_at, entry.state = at - 60.0, at, State.AVAILABLE
    return entry


def test_a_drop_teaches_the_hour_and_the_length_and_scores_the_forecast() -> None:
    """Five days after pending delete began, inside the window."""
    calendar = LearnedCalendar()
    entry = purge(entry_in(Phase.PENDING_DELETE, State.PENDING_DELETE), MIDNIGHT + 5 * DAY + HOUR)
    ended = calendar.note_verdict(entry, State.PENDING_DELETE, WINDOW, MIDNIGHT + 6 * DAY)

    assert ended == Ended("inside", pytest.approx(0.01), 0.0)
    assert calendar.observed.suffixes["com"].lengths == {PENDING_DELETE: [(5, 5)]}
    assert calendar.observed.suffixes["com"].purges == [Purge(int(MIDNIGHT + 5 * DAY + HOUR), 60)]
    assert calendar.scores.suffixes["com"].dropped == 1
    assert entry.detail.dropped_at == MIDNIGHT + 5 * DAY + HOUR
    assert entry.detail.transitions[-1] == PhaseChange(
        "pending_delete", "", MIDNIGHT + 5 * DAY + HOUR - 60, MIDNIGHT + 5 * DAY + HOUR
    )


def test_a_drop_from_redemption_is_a_length_of_its_own() -> None:
    """Registries without pending delete; outside the window."""
    calendar = LearnedCalendar()
    entry = purge(entry_in(Phase.REDEMPTION, State.REDEMPTION), MIDNIGHT + 30 * DAY)

    ended = calendar.note_verdict(entry, State.REDEMPTION, WINDOW, MIDNIGHT + 31 * DAY)
    assert ended == Ended("outside", pytest.approx(0.81), 25 * DAY - HOUR - 60)
    assert calendar.observed.suffixes["com"].lengths == {REDEMPTION_ALONE: [(29, 30)]}  # that minute begins a day earlier


def test_a_drop_from_another_phase_teaches_nothing_of_the_registrys_hours() -> None:
    """A registrar deletes when it likes."""
    calendar = LearnedCalendar()
    entry = purge(entry_in(Phase.ACTIVE, State.REGISTERED), MIDNIGHT + 5 * DAY)

    assert calendar.note_verdict(entry, State.REGISTERED, None, MIDNIGHT + 5 * DAY) is None
    assert calendar.observed.suffixes == {}
    assert entry.detail.dropped_at == MIDNIGHT + 5 * DAY


def test_a_name_that_the_registry_never_denied_has_not_dropped() -> None:
    """It is only held to be free."""
    calendar, entry = LearnedCalendar(), entry_in(Phase.PENDING_DELETE, State.UNREGISTERED)

    assert calendar.note_verdict(entry, State.PENDING_DELETE, WINDOW, MIDNIGHT + 6 * DAY) is None
    assert entry.detail.dropped_at is None


def test_the_end_of_redemption_is_counted_from_its_begin() -> None:
    """Only where both changes were seen, one after the other."""
    calendar, entry = LearnedCalendar(), entry_in(Phase.PENDING_DELETE, State.PENDING_DELETE)
    first = PhaseChange("active", "redemption", MIDNIGHT, MIDNIGHT + HOUR)
    last = PhaseChange("redemption", "pending_delete", MIDNIGHT + 30 * DAY, MIDNIGHT + 30 * DAY + HOUR)
    for changes in ((), (last,), (last, first), (first, first)):
        entry.detail.transitions = changes
        assert calendar.note_verdict(entry, State.REDEMPTION, WINDOW, MIDNIGHT) is None
    assert calendar.observed.suffixes == {}
    entry.detail.transitions = (first, last)
    assert calendar.note_verdict(entry, State.REDEMPTION, WINDOW, MIDNIGHT) is None

    assert calendar.observed.suffixes["com"].lengths == {REDEMPTION: [(30, 30)]}


def test_a_restored_name_scores_the_forecast_that_it_voids() -> None:
    """Not where the forecast still stands, nor where it was counted as missed."""
    calendar, entry = LearnedCalendar(), entry_in(Phase.ACTIVE, State.REGISTERED)
    assert calendar.note_verdict(entry, State.PENDING_DELETE, WINDOW, MIDNIGHT) == Ended("stayed", pytest.approx(0.81))
    assert calendar.scores.suffixes["com"].scored == 1
    assert calendar.note_verdict(entry, State.UNKNOWN, WINDOW, MIDNIGHT) is None
    assert calendar.note_verdict(entry, State.PENDING_DELETE, None, MIDNIGHT) is None
    entry.drop = WINDOW
    assert calendar.note_verdict(entry, State.EXPIRED_GRACE, WINDOW, MIDNIGHT) is None
    entry.drop = None
    calendar.note_missed(entry, WINDOW)
    assert calendar.note_verdict(entry, State.PENDING_DELETE, WINDOW, MIDNIGHT) is None

    assert (calendar.scores.suffixes["com"].scored, calendar.scores.suffixes["com"].missed) == (2, 1)


def test_the_same_state_again_teaches_nothing() -> None:
    """A drop is counted once."""
    calendar = LearnedCalendar()
    entry = purge(entry_in(Phase.PENDING_DELETE, State.PENDING_DELETE), MIDNIGHT + 5 * DAY)

    assert calendar.note_verdict(entry, State.AVAILABLE, WINDOW, MIDNIGHT + 5 * DAY) is None
    entry.detail.dropped_at = MIDNIGHT
    entry.state = State.REGISTERED
    assert calendar.note_verdict(entry, State.REGISTERED, WINDOW, MIDNIGHT + 5 * DAY) is None
    entry.state = State.EXPIRED_GRACE
    assert calendar.note_verdict(entry, State.EXPIRED_GRACE, WINDOW, MIDNIGHT + 5 * DAY) is None
    assert calendar.observed.suffixes == {}


@pytest.mark.parametrize("before", [State.UNKNOWN, State.DROPPING, State.UNREGISTERED])
def test_a_name_that_was_gone_before_does_not_drop_again(before: State) -> None:
    """From a release procedure, say, it becomes available."""
    calendar = LearnedCalendar()
    entry = purge(entry_in(Phase.PENDING_DELETE, State.PENDING_DELETE), MIDNIGHT + 5 * DAY)

    assert calendar.note_verdict(entry, before, WINDOW, MIDNIGHT + 5 * DAY) is None
    assert calendar.observed.suffixes == {}


def test_pending_delete_after_another_state_ends_no_redemption() -> None:
    """The changes of phase may have been seen, and told, before."""
    calendar, entry = LearnedCalendar(), entry_in(Phase.PENDING_DELETE, State.PENDING_DELETE)
    entry.detail.transitions = (
        PhaseChange("active", "redemption", MIDNIGHT, MIDNIGHT + HOUR),
        PhaseChange("redemption", "pending_delete", MIDNIGHT + 30 * DAY, MIDNIGHT + 30 * DAY + HOUR),
    )
    calendar.note_verdict(entry, State.REGISTERED, WINDOW, MIDNIGHT)
    assert calendar.observed.suffixes == {}
    entry.state = State.EXPIRED_GRACE
    entry.detail.phase = "expired_grace"
    calendar.note_verdict(entry, State.REDEMPTION, None, MIDNIGHT)
    assert calendar.observed.suffixes == {}


def test_a_name_that_is_gone_again_was_not_caught() -> None:
    """Only what is registered is."""
    calendar, entry = LearnedCalendar(), entry_in(Phase.ACTIVE, State.RESERVED)
    entry.detail.dropped_at = MIDNIGHT
    calendar.note_verdict(entry, State.AVAILABLE, None, MIDNIGHT)

    assert entry.detail.caught_at is None


def test_a_name_that_is_registered_again_was_caught() -> None:
    """After its drop, not after any change."""
    calendar, entry = LearnedCalendar(), entry_in(Phase.ACTIVE, State.REGISTERED)
    calendar.note_verdict(entry, State.AVAILABLE, None, MIDNIGHT)
    assert entry.detail.caught_at is None
    entry.detail.dropped_at = MIDNIGHT
    calendar.note_verdict(entry, State.REDEMPTION, None, MIDNIGHT + 1)
    assert entry.detail.caught_at is None
    calendar.note_verdict(entry, State.AVAILABLE, None, MIDNIGHT + 2)
    assert entry.detail.caught_at == MIDNIGHT + 2
    calendar.note_verdict(purge(entry, MIDNIGHT + 3), State.REGISTERED, None, MIDNIGHT + 3)

    assert (entry.detail.dropped_at, entry.detail.caught_at) == (MIDNIGHT + 3, None)


def test_what_was_learned_corrects_the_forecast_and_is_named_in_its_basis() -> None:
    """Of a suffix whose row says otherwise, and of one that has none."""
    calendar = LearnedCalendar()
    for suffix in ("com", "at"):
        entry = entry_in(Phase.PENDING_DELETE, State.PENDING_DELETE, suffix=suffix)
        before = forecast_of(entry, MIDNIGHT + HOUR, calendar)
        for _ in range(5):
            calendar.observed._open_suffix(suffix).add_length(PENDING_DELETE, (9, 9), MIDNIGHT)
        after = forecast_of(entry, MIDNIGHT + HOUR, calendar)

        assert (before is None) is (suffix == "at")
        assert after is not None
        assert MIDNIGHT + 9 * DAY <= after.earliest < after.latest <= MIDNIGHT + 10 * DAY
        assert after.reason.endswith("(pending delete of 9 days seen 5 times)")
        assert after.p == pytest.approx(0.95 * 6 / 7, abs=0.001)
    entry = entry_in(Phase.REDEMPTION, State.REDEMPTION, suffix="at")
    assert forecast_of(entry, MIDNIGHT + HOUR, calendar) is None
    refresh_forecast(entry, MIDNIGHT, calendar)
    assert (entry.drop, entry.detail.forecast_reason) == (None, "")


def test_what_was_learned_is_stored_now_and_then_and_survives() -> None:
    """A text for transitions and one for scores, each where it changed."""
    calendar = LearnedCalendar()
    assert calendar.take_changed(MIDNIGHT, last=True) == {}
    entry = purge(entry_in(Phase.PENDING_DELETE, State.PENDING_DELETE), MIDNIGHT + 5 * DAY + HOUR)
    calendar.note_verdict(entry, State.PENDING_DELETE, WINDOW, MIDNIGHT)
    texts = calendar.take_changed(MIDNIGHT, last=False)
    assert set(texts) == {"transitions", "forecasts"}
    calendar.note_missed(entry, WINDOW)
    assert calendar.take_changed(MIDNIGHT + WRITE_EVERY - 1, last=False) == {}
    assert set(calendar.take_changed(MIDNIGHT + WRITE_EVERY - 1, last=True)) == {"forecasts"}
    calendar.note_missed(entry, WINDOW)
    assert set(calendar.take_changed(MIDNIGHT + 2 * WRITE_EVERY, last=False)) == {"forecasts"}
    again = LearnedCalendar()
    again.cycle_of("com")
    again.restore_texts(texts["transitions"], texts["forecasts"])

    assert again.observed.suffixes == calendar.observed.suffixes
    assert again.scores.suffixes["com"].dropped == 1


def test_the_status_shows_deviations_and_scores() -> None:
    """Worked out anew after each observation."""
    calendar = LearnedCalendar()
    assert calendar.to_plain() == {"deviations": [], "hours": [], "observed": 0, "forecasts": []}
    calendar.scores.score_stay("com", WINDOW)
    for _ in range(5):
        calendar.observed._open_suffix("com").add_length(REDEMPTION, (40, 40), MIDNIGHT)
    shown = calendar.to_plain()

    assert shown["deviations"] == [{"suffix": "com", "what": "redemption", "row": "30 days", "observed": "40 days", "n": 5}]
    assert (shown["observed"], shown["forecasts"][0]["suffix"]) == (1, "com")
    calendar.observed.suffixes["com"] = ObservedSuffix()
    assert calendar.to_plain()["deviations"] == shown["deviations"]


def teach_hours(calendar: LearnedCalendar, suffix: str = "xyz") -> None:
    """Five drops at noon of five days, each seen within two minutes."""
    for day in range(5):
        entry = purge(
            entry_in(Phase.PENDING_DELETE, State.PENDING_DELETE, suffix=suffix), MIDNIGHT + (5 + day) * DAY + 12 * HOUR
        )
        entry.detail.phase_after, entry.detail.phase_since = MIDNIGHT + day * DAY, MIDNIGHT + day * DAY + HOUR
        calendar.note_verdict(entry, State.PENDING_DELETE, None, MIDNIGHT + 10 * DAY)


def test_the_schedule_follows_what_is_learned() -> None:
    """From the drop on that makes it enough; not of hours that say no more than a row."""
    calendar = LearnedCalendar()
    assert calendar.hours.hours_of("xyz") == (0.0, DAY)
    teach_hours(calendar)
    assert calendar.hours.hours_of("xyz") == (11 * HOUR + 2400, 2400)
    assert calendar.to_plain()["hours"] == [{"suffix": "xyz", "hours": "11:40 to 12:20", "n": 5}]
    assert calendar.hours.hours_of("com") == LearnedCalendar().hours.hours_of("com")
    calendar.observed._open_suffix("com").add_purge(MIDNIGHT, MIDNIGHT)
    calendar.cycle_of("com")
    assert not calendar.hours.is_learned("com")
    for _ in range(5):
        calendar.observed._open_suffix("com").add_length(PENDING_DELETE, (2, 2), MIDNIGHT)
    calendar.cycle_of("com")

    assert calendar.hours.pending_days("com") == 2


def test_the_schedule_follows_what_is_restored_and_what_is_forgotten() -> None:
    """After a restart or a take-over, before the first name is looked at."""
    calendar, again = LearnedCalendar(), LearnedCalendar()
    teach_hours(calendar)
    teach_hours(again, "abc")
    again.restore_texts(calendar.take_changed(MIDNIGHT, last=True)["transitions"], "")

    assert again.hours.hours_of("xyz") == calendar.hours.hours_of("xyz") != (0.0, DAY)
    assert again.hours.hours_of("abc") == (0.0, DAY)
    assert not again.hours.is_learned("abc")


def test_changes_of_phase_are_bounded() -> None:
    """The newest are kept."""
    entry = entry_in(Phase.ACTIVE, State.REGISTERED)
    for number in range(CHANGES + 3):
        add_change(entry, PhaseChange("a", "b", None, float(number)))

    assert [change.since for change in entry.detail.transitions] == [float(number) for number in range(3, CHANGES + 3)]


def test_a_published_release_goes_before_every_count() -> None:
    """Also where nothing is known of the phase; a restore voids it, and a day after its end it says nothing."""
    entry = Entry("name.at", "at", "name")
    entry.detail.published = (MIDNIGHT, MIDNIGHT + HOUR, "drop list of nic.example")
    found = forecast_of(entry, MIDNIGHT - DAY)
    assert found is not None
    assert (found.earliest, found.likely, found.latest, found.p) == (MIDNIGHT, MIDNIGHT + HOUR / 2, MIDNIGHT + HOUR, PUBLISHED)
    assert found.reason == "its release is published: drop list of nic.example"
    assert forecast_of(entry, MIDNIGHT + HOUR + DAY) is not None
    assert forecast_of(entry, MIDNIGHT + HOUR + DAY + 1) is None
    entry.detail.fields = Fields(statuses=("pendingRestore",))
    assert forecast_of(entry, MIDNIGHT - DAY) is None
    assert forecast_published((2.0, 1.0, "turned round"), 0.0) is None
    assert forecast_published(None, 0.0) is None
