"""Which registry channels an alarm may wait for: those whose server is trusted, that are alive, and quick enough."""

from __future__ import annotations

from common.core.channels.channel_health import FRESH, Condition, conditions_of
from common.core.channels.channels import Channels
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.registries import Registries
from common.core.trust.server_trust import Trust


class Conditions:
    """Finds the channels that an alarm may wait for, anew at every call: budgets, health and trust move with each answer."""

    def __init__(self, registries: Registries, rate_limits: RateLimits, channels: Channels, trust: Trust) -> None:
        self._registries = registries
        self._rate_limits = rate_limits
        self._channels = channels
        self._trust = trust

    def find_conditions(self, suffix: str, now: float) -> tuple[tuple[Condition, ...], float]:
        """The channels of a suffix whose answer an alarm may wait for, the fastest first; and how old a positive may be.

        The age is in seconds. Left out are channels whose server lied and is not verified since, dead ones, and those too slow
        to answer a query and both canaries within that age.
        """
        found = [
            Condition(key.method, key, self._rate_limits.current_pace(key.method, suffix, now))
            for key in self._registries.channels_of(suffix)
            if not self._trust.is_distrusted(key, now) and not self._channels.is_known_dead(key, now)
        ]
        return conditions_of(found, FRESH)
