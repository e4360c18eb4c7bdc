"""The coordinator: `handle(input, now) -> effects`, pure, so that a year of operation runs in a test in seconds.

This file only routes inputs to the rooms, hands out what is ready, and groups what must be durable.
"""

from __future__ import annotations

from random import Random

from msgspec import structs

from common.core.coordinator.inputs import (
    CommitDelayed,
    Committed,
    DeliveryFetched,
    DetailsFetched,
    DirectoryChanged,
    Draining,
    Input,
    ListChunkRead,
    ListEnd,
    ListFailed,
    ListRead,
    ListSame,
    Measured,
    MessageArrived,
    Restored,
    RowsHandedOver,
    SendFailed,
    StoreSpooled,
    Tick,
    WorkerLeft,
)
from common.core.coordinator.message_router import MessageRouter
from common.core.coordinator.self_check import SelfCheck
from common.core.coordinator.status import Status
from common.core.coordinator.wiring import Policy, Rooms
from common.core.domains.journal import SpoolState
from common.core.model.effects import Commit, Effect
from common.core.model.methods import POOLS
from common.core.model.records import HandedOver
from common.core.model.stored_state import StoredState
from common.core.outbox.retry_times import correct_next_at
from common.core.registries.directory import Directory
from common.core.workers.senders import mark_sender

#: Seconds between status maps.
STATUS_EVERY = 2.0
#: Seconds between two during the warm-up: a subscriber that has just connected need not wait.
STATUS_FIRST = 0.25
#: Seconds between two searches for loaded names that can be evicted.
EVICT_EVERY = 0.1
#: Seconds between two searches for channels that have not answered for hours.
PROBE_EVERY = 10.0
#: Seconds after the start during which the pools may still be coming up.
WARM_UP = 10.0


