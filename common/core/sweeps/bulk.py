"""The end of a look at many names at once."""

from __future__ import annotations

import numpy as np

from common.core.coordinator.board import Board
from common.core.domains.domain_table import LINED, PRIORITY
from common.core.domains.name_index import Rows
from common.core.schedule.cadence import blind_checks
from common.core.schedule.due_times import Times


def bases(board: Board, rows: Rows) -> Times:
    """The base cadence of these names, in seconds."""
    cadence = board.policy.cadence
    urgent = (board.book.table.flags[rows] & PRIORITY) != 0
    return np.where(urgent, cadence.priority_interval, cadence.interval)


def settle(board: Board, rows: Rows, due: Times) -> None:
    """A look at these names is over, the next one is due then."""
    table = board.book.table
    table.flags[rows] &= 0xFF ^ LINED
    table.schedule.put_many(rows, due, (table.flags[rows] & PRIORITY) != 0)
    table.touch(rows)


def give_up(board: Board, rows: Rows, now: float) -> None:
    """Nothing was learnt about these names: look again soon, and later and later if that goes on."""
    table = board.book.table
    table.blind[rows] = np.minimum(table.blind[rows], 254) + 1
    table.checked_at[rows] = now
    settle(board, rows, blind_checks(rows, bases(board, rows), table.blind[rows], now))
