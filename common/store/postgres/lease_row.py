"""The lease of instances that share a database: one row, on the clock of its server.

The row says which instance leads and until when. Only statements that name its epoch extend it; the next epoch is taken by
one that finds it run out or released, with the row locked: no clock of an instance is compared with any other. The holder
counts by its own clock from before it sent a renewal, and less than the server does. No index is touched by a renewal, and
dead versions of the row are cleared away in its page.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import msgspec

from common.clock import monotonic
from common.errors import LeaseLost, StoreError
from common.store.lease_contract import Addresses, Leader, Lease
from common.store.postgres import fence
from common.store.postgres.kept_connection import KeptConnection
from common.store.postgres.session import Connection, Limits, row_of

#: Seconds that a lease lasts after a renewal by the server's clock, and how much less its holder counts. More than on files: a
#: renewal crosses a network, and a server that is busy for some seconds is no reason for another instance to lead.
TTL, MARGIN = 8.0, 2.0
#: A renewal that takes longer has failed: it is tried again. One of a server that is not there fails after two to four seconds.
LEASING = Limits(3000, 1000, 3000, 4000)


class Timing(NamedTuple):
    """How long a lease lasts after a renewal, how much less its holder counts, and by which clock."""

    ttl: float = TTL
    margin: float = MARGIN
    steady: Callable[[], float] = monotonic

    def valid_until(self, began: float) -> float:
        """Until when the holder may rely on a lease whose renewal it began then."""
        return began + self.ttl - self.margin


_TABLE = """
    CREATE TABLE IF NOT EXISTS lease(
        one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL, instance text NOT NULL, boot text NOT NULL,
        bus text NOT NULL, feed text NOT NULL, server_key text NOT NULL, outside text NOT NULL, place text NOT NULL,
        expires_at timestamptz NOT NULL) WITH (fillfactor = 50)
"""
_ROW = """
    INSERT INTO lease(epoch, instance, boot, bus, feed, server_key, outside, place, expires_at)
    VALUES (0, '', '', '', '', '', '', '', '-infinity')
    ON CONFLICT DO NOTHING
"""
_LEADER = "SELECT instance, boot, epoch, bus, feed, server_key, outside, place FROM lease"
_VALID = f"{_LEADER} WHERE expires_at > clock_timestamp()"
_FREE = """
    SELECT greatest(lease.epoch, fence.epoch) FROM lease, fence WHERE expires_at <= clock_timestamp()
    FOR UPDATE OF lease SKIP LOCKED
"""
_UNTIL = "clock_timestamp() + make_interval(secs => %(ttl)s)"
_TAKE = f"""
    UPDATE lease SET epoch = %(epoch)s, instance = %(instance)s, boot = %(boot)s, bus = %(bus)s, feed = %(feed)s,
        server_key = %(server_key)s, outside = %(outside)s, place = %(place)s, expires_at = {_UNTIL}
"""
_RENEW = f"UPDATE lease SET expires_at = {_UNTIL} WHERE epoch = %(epoch)s AND boot = %(boot)s AND isfinite(expires_at)"
_RELEASE = "UPDATE lease SET expires_at = '-infinity' WHERE epoch = %(epoch)s AND boot = %(boot)s"
_RELEASED = (
    "SELECT true FROM lease WHERE epoch > %(epoch)s OR (epoch = %(epoch)s AND boot = %(boot)s AND NOT isfinite(expires_at))"
)


class PostgresLeases:
    """The leases of one shard of a database (see `lease_contract.Leases`).

    `timing`: seconds, and the steady clock of this instance.
    """

    def __init__(self, url: str, timing: Timing = Timing(), shard: int = 0) -> None:  # noqa: B008  # a tuple
        self._row = KeptConnection(url, "lease", LEASING, partial(_make_row, shard=shard), shard)
        self._timing = timing

    def find(self) -> Leader | None:
        """The leader whose lease has not run out by the server's clock."""
        with self._row.opened("read the lease") as connection:
            row = row_of(connection, _VALID)
        return None if row is None else Leader(*row)

    def take(self, instance: str, boot: str, addresses: Callable[[int], Addresses]) -> Lease | None:
        """Take the next epoch: above every one that the lease, or the fence, knows."""
        began = self._timing.steady()
        with self._row.opened("take the lease") as connection, connection.transaction():
            free = row_of(connection, _FREE)
            if free is None:
                return None
            epoch = int(free[0]) + 1
            leader = Leader(instance, boot, epoch, *addresses(epoch))
            connection.execute(_TAKE, {**msgspec.structs.asdict(leader), "ttl": self._timing.ttl})
        return PostgresLease(self._row, leader, self._timing, began)

    def is_released(self, epoch: int, boot: str) -> bool:
        """Whether the row is of a later epoch, or says so."""
        with self._row.opened("read the lease") as connection:
            return row_of(connection, _RELEASED, {"epoch": epoch, "boot": boot}) is not None

    def release_ended(self, epoch: int, boot: str) -> None:
        """Let the lease of this epoch and run be free."""
        with self._row.opened("release the lease of a leader that ended") as connection:
            connection.execute(_RELEASE, {"epoch": epoch, "boot": boot})

    def close(self) -> None:
        """Close the connection; a lease that is renewed opens it again."""
        self._row.close()


class PostgresLease:
    """A lease that was taken (see `lease_contract.Lease`). Its methods may be called from any thread."""

    def __init__(self, row: KeptConnection, leader: Leader, timing: Timing, began: float) -> None:
        self.leader = leader
        self._row = row
        self._timing = timing
        self._until = timing.valid_until(began)
        self._lost = ""  # why nothing may be written any more

    def is_valid(self) -> bool:
        """Whether it is certain that the lease has not run out."""
        return not self._lost and self._timing.steady() < self._until

    def renew(self) -> None:
        """Extend the lease. One that ran out is extended too, where no other instance has taken the next epoch."""
        if self._lost:
            raise LeaseLost(self._lost)
        began = self._timing.steady()
        with self._row.opened("renew the lease") as connection:
            if not connection.execute(_RENEW, {**self._values, "ttl": self._timing.ttl}).rowcount:
                self._lost = self._explain_loss(connection)
                raise LeaseLost(self._lost)
        self._until = self._timing.valid_until(began)

    def release(self) -> None:
        """Say so in the row. Where the server cannot be reached the lease runs out by itself."""
        if not self._lost:
            self._lost = f"the lease of epoch {self.leader.epoch} was released"
            with suppress(StoreError), self._row.opened("release the lease") as connection:
                connection.execute(_RELEASE, self._values)

    @property
    def _values(self) -> dict[str, Any]:
        return {"epoch": self.leader.epoch, "boot": self.leader.boot}

    def _explain_loss(self, connection: Connection) -> str:
        row = row_of(connection, _LEADER)
        if row is None or row[2] <= self.leader.epoch:
            return f"the lease of epoch {self.leader.epoch} is no longer in the database"
        return f"instance {row[0]!r} leads since epoch {row[2]}, this one had epoch {self.leader.epoch}"


def _make_row(connection: Connection, shard: int) -> None:
    fence.make_row(connection, shard)
    fence.create_once(connection, _TABLE, _ROW)
