"""Workers, their credit, and the leases of what was sent to them.

A lease is lost when its deadline is over, and when its worker leaves, falls silent or returns with a new boot id. Credit is
absolute, so the next credit message makes up for a lost one.
"""

from __future__ import annotations

import heapq
from collections import deque

from msgspec import Struct, field

from common.core.model.batch import Batch
from common.core.model.query import Query
from common.core.model.records import DeliveryRow
from common.core.workers.second_pass import worker_distance
from common.core.workers.senders import key_of, name_without_key
from common.messages import Credit

#: Seconds without a credit message after which a worker is dropped.
SILENT = 6.0
#: Seconds for which the last worker of a pool is expected back: its process is being restarted.
RETURN = 15.0
#: Seconds on top of a task's own budget before its lease is over.
GRACE = 5.0
#: Most names under way in the sweeps of one worker before those without priority wait: slots bound the number of zones, this
#: the work.
MOST_NAMES_UNDER_WAY = 16_384
#: Most workers known at once; a new one then takes the place of one that never answered anything, or is refused.
MOST_WORKERS = 1024
#: Most of them with one key, other than the coordinator's own.
MOST_OF_KEY = 128
#: Most slots that a worker of a pool is believed to have (of another pool: none), and most slots for sweeps.
MOST_SLOTS = {"fast": 10_000, "intermediate": 10_000, "deep": 10_000, "notifier": 1000}
MOST_SWEEPS = 64
#: Most (pool, egress) pairs of which is remembered what their workers offered last.
MOST_RECENT_OFFERS = 256

#: What a lease is for.
Subject = Query | Batch | DeliveryRow


class Worker(Struct, kw_only=True):
    """One start of one worker process, as its credit messages describe it."""

    name: str
    boot: str
    pool: str
    egress: str
    methods: tuple[str, ...]
    slots: int
    free: int
    heard: float
    since: float  # its first credit message
    restarts: int = 0
    draining: bool = False
    exclusive: bool = False  # runs one suspicious query and nothing beside it
    tasks_under_way: deque[int] = field(default_factory=deque)  # numbers of leases sent that its last credit had not seen
    sweeps: int = 0  # free slots for sweeps, as last reported
    sweeps_under_way: deque[int] = field(default_factory=deque)  # the same as `tasks_under_way` for sweeps
    most_sweeps: int = 0  # most slots for sweeps that it ever reported
    names_under_way: int = 0  # names in its sweeps
    last_seq: int = 0  # number of the last lease sent to it
    leases: set[str] = field(default_factory=set)
    proven: bool = False  # it answered something

    def free_slots(self) -> int:
        """How many more tasks it can take, by its last credit and what was sent since."""
        return 0 if self.draining or self.exclusive else self.free - len(self.tasks_under_way)

    def sweep_places(self) -> int:
        """How many more sweeps it can take, by its last credit and what was sent since."""
        return 0 if self.draining or self.exclusive else self.sweeps - len(self.sweeps_under_way)

    def ordinary_sweep_places(self) -> int:
        """How many more sweeps of names without priority it can take: one slot is kept for those with priority."""
        return 0 if self.names_under_way >= MOST_NAMES_UNDER_WAY else self.sweep_places() - (self.most_sweeps > 1)


class Lease(Struct, frozen=True, kw_only=True):
    """One query, batch or delivery sent to one worker (`ref`), until it is answered or lost.

    `deadline` is in epoch seconds, `names` how many a sweep has.
    """

    attempt: str
    seq: int
    worker: str
    deadline: float
    ref: Subject
    names: int = 0


