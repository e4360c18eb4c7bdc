"""Makes every name of a stopped service's store due at once, as if it had been switched off for a long time."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import numpy as np

from common.core.pulse_array import RECORD

#: An epoch second long past.
PAST = 1_000_000.0


def make_all_due(state: Path) -> int:
    """Set the next check of every watched name into the past; how many there are. Raises sqlite3.Error."""
    path = state / "domain-monitor.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        count = connection.execute("UPDATE domain SET next_check = ? WHERE watched = 1", (PAST,)).rowcount
        _pulses(connection)
    return count


def _pulses(connection: sqlite3.Connection) -> None:
    """The same for what sweeps keep by the block."""
    for number, data in connection.execute("SELECT block, data FROM pulse").fetchall():
        block = np.frombuffer(data, RECORD).copy()
        block["next_check"] = np.where(block["checked_at"] > 0, PAST, block["next_check"])
        connection.execute("UPDATE pulse SET data = ? WHERE block = ?", (block.tobytes(), number))
