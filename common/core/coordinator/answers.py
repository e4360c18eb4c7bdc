"""What the checkers answer: to a single question or a sweep. Its budget, its channel and its check learn from it."""

from __future__ import annotations

from common.core.checks import rounds, unanswered
from common.core.coordinator import dispatch
from common.core.coordinator.board import Board, host_of
from common.core.rate_limits.policy import is_limiting
from common.core.rate_limits.query_queue import Ask
from common.core.registries.operators import Limit
from common.core.sweeps import results
from common.core.telemetry import error_kinds
from common.core.trust import canaries
from common.messages import Credit, Result, Swept, SweptOdd


def single(board: Board, result: Result, credit: Credit, now: float) -> None:
    """Take the answer to one question, sent with this credit; one whose lease is over, or another's, decides nothing."""
    lease = board.workers.finish(result.attempt, credit)
    if lease is None or not isinstance(lease.ref, Ask):
        board.metrics.count("late_results")
        return
    ask = lease.ref
    observation = result.observation
    board.reach.note_worker_answer(ask.pool, now)
    if result.returned or observation is None or observation.method != ask.method:
        board.budgets.give_back(ask.limit, ask.egress, now)
        rounds.lost(board, ask, lease.worker, now)
        return
    board.suspicion.cleared(ask.domain)
    reading = observation.reading
    board.reach.note_answer(ask.method, (reading.outcome, reading.finding), (host_of(ask.server), ask.suffix), now)
    board.metrics.count("checks", method=ask.method, outcome=reading.outcome.value)
    board.metrics.observe("check_seconds", observation.duration_ms / 1000, method=ask.method)
    if (kind := error_kinds.kind_of(observation)) is not None:
        board.metrics.count("check_errors", method=ask.method, kind=kind)
    board.say(
        "debug", "check_done", domain=ask.domain, method=ask.method,
        outcome=reading.outcome.value, finding=reading.finding, server=observation.server, address=observation.address,
        ms=round(observation.duration_ms, 1), attempt=result.attempt, canary=ask.probe is not None, reason=reading.reason,
    )  # fmt: skip
    complaint = board.budgets.answered(ask.limit, ask.egress, observation, now, ask.sent, ask.domain)
    if complaint is not None:
        _shut(board, ask.limit, ask.egress, ask.pool, complaint, now)
    dispatch.note_channel(board, ask, observation, now)
    if observation.width is not None and ask.method == "dns":
        board.widths[ask.suffix] = max(1, min(64, observation.width))
    if reading.referral and ask.method == "whois":
        board.learn_referral(ask.suffix, reading.referral, now)
    if ask.probe is not None:
        rounds.resume(board, canaries.heard(board, ask.probe, observation, now), now)
    elif (entry := board.book.entry(ask.domain)) is not None:  # its check may be over, and another one under way
        rounds.heard(board, entry, observation, now, lease.worker)


def sweep(board: Board, message: SweptOdd | Swept, now: float) -> None:
    """Take the answer to a sweep, or a part of it."""
    if isinstance(message, SweptOdd):
        results.told(board, message, now)
        return
    complaint = results.heard(board, message, now)
    if complaint is not None:
        swarm, reason = complaint
        _shut(board, swarm.limit, swarm.egress, "fast", reason, now)


def _shut(board: Board, limit: Limit, egress: str, pool: str, reason: str, now: float) -> None:
    """An operator limits us: what waits in its line goes back to the schedule, unless it can soon be asked again."""
    until = board.budgets.blocked_until(limit, egress, now)
    board.complain("warning", "operator_shut", limit.operator, now, operator=limit.operator, until=until, reason=reason)
    board.metrics.count("operator_complaints", operator=limit.operator)
    if is_limiting(limit, board.workers.egresses(pool) or [egress], board.budgets, now):
        for other in board.queue.flush(limit.operator):
            unanswered.note(board, other, f"{limit.operator} limits us: {reason}", now, retry_after=max(0.0, until - now))
            rounds.unheard(board, other, now)
