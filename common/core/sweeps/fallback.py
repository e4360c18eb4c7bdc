"""Names in line for a sweep that does not come: nobody is left to sweep, the zone has shut us out, or the line takes hours.

A line holds what is due for DNS alone. It must not keep a name from the registry's word, nor from being there when it may drop.
"""

from __future__ import annotations

import numpy as np

from common.core.checks import visits
from common.core.coordinator.board import Board
from common.core.domains.domain_table import LINED, PRIORITY
from common.core.domains.name_index import Rows
from common.core.model.entry import BACKGROUND
from common.core.rate_limits.policy import is_limiting
from common.core.schedule.cadence import MARGIN, imminent
from common.core.schedule.due_times import Times
from common.core.sweeps.batches import in_line
from common.core.sweeps.due import MOST_WAITING
from common.core.sweeps.results import Chosen, chosen
from common.core.sweeps.sweep_queues import Pile

#: Seconds between two looks at the lines.
EVERY = 30.0


def work(board: Board, now: float) -> None:
    """Let out who cannot wait."""
    lines = board.lines
    if not board.workers.sweep(now):
        for rows, times in lines.clear():
            _put_back(board, *in_line(board, rows, times))
        return
    if now < lines.relieved_at + EVERY:
        return
    lines.relieved_at = now
    for suffix, line in lines.all():
        limit = board.limit("dns", suffix, suffix)
        closed = is_limiting(limit, board.workers.egresses("fast"), board.budgets, now)
        if closed:
            for swarm in line.lost():
                _put_back(board, *in_line(board, swarm.rows, swarm.times))
        if line.ordinary.count:
            _let_out(board, suffix, line.ordinary, now, closed=closed)


def _let_out(board: Board, suffix: str, pile: Pile, now: float, *, closed: bool) -> None:
    """Visit whose window is open; where the zone cannot be asked also whose record is due, as the registry has room."""
    table = board.book.table

    def open_now(rows: Rows) -> Chosen:
        near = table.earliest[rows] <= np.float32(now + MARGIN)  # False for NaN
        if near.any():
            near &= imminent(table.earliest[rows].astype(np.float64), table.latest[rows].astype(np.float64), now)
        return near

    _visit(board, *pile.pick(open_now, max(0, MOST_WAITING - len(board.wants))), news=True)
    if closed:
        rows = pile.rows()
        stale = table.registry_due[rows].astype(np.float64) <= now
        stale = chosen(board, suffix, BACKGROUND, stale, table.registry_due[rows], now)
        due = np.zeros(len(table), np.bool_)
        due[rows[stale]] = True
        _visit(board, *pile.pick(lambda piece: due[piece], pile.count), news=False)


def _visit(board: Board, rows: Rows, times: Times, *, news: bool) -> None:
    visits.want_many(board, *in_line(board, rows, times), urgent=False, news=news)


def _put_back(board: Board, rows: Rows, times: Times) -> None:
    """These are due, as they were before they got in line."""
    table = board.book.table
    table.flags[rows] &= 0xFF ^ LINED
    table.schedule.put_many(rows, times, (table.flags[rows] & PRIORITY) != 0)
