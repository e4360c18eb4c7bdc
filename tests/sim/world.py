"""Drives `Coordinator.handle` on a virtual clock: registries with a truth, workers that answer or die, a store that commits.

Everything is decided by one seeded rng, so a seed repeats a run exactly.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec
import numpy as np

from common.codec import convert, decode_downward, decode_map, decode_upward, encode
from common.core.coordinator.coordinator import Coordinator
from common.core.coordinator.inputs import (
    Committed,
    DeliveryFetched,
    DetailsFetched,
    Input,
    ListChunkRead,
    ListEnd,
    ListRead,
    MessageArrived,
    Restored,
    Tick,
    WorkerLeft,
)
from common.core.coordinator.wiring import Policy
from common.core.domains.domain_table import Flag
from common.core.model.effects import Commit, Effect, FetchDelivery, FetchDetails, Publish, PublishMany, Send, TakeList
from common.core.model.entry import Entry
from common.core.model.evidence import Observation
from common.core.model.limit import Limit
from common.core.model.records import Changes, Detail
from common.core.model.stored_state import StoredState
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNUSUAL
from common.core.registries.directory import Directory
from common.core.schedule.cadence import Cadence
from common.core.watchlist.domain_list import ListBuilder, ParsedList
from common.core.watchlist.list_diff import ListChunk, summarise_small_list
from common.messages import (
    ByeAck,
    Deliveries,
    Delivery,
    DeliveryResult,
    DeliveryResults,
    Result,
    Results,
    Sweep,
    SweepDetails,
    SweepResult,
    Task,
    Tasks,
)
from common.messages import Command as Order
from common.worker_sweeps import split_answer
from tests.sim.stored import Stored
from tests.sim.truth import Name, reading_of
from tests.sim.worker import POOLS, SimWorker

START = 1_790_000_000.0
_PLAIN = {"dns_auth_referral": DELEGATED, "dns_auth_nxdomain": NXDOMAIN, "dns_timeout": OPEN}


class World:
    """See the module. `lie(method, domain, now)` may replace an honest observation, `tamper(swept)` the answer to a sweep.

    `arrives(message)` says whether a message of such an answer gets through. `limits`: the budgets, as `BUDGETS_FILE` would set
    them; None lets every server be asked a thousand times a second, {} leaves the built-in ones.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        interval: float = 600.0,
        priority: float = 60.0,
        callbacks: bool = True,
        results: str = "none",
        sweeps: int = 4,
        limits: Mapping[str, Limit] | None = None,
        start: float = START,
    ) -> None:
        """`limits` override the budgets: None stands for plenty, `{}` for the built-in figures; `start` is in epoch seconds.

        `results` says which check results are posted: all, changes or none.
        """
        self.rng = Random(seed)
        self.now = start
        self.names: dict[str, Name] = {}
        self.lie: Callable[[str, str, float], Observation | None] = lambda *_: None
        self.endpoint: Callable[[float], int] = lambda _: 200
        self.loss = 0.0
        self.posted: list[tuple[float, str, bytes]] = []
        self.asked: list[tuple[float, str, str]] = []
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.stored = Stored()
        self._starts = 1  # of the coordinator
        self.swept: list[tuple[float, str, int]] = []
        self.sweeps_sent: list[Sweep] = []
        self.tasks_sent: list[Task] = []
        self.tamper: Callable[[SweepResult], SweepResult] = lambda swept: swept
        self.arrives: Callable[[SweepDetails | SweepResult], bool] = lambda _: True
        self._sweeps = sweeps
        self._listed: dict[str, bool] = {}
        self._events = 0
        self._parts: list[ListChunk] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._boots = itertools.count(1)
        self.workers: dict[str, SimWorker] = {}
        self._directory, canaries = self._registries()
        policy = Policy(
            cadence=Cadence(interval, priority, 30.0, 2.0),
            instance="sim",
            iana_host="whois.iana.org",
            encode=encode,
            decode=lambda data: convert(decode_map(data), Detail),
            callbacks=callbacks,
            callback_results=results,
            limits={"*": Limit("*", 1000.0, 1000, None)} if limits is None else limits,
            canaries=canaries,
        )
        self.policy = self.adjust_policy(policy)
        self.core = Coordinator(self.policy, self._directory, "boot1", self.rng, self.now)
        for name in (name for names in canaries.values() for name in names):
            self.names.setdefault(name, Name())
        for pool in POOLS:
            self.start_worker(pool)

    def adjust_policy(self, policy: Policy) -> Policy:
        """The settings of the core, as a world of another kind changes them."""
        return policy

    def offered_methods(self, pool: str) -> tuple[str, ...]:
        """The methods that workers of a pool have."""
        return POOLS[pool]

    def suffix_of(self, name: str) -> str | None:
        """The suffix that a name is registered under."""
        return name.rpartition(".")[2]

    def _registries(self) -> tuple[Directory, dict[str, tuple[str, ...]]]:
        """Which servers speak for which suffix, and names known to be registered there."""
        directory = Directory(
            own={suffix: (f"https://rdap.{suffix}.test/",) for suffix in ("com", "org")},
            own_whois={suffix: f"whois.{suffix}.test" for suffix in ("com", "org", "se")},
        )
        return directory, {suffix: (f"known.{suffix}",) for suffix in ("com", "se", "org")}

    # -- actions of a test -----------------------------------------------------------------------------------------------

    def watch(self, *names: str, priority: bool = False) -> None:
        """Put names on the list (added to those already there)."""
        builder = ListBuilder(self.suffix_of)
        for name, urgent in self._listed.items():
            builder.add_entry({"domain": name, "priority": urgent})
        for name in names:
            self.names.setdefault(name, Name())
            builder.add_entry({"domain": name, "priority": priority})
        self.listed(builder.build_list())

    def unlist(self, *names: str) -> None:
        """Take names off the list."""
        builder = ListBuilder(self.suffix_of)
        for name, urgent in self._listed.items():
            if name not in names:
                builder.add_entry({"domain": name, "priority": urgent})
        self.listed(builder.build_list())

    def order(self, verb: str, target: str) -> None:
        """A changing call of the control interface."""
        self.event(MessageArrived(Order(verb, target)))

    def listed(self, parsed: ParsedList) -> None:
        """The domain list is this one from now on, unless it is held back."""
        table = self.core.rooms.domains.table
        rows = range(len(table))
        watched, urgent = (
            [int(table.has_flag(row, Flag.WATCHED)) for row in rows],
            [int(table.has_flag(row, Flag.PRIORITY)) for row in rows],
        )
        known = [(list(rows), [table.name_of(row) for row in rows], watched, urgent)]
        head, self._parts = summarise_small_list(parsed, self.suffix_of, known)
        self._listed = dict(parsed.names)
        self.event(ListRead(head, "sim"))

    def start_worker(self, pool: str) -> None:
        """A new process of a pool says hello."""
        name = f"{pool}-0@sim"
        places = self._sweeps if pool == "fast" else 0
        self.workers[name] = SimWorker(name, pool, f"b{next(self._boots)}", self.offered_methods(pool), places=places)
        self._beat(self.workers[name])

    def restart(self) -> None:
        """SIGKILL of the coordinator and a new start from what was committed: what was on its way to the store is lost."""
        self._starts += 1
        stored, meta = self.stored, self.stored.meta
        self.core = Coordinator(self.policy, self._directory, f"boot{self._starts}", self.rng, self.now)
        state = StoredState(
            names=iter(stored.names()),
            looks=iter(sorted(stored.looks.items())),
            addresses=stored.addresses,
            next_seq=max((event.seq for event in stored.events), default=0) + 1,
            trust=list(stored.trust.values()),
            deliveries=iter(stored.pending()),
            meta=meta,
            problems=[],
            next_id=max(stored.rows, default=-1) + 1,
        )
        self.event(Restored(state))
        self.watch()  # the list is read again

    def kill_worker(self, pool: str, *, noticed: bool = True) -> None:
        """SIGKILL: what it had is gone; `noticed` says whether the socket tells."""
        worker = self.workers[f"{pool}-0@sim"]
        worker.alive = False
        if noticed:
            self.after(0.003, lambda: self.event(WorkerLeft(worker.name, worker.boot)))

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        self.event(Tick())
        while True:
            wake = self.core.next_wake(self.now)
            if self._queue and self._queue[0][0] <= min(wake, end):
                at, _, action = heapq.heappop(self._queue)
                self.now = max(self.now, at)
                action()
            elif wake <= end:
                self.now = max(self.now, wake)
                self.event(Tick())
            else:
                self.now = end
                return

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._queue, (self.now + seconds, next(self._order), action))

    def notices(self, domain: str | None = None) -> list[tuple[float, str]]:
        """(time, status) of every notice that arrived at the endpoint."""
        bodies = [(at, json.loads(body)) for at, _, body in self.posted]
        return [(at, body["status"]) for at, body in bodies if domain in (None, body["domain"])]

    def watched(self) -> list[str]:
        """The names on the list."""
        return list(self._listed)

    def state(self, domain: str) -> str:
        """The state of a name."""
        return self.entry(domain).state.value

    def entry(self, domain: str) -> Entry:
        """Everything the coordinator knows about a name, as it would be loaded; nothing changes by that."""
        domains = self.core.rooms.domains
        name_id = domains.table.find_id(domain)
        if name_id in domains.working_set.loaded:
            return domains.working_set.loaded[name_id]
        stored = self.stored.details((name_id,))
        return domains.working_set.build_entry(name_id, convert(decode_map(stored[name_id]), Detail) if stored else Detail())

    # -- the machinery ---------------------------------------------------------------------------------------------------

    def event(self, event: Input) -> None:
        """Give the core an event and perform what it says."""
        for command in self.core.handle(event, self.now):
            self._perform(command)
        self._events += 1
        if not self._events % (1 + len(self.core.rooms.domains) // 100):  # a look at a long list is dear
            self.check()

    def _perform(self, command: Effect) -> None:
        match command:
            case Send(worker, boot, message):
                decoded = decode_downward(encode(message))
                if self.rng.random() >= self.loss:
                    self.after(0.001, lambda w=worker, b=boot, m=decoded: self._arrive(w, b, m))
            case Commit(changes):
                self._soon(0.005, lambda: self._commit(changes))
            case FetchDelivery(identity):
                if identity in self.stored.deliveries:
                    self.event(DeliveryFetched(self.stored.deliveries[identity]))
            case FetchDetails(ids):
                self._soon(0.002, lambda: self._fetch(ids))
            case _:
                self._tell(command)

    def _tell(self, command: Effect) -> None:
        """What is published, and the list that is taken."""
        match command:
            case Publish(topic, build):
                self.published.append((topic, build()))
            case PublishMany(_, build_many):
                self.published.extend(build_many())
            case TakeList():
                for part in self._parts:
                    self.event(ListChunkRead(part))
                self.event(ListEnd())

    def check(self) -> None:
        """Every watched name is in exactly one stage: due, queued for a sweep, admitted to its check, in a check."""
        loaded, table = self.core.rooms.domains.working_set.loaded, self.core.rooms.domains.table
        rows = np.arange(len(table))
        flags, times = table.flags[rows], table.schedule.times_of(rows)
        visited = np.zeros(len(rows), np.int64)
        for row, entry in loaded.items():
            visited[row] = entry.check is not None
            assert entry.check is None or entry.check.awaiting, f"{entry.name} waits for nothing"
            planned = entry.watched and entry.check is None and np.isfinite(times[row])
            assert not planned or entry.next_check == times[row], entry.name
        places = np.isfinite(times).astype(np.int64) + ((flags & Flag.QUEUED) != 0) + ((flags & Flag.ADMITTED) != 0) + visited
        lost = rows[((flags & Flag.WATCHED) != 0) & (places != 1)]
        assert not len(lost), [table.name_of(row) for row in lost[:5].tolist()]

    def _soon(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later, if the coordinator that wants it is still there."""
        start = self._starts
        self.after(seconds, lambda: action() if start == self._starts else None)

    def _commit(self, changes: Changes) -> None:
        self.stored.apply(changes)
        self.event(Committed())

    def _fetch(self, ids: tuple[int, ...]) -> None:
        self.event(DetailsFetched(ids, self.stored.details(ids)))

    def _beat(self, worker: SimWorker) -> None:
        if worker.alive:
            self.event(MessageArrived(worker.credit(), worker.key))
            self.after(2.0, lambda: self._beat(worker))

    def _arrive(self, name: str, boot: str, message: Tasks | Sweep | Deliveries | ByeAck) -> None:
        worker = self.workers.get(name.partition("#")[0])
        if worker is None or not worker.alive or worker.boot != boot or isinstance(message, ByeAck):
            return
        if isinstance(message, Sweep):
            self.sweeps_sent.append(message)
            worker.seen = max(worker.seen, message.seq)
            worker.sweeping += 1
            assert worker.sweeping <= worker.places, "more sweeps than the worker has places"
            self.after(self._takes(message), lambda: self._sweep(worker, message))
            return
        if isinstance(message, Tasks):
            self.tasks_sent.extend(message.tasks)
        for item in message.tasks if isinstance(message, Tasks) else message.deliveries:
            worker.seen = max(worker.seen, item.seq)
            worker.busy += 1
            assert worker.busy <= worker.slots, "more than the worker has slots"
            self.after(self._takes(item), lambda i=item: self._answer(worker, i))

    def _takes(self, _item: Task | Sweep | Delivery) -> float:
        """Seconds until what a worker was given is answered."""
        return self.rng.uniform(0.01, 0.2)

    def _answer(self, worker: SimWorker, item: Any) -> None:
        if not worker.alive:
            return
        worker.busy -= 1
        answer: Results | DeliveryResults
        if isinstance(item, Task):
            self.asked.append((self.now, item.method, item.domain))
            answer = Results(worker.credit(), (Result(item.attempt, self._observe(item)),))
        else:
            status = self.endpoint(self.now)
            if 200 <= status < 300:
                self.posted.append((self.now, item.event_id, item.body))
            answer = DeliveryResults(worker.credit(), (DeliveryResult(item.attempt, status),))
        if self.rng.random() >= self.loss:
            self.event(MessageArrived(decode_upward(encode(answer)), worker.key))

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        """Answer as the checker does: a byte for plain answers, the whole story for others."""
        if not worker.alive:
            return
        worker.sweeping -= 1
        names = [f"{label}.{sweep.suffix}" for label in sweep.labels.split("\n")]
        self.swept.append((self.now, sweep.suffix, len(names)))
        codes, observations = bytearray(len(names)), {}
        for place, domain in enumerate(names):
            self.asked.append((self.now, "dns", domain))
            seen = self._observe(Task(sweep.attempt, sweep.seq, "dns", domain, sweep.suffix))
            codes[place] = _PLAIN.get(seen.reading.finding, UNUSUAL)
            if codes[place] == UNUSUAL:
                observations[place] = seen
        served = bytes(255 if code == OPEN else 0 for code in codes)
        answer = SweepResult(
            worker.credit(), sweep.attempt, bytes(codes), served, sweep.suffix, 1, ("192.0.2.1:53/udp",),
            observations=observations,
        )  # fmt: skip
        for message in split_answer(self.tamper(answer)):
            if self.rng.random() >= self.loss and self.arrives(message):
                self.event(
                    MessageArrived(decode_upward(encode(msgspec.structs.replace(message, credit=answer.credit))), worker.key)
                )

    def _observe(self, task: Task) -> Observation:
        told = self.lie(task.method, task.domain, self.now)
        if told is not None:
            return told
        name = self.names.get(task.domain)
        phase = name.at(self.now) if name is not None else None
        server = {"dns": task.suffix, "http": "web"}.get(task.method) or task.server.removeprefix("https://").rstrip("/")
        created = name.created(self.now) if name is not None else 0.0
        reading = reading_of(task.method, phase, created or START - 1e8, reserved=bool(name and name.reserved))
        return Observation(task.method, reading, server=server)
