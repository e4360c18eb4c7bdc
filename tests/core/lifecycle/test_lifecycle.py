"""The calendar: forecasts follow each registry's clock, priors follow the phase."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.builtin.lifecycles import CYCLES, GTLD, Cycle, cycle_for
from common.core.builtin.release_procedures import PROCEDURES, ReleaseProcedure
from common.core.lifecycle.forecast import DAY, HOUR, Forecast, forecast_drop, is_drop_voided, prior_log_odds
from common.core.model.evidence import NO_FIELDS, Fields, Phase


def at(text: str) -> float:
    """Epoch seconds of "2026-03-01 18:00" in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(moment: float) -> str:
    """The inverse of `at`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")


def seen(suffix: str, phase: Phase, since: str, after: str | None = None, **fields: object) -> Forecast:
    """The forecast of a name first seen in a phase, from a record with these fields."""
    found = forecast_drop(
        suffix, phase, Fields(**fields), phase_since=at(since), phase_after=at(after) if after else None, now=at(since)
    )  # type: ignore[arg-type]  # fields of Fields by name

    assert found is not None
    assert found.earliest <= found.likely <= found.latest
    assert 0 < found.p <= 1
    assert 0 < len(found.reason) <= 300
    return found


@pytest.mark.parametrize(
    ("suffix", "phase", "earliest", "latest", "p"),
    [
        ("com", Phase.REDEMPTION, "2026-04-05 17:55", "2026-04-05 22:05", 0.85),
        ("com", Phase.PENDING_DELETE, "2026-03-06 17:55", "2026-03-06 22:05", 0.95),
        ("org", Phase.PENDING_DELETE, "2026-03-06 13:25", "2026-03-06 16:05", 0.9),
        ("xyz", Phase.PENDING_DELETE, "2026-03-06 00:00", "2026-03-07 00:00", 0.95),
        ("io", Phase.PENDING_DELETE, "2026-03-06 00:00", "2026-03-07 00:00", 0.95),
        ("uk.com", Phase.PENDING_DELETE, "2026-03-06 00:00", "2026-03-07 00:00", 0.85),
        ("de", Phase.REDEMPTION, "2026-03-31 00:00", "2026-04-02 00:00", 0.95),
        ("nl", Phase.REDEMPTION, "2026-04-10 08:00", "2026-04-10 13:00", 0.95),
        ("eu", Phase.REDEMPTION, "2026-04-10 00:00", "2026-04-11 00:00", 0.95),
        ("be", Phase.REDEMPTION, "2026-04-10 00:00", "2026-04-11 00:00", 0.95),
        ("fr", Phase.REDEMPTION, "2026-03-31 00:00", "2026-04-01 00:00", 0.95),
        ("it", Phase.REDEMPTION, "2026-03-31 06:55", "2026-04-05 15:30", 0.85),
        ("it", Phase.PENDING_DELETE, "2026-03-01 06:55", "2026-03-06 15:30", 0.95),
        ("ch", Phase.REDEMPTION, "2026-04-10 00:00", "2026-04-11 00:00", 0.8),
        ("co.nz", Phase.REDEMPTION, "2026-05-30 01:55", "2026-05-31 04:05", 0.9),  # the session of day 90, or the next
        ("jp", Phase.REDEMPTION, "2026-03-31 14:55", "2026-03-31 18:00", 0.85),
        ("ca", Phase.PENDING_DELETE, "2026-03-04 18:55", "2026-03-11 21:00", 0.9),
        ("cn", Phase.REDEMPTION, "2026-03-21 00:00", "2026-03-22 00:00", 0.55),
        ("cz", Phase.PENDING_DELETE, "2026-03-01 00:00", "2026-03-03 00:00", 0.95),
        ("ee", Phase.REDEMPTION, "2026-03-31 00:00", "2026-04-02 00:00", 0.75),
        ("ee", Phase.PENDING_DELETE, "2026-03-01 00:00", "2026-03-03 00:00", 0.85),
        ("sk", Phase.REDEMPTION, "2026-04-10 00:00", "2026-04-12 00:00", 0.85),
        ("ie", Phase.REDEMPTION, "2026-04-05 00:00", "2026-04-06 00:00", 0.75),
        ("ie", Phase.PENDING_DELETE, "2026-03-06 00:00", "2026-03-07 00:00", 0.85),
        ("com.ua", Phase.REDEMPTION, "2026-04-05 00:00", "2026-04-06 00:00", 0.65),
        ("com.ua", Phase.PENDING_DELETE, "2026-03-06 00:00", "2026-03-07 00:00", 0.75),
        ("hu", Phase.REDEMPTION, "2026-03-31 00:00", "2026-04-01 00:00", 0.65),
        ("fi", Phase.REDEMPTION, "2026-03-29 00:00", "2026-04-02 00:00", 0.65),
        ("lt", Phase.REDEMPTION, "2026-03-31 00:00", "2026-04-05 00:00", 0.85),
        ("co.kr", Phase.REDEMPTION, "2026-03-29 01:00", "2026-04-01 08:00", 0.45),
        ("co.za", Phase.REDEMPTION, "2026-03-30 00:00", "2026-04-01 00:00", 0.55),
        ("com.tr", Phase.REDEMPTION, "2026-04-30 00:00", "2026-05-01 00:00", 0.55),
        ("pl", Phase.REDEMPTION, "2026-03-31 00:00", "2026-04-01 00:00", 0.65),
    ],
)
def test_a_transition_that_was_seen_fixes_the_day(suffix: str, phase: Phase, earliest: str, latest: str, p: float) -> None:
    """Between two checks on 1 March, 08:00 and 12:00, the name entered the phase."""
    found = seen(suffix, phase, "2026-03-01 12:00", "2026-03-01 08:00")

    assert (shown(found.earliest), shown(found.latest)) == (earliest, latest)
    assert found.p >= p


@pytest.mark.parametrize(
    ("since", "after", "earliest", "p"),
    [
        ("2026-04-30 16:00", None, "2026-04-30 14:55", 0.5),  # an hour after midnight: its purge may be about to come
        ("2026-04-30 17:59", None, "2026-04-30 14:55", 0.5),
        ("2026-04-30 18:00", None, "2026-05-31 14:55", 0.85),
        ("2026-04-30 14:59", None, "2026-04-30 14:55", 0.85),
        ("2026-04-30 16:00", "2026-04-30 14:00", "2026-05-31 14:55", 0.85),  # seen entering: suspended since midnight
    ],
)
def test_a_name_that_is_found_suspended_in_the_hours_of_the_purge_may_be_purged_in_them(
    since: str, after: str | None, earliest: str, p: float
) -> None:
    """JPRS purges on the first of the month and suspends on it; midnight in Japan is 15:00 UTC."""
    found = seen("jp", Phase.REDEMPTION, since, after)

    assert (shown(found.earliest), found.p) == (earliest, p)


@pytest.mark.parametrize(
    ("suffix", "phase", "earliest", "latest", "p"),
    [
        ("co.uk", Phase.PENDING_DELETE, "2026-04-06 00:00", "2026-04-07 00:00", 0.9),  # 1 January + 30 + 60 + 5
        ("uk", Phase.REDEMPTION, "2026-04-06 00:00", "2026-04-07 00:00", 0.9),
        ("se", Phase.REDEMPTION, "2026-03-19 03:59", "2026-03-19 08:00", 0.9),
        ("cz", Phase.REDEMPTION, "2026-03-02 00:00", "2026-03-04 00:00", 0.9),  # 60 days, some say 61
        ("ee", Phase.REDEMPTION, "2026-02-15 00:00", "2026-02-17 00:00", 0.8),  # 15 in the zone and 30 out of it
        ("sk", Phase.REDEMPTION, "2026-02-10 00:00", "2026-02-12 00:00", 0.9),
        ("sk", Phase.PENDING_DELETE, "2026-02-10 00:00", "2026-02-12 00:00", 0.9),
        ("com.au", Phase.PENDING_DELETE, "2026-02-01 02:58", "2026-02-02 04:30", 0.9),
        ("no", Phase.REDEMPTION, "2026-04-01 00:00", "2026-04-02 00:00", 0.8),
        ("hu", Phase.REDEMPTION, "2026-03-02 00:00", "2026-03-03 00:00", 0.6),
        ("fi", Phase.REDEMPTION, "2026-01-29 00:00", "2026-02-02 00:00", 0.6),  # a month has 28 to 31 days
        ("lt", Phase.REDEMPTION, "2026-01-31 00:00", "2026-02-05 00:00", 0.8),
        ("kr", Phase.REDEMPTION, "2026-01-29 01:00", "2026-02-01 08:00", 0.45),  # 10:00 to 17:00 in Korea
        ("co.za", Phase.REDEMPTION, "2026-02-04 00:00", "2026-02-06 00:00", 0.5),
        ("com.tr", Phase.REDEMPTION, "2026-03-02 00:00", "2026-03-03 00:00", 0.5),
        ("com.br", Phase.REDEMPTION, "2026-03-02 00:00", "2026-04-22 00:00", 0.5),
        ("pl", Phase.REDEMPTION, "2026-01-31 00:00", "2026-02-01 00:00", 0.6),
    ],
)
def test_registries_that_count_from_expiry_are_forecast_from_it(
    suffix: str, phase: Phase, earliest: str, latest: str, p: float
) -> None:
    """Expired on 1 January; the transition was not observed."""
    found = seen(suffix, phase, "2026-02-01 12:00", expires_at="2026-01-01T00:00:00Z")

    assert (shown(found.earliest), shown(found.latest)) == (earliest, latest)
    assert found.p >= p


@pytest.mark.parametrize("released", ["2026-01-15 08:00", "2026-01-15 15:00", "2026-07-15 07:00", "2026-07-15 14:00"])
def test_both_italian_releases_lie_in_the_window_in_summer_and_in_winter(released: str) -> None:
    """09:00 and 16:00 in Rome, on the fifth day after the name became past saving."""
    began = at(released) - 5 * DAY
    found = forecast_drop("it", Phase.PENDING_DELETE, NO_FIELDS, phase_since=began, phase_after=began - HOUR, now=began)

    assert found is not None
    assert found.earliest <= at(released) <= found.latest
    assert shown(found.latest)[:10] == released[:10]


def test_an_irish_name_in_its_grace_is_forecast_from_the_registrars_deletion() -> None:
    """45 days of grace at most, then 30 and 5: day 80, some days more where the registrar is slow."""
    found = seen("ie", Phase.EXPIRED_GRACE, "2026-03-02 12:00", "2026-03-01 12:00", expires_at="2026-03-02T00:00:00Z")

    assert shown(found.earliest)[:10] == "2026-04-06"
    assert shown(found.latest)[:10] == "2026-05-27"


def test_a_date_in_the_record_comes_second() -> None:
    """Watching began inside the phase: last change + 5 or + 35 days, whichever is still possible."""
    pending = seen("com", Phase.PENDING_DELETE, "2026-03-04 12:00", updated_at="2026-03-03T10:00:00Z")
    since_deletion = seen("com", Phase.PENDING_DELETE, "2026-03-04 12:00", updated_at="2026-02-01T10:00:00Z")
    redemption = seen("com", Phase.REDEMPTION, "2026-03-04 12:00", updated_at="2026-03-01T10:00:00Z")

    assert (shown(pending.earliest), shown(pending.latest)) == ("2026-03-08 17:55", "2026-03-09 22:05")
    assert (shown(since_deletion.earliest), shown(since_deletion.latest)) == ("2026-03-08 17:55", "2026-03-09 22:05")
    assert (shown(redemption.earliest), shown(redemption.latest)) == ("2026-04-05 17:55", "2026-04-06 22:05")
    assert redemption.p < pending.p < 0.95


def test_a_date_in_the_record_narrows_what_was_seen_days_apart() -> None:
    """Where it lies inside of it; a transition that was seen closely needs no date, one that contradicts it counts alone."""
    apart = ("2026-03-06 12:00", "2026-03-01 12:00")
    wide = seen("com", Phase.PENDING_DELETE, *apart)
    dated = seen("com", Phase.PENDING_DELETE, *apart, updated_at="2026-02-01T10:00:00Z")
    other = seen("com", Phase.PENDING_DELETE, *apart, updated_at="2026-02-05T10:00:00Z")
    close = seen("com", Phase.PENDING_DELETE, "2026-03-04 12:00", "2026-03-03 12:00", updated_at="2026-02-01T10:00:00Z")

    assert (shown(wide.earliest), shown(wide.latest)) == ("2026-03-06 17:55", "2026-03-11 22:05")
    assert (shown(dated.earliest), shown(dated.latest)) == ("2026-03-08 17:55", "2026-03-09 22:05")
    assert (other.earliest, other.latest) == (wide.earliest, wide.latest)
    assert "seen entering" in close.reason


def test_without_any_date_the_phase_itself_bounds_the_day() -> None:
    """Somewhere inside pending delete: within five days. An impossible date in the record is not believed."""
    found = seen("com", Phase.PENDING_DELETE, "2026-03-04 12:00")
    nonsense = seen("com", Phase.PENDING_DELETE, "2026-03-04 12:00", updated_at="2020-01-01")

    assert (shown(found.earliest), shown(found.latest)) == ("2026-03-04 17:55", "2026-03-09 22:05")
    assert (nonsense.earliest, nonsense.latest) == (found.earliest, found.latest)


def test_the_automatic_renewal_of_a_gtld_is_not_a_renewal() -> None:
    """In auto renew period the expiry date has already jumped by a year; the drop is counted from the real one."""
    jumped = seen("com", Phase.EXPIRED_GRACE, "2026-03-02 12:00", "2026-03-01 12:00", expires_at="2027-03-02T00:00:00Z")
    plain = seen("com", Phase.EXPIRED_GRACE, "2026-03-02 12:00", "2026-03-01 12:00", expires_at="2026-03-02T00:00:00Z")

    assert (jumped.earliest, jumped.latest) == (plain.earliest, plain.latest)
    assert shown(plain.earliest)[:10] == "2026-04-06"  # no sooner than 35 days after a deletion that has not been seen
    assert shown(plain.likely)[:10] == "2026-05-16"
    assert 0.3 <= plain.p <= 0.5


def test_an_expiry_date_alone_says_little_and_far_away_nothing() -> None:
    """Most names are renewed."""
    now = at("2026-03-01 00:00")

    near = forecast_drop("com", Phase.ACTIVE, Fields(expires_at="2026-03-20"), phase_since=now - DAY, phase_after=None, now=now)

    assert near is not None
    assert 0.1 <= near.p <= 0.2
    assert (shown(near.earliest)[:10], shown(near.latest)[:10]) == ("2026-03-25", "2026-06-13")
    assert (
        forecast_drop("com", Phase.ACTIVE, Fields(expires_at="2027-03-01"), phase_since=now - DAY, phase_after=None, now=now)
        is None
    )
    assert (
        forecast_drop("com", Phase.ACTIVE, Fields(expires_at="2020-03-01"), phase_since=now - DAY, phase_after=None, now=now)
        is None
    )
    assert forecast_drop("com", Phase.ACTIVE, NO_FIELDS, phase_since=now - DAY, phase_after=None, now=now) is None


def test_expired_and_out_of_the_zone_means_more_where_expiry_counts() -> None:
    """An .au name on server hold after its expiry is on its way out."""
    now = at("2026-03-05 00:00")

    found = forecast_drop(
        "com.au", Phase.UNDELEGATED, Fields(expires_at="2026-03-01"), phase_since=now, phase_after=None, now=now
    )

    assert found is not None
    assert found.p >= 0.5
    assert (shown(found.earliest), shown(found.latest)) == ("2026-04-01 02:58", "2026-04-02 04:30")


@pytest.mark.parametrize(
    ("suffix", "phase", "statuses"),
    [
        ("com", Phase.PENDING_RESTORE, ()),
        ("com", Phase.PENDING_DELETE, ("pending delete", "pendingRestore")),
        ("com", Phase.REDEMPTION, ("redemption period", "serverDeleteProhibited")),
        ("com", None, ()),
        ("com", Phase.DROPPING, ()),
        ("at", Phase.PENDING_DELETE, ()),
        ("co.jp", Phase.REDEMPTION, ()),
    ],
)
def test_no_forecast_where_nothing_sensible_can_be_said(suffix: str, phase: Phase | None, statuses: tuple[str, ...]) -> None:
    """A restore, a registry lock, no phase, or a registry whose clock is not known."""
    now = at("2026-03-01 12:00")

    assert forecast_drop(suffix, phase, Fields(statuses=statuses), phase_since=now, phase_after=now - HOUR, now=now) is None


def test_a_forecast_does_not_move_while_time_passes() -> None:
    """The window stays where it is, also after it has passed: what comes after it is a reason to believe in the drop."""
    since, after = at("2026-03-01 12:00"), at("2026-03-01 08:00")

    found = {
        forecast_drop("com", Phase.PENDING_DELETE, NO_FIELDS, phase_since=since, phase_after=after, now=since + days * DAY)
        for days in (0, 3, 5, 8, 40)
    }

    assert len(found) == 1


@given(
    st.sampled_from([*CYCLES, "xyz", "io", "uk.com", "co.uk", "zz"]),
    st.sampled_from(list(Phase)),
    st.floats(0, 4e9),
    st.one_of(st.none(), st.floats(0, 1e7)),
    st.sampled_from([None, "1970-01-01", "2026-01-01", "2095-06-30T01:02:03Z", "0001-01-01", "9999-12-31", "garbage"]),
)
@settings(max_examples=300, deadline=None)
def test_any_circumstances_give_an_ordered_forecast_or_none(
    suffix: str, phase: Phase, now: float, gap: float | None, date: str | None
) -> None:
    """Never an exception, never a window turned round."""
    fields = Fields(expires_at=date, updated_at=date)

    found = forecast_drop(suffix, phase, fields, phase_since=now, phase_after=None if gap is None else now - gap, now=now)

    if found is not None:
        assert found.earliest <= found.likely <= found.latest
        assert 0 < found.p <= 1
        assert len(found.reason) <= 300


@pytest.mark.parametrize("table", [CYCLES, PROCEDURES, {"gTLDs": GTLD}])
def test_every_row_names_its_source_and_its_date(table: Mapping[str, Cycle | ReleaseProcedure]) -> None:
    """A figure without a source can be neither checked nor corrected; a source is a publisher or a document, not an address."""
    for suffix, row in table.items():
        assert len(row.source) >= 8, suffix
        assert "://" not in row.source, suffix
        assert re.fullmatch(r"(19|20)\d\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", row.as_of), suffix


def test_every_row_of_the_table_makes_sense() -> None:
    """Ranges in order, windows inside a day, and only suffixes with a known clock."""
    for suffix, cycle in CYCLES.items():
        spans = [cycle.grace, cycle.redemption, cycle.pending or (0, 0), cycle.window]
        assert all(0 <= low <= high for low, high in spans), suffix
        assert cycle.window[1] <= 1440
        assert 0 < cycle.sure <= 1
    assert cycle_for("co.uk") is cycle_for("uk")
    assert cycle_for("at") is None


NOW = at("2026-03-06 12:00")
TODAY = Forecast(at("2026-03-06 17:55"), at("2026-03-06 20:00"), at("2026-03-06 22:05"), 0.95, "")
LATER = Forecast(at("2026-03-10 17:55"), at("2026-03-10 20:00"), at("2026-03-10 22:05"), 0.95, "")
PASSED = Forecast(at("2026-03-05 17:55"), at("2026-03-05 20:00"), at("2026-03-05 22:05"), 0.95, "")
VAGUE = Forecast(at("2026-03-01 00:00"), at("2026-03-03 20:00"), at("2026-03-05 22:05"), 0.4, "")


@pytest.mark.parametrize(
    ("phase", "expires", "calendar", "expected"),
    [
        (None, None, None, 0),
        (Phase.ACTIVE, NOW + 300 * DAY, None, -9),
        (Phase.ACTIVE, None, None, -5),
        (Phase.ACTIVE, NOW - DAY, None, -6),
        (Phase.UNDELEGATED, NOW - DAY, None, -6),
        (Phase.EXPIRED_GRACE, NOW - DAY, None, -6),
        (Phase.EXPIRED_GRACE, NOW - DAY, LATER, -6),
        (Phase.EXPIRED_GRACE, NOW - DAY, VAGUE, 0),
        (Phase.REDEMPTION, None, None, -4),
        (Phase.REDEMPTION, None, VAGUE, -5),
        (Phase.REDEMPTION, None, LATER, -6),
        (Phase.REDEMPTION, None, TODAY, 0),
        (Phase.REDEMPTION, None, PASSED, 2),
        (Phase.PENDING_DELETE, None, None, -3),
        (Phase.PENDING_DELETE, None, LATER, -3),
        (Phase.PENDING_DELETE, None, TODAY, 0),
        (Phase.PENDING_DELETE, None, PASSED, 2),
        (Phase.PENDING_RESTORE, None, PASSED, -9),
        (Phase.DROPPING, None, None, 2),
    ],
)
def test_what_is_expected_before_any_answer(
    phase: Phase | None, expires: float | None, calendar: Forecast | None, expected: float
) -> None:
    """Strongly against for a healthy name, even on the day, in favour once the window has passed."""
    assert prior_log_odds(phase, expires, calendar, NOW) == expected


def test_a_restore_or_a_lock_voids() -> None:
    """Whatever the spelling of the status."""
    assert is_drop_voided(Phase.PENDING_DELETE, ["serverDeleteProhibited https://icann.org/epp#serverDeleteProhibited"])
    assert is_drop_voided(Phase.PENDING_RESTORE, [])
    assert not is_drop_voided(Phase.PENDING_DELETE, ["pendingDelete", "clientDeleteProhibited"])
