"""Sends queries to checkers in batches, each leased to one worker; checks continue without queries that wait too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from common.core.channels.channels import Channels
from common.core.checks.checks import Checks
from common.core.checks.unanswered import Unanswered
from common.core.model.effects import Effects, Send
from common.core.model.methods import POOLS
from common.core.model.query import Query
from common.core.rate_limits.rate_limits import RateLimits
from common.core.telemetry.declared_counters import RANKS
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Worker, Workers
from common.core.workers.poison import PoisonDetector
from common.messages import MAX_BATCH, Task, Tasks

#: How long a query waits for a pool without workers, in seconds.
LONGEST_POOL_WAIT = 15.0


@dataclass(slots=True, kw_only=True)
class QueryDispatch:
    """Sends and expires queries."""

    workers: Workers
    poison: PoisonDetector
    rate_limits: RateLimits
    channels: Channels
    checks: Checks
    unanswered: Unanswered
    effects: Effects
    telemetry: Telemetry

    def send_ready_queries(self, now: float) -> None:
        """Send every query for which a token and a worker are available."""
        batches: dict[str, tuple[Worker, list[Task]]] = {}
        self.poison.forget_old(now)
        budgets, queue = self.rate_limits.budgets, self.rate_limits.queue
        for query, worker in queue.take_ready(budgets, self.workers, self.poison, now):
            self._note_lateness(query, now)
            self._note_sent(query, now)
            lease = self.workers.grant_lease(worker, query, query.budget, now)
            batches.setdefault(worker.name, (worker, []))[1].append(
                Task(
                    attempt=lease.attempt,
                    seq=lease.seq,
                    method=query.method,
                    domain=query.domain,
                    suffix=query.suffix,
                    server=query.server,
                    budget_ms=int(query.budget * 1000),
                    confirm=query.confirm,
                    spare=_address_to_spare(query),
                    call=query.call.number if query.call is not None else 0,
                )
            )
        for worker, tasks in batches.values():
            for part in _split_tasks(tasks):
                attempts = tuple(task.attempt for task in part)
                self.effects.plan_effect(Send(worker.name, worker.boot, Tasks(part), attempts))

    def expire_queries(self, now: float) -> None:
        """Continue checks without the queries that waited in their queue, or for a pool without workers, for too long."""
        for pool in POOLS:
            if not self.workers.egresses_of(pool):
                for query in self.rate_limits.queue.take_pool(pool, now - LONGEST_POOL_WAIT):
                    self.unanswered.note_query(query, f"no worker of the {pool} pool is there", now)
                    self.checks.take_no_answer(query, now)
        for query in self.rate_limits.queue.take_expired(now):
            self.telemetry.metrics.count("questions_expired", method=query.method, rank=RANKS[query.rank])
            egresses = self.workers.egresses_of(query.pool)
            affordable = any(self.rate_limits.budgets.available_tokens(query.limit, egress, now) for egress in egresses)
            why = "no worker had a place for it" if affordable else "the operator's budget is used up by others"
            waited = query.deadline - query.queued
            self.unanswered.note_query(query, f"no question could be asked within {waited:.0f} s: {why}", now)
            self.checks.take_no_answer(query, now)

    def requeue_unsent_query(self, query: Query, now: float) -> None:
        """Queue a query again that never left because the socket of its worker was full; its token is returned."""
        self.rate_limits.return_token(query, now)
        self.rate_limits.queue.add_query(query)

    def _note_sent(self, query: Query, now: float) -> None:
        """Note that a query leaves, for its channel and the check that waits for it."""
        query.sent_at = self.telemetry.reach.asked_at = now
        self.channels.note_query_sent(query, now)
        entry = query.entry
        if entry is None:
            return
        entry.asked_from[query.method] = query.egress
        if not query.unawaited:
            self.checks.note_sent(entry, query.method, now)

    def _note_lateness(self, query: Query, now: float) -> None:
        """Measure how long after its time the first query of a check leaves."""
        check = query.entry.check if query.entry is not None else None
        if query.entry is not None and check is not None and check.due and not query.tries:
            lane = "priority" if query.entry.priority else "ordinary"
            self.telemetry.metrics.observe("lateness_seconds", now - check.due, lane=lane)
            check.due = 0.0


def _split_tasks(tasks: list[Task]) -> Iterator[tuple[Task, ...]]:
    """The tasks in parts of at most MAX_BATCH, in their order; those of one call, which are that many at most, in one part."""
    start = 0
    while start < len(tasks):
        end = start + MAX_BATCH
        while end < len(tasks) and tasks[end].call and tasks[end].call == tasks[end - 1].call:
            end -= 1
        yield tuple(tasks[start:end])
        start = end


def _address_to_spare(query: Query) -> str:
    """The address that gave the answer which this query is to confirm: the checker asks another one; "" for none."""
    known = query.entry.detail.evidence.get(query.method) if query.confirm and query.entry is not None else None
    return known.observation.address if known is not None else ""
