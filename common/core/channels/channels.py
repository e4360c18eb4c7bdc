"""The room's door: learns from every answer which channels speak, and tells when one dies or is back."""

from __future__ import annotations

from common.core.channels.channel_health import ChannelHealth, ChannelHealths
from common.core.model.channel import ChannelKey
from common.core.model.evidence import Observation
from common.core.model.query import Query
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.directory import host_of
from common.core.registries.registries import Registries
from common.core.telemetry.telemetry import Telemetry


class Channels:
    """Which channels are dead or better left alone; `healths` is what is known of each."""

    def __init__(self, registries: Registries, rate_limits: RateLimits, telemetry: Telemetry) -> None:
        self.healths = ChannelHealths()
        self._registries = registries
        self._rate_limits = rate_limits
        self._telemetry = telemetry

    def is_known_dead(self, key: ChannelKey, now: float) -> bool:
        """Whether a channel is known to be dead: its answers prove nothing, or it is silent and its operator limits us."""
        if not self.healths.health_of(key).silent:
            return False
        limited = self._rate_limits.current_pace(key.method, key.suffix, now) <= 0
        return self.healths.is_dead(key, now, rate_limited=limited)

    def is_left_alone(self, key: ChannelKey, now: float) -> bool:
        """Whether a channel is left alone: it is dead, it was silent of late, or it is silent and would have to be waited for.

        A canary finds out whether a dead one is back, not a drop.
        """
        silent = self.healths.health_of(key).silent > 0
        waits = silent and not self._rate_limits.has_token(key.method, key.suffix, now)
        return waits or self.healths.is_resting(key, now) or self.is_known_dead(key, now)

    def is_zone_left_alone(self, suffix: str, now: float) -> bool:
        """Whether DNS of a suffix is left out of a check: its zone is dead, or silent and without a token to query it.

        One bad moment is no reason: many suffixes have no other second source.
        """
        zone = zone_of(suffix)
        if self.healths.is_dead(zone, now) and self.healths.is_resting(zone, now):
            return True
        return self.healths.health_of(zone).silent > 0 and not self._rate_limits.has_token("dns", suffix, now)

    def silent_in_use(self) -> list[tuple[ChannelKey, ChannelHealth]]:
        """The channels in use whose last answers proved nothing, the longest silent first."""
        return [(key, health) for key, health in self.healths.silent_channels() if self._registries.is_in_use(key)]

    def note_query_sent(self, query: Query, now: float) -> None:
        """Note that a query leaves, so that its answer can be overdue."""
        key = channel_of(query)
        if key is not None:
            self.healths.note_query(key, now)

    def note_answer(self, query: Query, observation: Observation, now: float) -> None:
        """Learn from an answer whether its channel speaks; tell when it dies and when it is back."""
        reading, key = observation.reading, channel_of(query)
        if key is None:
            return
        became = self.healths.note_outcome(key, reading.outcome, reading.reason, now, observation.duration_ms / 1000)
        if became is not None:
            level = "warning" if became == "dead" else "info"
            fields = {"method": key.method, "server": key.server, "suffix": key.suffix, "reason": reading.reason}
            self._telemetry.write_limited(level, f"channel_{became}", " ".join(key), now, **fields)


def zone_of(suffix: str) -> ChannelKey:
    """The channel of DNS: the zone of a suffix."""
    return ChannelKey("dns", suffix, suffix)


def channel_of(query: Query) -> ChannelKey | None:
    """The channel that a query goes to; None where it goes to no server of the suffix."""
    if query.method == "http" or (query.method != "dns" and not query.server):
        return None
    server = query.suffix if query.method == "dns" else host_of(query.server)
    return ChannelKey(query.method, server, query.suffix)
