"""Requeues what workers lost: leases that ran out, whose worker died, or that never left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

from common.core.checks.checks import Checks
from common.core.checks.query_dispatch import QueryDispatch
from common.core.domains.domains import Domains
from common.core.model.batch import Batch
from common.core.model.query import Query
from common.core.outbox.callback_dispatch import CallbackDispatch
from common.core.sweeps.sweep_dispatch import SweepDispatch
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Lease, Workers
from common.core.workers.poison import PoisonDetector


@dataclass(slots=True, kw_only=True)
class LostLeases:
    """Requeues the subjects of leases, for another worker if possible."""

    domains: Domains
    workers: Workers
    poison: PoisonDetector
    checks: Checks
    queries: QueryDispatch
    sweeps: SweepDispatch
    callbacks: CallbackDispatch
    telemetry: Telemetry

    def collect_lost(self, now: float) -> None:
        """Requeue the leases of workers that fell silent, and those that ran out."""
        self.requeue_leases(self.workers.drop_silent(now), now, died=True)
        self.requeue_leases(self.workers.take_expired(now), now, died=False)

    def requeue_leases(self, leases: list[Lease], now: float, *, died: bool) -> None:
        """Requeue the subjects of these leases; a name that kills workers by itself is isolated."""
        for worker, group in groupby(sorted(leases, key=lambda lease: lease.worker), key=lambda lease: lease.worker):
            self._requeue_worker(worker, list(group), now, died=died)

    def requeue_unsent(self, attempts: tuple[str, ...], now: float) -> None:
        """Requeue attempts that never left: the socket of their worker was full."""
        for attempt in attempts:
            lease = self.workers.undo_lease(attempt)
            if lease is None:
                continue
            if isinstance(lease.ref, Query):
                self.queries.requeue_unsent_query(lease.ref, now)
            elif isinstance(lease.ref, Batch):
                self.sweeps.requeue_unsent_sweep(lease.ref, now)
            else:
                self.callbacks.requeue_unsent_attempt(attempt, now)

    def _requeue_worker(self, worker: str, leases: list[Lease], now: float, *, died: bool) -> None:
        event = "worker_lost" if died else "leases_expired"
        self.telemetry.write_limited("warning", event, worker, now, worker=worker, leases=len(leases))
        if died:
            self.telemetry.metrics.count("workers_lost")
            self._isolate_poison(leases, now)
        for lease in leases:
            if not died:
                self.telemetry.reach.note_worker_timeout(_pool_of(lease), now)
            if isinstance(lease.ref, Batch):
                self.sweeps.requeue_lost_sweep(replace(lease.ref, avoid=worker), now, died=died)
            elif isinstance(lease.ref, Query):
                self.checks.retry_lost_query(lease.ref, worker, now)
            else:
                self.callbacks.take_lost_attempt(lease.attempt, worker, now)

    def _isolate_poison(self, leases: list[Lease], now: float) -> None:
        """Isolate a name whose check killed its worker repeatedly, the last time with no other lease."""
        names = [lease.ref.domain for lease in leases if isinstance(lease.ref, Query)]
        swept = any(isinstance(lease.ref, Batch) for lease in leases)
        for name in self.poison.note_death(names, now, alone=len(names) == 1 and not swept):
            entry = self.domains.find_loaded(name)
            if entry is not None:
                self.poison.isolate_name(entry, now)
                reason = "its check killed a worker repeatedly"
                self.telemetry.write_log("error", "name_put_aside", domain=name, until=entry.isolated_until, reason=reason)


def _pool_of(lease: Lease) -> str:
    """The pool that a lease was given to."""
    ref = lease.ref
    return ref.pool if isinstance(ref, Query) else "fast" if isinstance(ref, Batch) else "notifier"
