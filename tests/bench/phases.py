"""The phases of one round: a new list, a changed list, a restart with every name due, a kill in the middle, callbacks.

Each writes figures by key, see `tests.bench.figures`: times in seconds, memory in bytes a name, CPU in microseconds a name.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench import due, numbers, profiles
from tests.bench.internet import World
from tests.bench.load import Load
from tests.bench.service import LateError, Service, kill

#: Seconds between two checks of a priority name, its share of jitter, and how many of them are followed on the feed.
PRIORITY_EVERY, JITTER, FOLLOWED = 5, 0.2, 20
#: Share of the delegated names that have to be known as registered when a first sweep has settled.
SETTLED = 0.98
#: Seconds of rest before memory is weighed, and that the interface is asked at least.
REST, LEAST_LOAD = 5.0, 8.0
#: Seconds in which the service has to be healthy, and to go on after a kill.
START, RECOVERY = 300.0, 120.0
#: Seconds beyond those of a sweep until everything is packed.
PACKING = 180.0
#: Seconds between two lines about a sweep that is under way.
TELL_EVERY = 15.0
#: The clock of the name server, and processes with figures of their own.
SERVER = "name server"
KINDS = ("coordinator", "fast", "control")
#: States that say a name is free, which none is here.
FREE = ("AVAILABLE", "AVAILABLE_PREMIUM")


@dataclass
class Case:
    """One round at one size. `clocks` are CPU clocks of processes beside the service; `patience` is for one sweep."""

    world: World
    settings: dict[str, str]
    clocks: Mapping[str, Callable[[], float]]
    directory: Path
    patience: float
    choose_list: Callable[[str], Any]  # which list the API serves, a coroutine function
    interval: int = 3600
    quick: bool = False
    profile: int = 0  # seconds that coordinator and checker are watched in the second sweep
    figures: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    kept: dict[str, object] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Watched names."""
        return len(self.world.names)

    def environment(self, **more: object) -> dict[str, str]:
        """Settings for one start."""
        own = {"PRIORITY_CHECK_INTERVAL": PRIORITY_EVERY, "CHECK_INTERVAL": self.interval}
        return {**self.settings, **{name: str(value) for name, value in {**own, **more}.items()}}

    def start(self, **more: object) -> Any:
        """The service with this case's state."""
        return Service.run(self.environment(**more), self.directory, self.clocks)


async def sweep(case: Case, service: Service, prefix: str) -> tuple[float, float]:
    """Wait until every name was asked about; note what it took under `prefix`. When it began and ended."""
    told = asyncio.get_running_loop().time()

    def done() -> bool:
        nonlocal told
        if asyncio.get_running_loop().time() - told >= TELL_EVERY:
            told += TELL_EVERY
            print(f"  {service.checks():,.0f} of {case.count:,} asked", file=sys.stderr, flush=True)
        waiting = service.status.get("queue", {}).get("due", math.inf)
        return service.checks() >= case.count and waiting <= len(case.world.priority)

    confirmed = await service.until("every name checked", done, case.patience)
    # A status comes every two seconds; the name server, which has nothing else to do, tells more exactly when it was asked.
    trace = [(at, used[SERVER]) for at, used in service.sampler.trace]
    begin, end = numbers.busy_part(trace, service.started, confirmed)
    used = service.sampler.between(begin, confirmed)
    whole = sum(seconds for kind, seconds in used.items() if kind not in case.clocks)
    split = {kind: used.get(kind, 0.0) for kind in (*KINDS, *case.clocks)}
    split["others"] = whole - sum(split[kind] for kind in KINDS)
    case.figures[f"{prefix}.wall"] = end - begin
    case.figures[f"{prefix}.cpu"] = 1e6 * whole / case.count
    case.figures.update({f"{prefix}.cpu.{kind}": 1e6 * seconds / case.count for kind, seconds in split.items()})
    return begin, end


