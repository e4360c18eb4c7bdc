"""Sends callbacks to notifiers in batches, each leased to one of them, and takes back how the POSTs ended."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random

from common.core.domains.journal import Journal
from common.core.model.effects import Effects, Send
from common.core.model.records import DeliveryRow
from common.core.outbox.deliveries import Deliveries
from common.core.telemetry.declared_counters import status_class
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Lease, Worker, Workers
from common.messages import MAX_BATCH, Credit, Delivery, DeliveryResult
from common.messages import Deliveries as DeliveryBatch

#: Seconds one POST may take, all included.
DELIVERY_BUDGET = 20.0
#: One of so many slots of the notifiers is never taken by results.
RESERVED = 4
#: Largest sum of bodies in one message of deliveries, in bytes: well under the frame limit.
BATCH_BYTES = 1 << 20


@dataclass(slots=True, kw_only=True)
class CallbackDispatch:
    """Sends what is due, and takes the results; see the module."""

    workers: Workers
    deliveries: Deliveries
    journal: Journal
    effects: Effects
    telemetry: Telemetry
    rng: Random

    def send_due_callbacks(self, now: float) -> None:
        """Send every callback that is due to a notifier with a free slot."""
        batches: dict[str, tuple[Worker, list[Delivery]]] = {}
        sizes: dict[str, int] = defaultdict(int)
        free, slots = self.workers.count_free_slots("notifier"), self.workers.count_slots("notifier")
        for row in self.deliveries.due_rows(now, free, slots // RESERVED):
            worker = self.workers.choose_worker("notifier", avoid=self.deliveries.lost_by(row.id))
            if worker is None:
                return
            lease = self.workers.grant_lease(worker, row, DELIVERY_BUDGET, now)
            self.deliveries.note_sent(row.id, lease.attempt, now)
            batch = batches.setdefault(worker.name, (worker, []))[1]
            if batch and (sizes[worker.name] + len(row.body) > BATCH_BYTES or len(batch) >= MAX_BATCH):
                self._send_batch(worker, batch)
                batches[worker.name], sizes[worker.name] = (worker, []), 0
                batch = batches[worker.name][1]
            sizes[worker.name] += len(row.body)
            batch.append(self._delivery_of(row, lease))
        for worker, batch in batches.values():
            self._send_batch(worker, batch)

    def take_post_result(self, answer: DeliveryResult, credit: Credit, now: float) -> None:
        """Take the result of one POST from its notifier."""
        if self.workers.finish_lease(answer.attempt, credit) is None:
            self.telemetry.metrics.count("late_results")
            return
        if answer.returned:
            self.deliveries.note_returned(answer.attempt, now)
            return
        row = self.deliveries.note_result(answer.attempt, answer.status, answer.error, answer.retry_after, now, self.rng)
        if row is None:
            self.telemetry.metrics.count("late_results")
            return
        metrics, seconds = self.telemetry.metrics, answer.duration_ms / 1000
        self.telemetry.reach.note_callback(answer.status, now)
        metrics.count("callbacks", lane=row.lane, status=str(answer.status or "none"), state=row.state)
        metrics.observe("callback_seconds", seconds, lane=row.lane)
        metrics.count("upstream_requests", api="callback", status=status_class(answer.status))
        metrics.observe("upstream_request_seconds", seconds, api="callback")
        self.journal.add_deliveries(row)
        self._log_result(row, answer, now)

    def take_lost_attempt(self, attempt: str, worker: str, now: float) -> None:
        """Plan an attempt again whose notifier did not report: it counts, for it may have been made."""
        row = self.deliveries.note_lost(attempt, now, worker)
        if row is not None:
            self.journal.add_deliveries(row)

    def requeue_unsent_attempt(self, attempt: str, now: float) -> None:
        """Make an attempt due again that never left because the socket of its notifier was full."""
        self.deliveries.note_returned(attempt, now)

    def replay_callback(self, row: DeliveryRow, now: float) -> None:
        """Send a callback once more on an operator's command, whatever became of it."""
        self.journal.add_deliveries(self.deliveries.replay_row(row, now))

    def add_durable(self, rows: list[DeliveryRow]) -> None:
        """Let deliveries go that are durable by now, or were loaded; write what they supersede."""
        for row in rows:
            self.journal.add_deliveries(*self.deliveries.add_delivery(row))

    def _log_result(self, row: DeliveryRow, answer: DeliveryResult, now: float) -> None:
        """Log the result of a POST: a success for DEBUG alone, a failure once a minute by its kind, one given up always."""
        fields = {"event_id": row.id, "domain": row.domain, "lane": row.lane, "status": answer.status, "state": row.state,
                  "number": row.attempts, "ms": round(answer.duration_ms, 1), "error": answer.error}  # fmt: skip
        if row.state == "done":
            self.telemetry.write_log("debug", "callback", **fields)
        elif row.state == "parked":
            self.telemetry.write_log("warning", "callback", **fields)
        else:
            about = f"{row.lane} {status_class(answer.status)}"
            self.telemetry.write_limited("warning", "callback", about, now, **fields)

    def _send_batch(self, worker: Worker, batch: list[Delivery]) -> None:
        if batch:
            attempts = tuple(delivery.attempt for delivery in batch)
            self.effects.plan_effect(Send(worker.name, worker.boot, DeliveryBatch(tuple(batch)), attempts))

    def _delivery_of(self, row: DeliveryRow, lease: Lease) -> Delivery:
        return Delivery(
            attempt=lease.attempt,
            seq=lease.seq,
            event_id=row.id,
            domain=row.domain,
            number=row.attempts + 1,
            body=row.body,
            budget_ms=int(DELIVERY_BUDGET * 1000),
            replay=self.deliveries.is_replay(row.id),
        )
