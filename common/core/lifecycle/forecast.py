"""Forecast when a name will drop, which release procedure follows, and the prior log-odds that it is no longer registered.

An observed transition beats the dates of a record: entering redemption or pending delete between two checks fixes the day (RFC
3915 names the phases; ICANN's policy gives 30 and 5 days). Dates in a record come second, and an expiry date alone says little,
because most names are renewed or sold. The probabilities are estimates, to be corrected from what is observed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from common.core.builtin.lifecycles import NO_DAYS, Cycle, Days
from common.core.builtin.release_procedures import ReleaseKind, procedure_for
from common.core.lifecycle.corrected_cycle import CorrectedCycle, correct_cycle
from common.core.model.evidence import Fields, Phase
from common.core.parsers.dates import iso_to_epoch
from common.core.parsers.statuses import normalise_status

DAY = 86_400.0
HOUR = 3600.0
#: Phases that end with the purge of the name, unless it is restored.
ENDING = frozenset({Phase.REDEMPTION, Phase.PENDING_DELETE})
#: From this probability on the day of a forecast counts as known.
CERTAIN = 0.8
#: An active name is forecast only this long before its expiry: earlier it says nothing.
AHEAD = 60 * DAY
#: A transition known to less than this beats a count from the expiry date.
CLOSE = 2 * DAY
#: A year later than expected, less some slack: the registry's automatic renewal at expiry.
_RENEWED = 200 * DAY
_YEAR = 365 * DAY
#: Probability that a name drops when its registry's list says so: some are renewed after the list was made.
PUBLISHED = 0.97
_VOID = frozenset({"pending restore", "server delete prohibited"})
_JST = 9 * HOUR
_FIXED_PRIORS: dict[Phase | None, float] = {None: 0.0, Phase.PENDING_RESTORE: -9.0, Phase.DROPPING: 2.0}


class Forecast(Struct, frozen=True):
    """When a name will drop, in epoch seconds, and the probability `p` that it does so between `earliest` and `latest`."""

    earliest: float
    likely: float
    latest: float
    p: float
    reason: str


class Release(Struct, frozen=True):
    """A registry's own procedure for names that existed before, and when it is over at the latest, in epoch seconds."""

    kind: ReleaseKind
    until: float


class _Seen(Struct, frozen=True):
    """What is known about one name, in epoch seconds; the phase began after `after` and not later than `since`."""

    phase: Phase
    since: float
    after: float | None
    expires: float | None
    updated: float | None


def forecast_drop(
    suffix: str,
    phase: Phase | None,
    fields: Fields,
    *,
    phase_since: float | None,
    phase_after: float | None,
    now: float,
    corrected: CorrectedCycle | None = None,
) -> Forecast | None:
    """Forecast when a name under `suffix` will drop; None where there is no basis for a forecast.

    `phase_since` is when it was first seen in its phase, `phase_after` when it was last seen in the phase before (None if
    that was never seen). All times in epoch seconds. The result does not depend on `now` once a phase is known, so that it
    still gives the window after the name was purged. A pending restore or a registry lock voids it. `corrected` is the cycle
    of the suffix with what was observed of it; the built-in row without.
    """
    known = correct_cycle(suffix, None) if corrected is None else corrected
    if known is None or phase is None or phase is Phase.DROPPING or is_drop_voided(phase, fields.statuses):
        return None
    if not known.covers(phase):
        return None
    seen = _Seen(
        phase=phase,
        since=now if phase_since is None else phase_since,
        after=phase_after,
        expires=iso_to_epoch(fields.expires_at) if fields.expires_at else None,
        updated=iso_to_epoch(fields.updated_at) if fields.updated_at else None,
    )
    found = _forecast_by_cycle(suffix, known.cycle, seen, now)
    if found is None or not known.observed:
        return found
    return Forecast(found.earliest, found.likely, found.latest, found.p, f"{found.reason} ({known.observed})"[:300])


def forecast_published(published: tuple[float, float, str] | None, now: float) -> Forecast | None:
    """The forecast that follows from a release that the registry publishes for a name: earliest, latest, and where it stands.

    Times in epoch seconds. None without one, and from a day after its end on: the name was renewed, or the list was wrong.
    """
    if published is None:
        return None
    earliest, latest, source = published
    if not earliest <= latest or now > latest + DAY:
        return None
    return Forecast(earliest, (earliest + latest) / 2, latest, PUBLISHED, f"its release is published: {source}"[:300])


