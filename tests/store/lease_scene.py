"""Leases of one store in virtual time, for the contract of leases."""

from __future__ import annotations

from typing import Protocol

import psycopg

from common.config import Settings
from common.processes.leases import MARGIN, TTL
from common.store.fence import read_epoch
from common.store.file_leases import FileLeases
from common.store.lease_contract import Addresses, Lease, Leases
from common.store.postgres.lease_row import PostgresLeases, Timing
from tests.store.builders import schema_of


def addresses(epoch: int) -> Addresses:
    """Where the leader of an epoch is reached."""
    return Addresses(f"ipc://bus-{epoch}", f"ipc://feed-{epoch}", "key")


def take(leases: Leases, instance: str = "one") -> Lease:
    """A lease that has to be there."""
    lease = leases.take(instance, f"boot of {instance}", addresses)
    assert lease is not None
    return lease


def open_scene(settings: Settings) -> Scene:
    """The leases of an empty store, of whatever kind it is."""
    return FileScene(settings) if settings.store_in_file else RowScene(settings)


class Scene(Protocol):
    """Several instances, and the time that passes for all of them."""

    def open(self) -> Leases:
        """The leases as one more instance sees them."""
        ...

    def pass_time(self, seconds: float) -> None:
        """Let time pass for all instances."""
        ...

    def close(self) -> None:
        """Close all that was opened."""
        ...


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

    def close(self) -> None:
        """Nothing is kept open."""


class RowScene:
    """Leases in a row of a database that last as long as those on files. The server's clock is real: the row grows older."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._shard = settings.store_url, settings.shard
        self._schema = schema_of(settings)
        self._now = 1000.0
        self._opened: list[Leases] = []

    def open(self) -> Leases:
        """The leases as one more instance sees them."""
        self._opened.append(PostgresLeases(self._url, Timing(TTL, MARGIN, lambda: self._now), self._shard))
        return self._opened[-1]

    def pass_time(self, seconds: float) -> None:
        """Let time pass for all instances."""
        self._now += seconds
        with psycopg.connect(self._url) as connection:
            connection.execute("SELECT set_config('search_path', %s, false)", (self._schema,))
            connection.execute("UPDATE lease SET expires_at = expires_at - make_interval(secs => %s)", (seconds,))

    def close(self) -> None:
        """Close all that was opened."""
        for leases in self._opened:
            leases.close()
