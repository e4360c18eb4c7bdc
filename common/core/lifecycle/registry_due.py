"""When the registry's record of a name is too old to plan with: the calendar decides how old that is."""

from __future__ import annotations

from common.core.model.entry import Entry
from common.core.model.evidence import Outcome, Phase
from common.core.model.methods import RECORD_METHODS
from common.core.model.records import newest_evidence
from common.core.model.states import OUT_OF_ZONE
from common.core.schedule.registry_pace import AFTER_EXPIRY, HELD, HELD_EXPIRING, IN_GRACE, IN_ZONE, is_near_expiry

DAY = 86_400.0
#: Seconds between two queries for the record of a name that was caught after its drop, and for how long it is sought.
CATCHER_EVERY, CATCHER_SOUGHT = 600.0, DAY


def registry_due(entry: Entry, now: float) -> bool:
    """Whether the registry's record is too old to plan with: the calendar decides how old that is."""
    heard = entry.detail.registry_at
    return heard is None or _left_zone_since(entry, heard) or now >= registry_due_at(entry, now)


def registry_due_at(entry: Entry, now: float) -> float:
    """When the registry's record of a name in the zone is too old, in epoch seconds; 0 where the registry was never heard.

    At expiry at the latest: what becomes of the name then is to be seen once.
    """
    heard, expires = entry.detail.registry_at, entry.detail.expires_epoch
    if heard is None:
        return 0.0
    due = heard + _wait_for_record(entry, now)
    return due if expires is None or expires <= heard else min(due, expires)


def record_interval(from_expiry: float | None, *, expired: bool = False, in_zone: bool = True) -> float:
    """Seconds between two records of a name: weekly while the zone guards it, more often once it expired or left the zone.

    `from_expiry` is how long ago it expired, in seconds, negative before that; None where no date is known.
    """
    if not in_zone:
        return HELD_EXPIRING if expired or is_near_expiry(from_expiry) else HELD
    in_grace = expired or (from_expiry is not None and 0.0 <= from_expiry <= AFTER_EXPIRY)
    return IN_GRACE if in_grace else IN_ZONE


def _registry_interval(entry: Entry, now: float) -> float:
    """Seconds between two registry answers for a name, see `record_interval`."""
    expires = entry.detail.expires_epoch
    return record_interval(
        None if expires is None else now - expires,
        expired=entry.phase is Phase.EXPIRED_GRACE,
        in_zone=entry.phase not in OUT_OF_ZONE,
    )


def _left_zone_since(entry: Entry, heard: float) -> bool:
    """Whether a name left its zone after its record was read: that record tells nothing of why."""
    dns = entry.detail.evidence.get("dns")
    return dns is not None and dns.observation.reading.outcome is Outcome.UNREGISTERED and dns.first_at > heard


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
