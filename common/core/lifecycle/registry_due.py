"""When the registry's record of a name is too old to plan with: the calendar decides how old that is."""

from __future__ import annotations

from common.core.model.entry import Entry
from common.core.model.evidence import Outcome, Phase
from common.core.model.methods import RECORD_METHODS
from common.core.model.records import newest_evidence

DAY = 86_400.0
#: Seconds between two queries for the record of a name that was caught after its drop, and for how long it is sought.
CATCHER_EVERY, CATCHER_SOUGHT = 600.0, DAY


def registry_due(entry: Entry, now: float) -> bool:
    """Whether the registry's record is too old to plan with: the calendar decides how old that is."""
    if entry.detail.registry_at is None:
        return True
    return now - entry.detail.registry_at >= _wait_for_record(entry, now)


def registry_due_at(entry: Entry, now: float) -> float:
    """When `registry_due` will become true, in epoch seconds, 0 where the registry was never heard; at expiry at the latest."""
    heard, expires = entry.detail.registry_at, entry.detail.expires_epoch
    if heard is None:
        return 0.0
    due = heard + _wait_for_record(entry, now)
    if expires is None:
        return due
    nearer = (max(expires - 60 * DAY, heard + DAY), max(expires - 14 * DAY, heard + DAY / 2))
    return min(due, *nearer, expires if expires > now else due)


def _registry_interval(entry: Entry, now: float) -> float:
    """Seconds between two registry answers for a delegated name, see `record_interval`."""
    return record_interval(_since_expiry(entry, now), expired=entry.phase is Phase.EXPIRED_GRACE)


def record_interval(from_expiry: float | None, *, expired: bool = False) -> float:
    """Seconds between two registry answers for a delegated name: weekly, daily near expiry, twice a day around it.

    `from_expiry` is how long ago it expired, in seconds, negative before that; None where no date is known.
    """
    if expired or (from_expiry is not None and -14 * DAY <= from_expiry <= 45 * DAY):
        return DAY / 2
    if from_expiry is None or from_expiry >= -60 * DAY:
        return DAY
    return 7 * DAY


def _since_expiry(entry: Entry, now: float) -> float | None:
    expires = entry.detail.expires_epoch
    return None if expires is None else now - expires


def _wait_for_record(entry: Entry, now: float) -> float:
    """The interval in seconds; of a name that was caught after its drop ten minutes, until its record names the registrar."""
    return CATCHER_EVERY if _lacks_catcher(entry, now) else _registry_interval(entry, now)


def _lacks_catcher(entry: Entry, now: float) -> bool:
    """Whether a name was registered again a short while ago and no record from after its drop has been seen."""
    dropped, caught = entry.detail.dropped_at, entry.detail.caught_at
    if dropped is None or caught is None or now - caught >= CATCHER_SOUGHT:
        return False
    record = newest_evidence(entry.detail.evidence, Outcome.REGISTERED, methods=RECORD_METHODS)
    return record is None or record.at <= dropped
