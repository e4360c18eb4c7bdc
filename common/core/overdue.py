"""Questions whose deadline in line is over: their checks go on without them, and say so."""

from __future__ import annotations

from common.core import rounds
from common.core.board import Board, host_of
from common.core.domains import BACKGROUND, NEWS, ORDINARY, PRIORITY, URGENT
from common.core.evidence import Observation, unknown
from common.core.queue import Ask

#: The finding of a method that could not be asked. It proves nothing, and a word of the server is worth more.
NOT_ASKED = "not_asked"
RANKS = {URGENT: "urgent", PRIORITY: "priority", NEWS: "news", ORDINARY: "ordinary", BACKGROUND: "background"}


def work(board: Board, now: float) -> None:
    """Go on without the answers to questions that waited in line for too long."""
    for ask in board.queue.expire(now):
        board.metrics.count("questions_expired", method=ask.method, rank=RANKS[ask.rank])
        _note(board, ask, now)
        rounds.unheard(board, ask, now)


def _note(board: Board, ask: Ask, now: float) -> None:
    """Keep beside the evidence of a name why a method says nothing, unless its server has said something about that."""
    entry = ask.entry
    if entry is None or ask.tries:
        return  # a canary, or a question that was asked and lost
    known = entry.detail.trouble.get(ask.method)
    if known is not None and known.observation.reading.finding != NOT_ASKED:
        return
    free = any(board.budgets.available(ask.limit, egress, now) for egress in board.workers.egresses(ask.pool))
    why = "no worker had a place for it" if free else "the operator's budget is used up by others"
    reading = unknown(NOT_ASKED, f"no question could be asked within {ask.deadline - ask.queued:.0f} s: {why}")
    entry.note(Observation(ask.method, reading, server=host_of(ask.server) or ask.suffix), now)
