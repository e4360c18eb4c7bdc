"""Handing out: questions to checkers and callbacks to notifiers, each leased to one worker, in batches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import groupby

from common.core.checks import rounds
from common.core.coordinator.board import Board, host_of
from common.core.coordinator.inputs import Send
from common.core.model.evidence import Observation
from common.core.model.records import DeliveryRow
from common.core.rate_limits.query_queue import Ask
from common.core.sweeps import batches
from common.core.sweeps.sweep_queues import Swarm
from common.core.telemetry.declared_counters import status_class
from common.core.trust.server_trust import Key
from common.core.workers.leases import Lease, Worker
from common.messages import MAX_BATCH, Credit, Deliveries, Delivery, DeliveryResult, Task, Tasks

#: Seconds one POST may take, all included.
DELIVERY_BUDGET = 20.0
#: Part of the notifiers' places that results never take.
RESERVED = 4
#: Largest sum of bodies in one message of deliveries, in bytes: well under the frame limit.
BATCH_BYTES = 1 << 20


def questions(board: Board, now: float) -> None:
    """Send every question whose token and worker are there."""
    batches: dict[str, tuple[Worker, list[Task]]] = {}
    board.suspicion.fade(now)
    for ask, worker in board.queue.take(board.budgets, board.workers, board.suspicion, now):
        _note_lateness(board, ask, now)
        _note_sent(board, ask, now)
        lease = board.workers.lease(worker, ask, ask.budget, now)
        batches.setdefault(worker.name, (worker, []))[1].append(
            Task(
                lease.attempt,
                lease.seq,
                ask.method,
                ask.domain,
                ask.suffix,
                ask.server,
                budget_ms=int(ask.budget * 1000),
                confirm=ask.confirm,
                spare=_to_spare(ask),
            )
        )
    for worker, tasks in batches.values():
        for start in range(0, len(tasks), MAX_BATCH):
            part = tuple(tasks[start : start + MAX_BATCH])
            board.commands.append(Send(worker.name, worker.boot, Tasks(part), tuple(task.attempt for task in part)))


def _to_spare(ask: Ask) -> str:
    """Where the answer came from that this question is to confirm, by a single look or by a sweep."""
    known = ask.entry.detail.evidence.get(ask.method) if ask.confirm and ask.entry is not None else None
    return known.observation.address if known is not None else ""


def callbacks(board: Board, now: float) -> None:
    """Send every callback that is due to a notifier with a free slot."""
    batches: dict[str, tuple[Worker, list[Delivery]]] = {}
    sizes: dict[str, int] = defaultdict(int)
    free, slots = board.workers.free("notifier"), board.workers.slots("notifier")
    for row in board.deliveries.due(now, free, slots // RESERVED):
        worker = board.workers.choose("notifier", avoid=board.deliveries.lost_by(row.id))
        if worker is None:
            return
        lease = board.workers.lease(worker, row, DELIVERY_BUDGET, now)
        board.deliveries.sent(row.id, lease.attempt, now)
        batch = batches.setdefault(worker.name, (worker, []))[1]
        if batch and (sizes[worker.name] + len(row.body) > BATCH_BYTES or len(batch) >= MAX_BATCH):
            _send(board, worker, batch)
            batches[worker.name], sizes[worker.name] = (worker, []), 0
            batch = batches[worker.name][1]
        sizes[worker.name] += len(row.body)
        batch.append(_delivery(board, row, lease))
    for worker, batch in batches.values():
        _send(board, worker, batch)


def delivered(board: Board, answer: DeliveryResult, credit: Credit, now: float) -> None:
    """Take the answer of a notifier to one POST."""
    if board.workers.finish(answer.attempt, credit) is None:
        board.metrics.count("late_results")
        return
    if answer.returned:
        board.deliveries.returned(answer.attempt, now)
        return
    row = board.deliveries.result(answer.attempt, answer.status, answer.error, answer.retry_after, now, board.rng)
    if row is None:
        board.metrics.count("late_results")
        return
    board.reach.note_callback(answer.status, now)
    board.metrics.count("callbacks", lane=row.lane, status=str(answer.status or "none"), state=row.state)
    board.metrics.observe("callback_seconds", answer.duration_ms / 1000, lane=row.lane)
    board.metrics.count("upstream_requests", api="callback", status=status_class(answer.status))
    board.metrics.observe("upstream_request_seconds", answer.duration_ms / 1000, api="callback")
    board.changes.deliveries.append(row)
    _log_callback(board, row, answer, now)


def _log_callback(board: Board, row: DeliveryRow, answer: DeliveryResult, now: float) -> None:
    """A callback that was taken is for the summary; one that failed is a complaint, and one that was given up always told."""
    fields = {"event_id": row.id, "domain": row.domain, "lane": row.lane, "status": answer.status, "state": row.state,
              "number": row.attempts, "ms": round(answer.duration_ms, 1), "error": answer.error}  # fmt: skip
    if row.state == "done":
        board.say("debug", "callback", **fields)
    elif row.state == "parked":
        board.say("warning", "callback", **fields)
    else:
        board.complain("warning", "callback", f"{row.lane} {status_class(answer.status)}", now, **fields)


def lost(board: Board, leases: list[Lease], now: float, *, died: bool) -> None:
    """Leases ran out, or their worker died: everything goes out again, elsewhere if possible.

    What kills workers alone is put aside.
    """
    for worker, group in groupby(sorted(leases, key=lambda lease: lease.worker), key=lambda lease: lease.worker):
        _lost_with(board, list(group), worker, now, died=died)


def _lost_with(board: Board, leases: list[Lease], worker: str, now: float, *, died: bool) -> None:
    """What one worker lost."""
    event = "worker_lost" if died else "leases_expired"
    board.complain("warning", event, worker, now, worker=worker, leases=len(leases))
    if died:
        board.metrics.count("workers_lost")
        asked = [lease.ref.domain for lease in leases if isinstance(lease.ref, Ask)]
        swept = any(isinstance(lease.ref, Swarm) for lease in leases)
        for name in board.suspicion.died(asked, len(asked) == 1 and not swept, now):
            _put_aside(board, name, now)
    for lease in leases:
        if not died:
            board.reach.note_worker_timeout(_pool(lease), now)
        if isinstance(lease.ref, Swarm):
            batches.lost(board, replace(lease.ref, avoid=worker), now, died=died)
        elif isinstance(lease.ref, Ask):
            rounds.lost(board, lease.ref, worker, now)
        elif (row := board.deliveries.lost(lease.attempt, now, worker)) is not None:
            board.changes.deliveries.append(row)


def _pool(lease: Lease) -> str:
    """The pool that a lease was given to."""
    ref = lease.ref
    return ref.pool if isinstance(ref, Ask) else "fast" if isinstance(ref, Swarm) else "notifier"


def unsent(board: Board, attempts: tuple[str, ...], now: float) -> None:
    """A worker's socket was full: these never left; their tokens come back."""
    for attempt in attempts:
        lease = board.workers.take_back(attempt)
        if lease is None:
            continue
        if isinstance(lease.ref, Ask):
            board.budgets.give_back(lease.ref.limit, lease.ref.egress, now)
            board.queue.put(lease.ref)
        elif isinstance(lease.ref, Swarm):
            board.budgets.give_back(lease.ref.limit, lease.ref.egress, now, len(lease.ref.rows))
            board.lines.again(lease.ref)
        else:
            board.deliveries.returned(attempt, now)


