"""The settings of a process that works for one shard of the watch list."""

from __future__ import annotations

from dataclasses import replace

from common.config import Settings
from common.socket_paths import shift_endpoint


def settings_of_shard(settings: Settings, shard: int) -> Settings:
    """These, of no shard yet, for a process of a shard: it has work sockets of its own, on tcp three ports after the others."""
    coordinators = tuple(shift_endpoint(address, shard) for address in settings.coordinator)
    return replace(settings, shard=shard, bus_endpoint=shift_endpoint(settings.bus_endpoint, shard), coordinator=coordinators)