def is_drop_voided(phase: Phase | None, statuses: Iterable[str]) -> bool:
    """Whether the record excludes a drop for now: the name is being restored (RFC 3915), or locked by the registry."""
    return phase is Phase.PENDING_RESTORE or any(normalise_status(status) in _VOID for status in statuses)


def release_procedure(
    suffix: str,
    *,
    registered_seen: float | None,
    purged_at: float | None,
    denied_by: Collection[str],
    now: float,
    expires: float | None = None,
    shown_by: Collection[str] = (),
) -> Release | None:
    """The release procedure that a purged name is in by the calendar: until it ends the name is not available.

    `registered_seen` is when the name was last seen registered, `purged_at` when the registry was first found without it, both
    in epoch seconds, None for never; `denied_by` are the methods that say "no such object" now, `shown_by` those that showed
    this name in its procedure before; `expires` is the expiry date of its last record. None where the name never existed, where
    purged names are free at once, where a registry that shows names in its procedure does not show this one any more, and from
    the end of the procedure on. Every procedure ends.
    """
    procedure = procedure_for(suffix)
    if procedure is None or registered_seen is None or not {*procedure.shown_by, *shown_by}.isdisjoint(denied_by):
        return None
    purged = registered_seen if purged_at is None else purged_at
    until = purged + procedure.hold
    if procedure.from_expiry is not None and expires is not None and expires <= purged:
        until = min(until, expires + procedure.from_expiry)
    if procedure.session is not None:
        until = min(until, _session_end(procedure.session, registered_seen, purged_at))
    return Release(procedure.kind, until) if now < until else None


def prior_log_odds(state_phase: Phase | None, expires_at: float | None, forecast: Forecast | None, now: float) -> float:
    """Log-odds of "no longer registered" before any answer counts, from the last confirmed phase and the calendar.

    The figures are estimates: 0 for a name never seen registered, strongly against for an active one, in favour once the window
    of a name in its last phase has passed. `expires_at` in epoch seconds.
    """
    if state_phase in _FIXED_PRIORS:
        return _FIXED_PRIORS[state_phase]
    if state_phase is Phase.EXPIRED_GRACE:
        return 0.0 if forecast is not None and now > forecast.latest else -6.0
    if state_phase in ENDING:
        return _prior_when_ending(state_phase, forecast, now)
    if expires_at is None:
        return -5.0
    return -6.0 if expires_at < now else -9.0


def _prior_when_ending(phase: Phase, forecast: Forecast | None, now: float) -> float:
    last = phase is Phase.PENDING_DELETE
    early = -3.0 if last else -4.0 if forecast is None else -5.0
    if forecast is None or not (last or forecast.p >= CERTAIN):
        return early
    if now > forecast.latest:
        return 2.0
    if now >= _midnight_before(forecast.earliest):
        return 0.0
    # A calendar can be wrong: it may demand one more repetition, it may not outweigh two sources that agree.
    return early if last or forecast.earliest - now <= DAY else -6.0


def _forecast_by_cycle(suffix: str, cycle: Cycle, seen: _Seen, now: float) -> Forecast | None:
    if cycle.month_end:
        return _forecast_month_end(seen, now)
    if seen.phase in ENDING:
        return _forecast_ending(suffix, cycle, seen)
    return _forecast_registered(suffix, cycle, seen, now)


def _forecast_ending(suffix: str, cycle: Cycle, seen: _Seen) -> Forecast | None:
    """In redemption or pending delete: counted from the transition if it is known closely, else from the record's dates."""
    rest = _days_from_phase_start(cycle, seen.phase)
    close = seen.after is not None and seen.since - seen.after <= CLOSE
    blurred = cycle.pending_is_both and seen.phase is Phase.PENDING_DELETE
    if cycle.from_expiry and seen.expires is not None and (blurred or not close):
        total = _add_days(cycle.grace, cycle.redemption, cycle.pending or NO_DAYS)
        return _window_after(suffix, cycle, (seen.expires, seen.expires), total, p=0.9, why="counted from the expiry date")
    word = seen.phase.value.replace("_", " ")
    if seen.after is not None:
        p = 0.95 if seen.phase is Phase.PENDING_DELETE or cycle.pending is None else 0.85
        entered = _window_after(suffix, cycle, (seen.after, seen.since), rest, p=p, why=f"seen entering {word}")
        return _narrow_window(entered, None if close else _forecast_from_update(suffix, cycle, seen))
    if found := _forecast_from_update(suffix, cycle, seen):
        return found
    p = 0.8 if seen.phase is Phase.PENDING_DELETE else 0.7
    return _window_after(
        suffix,
        cycle,
        (seen.since, seen.since),
        _days_from_within_phase(cycle, seen.phase),
        p=p,
        why=f"in {word}, since when is unknown",
    )