def _note_sent(board: Board, ask: Ask, now: float) -> None:
    """Note that a question leaves, for its budget, its channel and the check that waits for it."""
    ask.sent = board.reach.asked_at = now
    key = channel_of(ask)
    if key is not None:
        board.channels.ask(key, now)
    if ask.entry is None:
        return
    ask.entry.asked_from[ask.method] = ask.egress
    if ask.entry.round is not None and not ask.aside:
        ask.entry.round.sent[ask.method] = now


def channel_of(ask: Ask) -> Key | None:
    """The channel that a question goes to; None where it goes to no server of the suffix."""
    if ask.method == "http" or (ask.method != "dns" and not ask.server):
        return None
    return (ask.method, ask.suffix if ask.method == "dns" else host_of(ask.server), ask.suffix)


def note_channel(board: Board, ask: Ask, observation: Observation, now: float) -> None:
    """Learn whether the channel that was asked speaks; tell when it dies and when it is back."""
    reading, key = observation.reading, channel_of(ask)
    if key is None:
        return
    became = board.channels.note(key, reading.outcome, reading.reason, now, observation.duration_ms / 1000)
    if became is not None:
        level = "warning" if became == "dead" else "info"
        fields = {"method": key[0], "server": key[1], "suffix": key[2], "reason": reading.reason}
        board.complain(level, f"channel_{became}", " ".join(key), now, **fields)


def _note_lateness(board: Board, ask: Ask, now: float) -> None:
    """How long after its time the first question of a visit leaves."""
    visit = ask.entry.round if ask.entry is not None else None
    if ask.entry is not None and visit is not None and visit.due and not ask.tries:
        lane = "priority" if ask.entry.priority else "ordinary"
        board.metrics.observe("lateness_seconds", now - visit.due, lane=lane)
        visit.due = 0.0


def _send(board: Board, worker: Worker, batch: list[Delivery]) -> None:
    if batch:
        attempts = tuple(delivery.attempt for delivery in batch)
        board.commands.append(Send(worker.name, worker.boot, Deliveries(tuple(batch)), attempts))


def _delivery(board: Board, row: DeliveryRow, lease: Lease) -> Delivery:
    return Delivery(
        lease.attempt,
        lease.seq,
        row.id,
        row.domain,
        row.attempts + 1,
        row.body,
        int(DELIVERY_BUDGET * 1000),
        replay=board.deliveries.replayed(row.id),
    )


def _put_aside(board: Board, name: str, now: float) -> None:
    entry = board.book.entry(name)
    if entry is not None:
        entry.aside_until = now + rounds.ASIDE
        board.aside[name] = entry
        board.say(
            "error", "name_put_aside", domain=name, until=entry.aside_until, reason="its check killed a worker repeatedly"
        )
