"""One judgement: assess the evidence, tell what changed, keep what it was decided from, and score who was right."""

from __future__ import annotations

from common.core.audit import ledger
from common.core.coordinator.board import Board
from common.core.model.entry import Entry
from common.core.outbox import announce
from common.core.verdict import assess
from common.core.verdict.verdicts import OWNED, State


def judge(board: Board, entry: Entry, now: float, cause: ledger.Cause = ledger.NO_CAUSE) -> assess.Assessment:
    """Judge the evidence as it stands, tell what changed, and keep what it was decided from."""
    before, alarmed_at, made = entry.state, entry.detail.alarmed_at, assess.assess(board, entry, now)
    told = announce.apply(board, entry, made.verdict, now)
    if entry.state not in OWNED and entry.state is not State.UNKNOWN:
        entry.drop, entry.detail.forecast_reason = None, ""  # it has dropped: nothing is expected any more
    ledger.note(board, entry, made, before, told, cause, now)
    board.accuracy.told(entry, told, alarmed_at, made.positive, board.metrics, now)
    return made
