"""What is told of forecasts and of what became of them: a renewal, a restore, a window that passed, a catch."""

from __future__ import annotations

from typing import Any

from common.core.lifecycle.forecast import AHEAD, DAY
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import NO_FIELDS, Outcome, Phase
from common.core.model.methods import RECORD_METHODS
from common.core.model.records import Detail, newest_evidence
from common.core.model.states import OWNED, State
from common.core.parsers.dates import iso_to_epoch

RENEWED, RESTORED, MISSED = "renewed", "restored", "forecast_missed"
#: How long after the end of a window a forecast counts as missed, in seconds, and from which probability on that is told.
PATIENCE, EXPECTED = DAY, 0.5
#: Seconds by which an expiry date has to move to be a renewal: registries correct dates by hours.
RENEWAL = 20 * DAY
_HEALTHY = frozenset({State.REGISTERED, State.UNDELEGATED})
_ENDING = frozenset({State.REDEMPTION, State.PENDING_DELETE})


def returned_kind(entry: Entry, before: State, since: float | None) -> str | None:
    """The kind of a return from deletion or from the grace after expiry to a state in which nothing is deleted.

    A record created after that state began (`since`, epoch seconds) is a new registration, which is "registered"; None where
    the change is no return.
    """
    state = entry.state
    if before is State.EXPIRED_GRACE and state in _HEALTHY:
        return RENEWED if state is State.REGISTERED else None
    if before not in _ENDING or state not in _HEALTHY | {State.EXPIRED_GRACE}:
        return None
    created = entry.detail.fields.created_at
    at = iso_to_epoch(created) if created else None
    return "registered" if at is not None and since is not None and at >= since - DAY else RESTORED


def is_renewed(entry: Entry, window: DropWindow | None) -> bool:
    """Whether the drop `window` of a name is void because its record shows a later expiry, which was not told before."""
    detail = entry.detail
    if window is None or entry.drop is not None or entry.state not in _HEALTHY or detail.expires_epoch is None:
        return False
    if entry.phase not in (Phase.ACTIVE, Phase.UNDELEGATED) or detail.registered_seen is None:
        return False
    told = detail.renewed_to
    return detail.expires_epoch > detail.registered_seen + AHEAD and (told is None or detail.expires_epoch > told + RENEWAL)


def is_missed(entry: Entry, window: DropWindow | None, now: float) -> bool:
    """Whether a drop window ended a day ago, and the registry still shows the name; once for each window."""
    detail = entry.detail
    if window is None or entry.state not in OWNED or window.probability < EXPECTED or detail.missed_latest == window.latest:
        return False
    end = window.latest + PATIENCE
    return end < now and (detail.registered_seen or 0.0) > end and (detail.registry_at or 0.0) > end


def show_window(window: DropWindow | None, basis: str) -> dict[str, Any] | None:
    """A forecast as notices and the feed show it: times in epoch seconds; None without one."""
    if window is None:
        return None
    return {
        "earliest": window.earliest,
        "likely": window.likely,
        "latest": window.latest,
        "probability": window.probability,
        "basis": basis,
    }


def show_catch(detail: Detail, seen_at: float) -> dict[str, Any]:
    """The `registrar` of a name that was registered again after it dropped, and `seconds_after_drop`; `seen_at`: since when.

    The drop is when the name was first seen purged. Only a record from after it names the registrar, and the moment where it
    gives more than a day; without one the seconds count until the name was seen registered. Times in epoch seconds.
    """
    if detail.dropped_at is None:
        return {}
    record = newest_evidence(detail.evidence, Outcome.REGISTERED, methods=RECORD_METHODS)
    fields = record.observation.reading.fields if record is not None and record.at > detail.dropped_at else NO_FIELDS
    at = iso_to_epoch(fields.created_at) if fields.created_at and len(fields.created_at) > 10 else None
    seconds = (seen_at if at is None else at) - detail.dropped_at
    return {"registrar": fields.registrar, "seconds_after_drop": round(max(0.0, seconds), 1)}


def show_renewal(detail: Detail) -> dict[str, Any]:
    """What a renewal changed; the registrar before is named where the record has another one now."""
    return {
        "expires_at": detail.fields.expires_at,
        "registrar": detail.fields.registrar,
        "transferred_from": detail.transferred_from or None,
    }
