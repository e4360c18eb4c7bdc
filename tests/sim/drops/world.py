"""The product in this simulation: the real core, its names swept and checked at the simulated registries.

What makes a month cheap: stretches without work are skipped, the answers of one message come together, and names that wait for
a sweep are gathered for half an hour. Names in their drop window keep their times to ten seconds, names whose alarm waits for
its next pass exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil, inf
from typing import cast

import numpy as np

from common.core.coordinator.inputs import Committed, DetailsFetched, Input, MessageArrived, Tick
from common.core.coordinator.wiring import Policy
from common.core.domains.domain_table import Flag
from common.core.model.effects import Commit, Effect, FetchDetails, Publish, PublishMany, Send
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.ids import Times
from common.core.model.limit import Limit
from common.core.model.records import Changes, EventRow
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN
from common.core.schedule.cadence import are_imminent
from common.messages import Result, Results, Sweep, SweepResult, Task, Tasks
from tests.sim.drops.families import BEGIN, DAY, FAMILIES
from tests.sim.drops.lists import RENEWED, Listed, make_parts, read_list
from tests.sim.drops.registry import BURST, RATE, Registry
from tests.sim.drops.stories import Story
from tests.sim.registry_world import BEAT, RegistryWorld
from tests.sim.suffix_models import SuffixModel
from tests.sim.worker import SimWorker

#: Part of an operator's quota that WHOIS has where there is RDAP too.
WHOIS_PART = 0.25
#: Seconds to which names are gathered: those that are swept, those that are checked one by one, and those in drop windows.
GATHERED, SINGLES, WINDOWS = 1800.0, 60.0, 10.0
_SILENT_WEB = unknown_reading("http_silent", "no answer")


class DropWorld(RegistryWorld):
    """See the module. `told` are the events that were recorded, `dns_asked` counts DNS questions.

    `report` is told the time and how many inputs the core took, at every tick.
    """

    skip = 60.0

    def __init__(self, registries: Mapping[str, Registry], seed: int) -> None:
        """One operator for each suffix; the quotas are those of the registries."""
        self.registries = registries
        self.stories: dict[str, Story] = {}
        for registry in registries.values():
            self.stories.update(registry.stories)
        self.told: list[EventRow] = []
        self.dns_asked, self._published = 0, BEGIN + RENEWED
        self.report: Callable[[float, int], None] = lambda _now, _events: None
        self._known: dict[int, bytes] = {}
        whois = {family.suffix for family in FAMILIES if family.whois}
        models = [SuffixModel(suffix, rdap=True, whois=suffix in whois) for suffix in registries]
        super().__init__(models, seed, limits=_limits(registries, whois), interval=3600.0, priority=300.0, start=BEGIN)

    def adjust_policy(self, policy: Policy) -> Policy:
        """Without callbacks: what is recorded counts as told."""
        return replace(policy, callbacks=False, callback_results="none")

    def start_worker(self, pool: str) -> None:
        """A worker with places enough: this is about budgets."""
        super().start_worker(pool)
        worker = self.workers[f"{pool}-0@sim"]
        worker.slots = 512
        self._beat(worker)

    def watch_all(self) -> None:
        """Put every name on the list."""
        self.watch(*self.stories)

    def take_list(self, suffix: str, listed: tuple[Listed, ...]) -> None:
        """What a registry publishes, once a day: the product gets it as its reader of publications sends it."""
        for part in make_parts(suffix, listed, self.now):
            self.event(MessageArrived(part))

    def check(self) -> None:
        """Other worlds look at this; here it would cost more than all the rest."""

    def event(self, event: Input) -> None:
        """Give the core an event and perform what it says."""
        self._events += 1
        for effect in self.core.handle(event, self.now):
            self._perform(effect)

    def _perform(self, command: Effect) -> None:
        if isinstance(command, Commit):
            self._commit(command.changes)
        elif isinstance(command, FetchDetails):
            self._soon(0.0, lambda: self._fetch(command.ids))
        elif isinstance(command, Send):
            self._arrive(command.worker, command.boot, command.message)
        elif not isinstance(command, Publish | PublishMany):
            super()._perform(command)

    def _publish(self) -> None:
        """Hand over the lists of a new day."""
        self._published = self.now + DAY - (self.now - RENEWED) % DAY
        for suffix, registry in self.registries.items():
            if (listed := read_list(registry, self.now)) is not None:
                self.take_list(suffix, listed)

    # -- time ------------------------------------------------------------------------------------------------------------

    def _wake(self) -> float:
        """When the core has to be asked again: what it says of queries, and of names by how exact their times have to be."""
        rooms, now = self.core.rooms, self.now
        queue = rooms.rate_limits.queue
        times = [
            now + self.skip,
            queue.next_at(rooms.rate_limits.budgets, rooms.workers, now) if len(queue) else None,
            rooms.sweep_queues.wake,
            rooms.starts.next_at(now, 10.0),
            self._next_due(),
        ]
        return max(now + 0.02, min(at for at in times if at is not None))

    def _next_due(self) -> float:
        """When names are due, gathered to the grid that is fine enough for each."""
        table = self.core.rooms.domains.table
        size = len(table)
        if not size:
            return inf
        ids = np.arange(size)
        due, flags = table.schedule.times_of(ids), table.flags[:size]
        near = are_imminent(cast("Times", table.earliest[:size]), cast("Times", table.latest[:size]), self.now)
        single = (flags & (Flag.SINGLE | Flag.LOADED)) != 0
        found = min((float(due[row]) for row in self._confirming()), default=inf)
        for chosen, grid in ((near, WINDOWS), (single & ~near, SINGLES), (~(single | near), GATHERED)):
            first = float(due[chosen].min(initial=inf))
            if first < inf:
                found = min(found, ceil(first / grid) * grid)
        return found

    def _confirming(self) -> list[int]:
        """The names that wait for the next pass of an alarm."""
        return [number for number, entry in self.core.rooms.domains.working_set.loaded.items() if entry.detail.passes]

    def _sign_of_life(self) -> None:
        if self.now - self._beaten >= BEAT:
            self._beaten = self.now
            for worker in self.workers.values():
                self._beat(worker)

    def _tick(self) -> None:
        if self.now >= self._published:
            self._publish()
        self._sign_of_life()
        self.report(self.now, self._events)
        self.event(Tick())

    # -- workers and the store -------------------------------------------------------------------------------------------

    def _arrive(self, name: str, boot: str, message: object) -> None:
        worker = self.workers.get(name)
        if worker is None or worker.boot != boot:
            return
        if isinstance(message, Sweep):
            worker.seen = max(worker.seen, message.seq)
            worker.sweeping += 1
            self.after(self.rng.uniform(0.05, 0.5), lambda: self._sweep(worker, message))
        elif isinstance(message, Tasks):
            worker.seen = max(worker.seen, *(task.seq for task in message.tasks))
            worker.busy += len(message.tasks)
            self.after(self.rng.uniform(0.02, 0.2), lambda: self._answer_all(worker, message.tasks))

    def _answer_all(self, worker: SimWorker, tasks: tuple[Task, ...]) -> None:
        worker.busy -= len(tasks)
        results = tuple(Result(task.attempt, self._observe(task)) for task in tasks)
        self.event(MessageArrived(Results(worker.credit(), results)))

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        worker.sweeping -= 1
        self.dns_asked += sweep.count
        codes = bytes(
            DELEGATED if self.stories[f"{label}.{sweep.suffix}"].is_delegated(self.now) else NXDOMAIN
            for label in sweep.labels.split("\n")
        )
        answer = SweepResult(
            worker.credit(), sweep.attempt, codes, bytes(sweep.count), sweep.suffix, 4, ("192.0.2.1:53/udp",)
        )  # fmt: skip
        self.event(MessageArrived(answer))

    def _observe(self, task: Task) -> Observation:
        if task.method in ("rdap", "whois"):
            return self.registries[task.suffix].answer(task.method, task.domain, self.now)
        if task.method == "http":
            return Observation("http", _SILENT_WEB, server="web")
        self.dns_asked += 1
        story = self.stories.get(task.domain)
        reading = story.reading("dns", self.now) if story is not None else _canary_in_zone(task.domain)
        return Observation("dns", reading, server=task.suffix, width=4)

    def _commit(self, changes: Changes) -> None:
        for row in changes.domains:
            self._known[row.id] = row.detail
        self.told.extend(changes.events)
        self._soon(0.0, lambda: self.event(Committed()))

    def _fetch(self, ids: tuple[int, ...]) -> None:
        self.event(DetailsFetched(ids, {number: self._known[number] for number in ids if number in self._known}))

    def verdicts(self) -> list[tuple[str, float, str]]:
        """(name, time, status) of everything that was told, in its order."""
        return [(row.domain, row.occurred_at, json.loads(row.body)["status"]) for row in self.told]


def _canary_in_zone(domain: str) -> Reading:
    if domain.startswith("known."):
        return Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")
    return Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "NXDOMAIN")


def _limits(registries: Mapping[str, Registry], whois: set[str]) -> dict[str, Limit]:
    """Budgets as `BUDGETS_FILE` sets them: the quota of each registry over its channels, DNS as much as is needed."""
    limits = {"dns/*": Limit("dns/*", 20.0, 500)}
    for suffix, registry in registries.items():
        text = round(registry.per_day * WHOIS_PART) if suffix in whois else 0
        limits[f"rdap.{suffix}.test"] = Limit("rdap", RATE, BURST, registry.per_day - text)
        limits[f"whois.{suffix}.test"] = Limit("whois", RATE, BURST, text)
    return limits
