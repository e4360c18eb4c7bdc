"""Workers, their credit, and the leases of what was sent to them.

Whatever was sent and not answered counts as lost: when its time is over, when its worker disappears, falls silent or returns
with a new boot id. Credit is absolute, so a lost credit message heals with the next.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Any

from msgspec import Struct, field

from common.core.workers.second_pass import worker_distance
from common.core.workers.senders import key_of, name_without_key
from common.messages import Credit

#: Seconds without a credit message after which a worker counts as gone.
SILENT = 6.0
#: Seconds for which a pool that lost its last worker is expected back: its process is being started again.
RETURN = 15.0
#: Seconds on top of a task's own budget before its lease is over.
GRACE = 5.0
#: Most names of sweeps under way at one worker before ordinary ones wait: places bound how many zones are asked, this the work.
MOST_NAMES_UNDER_WAY = 16_384
#: Most workers known at once; a new one then takes the place of one that never did anything, or is refused.
MOST_WORKERS = 1024
#: Most of them with one key, other than the coordinator's own.
MOST_OF_KEY = 128
#: Most slots and places for sweeps that a worker of a pool is believed to have, and most places for sweeps; others have none.
MOST_SLOTS = {"fast": 10_000, "intermediate": 10_000, "deep": 10_000, "notifier": 1000}
MOST_SWEEPS = 64
#: Most (pool, egress) pairs of lately heard workers that are remembered.
MOST_RECENT_OFFERS = 256


class Worker(Struct):
    """One start of one worker process, as its credit describes it."""

    name: str
    boot: str
    pool: str
    egress: str
    methods: tuple[str, ...]
    slots: int
    free: int
    heard: float
    restarts: int = 0
    draining: bool = False
    exclusive: bool = False  # runs one suspicious task and nothing beside it
    tasks_under_way: deque[int] = field(default_factory=deque)  # sequences sent and not yet seen by the worker
    sweeps: int = 0  # free places for sweeps, as last reported
    sweeps_under_way: deque[int] = field(default_factory=deque)  # sequences of sweeps sent and not yet seen by the worker
    most_sweeps: int = 0  # places for sweeps, as far as seen
    names_under_way: int = 0  # names in its sweeps
    last_seq: int = 0
    leases: set[str] = field(default_factory=set)
    proven: bool = False  # it answered something

    def free_slots(self) -> int:
        """How many more it can take, as far as we know."""
        return 0 if self.draining or self.exclusive else self.free - len(self.tasks_under_way)

    def sweep_places(self) -> int:
        """How many more sweeps it can take."""
        return 0 if self.draining or self.exclusive else self.sweeps - len(self.sweeps_under_way)

    def ordinary_sweep_places(self) -> int:
        """How many of them names without priority may take: one is kept for the others."""
        return 0 if self.names_under_way >= MOST_NAMES_UNDER_WAY else self.sweep_places() - (self.most_sweeps > 1)


class Lease(Struct, frozen=True):
    """One thing sent to one worker: `ref` is what to do it for."""

    attempt: str
    seq: int
    worker: str
    deadline: float
    ref: Any
    names: int = 0  # of a sweep


class Workers:
    """Every worker and every lease."""

    def __init__(self, boot: str, last: int = 0) -> None:
        # Workers outlive us and report the highest sequence they saw: `last` lies above everything an earlier start sent.
        self._boot = boot
        self._seq = last
        self._workers: dict[str, Worker] = {}
        self._leases: dict[str, Lease] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._sweeps_offered = False  # whether any worker ever offered to sweep
        self._no_sweeper_since: float | None = None  # since when nobody is there who does
        self._recent_offers: dict[tuple[str, str], tuple[float, tuple[str, ...]]] = {}  # (pool, egress) -> heard at, methods
        self.capacity_changes = 0  # rises with whatever may make room: a word of credit, the end of a lease

    def admits_worker(self, credit: Credit) -> bool:
        """Whether the worker is known, or there is room for another; the oldest that never did anything makes some."""
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
        """Note a credit message of a worker that is admitted. Returns the leases that a restart of it lost."""
        self.capacity_changes += 1
        worker = self._workers.get(credit.worker)
        lost: list[Lease] = []
        if worker is not None and worker.boot != credit.boot:
            lost = self._drop_worker(worker)
            worker = None
        if worker is None:
            worker = Worker(
                credit.worker, credit.boot, credit.pool, credit.egress, credit.methods, credit.slots, credit.free, now
            )
            self._workers[credit.worker] = worker
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
        """A worker says goodbye: nothing more for it. Returns the last sequence sent to it."""
        worker = self._workers.get(name)
        if worker is None or worker.boot != boot:
            return None
        worker.draining = True
        return worker.last_seq

    def drop_left(self, name: str, boot: str) -> list[Lease]:
        """The subscription of what calls itself so ended: it is gone. Returns what it had."""
        gone = [worker for worker in self._workers.values() if worker.boot == boot and name_without_key(worker.name) == name]
        return [lease for worker in gone for lease in self._drop_worker(worker)]

    def drop_silent(self, now: float) -> list[Lease]:
        """Leases of workers that were not heard for too long. To be called all the time."""
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
        """The worker with most credit that knows the method; `avoid` (which lost the last attempt) only if there is no other.

        `alone` asks for one that has nothing else to do, `apart` for one as far as possible from this one.
        """

        def rank(worker: Worker) -> tuple[bool, int, int]:
            return worker.name != avoid, worker_distance(worker.name, apart) if apart else 0, worker.free_slots()

        best: Worker | None = None
        for worker in self._workers.values():
            if worker.pool != pool or worker.free_slots() <= 0 or (method and method not in worker.methods):
                continue
            if (egress is not None and worker.egress != egress) or (alone and worker.leases):
                continue
            if best is None or rank(worker) > rank(best):
                best = worker
        return best

    def farthest_distance(self, pool: str, method: str, other: str) -> int:
        """How far from a worker the farthest is that knows the method, free or not; see `second_looks.distance`."""
        there = (worker for worker in self._workers.values() if worker.pool == pool and not worker.draining)
        return max((worker_distance(worker.name, other) for worker in there if method in worker.methods), default=0)

    def choose_sweepers(self, *, urgent: bool = True, avoid: str = "") -> list[Worker]:
        """Of each egress the worker with most places for sweeps, where there is one with any; most places first.

        `avoid` (who lost the last attempt) comes last, and only where its egress has no other.
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
        """Whether anybody sweeps, or did a moment ago: a worker that is started again is back soon."""
        return self._sweeps_offered and (self._no_sweeper_since is None or now - self._no_sweeper_since < RETURN)

    def egresses_of(self, pool: str, *, free: bool = False) -> list[str]:
        """The egresses from which a pool asks; with `free` only those with a free slot right now."""
        there = [worker for worker in self._workers.values() if worker.pool == pool and not worker.draining]
        return sorted({worker.egress for worker in there if not free or worker.free_slots() > 0})

    def egresses_offering(self, pool: str, method: str, now: float) -> list[str]:
        """The egresses from which a pool asks with this method; where nobody is left, those of workers heard a moment ago."""
        there = {worker.egress for worker in self._workers.values() if worker.pool == pool and method in worker.methods}
        return sorted(there) or sorted(
            egress
            for (name, egress), (at, methods) in self._recent_offers.items()
            if name == pool and method in methods and now - at <= RETURN
        )

    def is_stuck(self, pool: str) -> bool:
        """Whether the workers of a pool offer no place although none of them has anything of ours to do."""
        there = [worker for worker in self._workers.values() if worker.pool == pool and not worker.draining]
        return bool(there) and all(worker.free <= 0 and not worker.leases for worker in there)

    def count_slots(self, pool: str) -> int:
        """How many things the workers of a pool can do at once, together."""
        return sum(worker.slots for worker in self._workers.values() if worker.pool == pool)

    def count_free_slots(self, pool: str) -> int:
        """How many more the workers of a pool can take together."""
        return sum(max(0, worker.free_slots()) for worker in self._workers.values() if worker.pool == pool)

    def grant_lease(self, worker: Worker, ref: Any, budget: float, now: float, *, sweep: bool = False, names: int = 0) -> Lease:
        """Lease something to a worker: gives it an attempt id and a deadline `budget` + GRACE seconds away."""
        self._seq += 1
        attempt = f"{self._boot}.{self._seq}"
        made = Lease(attempt, self._seq, worker.name, now + budget + GRACE, ref, names)
        worker.names_under_way += names
        self._leases[attempt] = made
        worker.leases.add(attempt)
        (worker.sweeps_under_way if sweep else worker.tasks_under_way).append(self._seq)
        worker.last_seq = self._seq
        heapq.heappush(self._deadlines, (made.deadline, attempt))
        return made

    def undo_lease(self, attempt: str) -> Lease | None:
        """The socket did not take it: undo, and send nothing more until the worker's next credit."""
        lease = self.finish_lease(attempt)
        worker = self._workers.get(lease.worker) if lease is not None else None
        if lease is not None and worker is not None:
            self._note_arrived(lease)
            worker.free = worker.sweeps = 0
        return lease

    def finish_lease(self, attempt: str, credit: Credit | None = None) -> Lease | None:
        """Take a lease once; None for an attempt that is unknown, over, or from before a restart.

        `credit` came with the answer: it has to be of the start of the worker that holds the lease: attempts can be guessed.
        """
        lease = self._leases.get(attempt)
        if lease is None or not (credit is None or self._holds_lease(lease, credit)):
            return None
        self._forget_lease(lease)
        if credit is not None:
            self._workers[lease.worker].proven = True
        return lease

    def lease_subject(self, attempt: str, credit: Credit | None = None) -> Any:
        """What a lease is for; None for an attempt that is over, or is not held by the worker that sent this credit."""
        lease = self._leases.get(attempt)
        return lease.ref if lease is not None and (credit is None or self._holds_lease(lease, credit)) else None

    def _holds_lease(self, lease: Lease, credit: Credit) -> bool:
        worker = self._workers.get(lease.worker)
        return worker is not None and (worker.name, worker.boot) == (credit.worker, credit.boot)

    def _note_offer(self, credit: Credit, now: float) -> None:
        """Remember what a pool offers from an egress; the longest unheard makes room."""
        key = (credit.pool, credit.egress)
        self._recent_offers.pop(key, None)
        if len(self._recent_offers) >= MOST_RECENT_OFFERS:
            del self._recent_offers[next(iter(self._recent_offers))]
        self._recent_offers[key] = (now, credit.methods)

    def take_expired(self, now: float) -> list[Lease]:
        """Leases whose time is over."""
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
        """When the next lease runs out, in epoch seconds (it may have been answered already)."""
        return self._deadlines[0][0] if self._deadlines else None

    def lease_count(self) -> int:
        """How many leases are open."""
        return len(self._leases)

    def snapshot(self, now: float) -> list[dict[str, object]]:
        """Every worker, for the status page."""
        return [
            {
                "worker": worker.name,
                "pool": worker.pool,
                "egress": worker.egress,
                "boot": worker.boot,
                "slots": worker.slots,
                "free": worker.free,
                "leased": len(worker.leases),
                "age": round(now - worker.heard, 2),
                "methods": list(worker.methods),
            }
            for worker in self._workers.values()
        ]

    def _note_arrived(self, lease: Lease) -> None:
        """It is no longer under way, wherever it is: what got lost on the way must not take a place for ever."""
        worker = self._workers.get(lease.worker)
        for sent in (worker.tasks_under_way, worker.sweeps_under_way) if worker is not None else ():
            if lease.seq in sent:
                sent.remove(lease.seq)

    def _drop_worker(self, worker: Worker) -> list[Lease]:
        del self._workers[worker.name]
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
