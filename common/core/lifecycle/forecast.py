"""The calendar of a name: when it will drop, what the registry does with it then, and what that makes likely beforehand.

What was seen beats what a record says: a transition into redemption or pending delete between two checks of ours fixes the day
(RFC 3915 names the phases; ICANN's policy gives 30 and 5 days). Dates in a record come second, and an expiry date alone says
little, because most names are renewed or sold. The probabilities are estimates of ours, to be corrected from what is observed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from common.core.builtin.lifecycles import Cycle, Days, cycle_for
from common.core.builtin.release_procedures import ReleaseKind, procedure_for
from common.core.model.evidence import Fields, Phase
from common.core.parsers.dates import iso_to_epoch
from common.core.parsers.statuses import normalise_status

DAY = 86_400.0
HOUR = 3600.0
#: Phases that end with the name going, unless somebody restores it.
ENDING = frozenset({Phase.REDEMPTION, Phase.PENDING_DELETE})
#: From this probability on a forecast counts as knowledge of the day.
CERTAIN = 0.8
#: An active name is forecast only this long before its expiry: earlier it says nothing.
AHEAD = 60 * DAY
#: A transition known to less than this beats a count from the expiry date.
CLOSE = 2 * DAY
#: A year later than expected, less some slack: the registry's automatic renewal at expiry.
_RENEWED = 200 * DAY
_YEAR = 365 * DAY
_VOID = frozenset({"pending restore", "server delete prohibited"})
_JST = 9 * HOUR
_FIXED_PRIORS: dict[Phase | None, float] = {None: 0.0, Phase.PENDING_RESTORE: -9.0, Phase.DROPPING: 2.0}


class Forecast(Struct, frozen=True):
    """When a name will drop: epoch seconds, and the probability that it does so between `earliest` and `latest`."""

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


def forecast(
    suffix: str,
    phase: Phase | None,
    fields: Fields,
    phase_since: float | None,
    phase_after: float | None,
    now: float,
) -> Forecast | None:
    """When the name will drop, or None where nothing sensible can be said.

    `phase_since` is when it was first seen in its phase, `phase_after` when it was last seen in the phase before (None if
    that was never seen). All times in epoch seconds. The result does not move with `now` once a phase is known, so that it
    still tells the window after the name is gone. A pending restore or a registry lock voids it.
    """
    cycle = cycle_for(suffix)
    if cycle is None or phase is None or phase is Phase.DROPPING or voided(phase, fields.statuses):
        return None
    seen = _Seen(
        phase=phase,
        since=now if phase_since is None else phase_since,
        after=phase_after,
        expires=iso_to_epoch(fields.expires_at) if fields.expires_at else None,
        updated=iso_to_epoch(fields.updated_at) if fields.updated_at else None,
    )
    if cycle.month_end:
        return _month_end(seen, now)
    if phase in ENDING:
        return _ending(suffix, cycle, seen)
    return _living(suffix, cycle, seen, now)


def voided(phase: Phase | None, statuses: Iterable[str]) -> bool:
    """Whether the record says that the name will not drop now: being restored, or locked by the registry."""
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
    """The procedure the calendar says a purged name is in: until it ends the name must not be announced as available.

    `registered_seen` is when the name was last seen registered, `purged_at` when the registry was first found without it, both
    in epoch seconds, None for never; `denied_by` are the methods that say "no such object" now, `shown_by` those that showed
    this name in its procedure before; `expires` is the expiry date of its last record. None where the name never existed, where
    purged names are free at once, where a registry that shows names in its procedure does not show this one any more, and from
    the end of the procedure on. There always is an end.
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


def prior(state_phase: Phase | None, expires_at: float | None, forecast: Forecast | None, now: float) -> float:
    """Log-odds of "no longer registered" before any answer is heard, from the last confirmed phase and the calendar.

    The figures are estimates of ours: 0 for a name never seen registered, strongly against for a healthy one, in favour once
    the window of a name in its last phase has passed. `expires_at` in epoch seconds.
    """
    if state_phase in _FIXED_PRIORS:
        return _FIXED_PRIORS[state_phase]
    if state_phase is Phase.EXPIRED_GRACE:
        return 0.0 if forecast is not None and now > forecast.latest else -6.0
    if state_phase in ENDING:
        return _prior_of_ending(state_phase, forecast, now)
    if expires_at is None:
        return -5.0
    return -6.0 if expires_at < now else -9.0


