"""Finds out whether a server lied or its canary is gone.

A server that denies a name known to be registered is in quarantine at once. Then the other side is queried about that name: the
zone where a registry server denied it, a registry server where the zone did. If it is gone there too, the canary is dead and
the servers that denied it are pardoned; where the other side knows it, the denial was a lie.
"""

from __future__ import annotations

from typing import NamedTuple

from common.core.channels.channels import zone_of
from common.core.model.channel import ChannelKey, Probe
from common.core.model.evidence import Observation, Outcome
from common.core.model.methods import is_registrar
from common.core.model.states import OUT_OF_ZONE
from common.core.registries.registries import Registries
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.known_names import KnownNames
from common.core.trust.outcomes import Settled
from common.core.trust.server_trust import Trust

#: Seconds for which the denials of one canary by different servers belong together.
DISPUTE = 3600.0


class Ruling(NamedTuple):
    """What an answer settles: whether the canary `is_dead`, and which servers were right or wrong."""

    is_dead: bool
    settled: list[Settled]


class _OpenDispute(NamedTuple):
    """A canary in doubt: since when (epoch seconds), and the servers that denied it."""

    begun_at: float
    accused: frozenset[ChannelKey]


class CanaryDisputes:
    """The canaries in doubt, each with the servers that denied it."""

    def __init__(self, registries: Registries, trust: Trust, known_names: KnownNames, telemetry: Telemetry) -> None:
        self._registries = registries
        self._trust = trust
        self._known_names = known_names
        self._telemetry = telemetry
        self._open: dict[str, _OpenDispute] = {}

    def begin_dispute(self, probe: Probe, now: float) -> Probe | None:
        """Open a dispute about a canary that a server denied. Returns the query that will settle it; None where none could."""
        if not probe.registered:
            return None
        key = self._other_side(probe.key, now)
        if key is None:
            return None
        self._open = {name: dispute for name, dispute in self._open.items() if now - dispute.begun_at <= DISPUTE}
        accused = self._accused_of(probe.domain)
        self._open[probe.domain] = _OpenDispute(now, accused | {probe.key})
        return Probe(key, probe.domain, registered=True)

    def is_disputed(self, key: ChannelKey) -> bool:
        """Whether a dispute about a canary that a server denied is still open."""
        return any(key in dispute.accused for dispute in self._open.values())

    def settle_dispute(self, probe: Probe, observation: Observation, now: float) -> Ruling:
        """Take the answer of the other side. A canary that is gone is dead, and its servers are pardoned.

        Where the other side knows the canary, the servers that denied it were wrong. What a registrar says settles nothing.
        """
        accused = frozenset() if is_registrar(probe.key.method) else self._accused_of(probe.domain)
        others = sorted(key for key in accused if _is_zone(key) is not _is_zone(probe.key))
        if not others:
            return Ruling(is_dead=False, settled=[])
        outcome, phase = observation.reading.outcome, observation.reading.phase
        if outcome is Outcome.UNREGISTERED:
            return Ruling(is_dead=True, settled=self._retire_canary(probe, "registry and zone both deny it"))
        if outcome is Outcome.REGISTERED and phase in OUT_OF_ZONE:
            reason = f"the registry says {phase.value.replace('_', ' ')}, so the zone rightly denies it"
            return Ruling(is_dead=False, settled=self._retire_canary(probe, reason))
        if outcome is not Outcome.REGISTERED:
            return Ruling(is_dead=False, settled=[])
        left = accused.difference(others)
        del self._open[probe.domain]
        if left:
            self._open[probe.domain] = _OpenDispute(now, left)
        return Ruling(is_dead=False, settled=[Settled(key, wrong=True) for key in others])

    def _accused_of(self, name: str) -> frozenset[ChannelKey]:
        dispute = self._open.get(name)
        return dispute.accused if dispute is not None else frozenset()

    def _retire_canary(self, probe: Probe, reason: str) -> list[Settled]:
        """The canary is dead: pardon the servers that denied it."""
        accused = self._open.pop(probe.domain).accused
        self._known_names.retire_canary(probe.domain)
        for key in sorted(accused):
            self._trust.end_quarantine(key)
        remedy = f"{reason}: name another one in CANARIES_FILE"
        self._telemetry.write_log("warning", "canary_retired", canary=probe.domain, suffix=probe.key.suffix, reason=remedy)
        self._telemetry.metrics.count("canaries_retired")
        return [Settled(key, wrong=False) for key in sorted(accused)]

    def _other_side(self, key: ChannelKey, now: float) -> ChannelKey | None:
        """The channel to query: about a registry server's denial the zone, about the zone's a server not in quarantine."""
        if not _is_zone(key):
            return None if self._registries.wildcards.is_wildcard(key.suffix) else zone_of(key.suffix)
        channels = self._registries.channels_of(key.suffix)
        return next((other for other in channels if not self._trust.is_quarantined(other, now)), None)


def _is_zone(key: ChannelKey) -> bool:
    return key.method == "dns"
