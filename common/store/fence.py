"""The fence of the embedded store: the epoch of the lease that writes it, checked inside each transaction.

An instance that was stopped may go on after another has taken over. Its lock of a file is no help then; but the other has
written a higher epoch, and whatever does not belong to the epoch in the database is refused with LeaseLost. The one transaction
in which it was stopped passed this check before: where that keeps its lock the other goes on in a copy, in which it is missing
(`common.store.generations`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from common.errors import LeaseLost
from common.store import row_codecs, schema
from common.store.database_file import current_path
from common.store.sqlite import connect_reader, translate_errors

_EPOCH = "SELECT value FROM meta WHERE key = ?"


def claim_epoch(connection: sqlite3.Connection, epoch: int, generation: int = 0) -> None:
    """Note, inside a transaction, that from now on this epoch writes. Raises LeaseLost where the last one was not lower.

    `generation` is that of the file: the one that this epoch made itself has its number already.
    """
    stored = _stored_epoch(connection)
    if stored >= epoch and not stored == epoch == generation:
        raise LeaseLost(f"the database was opened in epoch {stored}, which epoch {epoch} does not follow")
    connection.execute(row_codecs.UPSERT_META, (schema.EPOCH_KEY, str(epoch)))


def require_epoch(connection: sqlite3.Connection, epoch: int) -> None:
    """Raise LeaseLost where another epoch writes."""
    stored = _stored_epoch(connection)
    if stored != epoch:
        raise LeaseLost(f"another instance writes the database since epoch {stored}, this one had epoch {epoch}")


@contextmanager
def fenced(connection: sqlite3.Connection, epoch: int) -> Iterator[None]:
    """A transaction that writes all or nothing, and nothing unless this epoch still writes (LeaseLost)."""
    with transaction(connection):
        require_epoch(connection, epoch)
        yield


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that writes all or nothing, on a connection in autocommit mode."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_epoch(store: Path) -> int:
    """The epoch that wrote the database last; 0 where there is none. Raises StoreError where it cannot be read."""
    path = current_path(store)
    if not path.exists():
        return 0
    with translate_errors(path, "read the epoch"), closing(connect_reader(path)) as connection:
        return _stored_epoch(connection) if schema.holds_state(connection) else 0


def _stored_epoch(connection: sqlite3.Connection) -> int:
    row = connection.execute(_EPOCH, (schema.EPOCH_KEY,)).fetchone()
    return schema.parse_number(schema.EPOCH_KEY, row[0]) if row else 0
