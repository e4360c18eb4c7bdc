"""Names whose time has come: quiet ones get in line for a sweep, the others for a visit of their own."""

from __future__ import annotations

import numpy as np

from common.core.checks import visits
from common.core.coordinator.board import Board
from common.core.domains.domain_table import CLOSE, IN_HAND, LINED
from common.core.domains.name_index import Rows
from common.core.schedule.cadence import imminent
from common.core.schedule.due_times import Times
from common.core.trust import canaries

#: Names taken out of the schedule per tick, with priority and without, and most visits that wait while nobody sweeps.
URGENT_LIMIT, ORDINARY_LIMIT, MOST_WAITING = 2000, 20_000, 2000
#: Seconds until the next look at a name whose suffix is being asked whether it answers for everything.
SOON = 0.25


def take(board: Board, now: float) -> None:
    """Everything that is due, names with priority first."""
    schedule = board.book.table.schedule
    for urgent, lane, limit in ((True, schedule.urgent, URGENT_LIMIT), (False, schedule.ordinary, ORDINARY_LIMIT)):
        if not urgent and _crowded(board, now):
            continue
        rows, times = lane.take(now, limit)
        if len(rows):
            _sort(board, rows, times, now, urgent=urgent)


def next_at(board: Board, now: float) -> float:
    """When `take` finds something, in epoch seconds; infinity where time does not decide."""
    schedule = board.book.table.schedule
    return schedule.urgent.next_at() if _crowded(board, now) else schedule.next_at()


def _crowded(board: Board, now: float) -> bool:
    """Whether names without priority stay where they are: no worker sweeps, and they would only wait for a visit."""
    return not board.workers.sweep(now) and board.wants.planned() >= MOST_WAITING


def _sort(board: Board, rows: Rows, times: Times, now: float, *, urgent: bool) -> None:
    """Of each suffix the quiet ones to its line, the others to their visits."""
    table = board.book.table
    close = (table.flags[rows] & (CLOSE | IN_HAND)) != 0
    earliest, latest = table.earliest[rows].astype(np.float64), table.latest[rows].astype(np.float64)
    near = imminent(earliest, latest, now)
    visits.want_many(board, rows[near], times[near], urgent=urgent, news=True)
    visits.want_many(board, rows[close & ~near], times[close & ~near], urgent=urgent)
    rows, times = rows[~(close | near)], times[~(close | near)]
    if not len(rows):
        return
    order = np.argsort(table.suffix[rows], kind="stable")
    rows, times = rows[order], times[order]
    numbers, starts = np.unique(table.suffix[rows], return_index=True)
    for number, piece, due in zip(numbers.tolist(), np.split(rows, starts[1:]), np.split(times, starts[1:]), strict=True):
        suffix = table.suffixes[number]
        if not board.workers.sweep(now) or board.policy.recursive_dns or board.limit("dns", suffix, suffix).rate <= 0:
            visits.want_many(board, piece, due, urgent=urgent)
        elif canaries.ask_wildcard(board, suffix, now):
            table.schedule.put_many(piece, np.full(len(piece), now + SOON), np.full(len(piece), urgent))
        elif board.wildcard(suffix):
            visits.want_many(board, piece, due, urgent=urgent)
        else:
            table.flags[piece] |= LINED
            board.lines.put(suffix, piece, due, now, urgent=urgent)
