"""The settings of a process that works for one shard of the watch list."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from common import setting_parsers
from common.config import Settings
from common.socket_paths import shift_endpoint

_COORDINATOR = re.compile(r"coordinator(?:-([1-9][0-9]?))?")


def settings_of_shard(settings: Settings, shard: int) -> Settings:
    """These, of no shard yet, for a process of a shard: it has work sockets of its own, on tcp three ports after the others."""
    if not shard:
        return settings
    coordinators = tuple(shift_endpoint(address, shard) for address in settings.coordinator)
    return replace(settings, shard=shard, bus_endpoint=shift_endpoint(settings.bus_endpoint, shard), coordinator=coordinators)


def shard_directory(settings: Settings) -> Path:
    """Where the coordinator of a shard keeps what it must not lose: the directory of its instance, or one below that."""
    own = f"shard-{settings.shard}" if settings.shard else ""
    return settings.instance_dir / own


def directory_of_leader(settings: Settings, instance: str) -> Path | None:
    """The same of another instance in this STATE_DIR; None for what is no name of one."""
    with suppress(ValueError):
        own = f"shard-{settings.shard}" if settings.shard else ""
        return settings.state_dir / "instances" / setting_parsers.word(instance) / own
    return None


def shard_of_number(settings: Settings, number: int) -> int:
    """The shard that the checker or notifier with this number works for."""
    return number % settings.shards


def count_processes(settings: Settings) -> dict[str, int]:
    """How many processes there are of each pool, by its program: at least one for each shard."""
    counts = {
        "checker-fast": settings.fast_checkers,
        "checker-intermediate": settings.intermediate_checkers,
        "checker-deep": settings.deep_checkers,
        "notifier": settings.notifiers,
    }
    return {name: max(count, settings.shards) for name, count in counts.items()}


def coordinator_name(shard: int) -> str:
    """The name of a shard's coordinator as a process: in heartbeats, logs and for supervisord."""
    return f"coordinator-{shard}" if shard else "coordinator"


def shard_of_coordinator(process: str) -> int | None:
    """The shard of the coordinator that is this process, None for another process."""
    found = _COORDINATOR.fullmatch(process)
    return None if found is None else int(found[1] or 0)
