"""Drives `Coordinator.handle` on a virtual clock: registries with a truth, workers that answer or die, a store that commits.

Everything is decided by one seeded rng, so a seed repeats a run exactly.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from common.codec import decode_downward, decode_upward, encode
from common.core.board import Policy
from common.core.cadence import Cadence
from common.core.coordinator import Coordinator
from common.core.directory import Directory
from common.core.domain_list import ListBuilder
from common.core.events import (
    Commit,
    Committed,
    DeliveryFetched,
    Event,
    FetchDelivery,
    Heard,
    Left,
    ListLoaded,
    Publish,
    Send,
    Tick,
)
from common.core.evidence import Fields, Observation, Outcome, Phase, Reading, unknown
from common.core.limits import Limit
from common.core.records import DeliveryRow, EventRow, LedgerRow
from common.messages import (
    VERSION,
    ByeAck,
    Credit,
    Deliveries,
    DeliveryResult,
    DeliveryResults,
    Result,
    Results,
    Task,
    Tasks,
)

START = 1_790_000_000.0
POOLS = {"fast": ("dns", "http"), "intermediate": ("rdap",), "deep": ("whois",), "notifier": ()}


@dataclass
class Name:
    """The truth about one name: its phase over time; None means there is no object."""

    changes: list[tuple[float, Phase | None]] = field(default_factory=lambda: [(0.0, Phase.ACTIVE)])
    reserved: bool = False

    def created(self, moment: float) -> float:
        """When the present registration was made."""
        since = 0.0
        for index, (start, what) in enumerate(self.changes):
            if start <= moment and what is not None and index and self.changes[index - 1][1] is None:
                since = start
        return since

    def at(self, moment: float) -> Phase | None:
        """The phase at a moment."""
        phase: Phase | None = None
        for since, what in self.changes:
            if since <= moment:
                phase = what
        return phase


@dataclass
class SimWorker:
    """One start of a worker process."""

    pool: str
    boot: str
    alive: bool = True
    seen: int = 0
    busy: int = 0
    slots: int = 16


class World:
    """See the module. `lie(method, domain, now)` may replace an honest observation."""

    def __init__(self, seed: int = 1, *, interval: float = 600.0, priority: float = 60.0, callbacks: bool = True) -> None:
        self.rng = Random(seed)
        self.now = START
        self.names: dict[str, Name] = {}
        self.lie: Callable[[str, str, float], Observation | None] = lambda *_: None
        self.endpoint: Callable[[float], int] = lambda _: 200
        self.loss = 0.0
        self.posted: list[tuple[float, str, bytes]] = []
        self.asked: list[tuple[float, str, str]] = []
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.stored_events: list[EventRow] = []
        self.stored_deliveries: dict[str, DeliveryRow] = {}
        self.stored_ledger: list[LedgerRow] = []
        self.stored_meta: dict[str, str] = {}
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._boots = itertools.count(1)
        self.workers: dict[str, SimWorker] = {}
        policy = Policy(
            cadence=Cadence(interval, priority, 30.0, 2.0),
            instance="sim",
            iana_host="whois.iana.org",
            encode=encode,
            suffix_of=lambda name: name.rpartition(".")[2],
            callbacks=callbacks,
            callback_results="none",
            limits={"*": Limit("*", 1000.0, 1000, None)},
            canaries={"com": ("known.com",), "se": ("known.se",), "org": ("known.org",)},
        )
        directory = Directory(
            own={suffix: (f"https://rdap.{suffix}.test/",) for suffix in ("com", "org")},
            own_whois={suffix: f"whois.{suffix}.test" for suffix in ("com", "org", "se")},
        )
        self.core = Coordinator(policy, directory, "boot1", self.rng, self.now)
        for suffix in ("com", "se", "org"):
            self.names[f"known.{suffix}"] = Name()
        for pool in POOLS:
            self.start_worker(pool)

    # -- actions of a test -----------------------------------------------------------------------------------------------

    def watch(self, *names: str, priority: bool = False) -> None:
        """Put names on the list (added to those already there)."""
        builder = ListBuilder(self.core.board.policy.suffix_of)
        for name, entry in self.core.board.entries.items():
            builder.add({"domain": name, "priority": entry.priority})
        for name in names:
            self.names.setdefault(name, Name())
            builder.add({"domain": name, "priority": priority})
        self.event(ListLoaded(builder.finish(), "sim"))

    def start_worker(self, pool: str) -> None:
        """A new process of a pool says hello."""
        worker = SimWorker(pool, f"b{next(self._boots)}")
        self.workers[f"{pool}-0@sim"] = worker
        self._beat(f"{pool}-0@sim", worker)

    def kill_worker(self, pool: str, *, noticed: bool = True) -> None:
        """SIGKILL: what it had is gone; `noticed` says whether the socket tells."""
        name = f"{pool}-0@sim"
        worker = self.workers[name]
        worker.alive = False
        if noticed:
            self.after(0.003, lambda: self.event(Left(name, worker.boot)))

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

    def state(self, domain: str) -> str:
        """The state of a name."""
        return self.core.board.entries[domain].state.value

    # -- the machinery ---------------------------------------------------------------------------------------------------

    def event(self, event: Event) -> None:
        """Give the core an event and perform what it says."""
        for command in self.core.handle(event, self.now):
            match command:
                case Send(worker, boot, message):
                    decoded = decode_downward(encode(message))
                    if self.rng.random() >= self.loss:
                        self.after(0.001, lambda w=worker, b=boot, m=decoded: self._arrive(w, b, m))
                case Commit(changes):
                    self.after(0.005, lambda c=changes: self._commit(c))
                case Publish(topic, build):
                    self.published.append((topic, build()))
                case FetchDelivery(identity):
                    if identity in self.stored_deliveries:
                        self.event(DeliveryFetched(self.stored_deliveries[identity]))
        self.check()

    def check(self) -> None:
        """Every watched name is in exactly one of: due, in a round."""
        for entry in self.core.board.entries.values():
            if entry.watched:
                assert (entry.round is not None) != (entry.next_check != float("inf")), entry.name
                assert entry.round is None or entry.round.out, f"{entry.name} waits for nothing"

    def _commit(self, changes: Any) -> None:
        self.stored_events.extend(changes.events)
        self.stored_ledger.extend(changes.ledger)
        self.stored_meta.update(changes.meta)
        for row in changes.deliveries:
            self.stored_deliveries[row.id] = row
        self.event(Committed())

    def _beat(self, name: str, worker: SimWorker) -> None:
        if worker.alive:
            self.event(Heard(self._credit(name, worker)))
            self.after(2.0, lambda: self._beat(name, worker))

    def _credit(self, name: str, worker: SimWorker) -> Credit:
        free = worker.slots - worker.busy
        return Credit(VERSION, name, worker.boot, worker.pool, "default", POOLS[worker.pool], worker.slots, free, worker.seen)

    def _arrive(self, name: str, boot: str, message: Tasks | Deliveries | ByeAck) -> None:
        worker = self.workers.get(name)
        if worker is None or not worker.alive or worker.boot != boot or isinstance(message, ByeAck):
            return
        for item in message.tasks if isinstance(message, Tasks) else message.deliveries:
            worker.seen = max(worker.seen, item.seq)
            worker.busy += 1
            assert worker.busy <= worker.slots, "more than the worker has slots"
            self.after(self.rng.uniform(0.01, 0.2), lambda i=item: self._answer(name, worker, i))

    def _answer(self, name: str, worker: SimWorker, item: Any) -> None:
        if not worker.alive:
            return
        worker.busy -= 1
        answer: Results | DeliveryResults
        if isinstance(item, Task):
            self.asked.append((self.now, item.method, item.domain))
            answer = Results(self._credit(name, worker), (Result(item.attempt, self._observe(item)),))
        else:
            status = self.endpoint(self.now)
            if 200 <= status < 300:
                self.posted.append((self.now, item.event_id, item.body))
            answer = DeliveryResults(self._credit(name, worker), (DeliveryResult(item.attempt, status),))
        if self.rng.random() >= self.loss:
            self.event(Heard(decode_upward(encode(answer))))

    def _observe(self, task: Task) -> Observation:
        told = self.lie(task.method, task.domain, self.now)
        if told is not None:
            return told
        name = self.names.get(task.domain)
        phase = name.at(self.now) if name is not None else None
        server = {"dns": task.suffix, "http": "web"}.get(task.method) or task.server.removeprefix("https://").rstrip("/")
        created = name.created(self.now) if name is not None else 0.0
        reading = _reading(task.method, phase, created or START - 1e8, reserved=bool(name and name.reserved))
        return Observation(task.method, reading, server=server)


def _reading(method: str, phase: Phase | None, created: float, *, reserved: bool) -> Reading:
    """What an honest server says about a name in this phase."""
    gone = phase in (None, Phase.REDEMPTION, Phase.PENDING_DELETE, Phase.UNDELEGATED)
    if method == "dns":
        if gone:
            return Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "NXDOMAIN")
        return Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")
    if method == "http":
        return unknown("http_silent", "no answer")
    if phase is None and reserved and method == "whois":
        return Reading(Outcome.RESERVED, "whois_reserved", "reserved by the registry")
    if phase is None:
        return Reading(Outcome.UNREGISTERED, {"rdap": "rdap_404_json", "whois": "whois_free"}[method], "not found")
    at = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = Fields(created_at=at, registrar="Example Registrar", statuses=(phase.value,))
    return Reading(Outcome.REGISTERED, {"rdap": "rdap_200_match", "whois": "whois_registered"}[method], "found", phase, fields)
