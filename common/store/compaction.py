"""Clean-up when a store is opened and closed: names that left the list are deleted, and free pages given back."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from common.core.domains.last_look import BLOCK, SIZE
from common.core.domains.last_look_array import RECORD
from common.errors import LeaseLost, StoreError
from common.store import fence, row_codecs, schema
from common.store.name_rows import ids_as_json

#: Names looked at together, and about how many are forgotten at one start: the rest waits for the next.
BATCH, MOST = 10_000, 200_000
#: Most numbers that can have been given to names: the index of the coordinator's table has no more.
MOST_NAMES = (1 << 31) - 1
#: A file is written anew when at least this many bytes, and more than a third of it, are unused.
UNUSED = 64 << 20
#: How long a checkpoint waits for readers before it leaves the log to the next start, in milliseconds.
WAIT_MS = 500
#: Most entries of an index that are looked at for its statistics.
ANALYSIS = 400

_NEXT_ID = "SELECT coalesce(max(id) + 1, 0), (SELECT value FROM meta WHERE key = ?) FROM domain"
_LEFT = """
    SELECT id FROM domain WHERE id > ? AND watched = 0 AND generation = 0 AND coalesce(checked_at, 0) < ? ORDER BY id LIMIT ?
"""
_BLOCKS = "SELECT block, data FROM pulse WHERE block IN (SELECT value FROM json_each(?)) ORDER BY block"
_FORGET = (
    """
    DELETE FROM domain WHERE id IN (SELECT value FROM json_each(?))
        AND name NOT IN (SELECT domain FROM delivery WHERE state = 'pending')
    """,
    "DELETE FROM detail WHERE id IN (SELECT value FROM json_each(?)) AND id NOT IN (SELECT id FROM domain)",
)
_EMPTY_BLOCKS = "DELETE FROM pulse WHERE block NOT IN (SELECT id / ? FROM domain)"


def forget_names(connection: sqlite3.Connection, before: float, epoch: int) -> int:
    """Delete names that left the list and were last checked before that time (epoch seconds); how many were due to go.

    A name with a callback that waits stays. Raises LeaseLost where another epoch writes.
    """
    gone, last = 0, -1
    while gone < MOST:
        ids = np.array([row[0] for row in connection.execute(_LEFT, (last, before, BATCH))], np.int64)
        if not len(ids):
            break
        last = int(ids[-1])
        old = ids[_looked_at(connection, ids) < before]
        if len(old):
            _delete(connection, ids_as_json(old.tolist()), epoch)
            gone += len(old)
    if gone:
        with fence.fenced(connection, epoch):
            connection.execute(_EMPTY_BLOCKS, (BLOCK,))
    return gone


def next_id(connection: sqlite3.Connection) -> int:
    """The number above every id that was ever given. Raises StoreError where that cannot be true."""
    above, kept = connection.execute(_NEXT_ID, (schema.NEXT_KEY,)).fetchone()
    found = max(int(above), schema.parse_number(schema.NEXT_KEY, kept or 0))
    if found > MOST_NAMES:
        raise StoreError(f"the state is damaged: a name in it has the number {found - 1}")
    return found


def shrink_file(connection: sqlite3.Connection) -> None:
    """Write the file anew where much of it is empty. On a disk without room for that it stays as it is."""
    pages, unused, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    if unused * size >= UNUSED and unused * 3 > pages:
        with suppress(sqlite3.Error):
            connection.execute("VACUUM")


def truncate_log(connection: sqlite3.Connection) -> None:
    """Move the log into the file and cut it, as far as readers allow within `WAIT_MS`."""
    waits = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {waits}")


def update_statistics(connection: sqlite3.Connection, epoch: int) -> bool:
    """Renew the statistics that SQLite plans by, where it thinks that they are out of date; whether this epoch still writes."""
    try:
        with fence.fenced(connection, epoch):
            connection.execute(f"PRAGMA analysis_limit = {ANALYSIS}")
            connection.execute("PRAGMA optimize")
    except LeaseLost:
        return False
    except sqlite3.Error:
        pass
    return True


def _delete(connection: sqlite3.Connection, ids: str, epoch: int) -> None:
    with fence.fenced(connection, epoch):
        connection.execute(row_codecs.UPSERT_META, (schema.NEXT_KEY, str(next_id(connection))))
        for statement in _FORGET:
            connection.execute(statement, (ids,))


def _looked_at(connection: sqlite3.Connection, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """When each of these names (ascending ids) was last looked at by a sweep, 0 for never."""
    found = np.zeros(len(ids))
    for block, data in connection.execute(_BLOCKS, (ids_as_json(np.unique(ids // BLOCK).tolist()),)):
        times = np.frombuffer(data.ljust(BLOCK * SIZE, b"\0")[: BLOCK * SIZE], RECORD)["checked_at"]
        start, end = np.searchsorted(ids, (block * BLOCK, (block + 1) * BLOCK))
        found[start:end] = times[ids[start:end] - block * BLOCK]
    return found