def _narrow_window(seen: Forecast, dated: Forecast | None) -> Forecast:
    """The forecast from a record's dates where it lies inside one that rests on looks days apart, else the latter."""
    if dated is None or dated.earliest < seen.earliest or dated.latest > seen.latest:
        return seen
    return dated


def _forecast_from_update(suffix: str, cycle: Cycle, seen: _Seen) -> Forecast | None:
    """Counted from the record's last change: the deletion or the end of redemption, whichever is still possible."""
    if seen.updated is None or cycle.from_expiry or seen.updated > seen.since:
        return None
    both = _add_days(cycle.redemption, cycle.pending or NO_DAYS)
    longest = _days_from_phase_start(cycle, seen.phase).most
    lengths = [both] if seen.phase is Phase.REDEMPTION or cycle.pending is None else [cycle.pending, both]
    for length in lengths:
        day = _midnight_before(seen.updated) + length.most * DAY
        if _midnight_before(seen.since) <= day <= _midnight_before(seen.since) + (longest + 1) * DAY:
            p = 0.85 if seen.phase is Phase.PENDING_DELETE else 0.75
            days = Days(length.least, length.most + 1)  # which transition touched the date is known to a day at best
            return _window_after(
                suffix, cycle, (seen.updated, seen.updated), days, p=p, why="counted from the last change of the record"
            )
    return None


def _forecast_registered(suffix: str, cycle: Cycle, seen: _Seen, now: float) -> Forecast | None:
    """Still registered and not being deleted: counted from the expiry date."""
    if seen.phase is Phase.EXPIRED_GRACE:
        return _forecast_in_grace(suffix, cycle, seen)
    if seen.expires is None or seen.expires - now > AHEAD:
        return None
    if cycle.from_expiry:
        held = seen.phase is Phase.UNDELEGATED and seen.expires < now
        total = _add_days(cycle.grace, cycle.redemption, cycle.pending or NO_DAYS)
        p = 0.6 if held else 0.15
        found = _window_after(
            suffix, cycle, (seen.expires, seen.expires), total, p=p, why="if it is not renewed, counted from the expiry date"
        )
    else:
        found = _forecast_by_registrar(suffix, cycle, seen.expires, 5, 0.15)
    return found if found.latest >= now else None