class Workers:
    """Every worker and every lease.

    `boot` marks the attempt ids of this start. Workers outlive a start and report the highest number of a lease that they saw,
    so `last` has to lie above every number that an earlier start used.
    """

    def __init__(self, boot: str, last: int = 0) -> None:
        self._boot = boot
        self._seq = last
        self._workers: dict[str, Worker] = {}
        self._leases: dict[str, Lease] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._sweeps_offered = False  # whether any worker ever offered slots for sweeps
        self._no_sweeper_since: float | None = None  # since when no worker offers any, in epoch seconds
        self._recent_offers: dict[tuple[str, str], tuple[float, tuple[str, ...]]] = {}  # (pool, egress) -> last heard, methods
        self._offered: dict[tuple[str, str], list[str]] = {}  # (pool, method) -> egresses: a cache, until workers come or go
        self.capacity_changes = 0  # counts what may make room: credit messages, and ends of leases

    def admits_worker(self, credit: Credit) -> bool:
        """Whether a worker is known, or there is room for it; the oldest one that never answered anything is dropped for it."""
        if credit.worker in self._workers:
            return True
        key = key_of(credit.worker)
        if key and sum(key_of(name) == key for name in self._workers) >= MOST_OF_KEY:
            return False
        if len(self._workers) < MOST_WORKERS:
            return True
        idle = (worker for worker in self._workers.values() if not worker.proven and not worker.leases)
        oldest = min(idle, key=lambda worker: worker.heard, default=None)
        if oldest is not None:
            self._drop_worker(oldest)
        return oldest is not None

    def note_credit(self, credit: Credit, now: float) -> list[Lease]:
        """Note a credit message of an admitted worker. Returns its lost leases where it was restarted since the last one."""
        self.capacity_changes += 1
        worker = self._workers.get(credit.worker)
        lost: list[Lease] = []
        if worker is not None and worker.boot != credit.boot:
            lost = self._drop_worker(worker)
            worker = None
        if worker is None:
            worker = Worker(
                name=credit.worker,
                boot=credit.boot,
                pool=credit.pool,
                egress=credit.egress,
                methods=credit.methods,
                slots=credit.slots,
                free=credit.free,
                heard=now,
                since=now,
            )
            self._workers[credit.worker] = worker
            self._offered.clear()
        worker.slots = min(credit.slots, MOST_SLOTS.get(credit.pool, 0))
        worker.free, worker.heard, worker.restarts = min(credit.free, worker.slots), now, credit.restarts
        worker.sweeps = min(credit.sweeps, MOST_SWEEPS)
        worker.most_sweeps = max(worker.most_sweeps, worker.sweeps)
        self._sweeps_offered = self._sweeps_offered or worker.sweeps > 0
        self._note_offer(credit, now)
        for sent in (worker.tasks_under_way, worker.sweeps_under_way):
            while sent and sent[0] <= credit.seen:
                sent.popleft()
        return lost

    def note_draining(self, name: str, boot: str) -> int | None:
        """Send nothing more to a worker that stops. Returns the number of its last lease; None where the worker is unknown."""
        worker = self._workers.get(name)
        if worker is None or worker.boot != boot:
            return None
        worker.draining = True
        return worker.last_seq

    def drop_left(self, name: str, boot: str) -> list[Lease]:
        """Drop a worker whose subscription ended, under whatever key. Returns its leases."""
        gone = [worker for worker in self._workers.values() if worker.boot == boot and name_without_key(worker.name) == name]
        return [lease for worker in gone for lease in self._drop_worker(worker)]

    def drop_silent(self, now: float) -> list[Lease]:
        """Drop workers without a credit message for `SILENT` seconds; to be called at every tick. Returns their leases."""
        gone = [worker for worker in self._workers.values() if now - worker.heard > SILENT]
        lost = [lease for worker in gone for lease in self._drop_worker(worker)]
        if any(worker.most_sweeps for worker in self._workers.values()):
            self._no_sweeper_since = None
        elif self._no_sweeper_since is None:
            self._no_sweeper_since = now
        return lost

    def choose_worker(
        self, pool: str, method: str = "", avoid: str = "", egress: str | None = None, *, alone: bool = False, apart: str = ""
    ) -> Worker | None:
        """The worker of a pool with most free slots that has the method; None where no worker has one.

        `avoid` (whose lease of the last attempt was lost) is chosen only if there is no other. `egress` restricts the choice to
        its workers, `alone` to those without any lease. `apart`: the farthest from this worker goes first.
        """

        def rank(worker: Worker) -> tuple[bool, int, int]:
            return worker.name != avoid, self.distance_to(worker, apart) if apart else 0, worker.free_slots()

        best: Worker | None = None
        for worker in self._workers.values():
            if worker.pool != pool or worker.free_slots() <= 0 or (method and method not in worker.methods):
                continue
            if (egress is not None and worker.egress != egress) or (alone and worker.leases):
                continue
            if best is None or rank(worker) > rank(best):
                best = worker
        return best

    def distance_to(self, worker: Worker, other: str) -> int:
        """How far a worker is from the one of this name, which may have left; see `second_pass.worker_distance`."""
        known = self._workers.get(other)
        return worker_distance(worker.name, other, other_egress=known is not None and known.egress != worker.egress)

    def farthest_distance(self, pool: str, method: str, other: str) -> int:
        """The distance of a worker to the farthest one that has the method, free or not."""
        there = (worker for worker in self._workers.values() if worker.pool == pool and not worker.draining)
        return max((self.distance_to(worker, other) for worker in there if method in worker.methods), default=0)

    def choose_sweepers(self, *, urgent: bool = True, avoid: str = "") -> list[Worker]:
        """Of each egress the worker with most free slots for sweeps, if any; the one with most goes first.

        `urgent`: for names with priority. `avoid` (whose lease of the last attempt was lost) comes last, and only where its
        egress has no other.
        """
        places = Worker.sweep_places if urgent else Worker.ordinary_sweep_places

        def rank(worker: Worker) -> tuple[bool, int]:
            return worker.name != avoid, places(worker)

        best: dict[str, Worker] = {}
        for worker in self._workers.values():
            known = best.get(worker.egress)
            if places(worker) > 0 and (known is None or rank(worker) > rank(known)):
                best[worker.egress] = worker
        return sorted(best.values(), key=rank, reverse=True)

    def can_sweep(self, now: float) -> bool:
        """Whether a worker offers slots for sweeps, or did less than `RETURN` seconds ago: a restarted one is back soon."""
        return self._sweeps_offered and (self._no_sweeper_since is None or now - self._no_sweeper_since < RETURN)

    def egresses_of(self, pool: str, *, free: bool = False) -> list[str]:
        """The egresses of the workers of a pool; with `free` only of those that have a free slot."""
        found = {
            worker.egress
            for worker in self._workers.values()
            if worker.pool == pool and not worker.draining and (not free or worker.free_slots() > 0)
        }
        return sorted(found) if len(found) > 1 else list(found)

    def egresses_offering(self, pool: str, method: str, now: float) -> list[str]:
        """The egresses of the workers of a pool that have the method; without any, of those heard less than `RETURN` ago."""
        there = self._offered.get((pool, method))
        if there is None:
            offering = {worker.egress for worker in self._workers.values() if worker.pool == pool and method in worker.methods}
            there = self._offered[pool, method] = sorted(offering)
        return there or sorted(
            egress
            for (name, egress), (at, methods) in self._recent_offers.items()
            if name == pool and method in methods and now - at <= RETURN
        )

    def is_stuck(self, pool: str) -> bool:
        """Whether the workers of a pool offer no free slot although none of them has a lease."""
        there = [worker for worker in self._workers.values() if worker.pool == pool and not worker.draining]
        return bool(there) and all(worker.free <= 0 and not worker.leases for worker in there)

    def count_slots(self, pool: str) -> int:
        """How many slots the workers of a pool have together."""
        return sum(worker.slots for worker in self._workers.values() if worker.pool == pool)

    def count_free_slots(self, pool: str) -> int:
        """How many free slots the workers of a pool have together."""
        return sum(max(0, worker.free_slots()) for worker in self._workers.values() if worker.pool == pool)

    def grant_lease(
        self, worker: Worker, ref: Subject, budget: float, now: float, *, sweep: bool = False, names: int = 0
    ) -> Lease:
        """Lease something to a worker: with an attempt id of its own, and a deadline `budget` + `GRACE` seconds from now."""
        self._seq += 1
        attempt = f"{self._boot}.{self._seq}"
        made = Lease(attempt=attempt, seq=self._seq, worker=worker.name, deadline=now + budget + GRACE, ref=ref, names=names)
        worker.names_under_way += names
        self._leases[attempt] = made
        worker.leases.add(attempt)
        (worker.sweeps_under_way if sweep else worker.tasks_under_way).append(self._seq)
        worker.last_seq = self._seq
        heapq.heappush(self._deadlines, (made.deadline, attempt))
        return made

    def undo_lease(self, attempt: str) -> Lease | None:
        """Undo a lease that the worker's socket did not take, and send the worker nothing more until its next credit."""
        lease = self.finish_lease(attempt)
        worker = self._workers.get(lease.worker) if lease is not None else None
        if lease is not None and worker is not None:
            self._note_arrived(lease)
            worker.free = worker.sweeps = 0
        return lease

    def finish_lease(self, attempt: str, credit: Credit | None = None) -> Lease | None:
        """End a lease by its answer; None for an attempt that is unknown, over, or from before a restart.

        `credit`, which came with the answer, has to be of the very start of the worker that holds the lease: attempt ids can
        be guessed.
        """
        lease = self._leases.get(attempt)
        if lease is None or not (credit is None or self._holds_lease(lease, credit)):
            return None
        self._forget_lease(lease)
        if credit is not None:
            self._workers[lease.worker].proven = True
        return lease

    def lease_subject(self, attempt: str, credit: Credit | None = None) -> Subject | None:
        """What a lease is for; None for an attempt that is over, or is not held by the worker that sent this credit."""
        lease = self._leases.get(attempt)
        return lease.ref if lease is not None and (credit is None or self._holds_lease(lease, credit)) else None

    def _holds_lease(self, lease: Lease, credit: Credit) -> bool:
        worker = self._workers.get(lease.worker)
        return worker is not None and (worker.name, worker.boot) == (credit.worker, credit.boot)

    def _note_offer(self, credit: Credit, now: float) -> None:
        """Remember what a pool offers from an egress, in place of the pair that was not heard for longest."""
        key = (credit.pool, credit.egress)
        self._recent_offers.pop(key, None)
        if len(self._recent_offers) >= MOST_RECENT_OFFERS:
            del self._recent_offers[next(iter(self._recent_offers))]
        self._recent_offers[key] = (now, credit.methods)

    def take_expired(self, now: float) -> list[Lease]:
        """Take out the leases whose deadline is over."""
        out = []
        while self._deadlines and self._deadlines[0][0] <= now:
            _, attempt = heapq.heappop(self._deadlines)
            lease = self._leases.get(attempt)
            if lease is not None:
                self._forget_lease(lease)
                self._note_arrived(lease)
                out.append(lease)
        return out

    def next_deadline(self) -> float | None:
        """The earliest deadline, in epoch seconds, or that of a lease that was answered meanwhile; None without any."""
        return self._deadlines[0][0] if self._deadlines else None

    def lease_count(self) -> int:
        """How many leases are neither answered nor lost."""
        return len(self._leases)

    def snapshot(self, now: float) -> list[dict[str, object]]:
        """One map for each worker, with the keys that the status shows.

        `host` is what it calls its instance, `since` the time of its first credit message in epoch seconds, `age` the seconds
        since its last one.
        """
        return [
            {
                "worker": worker.name,
                "host": name_without_key(worker.name).rpartition("@")[2],
                "pool": worker.pool,
                "egress": worker.egress,
                "boot": worker.boot,
                "slots": worker.slots,
                "free": worker.free,
                "leased": len(worker.leases),
                "since": worker.since,
                "age": round(now - worker.heard, 2),
                "methods": list(worker.methods),
            }
            for worker in self._workers.values()
        ]

    def _note_arrived(self, lease: Lease) -> None:
        """Count a lease as no longer under way: a message that was lost must not take a slot for ever."""
        worker = self._workers.get(lease.worker)
        for sent in (worker.tasks_under_way, worker.sweeps_under_way) if worker is not None else ():
            if lease.seq in sent:
                sent.remove(lease.seq)

    def _drop_worker(self, worker: Worker) -> list[Lease]:
        del self._workers[worker.name]
        self._offered.clear()
        lost = [self._leases[attempt] for attempt in sorted(worker.leases) if attempt in self._leases]
        for lease in lost:
            self._leases.pop(lease.attempt, None)
        return lost

    def _forget_lease(self, lease: Lease) -> None:
        self.capacity_changes += 1
        self._leases.pop(lease.attempt, None)
        worker = self._workers.get(lease.worker)
        if worker is not None:
            worker.leases.discard(lease.attempt)
            worker.names_under_way -= lease.names
            worker.exclusive = worker.exclusive and bool(worker.leases)
