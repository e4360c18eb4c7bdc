"""What follows from a loaded table: names per state, and first looks whose rows were not written before the end."""

from __future__ import annotations

import numpy as np

from common.core.board import Board
from common.core.parsers.dns_fast import DELEGATED
from common.core.records import StateChange
from common.core.table import DETAILED, REGISTERED, STATES, UNKNOWN, WATCHED
from common.core.verdicts import State

#: Names in one change of state.
PIECE = 4096


def first_looks(board: Board) -> None:
    """Count the states, make everybody without a time due, and take over first looks whose states were not written."""
    table = board.book.table
    table.schedule.begin(board.started)
    count = len(table)
    flags, states = table.flags[:count], table.state[:count]
    seen = (table.code[:count] == DELEGATED) & (states == UNKNOWN) & ((flags & DETAILED) == 0)
    rows = np.flatnonzero(seen)
    table.state[rows], table.since[rows] = REGISTERED, table.dns_first[rows]
    for start in range(0, len(rows), PIECE):
        piece = rows[start : start + PIECE]
        since = float(table.dns_first[piece].min())
        board.backlog.states.append(StateChange(piece.tolist(), State.REGISTERED.value, since, 0.0))
    watched = states[(flags & WATCHED) != 0]
    for number, names in enumerate(np.bincount(watched, minlength=len(STATES)).tolist()):
        if names:
            board.count_state(None, STATES[number], names)