async def first(case: Case) -> None:
    """An empty store and a list of unknown names; then rest, memory, and the list with some names changed."""
    async with case.start() as service:
        await service.healthy(START)
        await service.until("the list taken", lambda: _loaded(service) > 0, case.patience)
        taken = _loop_time(_loaded(service))
        _, end = await sweep(case, service, "first")
        case.figures["first.since_list"] = end - taken
        rested = asyncio.get_running_loop().time()
        await asyncio.sleep(REST)
        idle = service.sampler.between(rested, rested + REST)
        case.figures["idle.cores"] = sum(seconds for kind, seconds in idle.items() if kind not in case.clocks) / REST
        _weigh(case, service)
        _judge(case, service)
        case.kept["lateness timer"] = not math.isnan(_lateness(service, 0.5))
        await _change_list(case, service)
        if not case.quick:
            await _packed(case, service)


async def second(case: Case) -> None:
    """Start with every name known and due, while the interface is asked."""
    due.make_all_due(case.directory / "state")
    async with case.start() as service:
        loop = asyncio.get_running_loop()
        told: dict[str, list[float]] = defaultdict(list)
        if not case.kept.get("lateness timer"):
            topics = tuple(f"result.dns.{name}" for name in sorted(case.world.priority)[:FOLLOWED])
            service.listen(topics, lambda topic, _: told[topic].append(loop.time()))
        await service.until("the first status", lambda: bool(service.statuses), START)
        load = Load(service, case.world.names)
        asking, begun = loop.create_task(load.run()), loop.time()
        health = loop.create_task(service.healthy(START))
        try:
            middle = loop.create_task(_look(case, service))
            begin, end = await sweep(case, service, "second")
            await middle
            await asyncio.sleep(max(0.0, begun + LEAST_LOAD - loop.time()))
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        case.figures["start.health"] = await health
        case.figures["second.since_start"] = end - service.started
        case.figures["second.stall"] = service.roundtrip.longest(begin, end)
        for kind in ("page", "name"):
            case.figures.update({f"api.{kind}.p50": load.p(kind, 0.5), f"api.{kind}.p99": load.p(kind, 0.99)})
        case.figures["api.failed"] = load.failed
        case.figures["peak.pss"] = service.sampler.peak_pss / case.count
        case.figures.update(_late_by(service, told))
        _judge(case, service)
        wrong = [name for name, answer in load.answers.items() if answer["state"] in FREE]
        case.wrong += [f"/domain/{name} says it is free" for name in wrong[:5]]


async def killed(case: Case) -> None:
    """Kill the coordinator in the middle of a sweep; seconds until it goes on."""
    due.make_all_due(case.directory / "state")
    async with case.start() as service:
        loop = asyncio.get_running_loop()
        await service.until("the sweep began", lambda: service.checks() >= 0.2 * case.count, case.patience)
        kill(service, "coordinator")
        at, before = loop.time(), len(service.statuses)
        heard = asyncio.Event()
        service.listen(("result.dns.",), lambda *_: heard.set())
        try:
            async with asyncio.timeout(RECOVERY):
                await heard.wait()
        except TimeoutError:
            raise LateError(f"no check within {RECOVERY:.0f} s of a kill") from None
        case.figures["kill.goes_on"] = loop.time() - at
        await service.until("a status", lambda: len(service.statuses) > before, RECOVERY)
        if _total(service) != case.count:
            case.wrong.append(f"after a kill {_total(service)} names are watched, not {case.count}")
        _judge_free(case, service)


async def callbacks(case: Case, prefix: str, url: str, arrived: Callable[[], Any] | None) -> None:
    """A sweep of known names whose every result is posted to `url`; with `arrived`, until that counter grew by all of them."""
    due.make_all_due(case.directory / "state")
    before = await arrived() if arrived is not None else 0
    async with case.start(API_CALLBACK_URL=url, CALLBACK_RESULTS="all") as service:
        begin, end = await sweep(case, service, prefix)
        while arrived is not None and await arrived() < before + case.count:
            if asyncio.get_running_loop().time() > end + case.patience:
                raise LateError(f"{await arrived() - before} of {case.count} callbacks within {case.patience:.0f} s")
            await asyncio.sleep(0.2)
        now = asyncio.get_running_loop().time()
        used = service.sampler.between(begin, now)
        if arrived is not None:
            case.figures[f"{prefix}.rate"] = case.count / (now - begin)
            case.figures[f"{prefix}.cpu"] = 1e6 * sum(used[kind] for kind in used if kind not in case.clocks) / case.count
        _judge_free(case, service)


