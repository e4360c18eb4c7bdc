"""The forecast of a loaded name, worked out from what is known of it."""

from __future__ import annotations

from common.core.lifecycle.forecast import Forecast, forecast_drop
from common.core.model.entry import DropWindow, Entry


def forecast_of(entry: Entry, now: float) -> Forecast | None:
    """When a name will drop, None where nothing sensible can be said."""
    detail = entry.detail
    return forecast_drop(
        entry.suffix,
        entry.phase,
        detail.fields,
        phase_since=detail.phase_since,
        phase_after=detail.phase_after,
        now=now,
    )


def refresh_forecast(entry: Entry, now: float) -> None:
    """Work the drop window of a name out anew."""
    found = forecast_of(entry, now)
    entry.drop = DropWindow(found.earliest, found.likely, found.latest, found.p) if found is not None else None
    entry.detail.forecast_reason = found.reason if found is not None else ""
