"""The fence: one row with the epoch that may write. A transaction of any other epoch changes nothing.

Each transaction begins by reading the row of its own epoch with a share lock, which it holds to its end. To raise the epoch
takes the row for itself: it waits for the transactions before it, and those that come after it find no row of their epoch.
There is no moment in between. A transaction whose process is paused is not waited for: its session is ended.
"""

from __future__ import annotations

from contextlib import closing, suppress

from psycopg import errors

from common.errors import LeaseLost
from common.store.postgres import tables
from common.store.postgres.session import READING, Connection, Server, row_of

#: Milliseconds that a transaction of an earlier epoch has to end by itself.
PATIENCE_MS = 1000
#: How often its sessions are ended before the wait is given up.
TRIES = 5

_HOLDS = "SELECT true FROM fence WHERE epoch = %s FOR SHARE"
_RAISE = "UPDATE fence SET epoch = %s WHERE epoch < %s"
_EPOCH = "SELECT epoch FROM fence"
# What holds the row has the table locked for reading with intent to lock rows.
_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'fence'::regclass AND granted AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND mode = 'RowShareLock'
"""


def holds(connection: Connection, epoch: int) -> bool:
    """Whether this epoch may write; until the transaction ends no other one can begin."""
    return row_of(connection, _HOLDS, (epoch,)) is not None


def raise_to(connection: Connection, epoch: int, shown: str, shard: int = 0) -> None:
    """Shut out every earlier epoch, outside a transaction. Raises LeaseLost where the last one was not lower, psycopg.Error."""
    make_row(connection, shard)
    for tries_left in reversed(range(TRIES)):
        try:
            with connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", (str(PATIENCE_MS),))
                if not connection.execute(_RAISE, (epoch, epoch)).rowcount:
                    raise LeaseLost(f"{shown} was opened in epoch {_stored(connection)}, which epoch {epoch} does not follow")
            break
        except errors.LockNotAvailable:
            if not tries_left:
                raise
            connection.execute(_END_OTHERS)


def read_stored_epoch(url: str, shard: int = 0) -> int:
    """The epoch that wrote the database last; 0 where there is none. Raises StoreError where it cannot be read."""
    server = Server(url, shard)
    with closing(server.connect("fence", READING, read_only=True)) as connection, server.translated("read the epoch"):
        there = row_of(connection, "SELECT to_regclass('fence') IS NOT NULL")
        return _stored(connection) if there and there[0] else 0


def _stored(connection: Connection) -> int:
    row = row_of(connection, _EPOCH)
    return int(row[0]) if row else 0


def make_row(connection: Connection, shard: int = 0) -> None:
    """Make the row where there is none, and what else is there before any version. Two instances may do so at once."""
    create_once(connection, *(tables.BEGINNING_OF_FURTHER if shard else tables.BEGINNING))


def create_once(connection: Connection, *statements: str) -> None:
    """Execute statements that make what is not there, outside a transaction; where another was faster, again."""
    for statement in statements:
        for _ in range(TRIES):
            with suppress(errors.UniqueViolation, errors.DuplicateTable, errors.DuplicateObject):  # of its catalogs
                connection.execute(statement)
                break
