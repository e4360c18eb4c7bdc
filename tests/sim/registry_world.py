"""A world of any registries: suffixes by their models, one truth a name, channels that are dead for a while or for good, lies.

Time in which nothing is due is skipped: a core without work is not asked once a second, and workers announce themselves when
something happens. A day of waiting costs a second.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf

from msgspec import structs

from common.core.coordinator.coordinator import Coordinator
from common.core.coordinator.inputs import MessageArrived, Tick
from common.core.model.effects import Effect, Publish, PublishMany
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.registries.directory import Directory, host_of
from common.messages import Delivery, Sweep, Task
from tests.sim.dead_channels import Dead, answer_of
from tests.sim.lives import Life
from tests.sim.suffix_models import ModelDirectory, SuffixModel
from tests.sim.truth import reading_of
from tests.sim.worker import SimWorker
from tests.sim.world import START, World

#: Seconds that are skipped at most while a query waits for its token.
WAITING = 10.0
#: Fewest seconds after which the core asks to be woken: what happens before needs no look at when that is.
SHORTEST = 0.02
#: Seconds between two signs of life of a worker.
BEAT = 2.0
#: Events between two looks whether every name is in exactly one place.
CHECK_EVERY = 50


@dataclass(frozen=True, slots=True)
class Lie:
    """A server that says "not found" between two times: about one name, or about everything, its canaries included (None)."""

    method: str
    suffix: str
    domain: str | None
    since: float
    until: float

    def about(self, method: str, domain: str, moment: float) -> bool:
        """Whether this answer is a lie."""
        concerned = self.domain == domain if self.domain is not None else domain.endswith(f".{self.suffix}")
        return concerned and method == self.method and self.since <= moment < self.until


class RegistryWorld(World):
    """See the module. `dead` may change while it runs; `limits` as in `World`; with `real` the product's own hosts are asked.

    Every suffix has the canary `known.<suffix>`, which is registered and in the zone. `skip`: seconds that are skipped at most.
    """

    skip = 60.0

    def __init__(
        self,
        models: Iterable[SuffixModel],
        seed: int = 1,
        *,
        dead: Mapping[str, Iterable[Dead]] | None = None,
        real: bool = False,
        limits: Mapping[str, Limit] | None = None,
        interval: float = 600.0,
        priority: float = 60.0,
        sweeps: int = 4,
        start: float = START,
    ) -> None:
        self.models = {model.suffix: model for model in models}
        self.dead: dict[str, list[Dead]] = {suffix: list(channels) for suffix, channels in (dead or {}).items()}
        self.lies: list[Lie] = []
        self.denied: dict[str, float] = {}  # when a registry server first said that there is no such name
        self._real = real
        self._silent: dict[str, Dead] = {}  # attempts that are never answered
        self._beaten, self._seen = -inf, 0
        super().__init__(seed, interval=interval, priority=priority, sweeps=sweeps, limits=limits, start=start)

    # -- actions of a test -----------------------------------------------------------------------------------------------

    def live(self, domain: str, life: Life, *, priority: bool = False) -> None:
        """Watch a name with this truth."""
        self.names[domain] = life
        self.watch(domain, priority=priority)

    def sleep(self, until: float) -> None:
        """The service is off until then, and begins anew from its store."""
        self.now = max(self.now, until)
        self._queue.clear()
        for worker in list(self.workers.values()):
            self.start_worker(worker.pool)
        self.restart()

    def notices_of(self, domain: str) -> list[tuple[float, str]]:
        """(time of the event, status) of every notice about a name, repetitions of one notice left out."""
        bodies = {identity: json.loads(body) for _, identity, body in self.posted}
        return [(body["timestamp"], body["status"]) for body in bodies.values() if body["domain"] == domain]

    def run_until(self, done: Callable[[], bool], end: float, step: float) -> None:
        """Let time pass until something is so, looked at every `step` seconds, and no longer than to `end`."""
        while self.now < end and not done():
            self.run(min(step, end - self.now))

    def run(self, seconds: float) -> None:
        """Let virtual time pass, skipping stretches without work."""
        end = self.now + seconds
        self._tick()
        while True:
            soon = self._queue[0][0] if self._queue else inf
            wake = self._wake() if soon > self.now + SHORTEST else soon
            if soon <= min(wake, end):
                at, _, action = heapq.heappop(self._queue)
                self.now = max(self.now, at)
                self._sign_of_life()
                action()
            elif wake <= end:
                self.now = max(self.now, wake)
                self._tick()
            else:
                self.now = end
                return

    # -- the machinery ---------------------------------------------------------------------------------------------------

    def suffix_of(self, name: str) -> str | None:
        """The longest suffix of ours that the name ends with."""
        parts = name.split(".")
        return next((tail for tail in (".".join(parts[at:]) for at in range(1, len(parts))) if tail in self.models), None)

    def check(self) -> None:
        """As in every world, now and then."""
        self._seen += 1
        if not self._seen % CHECK_EVERY:
            super().check()

    def _registries(self) -> tuple[Directory, dict[str, tuple[str, ...]]]:
        self.names.update((f"known.{suffix}", Life()) for suffix in self.models)
        directory = ModelDirectory(self.models.values(), real=self._real)
        return directory, {suffix: (f"known.{suffix}",) for suffix in self.models}

    def _tick(self) -> None:
        self._sign_of_life()
        self.event(Tick())

    def _wake(self) -> float:
        """When the core has to be asked again: what it says, but no second without work."""
        soon = self.core.next_wake(self.now)
        if soon < self.now + 1.0 - 1e-6:
            return soon
        rooms = self.core.rooms
        waiting = (
            rooms.rate_limits.queue.next_at(rooms.rate_limits.budgets, rooms.workers, self.now)
            if len(rooms.rate_limits.queue)
            else None
        )
        longest = self.now + (min(self.skip, WAITING) if len(rooms.rate_limits.queue) else self.skip)
        return max(min(soon, waiting or soon), min(longest, waiting or longest, _next_work(self.core)))

    def _beat(self, worker: SimWorker) -> None:
        if worker.alive:
            self.event(MessageArrived(worker.credit()))

    def _sign_of_life(self) -> None:
        if self.now - self._beaten >= BEAT:
            self._beaten = self.now
            for worker in list(self.workers.values()):
                self._beat(worker)

    def _tell(self, command: Effect) -> None:
        if not isinstance(command, Publish | PublishMany):  # the feed has no reader here
            super()._tell(command)

    def _takes(self, item: Task | Sweep | Delivery) -> float:
        if isinstance(item, Delivery):
            return super()._takes(item)
        method, suffix = (item.method, item.suffix) if isinstance(item, Task) else ("dns", item.suffix)
        dead = self._dead(method, suffix)
        if dead is None or dead.seconds is None:
            return super()._takes(item)
        self._silent[item.attempt] = dead
        return dead.seconds

    def _dead(self, method: str, suffix: str) -> Dead | None:
        return next((dead for dead in self.dead.get(suffix, ()) if dead.method == method and dead.at(self.now)), None)

    def _observe(self, task: Task) -> Observation:
        server = host_of(task.server) if task.server else {"http": "web"}.get(task.method, task.suffix)
        dead = self._silent.pop(task.attempt, None) or self._dead(task.method, task.suffix)
        if dead is not None:
            return structs.replace(answer_of(dead, task.domain, server), duration_ms=(dead.seconds or 0.0) * 1000)
        told = self.lie(task.method, task.domain, self.now)
        seen = told or Observation(task.method, self._reading(task.method, task.domain), server=server)
        if seen.reading.outcome is Outcome.UNREGISTERED and task.method in ("rdap", "whois"):
            self.denied.setdefault(task.domain, self.now)
        return seen

    def _reading(self, method: str, domain: str) -> Reading:
        life = self.names.get(domain)
        if method == "http" or any(lie.about(method, domain, self.now) for lie in self.lies):
            return reading_of(method, None, 0.0, reserved=False)
        if not isinstance(life, Life):
            suffix = self.suffix_of(domain) or ""
            life = Life([(0.0, None)], wildcard=self.models[suffix].wildcard if suffix in self.models else False)
        return life.reading(method, self.now)


def _next_work(core: Coordinator) -> float:
    """When something is due, in epoch seconds."""
    rooms = core.rooms
    times = (
        rooms.domains.table.schedule.next_at(),
        rooms.workers.next_deadline(),
        rooms.sweep_queues.wake,
        rooms.deliveries.next_at(),
    )
    return min((at for at in times if at is not None), default=inf)