async def _change_list(case: Case, service: Service) -> None:
    await case.choose_list("changed")
    loop = asyncio.get_running_loop()
    before, asked = _loaded(service), loop.time()
    await service.post("/refresh")
    await service.until("the changed list taken", lambda: _loaded(service) > before, case.patience)
    taken = _loop_time(_loaded(service))
    await asyncio.sleep(3.0)
    case.figures["refresh.seconds"] = taken - asked
    case.figures["refresh.stall"] = service.roundtrip.longest(asked, loop.time())
    case.figures["refresh.stall_told"] = numbers.gauge(service.metrics, "loop_stall_max_seconds")
    await case.choose_list("base")
    if _total(service) != case.count:
        case.wrong.append(f"after the changed list {_total(service)} names are watched, not {case.count}")


async def _packed(case: Case, service: Service) -> None:
    """Wait until the next start reads packs: a service that ran for a few minutes is in that state."""
    asked = asyncio.get_running_loop().time()
    await service.until("names packed", lambda: numbers.gauge(service.metrics, "unpacked_blocks") == 0, case.patience + PACKING)
    case.figures["packed.seconds"] = asyncio.get_running_loop().time() - asked


async def _look(case: Case, service: Service) -> None:
    """Keep /status and /metrics as they read in the middle of the sweep, and profiles where asked."""
    await service.until("the sweep began", lambda: service.checks() > 0, case.patience)
    case.kept["during the sweep"] = await service.kept()
    pids = {kind: service.sampler.pid(kind) for kind in ("coordinator", "fast")} if case.profile else {}
    found = await asyncio.gather(*(profiles.record(pid or 0, case.profile, case.directory) for pid in pids.values()))
    if found:
        case.kept["profiles"] = dict(zip(pids, found, strict=True))


def _weigh(case: Case, service: Service) -> None:
    weights = service.sampler.weights()
    for name in ("pss", "rss"):
        case.figures[f"rest.{name}"] = sum(row[name] for row in weights.values()) / case.count
    case.figures["peak.rss"] = sum(row["peak"] for row in weights.values()) / case.count
    case.figures.update({f"rest.pss.{kind}": weights[kind]["pss"] / case.count for kind in KINDS if kind in weights})
    case.figures["peak.pss.first"] = service.sampler.peak_pss / case.count
    case.kept["memory at rest"] = weights


def _judge(case: Case, service: Service) -> None:
    by_state = service.status.get("domains", {}).get("by_state", {})
    least = SETTLED * (case.count - len(case.world.vanished))
    if by_state.get("REGISTERED", 0) < least:
        case.wrong.append(f"{by_state} of {case.count} names: fewer than {least:.0f} are known to be registered")
    case.figures.setdefault("settled", by_state.get("REGISTERED", 0) / (case.count - len(case.world.vanished)))
    _judge_free(case, service)


def _judge_free(case: Case, service: Service) -> None:
    by_state = service.status.get("domains", {}).get("by_state", {})
    case.wrong += [f"{by_state[state]} names are said to be {state}" for state in FREE if by_state.get(state)]


def _late_by(service: Service, told: Mapping[str, list[float]]) -> dict[str, float]:
    """How late priority checks are: the coordinator's own timer, else from the times between results on the feed."""
    if not told:
        return {"late.p50": _lateness(service, 0.5), "late.p99": _lateness(service, 0.99)}
    gaps = [after - before for times in told.values() for before, after in pairwise(times)]
    middle = numbers.of_values(gaps, 0.5) - PRIORITY_EVERY
    return {"late.p50": max(0.0, middle), "late.p99": max(0.0, numbers.of_values(gaps, 0.99) - PRIORITY_EVERY * (1 + JITTER))}


def _lateness(service: Service, share: float) -> float:
    return numbers.timer(service.metrics, "lateness_seconds", share, lane="priority")


def _total(service: Service) -> int:
    return int(service.status.get("domains", {}).get("total", 0))


def _loaded(service: Service) -> float:
    return float(service.status.get("list", {}).get("loaded_at") or 0.0)


def _loop_time(epoch: float) -> float:
    return asyncio.get_running_loop().time() - (time.time() - epoch)
