"""Questions whose deadline in line is over: their checks go on without them, and say so."""

from __future__ import annotations

from common.core.checks import rounds, unanswered
from common.core.coordinator.board import Board
from common.core.telemetry.declared_counters import RANKS


def work(board: Board, now: float) -> None:
    """Go on without the answers to questions that waited in line for too long."""
    for ask in board.queue.expire(now):
        board.metrics.count("questions_expired", method=ask.method, rank=RANKS[ask.rank])
        free = any(board.budgets.available(ask.limit, egress, now) for egress in board.workers.egresses(ask.pool))
        why = "no worker had a place for it" if free else "the operator's budget is used up by others"
        unanswered.note(board, ask, f"no question could be asked within {ask.deadline - ask.queued:.0f} s: {why}", now)
        rounds.unheard(board, ask, now)
