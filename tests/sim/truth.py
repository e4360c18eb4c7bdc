"""The truth about the names of the simulation, and what an honest server says about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from common.core.model.evidence import Fields, Outcome, Phase, Reading, unknown_reading


@dataclass
class Name:
    """The truth about one name: its phase over time; None means there is no object."""

    changes: list[tuple[float, Phase | None]] = field(default_factory=lambda: [(0.0, Phase.ACTIVE)])
    reserved: bool = False

    def created(self, moment: float) -> float:
        """When the present registration was made."""
        since = 0.0
        for index, (start, what) in enumerate(self.changes):
            if start <= moment and what is not None and index and self.changes[index - 1][1] is None:
                since = start
        return since

    def at(self, moment: float) -> Phase | None:
        """The phase at a moment."""
        phase: Phase | None = None
        for since, what in self.changes:
            if since <= moment:
                phase = what
        return phase


def reading_of(method: str, phase: Phase | None, created: float, *, reserved: bool) -> Reading:
    """What an honest server says about a name in this phase."""
    gone = phase in (None, Phase.REDEMPTION, Phase.PENDING_DELETE, Phase.UNDELEGATED)
    if method == "dns":
        if gone:
            return Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "NXDOMAIN")
        return Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")
    if method == "http":
        return unknown_reading("http_silent", "no answer")
    if phase is None and reserved and method == "whois":
        return Reading(Outcome.RESERVED, "whois_reserved", "reserved by the registry")
    if phase is None:
        return Reading(Outcome.UNREGISTERED, {"rdap": "rdap_404_json", "whois": "whois_free"}[method], "not found")
    at = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = Fields(created_at=at, registrar="Example Registrar", statuses=(phase.value,))
    return Reading(Outcome.REGISTERED, {"rdap": "rdap_200_match", "whois": "whois_registered"}[method], "found", phase, fields)