def _prior_of_ending(phase: Phase, forecast: Forecast | None, now: float) -> float:
    last = phase is Phase.PENDING_DELETE
    early = -3.0 if last else -4.0 if forecast is None else -5.0
    if forecast is None or not (last or forecast.p >= CERTAIN):
        return early
    if now > forecast.latest:
        return 2.0
    if now >= _midnight(forecast.earliest):
        return 0.0
    # A calendar can be wrong: it may ask for one more repetition, it may not silence two sources that agree.
    return early if last or forecast.earliest - now <= DAY else -6.0


def _ending(suffix: str, cycle: Cycle, seen: _Seen) -> Forecast | None:
    """In redemption or pending delete: the transition if it was seen closely, else the dates of the record."""
    rest = _rest(cycle, seen.phase)
    close = seen.after is not None and seen.since - seen.after <= CLOSE
    blurred = cycle.pending_is_both and seen.phase is Phase.PENDING_DELETE
    if cycle.from_expiry and seen.expires is not None and (blurred or not close):
        total = _add(cycle.grace, cycle.redemption, cycle.pending or (0, 0))
        return _span(suffix, cycle, (seen.expires, seen.expires), total, 0.9, "counted from the expiry date")
    word = seen.phase.value.replace("_", " ")
    if seen.after is not None:
        p = 0.95 if seen.phase is Phase.PENDING_DELETE or cycle.pending is None else 0.85
        return _span(suffix, cycle, (seen.after, seen.since), rest, p, f"seen entering {word}")
    if found := _from_update(suffix, cycle, seen):
        return found
    p = 0.8 if seen.phase is Phase.PENDING_DELETE else 0.7
    return _span(suffix, cycle, (seen.since, seen.since), _already(cycle, seen.phase), p, f"in {word}, since when is unknown")


def _from_update(suffix: str, cycle: Cycle, seen: _Seen) -> Forecast | None:
    """The last change was the deletion or the end of redemption, depending on the registry: whichever is still possible."""
    if seen.updated is None or cycle.from_expiry or seen.updated > seen.since:
        return None
    both = _add(cycle.redemption, cycle.pending or (0, 0))
    longest = _rest(cycle, seen.phase)[1]
    lengths = [both] if seen.phase is Phase.REDEMPTION or cycle.pending is None else [cycle.pending, both]
    for length in lengths:
        day = _midnight(seen.updated) + length[1] * DAY
        if _midnight(seen.since) <= day <= _midnight(seen.since) + (longest + 1) * DAY:
            p = 0.85 if seen.phase is Phase.PENDING_DELETE else 0.75
            days = (length[0], length[1] + 1)  # which transition touched the date is known to a day at best
            return _span(suffix, cycle, (seen.updated, seen.updated), days, p, "counted from the last change of the record")
    return None


def _living(suffix: str, cycle: Cycle, seen: _Seen, now: float) -> Forecast | None:
    """Still the holder's: only the expiry date says something."""
    if seen.phase is Phase.EXPIRED_GRACE:
        return _in_grace(suffix, cycle, seen)
    if seen.expires is None or seen.expires - now > AHEAD:
        return None
    if cycle.from_expiry:
        held = seen.phase is Phase.UNDELEGATED and seen.expires < now
        total = _add(cycle.grace, cycle.redemption, cycle.pending or (0, 0))
        p = 0.6 if held else 0.15
        found = _span(
            suffix, cycle, (seen.expires, seen.expires), total, p, "if it is not renewed, counted from the expiry date"
        )
    else:
        found = _by_registrar(suffix, cycle, seen.expires, 5, 0.15)
    return found if found.latest >= now else None


