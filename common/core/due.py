"""Names whose time has come: quiet ones get in line for a sweep, the others for a visit of their own."""

from __future__ import annotations

import numpy as np

from common.core import canaries, visits
from common.core.board import Board
from common.core.roll import Rows
from common.core.schedule import Times
from common.core.table import CLOSE, IN_HAND, LINED

#: Names taken out of the schedule per tick, with priority and without, and visits waiting while ordinary ones are put off.
URGENT_LIMIT, ORDINARY_LIMIT, MOST_WAITING = 2000, 20_000, 2000
#: Seconds around a forecast window in which a name is looked at by itself.
MARGIN = 3600.0
#: Seconds by which a visit is put off while too many wait: sweeps must go on meanwhile.
BUSY = 10.0
#: Seconds until the next look at a name whose suffix is being asked whether it answers for everything.
SOON = 0.25


def take(board: Board, now: float) -> None:
    """Everything that is due, names with priority first."""
    schedule = board.book.table.schedule
    for urgent, lane, limit in ((True, schedule.urgent, URGENT_LIMIT), (False, schedule.ordinary, ORDINARY_LIMIT)):
        if not urgent and not board.workers.sweep(now) and len(board.wants) >= MOST_WAITING:
            continue  # nobody sweeps: whatever is taken would only be put off
        rows, times = lane.take(now, limit)
        if len(rows):
            _sort(board, rows, times, now, urgent=urgent)


def _sort(board: Board, rows: Rows, times: Times, now: float, *, urgent: bool) -> None:
    """Of each suffix the quiet ones to its line, the others to their visits."""
    table = board.book.table
    close = (table.flags[rows] & (CLOSE | IN_HAND)) != 0
    earliest, latest = table.earliest[rows].astype(np.float64), table.latest[rows].astype(np.float64)
    close |= (earliest - MARGIN <= now) & (now <= latest + MARGIN)
    _visit(board, rows[close], times[close], now, urgent=urgent)
    rows, times = rows[~close], times[~close]
    if not len(rows):
        return
    order = np.argsort(table.suffix[rows], kind="stable")
    rows, times = rows[order], times[order]
    numbers, starts = np.unique(table.suffix[rows], return_index=True)
    for number, piece, due in zip(numbers.tolist(), np.split(rows, starts[1:]), np.split(times, starts[1:]), strict=True):
        suffix = table.suffixes[number]
        if not board.workers.sweep(now) or board.policy.recursive_dns or board.limit("dns", suffix, suffix).rate <= 0:
            _visit(board, piece, due, now, urgent=urgent)
        elif canaries.ask_wildcard(board, suffix, now):
            table.schedule.put_many(piece, np.full(len(piece), now + SOON), np.full(len(piece), urgent))
        elif board.wildcard(suffix):
            _visit(board, piece, due, now, urgent=urgent)
        else:
            table.flags[piece] |= LINED
            board.lines.put(suffix, piece, due, now, urgent=urgent)


def _visit(board: Board, rows: Rows, times: Times, now: float, *, urgent: bool) -> None:
    """Visits of their own, as many as can wait; the others are due again a little later."""
    room = len(rows) if urgent else max(0, MOST_WAITING - len(board.wants))
    visits.want_many(board, rows[:room], times[:room], urgent=urgent)
    late, table = rows[room:], board.book.table
    table.schedule.put_many(late, np.full(len(late), now + BUSY), np.full(len(late), urgent))
    for row in late[(table.flags[late] & IN_HAND) != 0].tolist():
        board.book.in_hand[row].next_check = now + BUSY
