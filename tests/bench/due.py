"""Makes every name of a stopped service's store due at once, as if it had been switched off for a long time."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import numpy as np

from common.core.domains.last_look import BLOCK
from common.core.domains.last_look_array import RECORD
from common.store.database_file import current_path

#: An epoch second long past.
PAST = 1_000_000.0
_NONE = [0.0] * BLOCK


def make_all_due(state: Path) -> int:
    """Set the next check of every watched name into the past; how many there are. Raises sqlite3.Error.

    Rows that a younger look outweighs stay as they are: the packs beside them are to be as good as the service left them.
    """
    path = current_path(state / "domain-monitor.db")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        looked_at = _looked_at(connection)
        rows = connection.execute("SELECT id, coalesce(checked_at, 0) FROM domain WHERE watched = 1").fetchall()
        looks = ((number, at, looked_at.get(number // BLOCK, _NONE)[number % BLOCK]) for number, at in rows)
        counted = [(PAST, number) for number, at, look in looks if not look or at > look]
        connection.executemany("UPDATE domain SET next_check = ? WHERE id = ?", counted)
    return len(rows)


def _looked_at(connection: sqlite3.Connection) -> dict[int, list[float]]:
    """The same for what sweeps keep by the block; when each name was last looked at."""
    found: dict[int, list[float]] = {}
    for number, data in connection.execute("SELECT block, data FROM pulse").fetchall():
        block = np.frombuffer(data, RECORD).copy()
        block["next_check"] = np.where(block["checked_at"] > 0, PAST, block["next_check"])
        connection.execute("UPDATE pulse SET data = ? WHERE block = ?", (block.tobytes(), number))
        found[number] = block["checked_at"].tolist()
    return found
