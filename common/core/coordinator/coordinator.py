"""The coordinator's brain: `handle(event, now) -> commands`, pure, so that a year of operation runs in a test in seconds.

One visit to a name is in `rounds`, a verdict in `verdicts`, a registry's budget in `budgets`, leases in `workers`,
callbacks in `deliveries`. This file only routes events to them, hands out what is ready, and groups what must be durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random

from common.core.checks import overdue, rounds, unanswered, visits
from common.core.coordinator import answers, dispatch
from common.core.coordinator.board import Board, Policy
from common.core.coordinator.inputs import (
    Command,
    Commit,
    CommitDelayed,
    Committed,
    DeliveryFetched,
    DetailsFetched,
    DirectoryChanged,
    Draining,
    Event,
    FetchDelivery,
    Heard,
    Left,
    ListEnd,
    ListFailed,
    ListPart,
    ListRead,
    ListSame,
    ReloadList,
    Send,
    Tick,
    Unsent,
)
from common.core.coordinator.self_check import SelfCheck
from common.core.coordinator.status import publish
from common.core.domains import restore
from common.core.domains.stored_rows import row_of, saved_budgets
from common.core.model.records import Changes, DeliveryRow, TrustRow
from common.core.outbox import announce
from common.core.outbox.deliveries import LATER, Deliveries
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.query_queue import Queue
from common.core.registries.directory import Directory
from common.core.sweeps import batches, due, fallback
from common.core.telemetry.metrics import Metrics
from common.core.telemetry.repeats import Repeats
from common.core.trust import early_canaries
from common.core.trust.server_trust import Trust
from common.core.watchlist import intake
from common.core.workers.leases import Workers
from common.core.workers.senders import signed
from common.messages import VERSION, Bye, ByeAck, Credit, DeliveryResults, Results, Swept, SweptOdd
from common.messages import Command as Order

#: Seconds between status maps, between writes of rows where only times changed, and rows per such write.
STATUS_EVERY, TOUCH_EVERY, TOUCH_LIMIT = 2.0, 15.0, 2000
#: Seconds between two while the processes come up: whoever has just begun to listen need not wait.
STATUS_FIRST = 0.25
#: Seconds between two looks for entries that can be put back.
FOLD_EVERY = 0.1
#: Seconds between two looks for channels that were not heard for hours.
PROBE_LOOK_EVERY = 10.0
#: Seconds between two writes of who was right; an alarm or its end is written with its transaction.
ACCURACY_EVERY = 60.0
#: Seconds after the start during which the pools may still be coming up; and how long a question waits for a dead pool.
WARM_UP, POOL_WAIT = 10.0, 15.0
POOLS = ("fast", "intermediate", "deep")


class Coordinator:
    """See the module. Times are epoch seconds and never run backwards."""

    def __init__(self, policy: Policy, directory: Directory, boot: str, rng: Random, now: float) -> None:
        self.board = Board(
            policy=policy,
            rng=rng,
            directory=directory,
            workers=Workers(boot, int(now * 1_000_000)),
            deliveries=Deliveries(),
            metrics=Metrics(now),
            started=now,
            queue=Queue(policy.cadence.interval),
        )
        self._committing: Changes | None = None
        self._written: set[str] = set()  # names in that transaction
        self._folded_at = 0.0
        self._probed_at = now
        self._status_at = 0.0
        self._touched_at = self._counted_at = now
        self._circuits = ""  # the lanes with an open circuit, as they were written last
        self._refused = Repeats()
        self._stopping = False
        self._self_check = SelfCheck()

    def restore(
        self,
        deliveries: Iterable[DeliveryRow],
        trust: list[TrustRow],
        budgets: Budgets,
        next_seq: int,
        wildcards: Iterable[str],
        delivery_counts: Mapping[str, int],
        circuits: str = "",
    ) -> None:
        """Take over what the last run left, the names aside: those are loaded by `board.book.load`, before this."""
        board = self.board
        board.next_seq, board.budgets, board.trust = next_seq, budgets, Trust(trust, board.started)
        counted = {state: delivery_counts.get(state, 0) for state in ("parked", "done", "superseded")}
        board.deliveries = Deliveries(**counted)
        board.deliveries.circuits.recall(circuits, board.started)
        self._circuits = circuits
        board.wildcards.update(dict.fromkeys(wildcards, True))
        restore.first_looks(board)
        for delivery in deliveries:
            if delivery.next_at > board.started + LATER * 2:  # planned by a clock that was ahead
                delivery.next_at = board.started
            board.changes.deliveries.extend(board.deliveries.add(delivery))

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take one event; returns what is to be done, in order."""
        match event:
            case Tick():
                self._tick(now)
            case Heard(message, mark):
                self._heard(signed(message, mark), now)
            case Committed():
                self._committed(now)
            case _:
                self._happened(event, now)
        commands, self.board.commands = self.board.commands, []
        return commands

    def next_wake(self, now: float) -> float:
        """When a Tick is needed at the latest, in epoch seconds."""
        board = self.board
        questions = board.queue.next_at(board.budgets, board.workers, now)
        times = [now + 1.0, board.workers.next_deadline(), questions, board.lines.wake]
        if self._may_begin(now):
            times.append(due.next_at(board, now))
            if board.wants.waiting() and not visits.stuck(board):
                times.append(now + (FOLD_EVERY if board.wants.held else 0.0))
        if board.workers.free("notifier"):
            times.append(board.deliveries.next_at())
        return max(now + 0.02, min(time for time in times if time is not None))

    def unwritten(self) -> int:
        """How many changes to names are not durable yet."""
        changes = self._committing
        under_way = 0 if changes is None else len(changes.new) + len(changes.watches)
        return self.board.backlog.size() + under_way

    def settled(self) -> bool:
        """Whether everything is durable."""
        board = self.board
        unwritten = board.changed or board.touched or len(board.book.table.dirty()) or not board.backlog.empty()
        return self._committing is None and board.changes.empty() and not unwritten

    def _happened(self, event: Event, now: float) -> None:
        """The rarer events."""
        board = self.board
        match event:
            case Left(worker, boot):
                dispatch.lost(board, board.workers.left(worker, boot), now, died=True)
            case Unsent(attempts):
                dispatch.unsent(board, attempts, now)
            case ListRead() | ListSame() | ListPart() | ListEnd() | ListFailed():
                self._list(event, now)
            case DetailsFetched(asked, details):
                visits.fetched(board, asked, details, now)
            case DirectoryChanged(directory):
                board.know(directory)
            case DeliveryFetched(row):
                board.changes.deliveries.append(board.deliveries.replay(row, now))
            case CommitDelayed(reason):
                board.unwritable = reason
            case Draining():
                self._stopping = True

    def _list(self, event: ListRead | ListSame | ListPart | ListEnd | ListFailed, now: float) -> None:
        """What comes of the domain list."""
        board = self.board
        match event:
            case ListRead(head, source):
                intake.read(board, head, source, now)
            case ListSame(source):
                intake.same(board, source, now)
            case ListPart(part):
                intake.part(board, part, now)
            case ListEnd():
                intake.end(board, now)
            case ListFailed(text, source):
                intake.failed(board, text, source, now)

    # -- what arrives ----------------------------------------------------------------------------------------------------

    def _heard(self, message: object, now: float) -> None:
        board = self.board
        match message:
            case Credit():
                self._credit(message, now)
            case Results(credit, results):
                self._credit(credit, now)
                for result in results:
                    answers.single(board, result, credit, now)
            case SweptOdd(credit=credit) | Swept(credit=credit):
                self._credit(credit, now)
                answers.sweep(board, message, now)
            case DeliveryResults(credit, results):
                self._credit(credit, now)
                board.reach.note_worker_answer("notifier", now)
                for answer in results:
                    dispatch.delivered(board, answer, credit, now)
            case Bye(worker, boot):
                last = board.workers.draining(worker, boot)
                if last is not None:
                    board.commands.append(Send(worker, boot, ByeAck(last)))
            case Order():
                self._order(message, now)
            case _:
                board.metrics.count("bad_messages")

    def _credit(self, credit: Credit, now: float) -> None:
        known = credit.version == VERSION
        if not known or not self.board.workers.admits(credit):
            self.board.metrics.count("workers_refused")
            if more := self._refused.due(now):
                self.board.say("error", "workers_refused", count=more)
            if self._refused.note(now):
                why = "too many workers" if known else f"version {credit.version}, wanted {VERSION}"
                self.board.say("error", "worker_refused", worker=credit.worker, version=credit.version, why=why)
            return
        dispatch.lost(self.board, self.board.workers.heard(credit, now), now, died=True)

    def _order(self, order: Order, now: float) -> None:
        board = self.board
        board.say("info", "command", verb=order.verb, target=order.target, sender=order.sender)
        if order.verb == "refresh":
            board.commands.append(ReloadList())
        elif order.verb == "check":
            intake.check_now(board, order.target)
        elif order.verb == "replay":
            board.commands.append(FetchDelivery(order.target))
        elif order.verb == "reset_metrics":
            board.metrics.reset(now)
        elif order.verb == "reset_budget":
            board.say("info", "budget_reset", operator=order.target, known=board.budgets.reset(order.target, now))
        else:
            board.say("error", "unknown_command", verb=order.verb)

    # -- what time brings ------------------------------------------------------------------------------------------------

    def _tick(self, now: float) -> None:
        board = self.board
        dispatch.lost(board, board.workers.silent(now), now, died=True)
        dispatch.lost(board, board.workers.expired(now), now, died=False)
        for pool in POOLS:
            if not board.workers.egresses(pool):
                for ask in board.queue.flush_pool(pool, now - POOL_WAIT):
                    unanswered.note(board, ask, f"no worker of the {pool} pool is there", now)
                    rounds.unheard(board, ask, now)
        overdue.work(board, now)
        rounds.end_waiting(board, now)
        if not self._stopping:
            if self._may_begin(now):
                due.take(board, now)
                visits.work(board, now)
            dispatch.questions(board, now)
            fallback.work(board, now)
            batches.dispatch(board, now)
            announce.pay(board, now)
            dispatch.callbacks(board, now)
        if now - self._probed_at >= PROBE_LOOK_EVERY and not self._stopping:
            self._probed_at = now
            early_canaries.probe_channels(board, now)
        if now - self._status_at >= (STATUS_EVERY if now - board.started > WARM_UP else STATUS_FIRST):
            self._status_at = now
            board.forget(now)
            board.sum_up(now)
            self._self_check.work(board, now)
            publish(board, now)
        self._commit(now)
        if now - self._folded_at >= FOLD_EVERY:
            self._folded_at = now
            waiting = set().union(*board.waiting.values())  # a canary's answer changes what is known of them
            written = self._written
            board.book.fold(lambda item: item.name in written or item.name in waiting or board.unwritten(item), now)

    def _may_begin(self, now: float) -> bool:
        """Whether visits begin: what they find can be written, and the pools are there, or had their time to come up."""
        board = self.board
        there = now - board.started > WARM_UP or all(map(board.workers.egresses, POOLS))
        return there and not self._stopping and not board.unwritable

    # -- what must be durable --------------------------------------------------------------------------------------------

    def _commit(self, now: float) -> None:
        """Write what changed, one transaction at a time; rows where only times changed go in now and then."""
        board = self.board
        if self._committing is not None:
            return
        if self._stopping or now - self._touched_at >= TOUCH_EVERY or len(board.touched) >= TOUCH_LIMIT:
            if self._stopping or now - self._touched_at >= TOUCH_EVERY:
                self._touched_at = now
                board.backlog.plan(board.book.table)
            for name in list(board.touched)[:TOUCH_LIMIT]:
                board.changed[name] = board.touched.pop(name)
        self._note_learned(now)
        changes, board.changes = board.changes, Changes()
        board.backlog.fill(changes, board.book.table)
        for entry in board.changed.values():
            board.book.sync(entry, now)
        changes.domains = [row_of(board.policy, entry, now) for entry in board.changed.values()]
        changes.trust = [board.trust.row(key) for key in board.trust.changed]
        for name in board.changed:
            board.touched.pop(name, None)
        self._written = set(board.changed)
        board.changed.clear()
        board.trust.changed.clear()
        if not changes.empty():
            self._committing, board.writing_since = changes, now
            board.commands.append(Commit(changes))

    def _note_learned(self, now: float) -> None:
        """Put what was learned about operators, channels and answers into the next transaction."""
        board, meta = self.board, self.board.changes.meta
        if board.budgets.changed or (self._stopping and board.budgets.counted):
            meta["budgets"] = saved_budgets(board.budgets)
        if board.referrals.changed:
            meta["referrals"] = board.referrals.to_json()
        if board.channels.changed:
            meta["channels"] = board.channels.saved()
        if (circuits := board.deliveries.circuits.saved()) != self._circuits:
            meta["circuits"] = self._circuits = circuits
        if board.accuracy.changed and (self._stopping or board.changes.events or now - self._counted_at >= ACCURACY_EVERY):
            self._counted_at, board.accuracy.changed = now, False
            meta["accuracy"] = board.accuracy.saved()

    def _committed(self, now: float) -> None:
        """What is durable may be told: events on the feed, deliveries to the notifiers."""
        board, done = self.board, self._committing
        self._committing, self._written = None, set()
        board.writing_since, board.unwritable = None, ""
        if done is None:
            return
        for event in done.events:
            announce.publish(board, event)
        for row in done.deliveries:
            if row.state == "pending" and row.attempts == 0 and row.first_at is None:
                board.changes.deliveries.extend(board.deliveries.add(row))
        self._tick(now)
