"""The forecast of a loaded name, worked out from what is known of it."""

from __future__ import annotations

from common.core.lifecycle.calendar import LearnedCalendar
from common.core.lifecycle.forecast import Forecast, forecast_drop, forecast_published, is_drop_voided
from common.core.model.entry import DropWindow, Entry

#: Used where nothing was observed: the rows as they are.
_NOTHING_LEARNED = LearnedCalendar()


def forecast_of(entry: Entry, now: float, calendar: LearnedCalendar = _NOTHING_LEARNED) -> Forecast | None:
    """When a name will drop, None where nothing sensible can be said. What its registry publishes for it goes first."""
    detail = entry.detail
    if not is_drop_voided(entry.phase, detail.fields.statuses):
        published = forecast_published(detail.published, now)
        if published is not None:
            return published
    return forecast_drop(
        entry.suffix,
        entry.phase,
        detail.fields,
        phase_since=detail.phase_since,
        phase_after=detail.phase_after,
        now=now,
        corrected=calendar.cycle_of(entry.suffix),
    )


def refresh_forecast(entry: Entry, now: float, calendar: LearnedCalendar = _NOTHING_LEARNED) -> None:
    """Work the drop window of a name out anew."""
    found = forecast_of(entry, now, calendar)
    entry.drop = DropWindow(found.earliest, found.likely, found.latest, found.p) if found is not None else None
    entry.detail.forecast_reason = found.reason if found is not None else ""
