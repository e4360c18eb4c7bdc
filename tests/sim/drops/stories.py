"""The truth about one name as its registry has it: records one after the other, and what each channel answers by them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from math import inf

from common.core.model.evidence import Fields, Outcome, Phase, Reading
from tests.sim.lives import iso

_IN_ZONE = frozenset({Phase.ACTIVE, Phase.EXPIRED_GRACE})
_STATUS = {
    Phase.ACTIVE: ("client transfer prohibited",),
    Phase.EXPIRED_GRACE: ("auto renew period",),
    Phase.REDEMPTION: ("redemption period",),
    Phase.PENDING_DELETE: ("pending delete",),
    Phase.PENDING_RESTORE: ("pending restore",),
}
REFERRAL = Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")
NXDOMAIN = Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "NXDOMAIN")
_MISSING = {
    "rdap": Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found"),
    "whois": Reading(Outcome.UNREGISTERED, "whois_free", "not found"),
}
_RELEASED = Reading(Outcome.DROPPING, "whois_dropzone", "purged, in the registry's own release procedure")
_FOUND = {"rdap": "rdap_200_match", "whois": "whois_registered"}


@dataclass(slots=True)
class Record:
    """What the registry holds from `at` on (epoch seconds); `phase` None for no object, `free`: it can be registered then.

    `shown`: WHOIS says of a name that has no object that it is in the registry's release procedure; other channels deny it.
    """

    at: float
    phase: Phase | None
    expires: float | None = None
    updated: float | None = None
    created: float = 0.0
    registrar: str = "Example Registrar"
    free: bool = False
    shown: bool = False
    readings: dict[str, Reading] = field(default_factory=dict)


@dataclass(slots=True)
class Story:
    """One name. `kind` says what happens to it: drops, restored, renewed or transferred; times in epoch seconds.

    `purge` is when its record goes, `freed` when it can be registered, `caught` when it is registered again (infinity: never).
    """

    name: str
    suffix: str
    kind: str
    records: list[Record]
    purge: float = inf
    freed: float = inf
    caught: float = inf
    is_calm: bool = False  # it never leaves the zone
    _times: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._times = [record.at for record in self.records]
        self.is_calm = all(record.phase in _IN_ZONE for record in self.records)

    def at(self, moment: float) -> Record:
        """The record at a moment; the first one before all times."""
        return self.records[max(0, bisect_right(self._times, moment) - 1)]

    def was_free(self, since: float, until: float) -> bool:
        """Whether it could be registered at some moment from `since` to `until`."""
        ends = [*self._times[1:], inf]
        return any(record.free and record.at <= until and end > since for record, end in zip(self.records, ends, strict=True))

    @property
    def lives(self) -> float:
        """For how many seconds it can be registered."""
        return self.caught - self.freed if self.freed < inf else 0.0

    def is_delegated(self, moment: float) -> bool:
        """Whether it is in the zone."""
        return self.at(moment).phase in _IN_ZONE

    def could_drop(self, moment: float) -> bool:
        """Whether its purge is at most a day away, or it can be registered."""
        return self.purge - 86_400.0 <= moment < max(self.caught, self.freed)

    def reading(self, method: str, moment: float) -> Reading:
        """What an honest server of this method says."""
        record = self.at(moment)
        if method == "dns":
            return REFERRAL if record.phase in _IN_ZONE else NXDOMAIN
        if record.phase is None:
            return _RELEASED if record.shown and method == "whois" else _MISSING[method]
        if method not in record.readings:
            record.readings[method] = _shown(record, method)
        return record.readings[method]


def _shown(record: Record, method: str) -> Reading:
    assert record.phase is not None
    fields = Fields(
        created_at=iso(record.created) if record.created else None,
        expires_at=iso(record.expires) if record.expires else None,
        updated_at=iso(record.updated) if record.updated else None,
        registrar=record.registrar,
        statuses=_STATUS[record.phase],
    )
    return Reading(Outcome.REGISTERED, _FOUND[method], "found", record.phase, fields)