def _forecast_in_grace(suffix: str, cycle: Cycle, seen: _Seen) -> Forecast:
    expires = seen.expires
    if expires is not None and expires - seen.since > _RENEWED and not cycle.from_expiry:
        expires -= _YEAR  # renewed by the registry at expiry, which a registrar takes back by deleting
    if cycle.from_expiry and expires is not None:
        total = _add_days(cycle.grace, cycle.redemption, cycle.pending or NO_DAYS)
        return _window_after(
            suffix, cycle, (expires, expires), total, p=0.4, why="expired; if it is not renewed, counted from the expiry date"
        )
    if expires is None or expires > seen.since:
        expires = seen.since
    least = cycle.redemption.least + (cycle.pending or NO_DAYS).least
    held = int((_midnight_before(seen.since) - _midnight_before(expires)) // DAY)  # not deleted yet when it was seen
    return _forecast_by_registrar(suffix, cycle, expires, held + least, 0.4)


def _forecast_by_registrar(suffix: str, cycle: Cycle, expires: float, least: int, p: float) -> Forecast:
    """Where the registrar chooses the day of the deletion: most of them do so 30 to 45 days after expiry."""
    after = _add_days(cycle.redemption, cycle.pending or NO_DAYS).most
    most = max(cycle.grace.most + after + 5, least)
    found = _window_after(
        suffix, cycle, (expires, expires), Days(least, most), p=p, why="expired or about to; the registrar chooses the day"
    )
    likely = found.earliest + (cycle.grace.most * 8 // 9 + after - least) * DAY
    return Forecast(found.earliest, min(max(likely, found.earliest), found.latest), found.latest, found.p, found.reason)


def _forecast_month_end(seen: _Seen, now: float) -> Forecast | None:
    """JPRS (.jp): names expire with a month, are suspended for the next, and are purged the day after at about 01:00 JST."""
    months, p, start = 1, 0.85, seen.since
    if seen.phase not in ENDING:
        if seen.expires is None or seen.expires - now > AHEAD:
            return None
        months, start = 2, seen.expires - HOUR
        p = 0.5 if seen.phase is Phase.EXPIRED_GRACE else 0.15
    local = datetime.fromtimestamp(start + _JST, UTC)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if seen.phase in ENDING and seen.after is None and local.timestamp() < first.timestamp() + 3 * HOUR:
        months, p = 0, 0.5  # found suspended in the hours of the purge: it may be its turn, or be suspended since midnight
    for _ in range(months):
        first = (first + timedelta(days=32)).replace(day=1)
    release = first.timestamp() - _JST
    if seen.phase not in ENDING and release + 3 * HOUR < now:
        return None
    return Forecast(
        release - 300, release + HOUR, release + 3 * HOUR, p, "suspended names go on the first of the month, Japan time"
    )


def _days_from_phase_start(cycle: Cycle, phase: Phase) -> Days:
    """Least and most days from the beginning of this phase to the release."""
    whole = _add_days(cycle.redemption, cycle.pending or NO_DAYS)
    if phase is Phase.REDEMPTION or cycle.pending is None:
        return whole
    return Days(cycle.pending.least, whole.most) if cycle.pending_is_both else cycle.pending


def _days_from_within_phase(cycle: Cycle, phase: Phase) -> Days:
    """Least and most days from an unknown moment of this phase to the release."""
    whole = _days_from_phase_start(cycle, phase)
    later = cycle.pending or NO_DAYS if phase is Phase.REDEMPTION else NO_DAYS
    return Days(later.least, whole.most)


def _window_after(suffix: str, cycle: Cycle, began: tuple[float, float], days: Days, *, p: float, why: str) -> Forecast:
    """The forecast of a release `days` after a begin that lies between two times, by the registry's hour and weekday."""
    start, end = (minutes * 60.0 for minutes in cycle.window)
    earliest_begin, latest_begin = began
    if cycle.exact:
        earliest, latest = earliest_begin + days.least * DAY + start, latest_begin + days.most * DAY + end
        likely = (earliest + latest) / 2
    else:
        first, last = _midnight_before(earliest_begin) + days.least * DAY, _midnight_before(latest_begin) + days.most * DAY
        middle = _midnight_before((earliest_begin + latest_begin) / 2 + (days.least + days.most) / 2 * DAY)
        if cycle.weekday is not None:
            first, middle, last = (_next_weekday(day, cycle.weekday) for day in (first, middle, last))
        earliest, likely, latest = first + start, middle + (start + end) / 2, last + end
    reason = f"{why}; .{suffix} follows {_describe_days(days)} later{_describe_hours(cycle)}"
    return Forecast(earliest, min(max(likely, earliest), latest), latest, round(p * cycle.sure, 3), reason)


def _describe_days(days: Days) -> str:
    return f"{days.least} days" if days.least == days.most else f"{days.least} to {days.most} days"


def _describe_hours(cycle: Cycle) -> str:
    if cycle.exact:
        return ", within the hour"
    if cycle.window[1] - cycle.window[0] >= 1440:
        return ""
    start, end = (minutes % 1440 for minutes in cycle.window)
    return f", between {start // 60:02}:{start % 60:02} and {end // 60:02}:{end % 60:02} UTC"


def _session_end(session: tuple[int, int], registered_seen: float, purged_at: float | None) -> float:
    """The end of the daily session that releases the name: the one in which it was found purged, else the first possible."""
    begin, end = (minutes * 60.0 for minutes in session)
    if purged_at is not None and begin <= purged_at - _midnight_before(purged_at) < end:
        return _midnight_before(purged_at) + end
    first = _midnight_before(registered_seen)
    if registered_seen > first + begin:
        first += DAY
    return first + end


def _add_days(*spans: Days) -> Days:
    return Days(sum(span.least for span in spans), sum(span.most for span in spans))


def _midnight_before(at: float) -> float:
    return at - at % DAY


def _next_weekday(day: float, weekday: int) -> float:
    """The first such weekday on or after a day; 1 January 1970 was a Thursday (3)."""
    return day + ((weekday - int(day // DAY) - 3) % 7) * DAY
