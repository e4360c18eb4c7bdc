"""Leases of one store in virtual time, for the contract of leases."""

from __future__ import annotations

from common.config import Settings
from common.store.fence import read_epoch
from common.store.file_leases import FileLeases
from common.store.lease_contract import Addresses, Lease, Leases


def addresses(epoch: int) -> Addresses:
    """Where the leader of an epoch is reached."""
    return Addresses(f"ipc://bus-{epoch}", f"ipc://feed-{epoch}", "key")


def take(leases: Leases, instance: str = "one") -> Lease:
    """A lease that has to be there."""
    lease = leases.take(instance, f"boot of {instance}", addresses)
    assert lease is not None
    return lease


class FileScene:
    """Leases on files. The clock is that of this machine, which all processes share."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._now = 1000.0

    def open(self) -> Leases:
        """The leases as one more instance sees them."""
        return FileLeases(self._settings.store_path, lambda: read_epoch(self._settings.store_path), lambda: self._now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass for all instances."""
        self._now += seconds
