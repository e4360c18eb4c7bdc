"""A leader as the processes of an instance are told of it."""

from __future__ import annotations

from common import leader_file
from common.bus import CoordinatorBus, leader_addresses
from common.config import Settings
from common.store.lease_contract import Leader


def tell_leader(settings: Settings, epoch: int, instance: str = "one") -> None:
    """Tell the processes of the instance with these settings that this one leads their shard."""
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    leader = Leader(instance, f"boot-{epoch}", epoch, *leader_addresses(settings, epoch))
    leader_file.write_leader(settings.instance_dir, leader, settings.shard)


def lead_bus(settings: Settings, epoch: int) -> CoordinatorBus:
    """The bus of the leader of an epoch, of which the instance is told."""
    bus = CoordinatorBus(settings, epoch)
    tell_leader(settings, epoch)
    return bus