class Coordinator:
    """Routes inputs. Times are epoch seconds and never run backwards."""

    def __init__(self, policy: Policy, directory: Directory, boot: str, rng: Random, now: float) -> None:
        self.rooms = Rooms(policy, directory, boot, rng, now)
        self._messages = MessageRouter(self.rooms)
        self._status = Status(self.rooms, policy)
        self._self_check = SelfCheck(self.rooms, policy)
        self._evicted_at = self._status_at = 0.0
        self._probed_at = now
        self._stopping = False

    def handle(self, event: Input, now: float) -> list[Effect]:
        """Take one input; returns the effects to carry out, in order."""
        match event:
            case Tick():
                self._take_tick(now)
            case MessageArrived(message, mark):
                self._messages.route_message(mark_sender(message, mark), now)
            case Committed():
                self._take_committed(now)
            case Measured():
                event.add_to(self.rooms.telemetry.metrics)
            case ListRead() | ListSame() | ListChunkRead() | ListEnd() | ListFailed():
                self._take_list(event, now)
            case _:
                self._take_rare(event, now)
        return self.rooms.effects.take_planned()

    def next_wake(self, now: float) -> float:
        """When a Tick is needed at the latest, in epoch seconds."""
        rooms = self.rooms
        queries = rooms.rate_limits.queue.next_at(rooms.rate_limits.budgets, rooms.workers, now)
        times = [now + 1.0, rooms.workers.next_deadline(), queries, rooms.sweep_queues.wake]
        if self._may_begin(now):
            times += [rooms.due.next_at(now), rooms.starts.next_at(now, EVICT_EVERY)]
        if rooms.workers.count_free_slots("notifier"):
            times.append(rooms.deliveries.next_at())
        return max(now + 0.02, min(time for time in times if time is not None))

    @property
    def watched_count(self) -> int:
        """How many names are watched."""
        return self.rooms.domains.table.watched_count

    @property
    def lease_count(self) -> int:
        """How many leases are open."""
        return self.rooms.workers.lease_count()

    @property
    def directory(self) -> Directory:
        """The RDAP and WHOIS servers of suffixes, as known now."""
        return self.rooms.registries.directory

    def count_unwritten(self) -> int:
        """How many changes to names are not durable yet."""
        return self.rooms.domains.journal.count_unwritten_names()

    def is_settled(self) -> bool:
        """Whether everything is durable."""
        return self.rooms.domains.journal.is_settled()

    # -- inputs ----------------------------------------------------------------------------------------------------------

    def _take_rare(self, event: Input, now: float) -> None:
        """Take one of the rarer inputs."""
        rooms = self.rooms
        match event:
            case WorkerLeft(worker, boot):
                rooms.lost_leases.requeue_leases(rooms.workers.drop_left(worker, boot), now, died=True)
            case SendFailed(attempts):
                rooms.lost_leases.requeue_unsent(attempts, now)
            case DetailsFetched(ids, details):
                rooms.starts.take_details(ids, details, now)
            case DirectoryChanged(directory):
                rooms.registries.replace_directory(directory)
            case DeliveryFetched(row):
                rooms.callbacks.replay_callback(row, now)
            case CommitDelayed() | RowsHandedOver() | StoreSpooled():
                self._take_store(event, now)
            case Restored(state):
                self._restore_state(state)
            case Draining():
                self._stopping = True

    def _take_store(self, event: CommitDelayed | RowsHandedOver | StoreSpooled, now: float) -> None:
        """Take an input about a database that is away, or was."""
        journal = self.rooms.domains.journal
        match event:
            case CommitDelayed(reason, away):
                journal.unwritable, journal.is_away = reason, away
            case RowsHandedOver(found):
                self._take_over(found, now)
            case StoreSpooled(spool):
                self._note_spool(spool)

    def _take_over(self, found: HandedOver, now: float) -> None:
        """Record events and deliveries of another instance. The names stay as they are: what is known of them is newer."""
        journal = self.rooms.domains.journal
        for event in found.events:
            journal.add_event(structs.replace(event, seq=journal.take_seq()))
        for row in found.deliveries:
            if (changed := self.rooms.deliveries.take_over(row, now)) is not None:
                journal.add_deliveries(changed)
        journal.add_taken(found.keys)

    def _note_spool(self, spool: SpoolState | None) -> None:
        """Note what waits outside the database; names that have to be read wait for as long."""
        journal, starts = self.rooms.domains.journal, self.rooms.starts
        begins, journal.spool = spool is not None and journal.spool is None, spool
        if begins:
            starts.hold_unread()
        elif spool is None:
            starts.release_unread()

    def _take_list(self, event: ListRead | ListSame | ListChunkRead | ListEnd | ListFailed, now: float) -> None:
        """Take an input of the list reader."""
        intake = self.rooms.intake
        match event:
            case ListRead(summary, source):
                intake.read_list(summary, source, now)
            case ListSame(source):
                intake.note_same(source, now)
            case ListChunkRead(chunk):
                intake.take_chunk(chunk, now)
            case ListEnd():
                intake.finish_list(now)
            case ListFailed(text, source):
                intake.note_failure(text, source)

    def _restore_state(self, state: StoredState) -> None:
        """Take over the state that the last run stored."""
        rooms, meta, now = self.rooms, state.meta, self.rooms.domains.started
        wildcards = rooms.registries.wildcards
        wildcards.restore_text(meta.get("wildcards", ""))
        rooms.domains.restore_names(state.names, state.looks, state.addresses, state.next_id, wildcards.is_wildcard)
        rooms.domains.journal.next_seq = state.next_seq
        rooms.trust.restore_rows(state.trust, now)
        rooms.rate_limits.restore_learned(meta.get("budgets", ""), meta.get("credentials", ""))
        rooms.registries.restore_referrals(meta.get("referrals", ""), now)
        rooms.channels.healths.restore_text(meta.get("channels", ""), now)
        rooms.audit.accuracy.restore_text(meta.get("accuracy", ""))
        rooms.domains.calendar.restore_texts(meta.get("transitions", ""), meta.get("forecasts", ""))
        rooms.deliveries.restore_counts(state.delivery_counts, meta.get("circuits", ""), now)
        deliveries = list(state.deliveries)
        for delivery in deliveries:
            correct_next_at(delivery, now)
        rooms.callbacks.add_durable(deliveries)

    # -- time ------------------------------------------------------------------------------------------------------------

    def _take_tick(self, now: float) -> None:
        """Do what time calls for: collect lost leases, hand out work, report, commit, evict."""
        rooms = self.rooms
        rooms.lost_leases.collect_lost(now)
        rooms.queries.expire_queries(now)
        rooms.checks.end_waiting(now)
        if not self._stopping:
            self._hand_out(now)
            if now - self._probed_at >= PROBE_EVERY:
                self._probed_at = now
                rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, now)
                rooms.early_canaries.probe_registrars(rooms.domains.table.suffixes, now)
        if now - self._status_at >= (STATUS_EVERY if now - rooms.domains.started > WARM_UP else STATUS_FIRST):
            self._status_at = now
            rooms.poison.release_isolated(now)
            rooms.canaries.forget_waiting(now)
            rooms.telemetry.write_summary(now)
            self._self_check.note_problems(now)
            self._status.publish_status(now)
        self._begin_commit(now)
        if now - self._evicted_at >= EVICT_EVERY:
            self._evicted_at = now
            waiting, journal = rooms.canaries.waiting_names(), rooms.domains.journal
            crowded_only = journal.spool is not None  # it could not be loaded again before the database is back
            rooms.domains.working_set.evict_stable(
                lambda entry: entry.name in waiting or journal.is_unwritten(entry), now, crowded_only=crowded_only
            )

    def _hand_out(self, now: float) -> None:
        """Begin checks, and send queries, sweeps and callbacks that are ready."""
        rooms = self.rooms
        if self._may_begin(now):
            rooms.due.move_due_names(now)
            rooms.starts.begin_waiting(now)
        rooms.queries.send_ready_queries(now)
        rooms.fallback.release_waiting(now)
        rooms.publications.release_waiting(now)
        rooms.sweeps.send_ready_sweeps(now)
        rooms.announcer.flush_pending(now)
        rooms.callbacks.send_due_callbacks(now)

    def _may_begin(self, now: float) -> bool:
        """Whether checks may begin: their results can be written, and every pool has a worker or had time to start one."""
        rooms = self.rooms
        warm = now - rooms.domains.started > WARM_UP or all(map(rooms.workers.egresses_of, POOLS))
        return warm and not self._stopping and not rooms.domains.journal.unwritable

    # -- what must be durable --------------------------------------------------------------------------------------------

    def _begin_commit(self, now: float) -> None:
        """Commit what changed, one transaction at a time."""
        rooms, journal = self.rooms, self.rooms.domains.journal
        if not journal.is_idle():
            return
        journal.plan_transaction(now, last=self._stopping)
        self._note_learned(now)
        journal.set_trust(rooms.trust.take_changed())
        changes = journal.begin_transaction(now)
        if changes is not None:
            rooms.effects.plan_effect(Commit(changes))

    def _note_learned(self, now: float) -> None:
        """Put what was learned about operators, channels and answers into the next transaction."""
        rooms = self.rooms
        learned = {
            "budgets": rooms.rate_limits.take_changed(last=self._stopping),
            "credentials": rooms.rate_limits.take_digests(),
            "referrals": rooms.registries.referrals.take_changed(),
            "channels": rooms.channels.healths.take_changed(),
            "circuits": rooms.deliveries.circuits.take_changed(),
            **rooms.domains.calendar.take_changed(now, last=self._stopping),
        }
        for key, text in learned.items():
            if text is not None:
                rooms.domains.journal.set_meta(key, text)
        rooms.audit.write_counts(now, last=self._stopping)

    def _take_committed(self, now: float) -> None:
        """Release what is durable: events to the feed, deliveries to the notifiers."""
        rooms = self.rooms
        done = rooms.domains.journal.end_transaction()
        if done is None:
            return
        for event in done.events:
            rooms.domains.journal.pass_seq(event.seq)
            rooms.announcer.publish_event(event)
        fresh = [row for row in done.deliveries if row.state == "pending" and row.attempts == 0 and row.first_at is None]
        rooms.callbacks.add_durable(fresh)
        self._take_tick(now)
