"""The whole truth about one name: its phases, its record's dates, what follows the purge, and what each channel shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec import structs

from common.core.model.evidence import Fields, Outcome, Phase, Reading, unknown_reading
from tests.sim.truth import Name, reading_of

YEAR = 365 * 86_400.0
_IN_ZONE = frozenset({Phase.ACTIVE, Phase.EXPIRED_GRACE})
_DROPPING = {
    "whois": Reading(Outcome.DROPPING, "whois_dropzone", "purged, in the registry's own release procedure"),
    "rdap": Reading(Outcome.DROPPING, "rdap_404_dropping", "purged, in the registry's own release procedure"),
}


@dataclass(frozen=True, slots=True)
class Hold:
    """From when until when a purged name is not free to register (epoch seconds), and which channels say so."""

    start: float
    end: float
    shown: frozenset[str] = frozenset()


@dataclass(slots=True)
class Life(Name):
    """A `Name` with all that an oracle has to know. Times in epoch seconds.

    `expires` is the date in its first record, `lag` the seconds that the zone is behind, `hold` the release procedure,
    `rdap_says_reserved` whether RDAP tells a reserved name from a free one, `wildcard` whether the zone answers for everything;
    `stale` is a method whose server shows the last record between two times although it is gone.
    """

    expires: float = 0.0
    lag: float = 0.0
    hold: Hold | None = None
    rdap_says_reserved: bool = False
    wildcard: bool = False
    stale: tuple[str, float, float] | None = None

    def existed(self, moment: float) -> bool:
        """Whether there is, or was, an object."""
        return any(since <= moment and phase is not None for since, phase in self.changes)

    def registered(self, moment: float) -> bool:
        """Whether the registry has an object."""
        return self.at(moment) is not None

    def free(self, moment: float) -> bool:
        """Whether the name is free to register."""
        held = self.hold is not None and self.hold.start <= moment < self.hold.end
        return not (self.registered(moment) or self.reserved or held)

    def free_between(self, start: float, end: float) -> bool:
        """Whether the name was free to register at some moment of a span."""
        edges = [since for since, _ in self.changes] + ([self.hold.end] if self.hold else [])
        return any(self.free(moment) for moment in (start, end, *(edge for edge in edges if start <= edge <= end)))

    def absent_between(self, start: float, end: float) -> bool:
        """Whether the registry had no object at some moment of a span."""
        return any(
            not self.registered(moment) for moment in (start, end, *(at for at, _ in self.changes if start <= at <= end))
        )

    def reading(self, method: str, moment: float) -> Reading:
        """What an honest server of this method says."""
        if method == "dns":
            return self._zone(moment - self.lag)
        if self.stale is not None and method == self.stale[0] and self.stale[1] <= moment < self.stale[2]:
            moment = max(since for since, phase in self.changes if phase is not None)
        phase = self.at(moment)
        if phase is None and self.hold is not None and method in self.hold.shown and self.hold.start <= moment < self.hold.end:
            return _DROPPING[method]
        told = self.reserved and (method == "whois" or (method == "rdap" and self.rdap_says_reserved))
        if phase is None and told and method == "rdap":
            return Reading(Outcome.RESERVED, "rdap_404_blocked", "no object, and not to be registered")
        reading = reading_of(method, phase, self.created(moment) or moment - 9 * YEAR, reserved=told)
        return structs.replace(reading, fields=self._record(reading.fields, moment)) if phase is not None else reading

    def _zone(self, moment: float) -> Reading:
        if self.wildcard and self.at(moment) not in _IN_ZONE:
            return unknown_reading("dns_auth_wildcard", "the suffix's servers answer with other records, as a wildcard does")
        return reading_of("dns", self.at(moment), 0.0, reserved=False)

    def _record(self, fields: Fields, moment: float) -> Fields:
        last = max((since for since, phase in self.changes if since <= moment and phase is not None), default=0.0)
        created = self.created(moment)
        expires = created + YEAR if created else self.expires or moment + YEAR / 2
        updated = iso(last) if last else None
        return structs.replace(fields, created_at=iso(created or 1.2e9), expires_at=iso(expires), updated_at=updated)


def iso(at: float) -> str:
    """A time as records have it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
