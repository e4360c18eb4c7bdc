"""Sends sweeps: names queued by suffix leave in a batch once a worker has a place and the suffix's budget has the tokens.

A sweep sends what a check would begin with anyway, one DNS query per name; `sweep_results` takes its answer. A few names of one
suffix are not worth a sweep: they are checked one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from common.core.checks.check_starts import CheckStarts
from common.core.domains.domains import Domains
from common.core.model.batch import Batch, IdQueue
from common.core.model.effects import Effects, Send
from common.core.model.ids import NEVER, Ids, Times
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.registries import Registries
from common.core.schedule.cadence import inconclusive_check_times
from common.core.sweeps.sweep_queues import SweepQueue, SweepQueues
from common.core.sweeps.sweep_telemetry import measure_lateness
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Worker, Workers
from common.messages import MAX_SWEEP, Sweep

#: Fewer names than this are checked one by one.
FEWEST = 8
#: Names that are worth a sweep at once where no more are due; longest that fewer are held back, in seconds: at most, and per
#: name of the table.
GOOD_SIZE, HOLD, HOLD_PER_NAME = 256, 1.0, 1e-4
#: Seconds over which the queries of a sweep are spread at least, and seconds that it may take beyond its pace.
SHORTEST = 0.5
SLACK = 20.0
#: Times that a sweep is sent before its names are rescheduled as inconclusive.
TRIES = 3
#: Parts into which a sweep is split whose worker died.
PARTS = 8
#: From this pace on, in queries per second and address, the windows of the checker decide alone.
FREE_PACE = 20_000.0


@dataclass(slots=True, kw_only=True)
class SweepDispatch:
    """Sends batches, and requeues lost ones."""

    domains: Domains
    registries: Registries
    rate_limits: RateLimits
    workers: Workers
    starts: CheckStarts
    queues: SweepQueues
    effects: Effects
    telemetry: Telemetry

    def send_ready_sweeps(self, now: float) -> None:
        """Send every sweep for which tokens and a worker are available, names with priority first."""
        self.queues.wake = NEVER
        for urgent in (True, False):
            for suffix, queue in self.queues.waiting_queues(urgent=urgent):
                while self._send_one(suffix, queue, now, urgent=urgent):
                    pass
                if not urgent and not self.workers.choose_sweepers(urgent=False):
                    return  # there may be a thousand more suffixes, and no worker for any of them

    def requeue_lost_sweep(self, batch: Batch, now: float, *, died: bool) -> None:
        """Queue a sweep again, or some of its names, that got no answer; names that left the queue meanwhile are being checked.

        With `died` (the worker died) it is split, until the name that kills workers is checked by itself.
        """
        self.telemetry.metrics.count("sweeps_lost")
        waiting, since = self.still_queued(batch.ids, batch.times)
        if not died and batch.tries + 1 >= TRIES:
            self.reschedule_unanswered(waiting, now)
            return
        size = len(waiting) if not died else max(1, ceil(len(waiting) / PARTS))
        for start in range(0, len(waiting), max(1, size)):
            ids, times = waiting[start : start + size], since[start : start + size]
            if died and size < FEWEST:
                self.starts.request_checks(ids, times, urgent=batch.urgent)
            else:
                self.queues.requeue_batch(replace(batch, ids=ids, times=times, egress="", tries=batch.tries + 1))

    def requeue_unsent_sweep(self, batch: Batch, now: float) -> None:
        """Queue a sweep again that never left because the socket of its worker was full; its tokens are returned."""
        self.rate_limits.budgets.return_tokens(batch.limit, batch.egress, now, len(batch.ids))
        self.queues.requeue_batch(batch)

    def reschedule_unanswered(self, ids: Ids, now: float) -> None:
        """Reschedule names whose check was inconclusive: soon, and later and later with every such check in a row."""
        table = self.domains.table
        table.inconclusive[ids] = np.minimum(table.inconclusive[ids], 254) + 1
        table.checked_at[ids] = now
        times = inconclusive_check_times(ids, self.domains.base_intervals(ids), table.inconclusive[ids], now)
        self.domains.stages.schedule_checks(ids, times)

    def still_queued(self, ids: Ids, times: Times) -> tuple[Ids, Times]:
        """The names that still wait for a sweep, each once: the list may have taken one out and a new one queued it again."""
        still = self.domains.stages.are_queued(ids)
        places = np.unique(ids, return_index=True)[1]
        if still.all() and len(places) == len(ids):
            return ids, times
        places = places[still[places]]
        return ids[places], times[places]

    def _send_one(self, suffix: str, queue: SweepQueue, now: float, *, urgent: bool) -> bool:
        """Send one sweep of a suffix. False where there is nothing to send, or nothing yet."""
        names = queue.urgent if urgent else queue.ordinary
        # A lost sweep goes before other names without priority, and never before one with priority.
        if urgent and names.count:
            return self._send_names(suffix, names, now, urgent=True)
        if queue.lost and (workers := self.workers.choose_sweepers(urgent=urgent, avoid=queue.lost[0].avoid)):
            return self._send_again(queue, workers, now)
        return bool(names.count) and self._send_names(suffix, names, now, urgent=urgent)

    def _send_names(self, suffix: str, names: IdQueue, now: float, *, urgent: bool) -> bool:
        """Send the first names of a queue, or admit all to single checks: few, or urgent ones while the zone limits us."""
        if not self._is_ready(names, now, urgent=urgent):
            return False
        limit = self.registries.limit_of("dns", suffix, suffix)
        if names.count < FEWEST or (urgent and self.rate_limits.is_limited(limit, "fast", now)):
            self.starts.request_checks(*self.still_queued(*names.take_ids(names.count)), urgent=urgent)
            return True
        workers = self.workers.choose_sweepers(urgent=urgent)
        worker = self._allowed_worker(limit, workers, names.count, now)
        if worker is None:
            names.not_before = self._find_allowed_at(limit, workers, names.count, now)
            self.queues.wake = min(self.queues.wake, names.not_before if workers else NEVER)
            return False
        tokens = self.rate_limits.budgets.available_tokens(limit, worker.egress, now)
        ids, times = self.still_queued(*names.take_ids(min(MAX_SWEEP, names.count, tokens)))
        names.since = now
        if len(ids):
            self._send_batch(Batch(ids, times, suffix, limit, urgent=urgent), worker, now)
        return True

    def _send_again(self, queue: SweepQueue, workers: list[Worker], now: float) -> bool:
        """Send a lost sweep, as many of its names as there are tokens for. False where there are too few yet."""
        batch = queue.lost[0]
        worker = self._allowed_worker(batch.limit, workers, len(batch.ids), now)
        if worker is None:
            self.queues.wake = min(self.queues.wake, self._find_allowed_at(batch.limit, workers, len(batch.ids), now))
            return False
        tokens = self.rate_limits.budgets.available_tokens(batch.limit, worker.egress, now)
        queue.lost.popleft()
        if tokens < len(batch.ids):
            queue.lost.appendleft(replace(batch, ids=batch.ids[tokens:], times=batch.times[tokens:]))
            batch = replace(batch, ids=batch.ids[:tokens], times=batch.times[:tokens])
        self._send_batch(batch, worker, now)
        return True

    def _allowed_worker(self, limit: Limit, workers: list[Worker], count: int, now: float) -> Worker | None:
        """A worker whose egress has tokens for a sweep of so many names, or for the rest of the day's quota."""
        budgets = self.rate_limits.budgets
        for worker in workers:
            if budgets.available_tokens(limit, worker.egress, now) >= self._enough_tokens(limit, worker.egress, count, now):
                return worker
        return None

    def _find_allowed_at(self, limit: Limit, workers: list[Worker], count: int, now: float) -> float:
        """When a worker will be allowed, in epoch seconds, as far as budgets decide."""
        budgets, egresses = self.rate_limits.budgets, [worker.egress for worker in workers]
        times = (budgets.next_at(limit, egress, now, self._enough_tokens(limit, egress, count, now)) for egress in egresses)
        return min(times, default=now)

    def _enough_tokens(self, limit: Limit, egress: str, count: int, now: float) -> int:
        """How many tokens a sweep of so many names waits for: a quota per day is never available at once.

        A sweep holds its place at the worker for `SHORTEST` seconds at least, so it takes the tokens of as long: else a fast
        operator's sweeps fill all places with a few names each.
        """
        budgets = self.rate_limits.budgets
        worth = max(GOOD_SIZE, int(budgets.learned_rate(limit, egress, now) * SHORTEST))
        together = max(1, int(budgets.deepest(limit, egress, now) / 2))
        return budgets.within_quota(limit, egress, min(worth, count, MAX_SWEEP, together, max(1, limit.per_day or worth)), now)

    def _is_ready(self, names: IdQueue, now: float, *, urgent: bool) -> bool:
        """Whether the names of a queue need to wait neither for more names nor for tokens.

        While many are due they leave the schedule by and by, and every sweep costs its coordinator and its worker as much as
        hundreds of names: places that many workers offer are not taken by the first few names of each suffix.
        """
        at = names.not_before
        if not urgent and (names.count < GOOD_SIZE or (names.count < MAX_SWEEP and self._are_more_due(now))):
            at = max(at, names.since + min(HOLD, HOLD_PER_NAME * len(self.domains)))
        if at > now:
            self.queues.wake = min(self.queues.wake, at)
        return at <= now

    def _are_more_due(self, now: float) -> bool:
        """Whether the schedule still holds names without priority that are due."""
        return self.domains.table.schedule.ordinary.next_at() <= now

    def _send_batch(self, batch: Batch, worker: Worker, now: float) -> None:
        """Take the tokens of a batch, lease it to a worker, and send it."""
        count = len(batch.ids)
        self.telemetry.reach.asked_at = now
        self.rate_limits.budgets.take_tokens(batch.limit, worker.egress, count, now)
        batch = replace(batch, egress=worker.egress, sent_at=now, worker=worker.name)
        rate = self.rate_limits.budgets.learned_rate(batch.limit, worker.egress, now)
        seconds = SLACK + 2.0 * count / rate
        lease = self.workers.grant_lease(worker, batch, min(seconds, DAY), now, sweep=True, names=count)
        # All tokens are taken already, and a bucket may be emptied at once: fewer names than its burst need not take seconds.
        pace = max(rate, count / SHORTEST) / self.registries.address_count(batch.suffix)
        sweep = Sweep(
            attempt=lease.attempt,
            seq=lease.seq,
            suffix=batch.suffix,
            labels=self.domains.table.join_labels(batch.ids, batch.suffix),
            count=count,
            pace=pace if pace < FREE_PACE else None,
            budget_ms=int(seconds * 1000),
        )
        self.effects.plan_effect(Send(worker.name, worker.boot, sweep, (lease.attempt,)))
        measure_lateness(self.telemetry, now - batch.times, lane="priority" if batch.urgent else "ordinary")