def _in_grace(suffix: str, cycle: Cycle, seen: _Seen) -> Forecast:
    expires = seen.expires
    if expires is not None and expires - seen.since > _RENEWED and not cycle.from_expiry:
        expires -= _YEAR  # renewed by the registry at expiry, which a registrar takes back by deleting
    if cycle.from_expiry and expires is not None:
        total = _add(cycle.grace, cycle.redemption, cycle.pending or (0, 0))
        return _span(
            suffix, cycle, (expires, expires), total, 0.4, "expired; if it is not renewed, counted from the expiry date"
        )
    if expires is None or expires > seen.since:
        expires = seen.since
    least = cycle.redemption[0] + (cycle.pending or (0, 0))[0]
    held = int((_midnight(seen.since) - _midnight(expires)) // DAY)  # not deleted yet when it was seen
    return _by_registrar(suffix, cycle, expires, held + least, 0.4)


def _by_registrar(suffix: str, cycle: Cycle, expires: float, least: int, p: float) -> Forecast:
    """The registrar chooses the day of the deletion, most of them 30 to 45 days after expiry."""
    after = _add(cycle.redemption, cycle.pending or (0, 0))[1]
    most = max(cycle.grace[1] + after + 5, least)
    found = _span(suffix, cycle, (expires, expires), (least, most), p, "expired or about to; the registrar chooses the day")
    likely = found.earliest + (cycle.grace[1] * 8 // 9 + after - least) * DAY
    return Forecast(found.earliest, min(max(likely, found.earliest), found.latest), found.latest, found.p, found.reason)


def _month_end(seen: _Seen, now: float) -> Forecast | None:
    """JPRS: names expire with a month, are suspended for the next, and go on the first day after it at about 01:00 in Japan."""
    months, p, start = 1, 0.85, seen.since
    if seen.phase not in ENDING:
        if seen.expires is None or seen.expires - now > AHEAD:
            return None
        months, start = 2, seen.expires - HOUR
        p = 0.5 if seen.phase is Phase.EXPIRED_GRACE else 0.15
    local = datetime.fromtimestamp(start + _JST, UTC)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(months):
        first = (first + timedelta(days=32)).replace(day=1)
    release = first.timestamp() - _JST
    if seen.phase not in ENDING and release + 3 * HOUR < now:
        return None
    return Forecast(
        release - 300, release + HOUR, release + 3 * HOUR, p, "suspended names go on the first of the month, Japan time"
    )


def _rest(cycle: Cycle, phase: Phase) -> Days:
    """Days from the beginning of this phase to the release."""
    whole = _add(cycle.redemption, cycle.pending or (0, 0))
    if phase is Phase.REDEMPTION or cycle.pending is None:
        return whole
    return (cycle.pending[0], whole[1]) if cycle.pending_is_both else cycle.pending


def _already(cycle: Cycle, phase: Phase) -> Days:
    """Days from a moment somewhere inside this phase to the release."""
    whole = _rest(cycle, phase)
    later = cycle.pending or (0, 0) if phase is Phase.REDEMPTION else (0, 0)
    return (later[0], whole[1])


def _span(suffix: str, cycle: Cycle, began: tuple[float, float], days: Days, p: float, why: str) -> Forecast:
    """From when something began (between two times) and how many days later the release comes, its window."""
    start, end = cycle.window[0] * 60.0, cycle.window[1] * 60.0
    if cycle.exact:
        earliest, latest = began[0] + days[0] * DAY + start, began[1] + days[1] * DAY + end
        likely = (earliest + latest) / 2
    else:
        first, last = _midnight(began[0]) + days[0] * DAY, _midnight(began[1]) + days[1] * DAY
        middle = _midnight((began[0] + began[1]) / 2 + (days[0] + days[1]) / 2 * DAY)
        if cycle.weekday is not None:
            first, middle, last = (_next(day, cycle.weekday) for day in (first, middle, last))
        earliest, likely, latest = first + start, middle + (start + end) / 2, last + end
    reason = f"{why}; .{suffix} follows {_spelled(days)} later{_clock(cycle)}"
    return Forecast(earliest, min(max(likely, earliest), latest), latest, round(p * cycle.sure, 3), reason)


def _spelled(days: Days) -> str:
    return f"{days[0]} days" if days[0] == days[1] else f"{days[0]} to {days[1]} days"


def _clock(cycle: Cycle) -> str:
    if cycle.exact:
        return ", within the hour"
    start, end = cycle.window
    if end - start >= 1440:
        return ""
    return f", between {start // 60:02}:{start % 60:02} and {end // 60:02}:{end % 60:02} UTC"


def _session_end(session: tuple[int, int], registered_seen: float, purged_at: float | None) -> float:
    """When the session is over that hands the name out: the one it was found gone in, else the first it could be in."""
    begin, end = session[0] * 60.0, session[1] * 60.0
    if purged_at is not None and begin <= purged_at - _midnight(purged_at) < end:
        return _midnight(purged_at) + end
    first = _midnight(registered_seen)
    if registered_seen > first + begin:
        first += DAY
    return first + end


def _add(*spans: Days) -> Days:
    return sum(span[0] for span in spans), sum(span[1] for span in spans)


def _midnight(at: float) -> float:
    return at - at % DAY


def _next(day: float, weekday: int) -> float:
    """The first such weekday on or after a day; 1 January 1970 was a Thursday (3)."""
    return day + ((weekday - int(day // DAY) - 3) % 7) * DAY
