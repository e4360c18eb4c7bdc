"""What further instances on one host cost: CPU per name of a sweep by three of them over one SQLite file, against one alone.

`make bench ARGS=instances`. One alone has one fast checker, or as many as the three have together. All processes of all
instances share one CPU, and the name server has another: where two CPUs are threads of one core, each does less in a second of
its time while the other is busy, and three checkers at once would be charged for that and not for their work.

Real stacks of all processes, a real name server. The benchmark holds the lease until every process of every instance stands by;
then it lets go. One instance takes over, reads the names, all of which are due, and the checkers of all instances sweep them.
What is counted: the CPU of all processes of all instances, supervisors too, from then on until every name was asked about. What
is taken off: the same of the same instances for as long once more, where no name is due. That is the take-over with its reading
of names and list, and what the processes use at rest, which is told by itself. All cases take turns in one run, after one that
is not counted. Left out is the process that reads the list beside the coordinator: it does the same with names due and without,
and uses as much as the sweep, so that a tenth more of one than of the other would be a tenth of the result.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from common import config
from common.bus import FeedSubscriber
from common.clock import monotonic
from common.core.telemetry.metrics import snapshot_rows
from common.processes.leases import RENEW_EVERY
from common.store.file_leases import open_leases
from common.store.lease_contract import Addresses
from tests.bench import dns_zone, due, internet, numbers, phases, rounds
from tests.bench.procfs import READERS, Sampler
from tests.bench.records import folder
from tests.lab.stack import Stack, until_standing_by

#: Most seconds of waiting: until the last process on the one CPU ended its start, and until all names were asked about.
START, PATIENCE = 180.0, 300.0
#: Cores that an instance uses less of once its start is over; seconds over which that is looked at, and of rest at the end.
STARTED, REST = 0.1, 5.0
#: Seconds that are measured beyond the last answer, in which it is written; at least so many in all, for reading the list.
WRITTEN, LEAST = 4.0, 10.0
#: Least share of the names that has to be asked about where all are due, and most where none is.
ASKED, QUIET = 0.98, 0.02


class Setup(NamedTuple):
    """How many instances, and how many fast checkers each of them has."""

    instances: int
    checkers: int

    def __str__(self) -> str:
        return f"{self.instances} x {self.checkers} fast checkers"


ALONE, WIDE, MANY = Setup(1, 1), Setup(1, 3), Setup(3, 1)


@dataclass(frozen=True)
class Measured:
    """The seconds measured, CPU seconds by kind of process, cores at rest, and the names that were asked about."""

    seconds: float
    used: dict[str, float]
    rest: float
    asked: float
    sweeps: float


@dataclass(frozen=True)
class Figures:
    """Of one case and round: microseconds of CPU per name, whole and by kind of process, and cores at rest."""

    per_name: float
    by_kind: dict[str, float]
    rest: float
    swept: float  # names of a sweep


class LateError(RuntimeError):
    """Names that were due were not asked about."""


async def measure_once(
    state: Path, place: Path, settings: dict[str, str], count: int, *, names: int = 0, seconds: float = 0.0
) -> Measured:
    """Start so many instances on the state, let one take over, and measure until `names` were asked about, or for `seconds`."""
    stacks = [Stack({**settings, "STATE_DIR": str(state), "INSTANCE_ID": name}, place / name) for name in "abcdefg"[:count]]
    counted: dict[str, Any] = {}
    loop, all_asked = asyncio.get_running_loop(), asyncio.Event()

    def note(payload: dict[str, Any]) -> None:
        status = payload.get("status")
        if isinstance(status, dict):
            counted.update(status["metrics"])
        if _asked(counted) >= ASKED * names:
            all_asked.set()

    async with holding_lease(state) as let_go, running(stacks) as samplers:
        feed = FeedSubscriber(stacks[0].feed, ("system.coordinator.",))
        feed.attach(lambda _, payload: note(payload))
        await asyncio.gather(*(until_standing_by(stack) for stack in stacks))
        await _started(samplers)
        begin = loop.time()
        let_go.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(all_asked.wait(), PATIENCE if names else 0.0)
        await asyncio.sleep(max(WRITTEN if names else 0.0, begin + (LEAST if names else seconds) - loop.time()))
        end = loop.time()
        await asyncio.sleep(REST)
        feed.close()
        used: dict[str, float] = {}
        for sampler in samplers:
            for kind, more in sampler.between(begin, end).items():
                used[kind] = used.get(kind, 0.0) + more
        rest = sum(sum(sampler.between(end, end + REST).values()) for sampler in samplers) / REST
    sweeps = sum(value["count"] for name, _, value in snapshot_rows(counted, "timers") if name == "sweep_seconds")
    return Measured(end - begin, used, rest, _asked(counted), sweeps)


async def measure_case(
    state: Path, place: Path, settings: dict[str, str], setup: Setup, names: int
) -> tuple[Measured, Measured]:
    """One case with every name due, and for as long with none."""
    given = {**settings, "FAST_CHECKERS": str(setup.checkers)}
    due.make_all_due(state)
    due_run = await measure_once(state, place, given, setup.instances, names=names)
    return due_run, await measure_once(state, place, given, setup.instances, seconds=due_run.seconds)


async def _started(samplers: list[Sampler]) -> None:
    """Wait until no process of any instance is still starting."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + START:
        await asyncio.sleep(REST)
        used = sum(sum(sampler.between(loop.time() - REST, loop.time()).values()) for sampler in samplers)
        if used < STARTED * REST * len(samplers):
            return


@contextlib.asynccontextmanager
async def running(stacks: list[Stack]) -> AsyncIterator[list[Sampler]]:
    """Stacks that run, and a sampler for each."""
    samplers, tasks = [], []
    try:
        for stack in stacks:
            stack.directory.mkdir(parents=True, exist_ok=True)
            await stack.start(asyncio.Event())
            samplers.append(Sampler(stack.pid))
            tasks.append(asyncio.create_task(samplers[-1].run()))
        yield samplers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *(stack.stop() for stack in stacks if stack.running), return_exceptions=True)


@contextlib.asynccontextmanager
async def holding_lease(state: Path) -> AsyncIterator[asyncio.Event]:
    """The lease of a state, held until the event is set."""
    leases = open_leases(config.load({"STATE_DIR": str(state), "INSTANCE_ID": "bench"}))
    lease = leases.take("bench", "bench", lambda epoch: Addresses(f"ipc:///tmp/{epoch}", f"ipc:///tmp/{epoch}", ""))
    assert lease is not None, "another instance leads"
    let_go = asyncio.Event()

    async def hold() -> None:
        while not let_go.is_set():
            lease.renew()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RENEW_EVERY):
                    await let_go.wait()
        lease.release()

    holding = asyncio.create_task(hold())
    try:
        yield let_go
    finally:
        let_go.set()
        await holding
        leases.close()


async def measure(names: int, count: int, on_figures: Any) -> None:
    """Rounds of one instance and of many, in turns; each is told as it comes."""
    # Every name is in its zone, and no registry is asked: single checks, for which there is more time where sweeps end sooner,
    # are no cost of a sweep.
    world = replace(internet.world_of(names), vanished=frozenset())
    with folder() as place:
        internet.write_zones(place, world)
        cpus = sorted(os.sched_getaffinity(0))
        with dns_zone.serving(place, dns_zone.available()[0], cpus[0], internet.ZONES, internet.SERVERS) as server:
            os.sched_setaffinity(0, cpus[-1:])  # this process, and with it all that it starts from here on
            async with rounds.outside(names) as (ports, customer):
                settings = {
                    **internet.write_settings(place, ports["registry"], ports["whois"], 0.0),
                    **rounds.environment_of(server.port, customer),
                    "PRIORITY_CHECK_INTERVAL": "3600",
                }
                case = phases.Case(
                    world, settings, {phases.SERVER: server.cpu}, place / "first", 600, rounds.chooser_of(customer)
                )
                case.directory.mkdir()
                await phases.first(case)
                state = case.directory / "state"
                await measure_case(state, place / "warm", settings, ALONE, names)
                for number in range(count):
                    for setup in (ALONE, WIDE, MANY) if number % 2 else (MANY, WIDE, ALONE):
                        where = place / f"{number}-{setup.instances}-{setup.checkers}"
                        on_figures(setup, figures_of(*await measure_case(state, where, settings, setup, names), names))


def figures_of(due_run: Measured, quiet_run: Measured, names: int) -> Figures:
    """What the names cost. Raises LateError."""
    if due_run.asked < ASKED * names or quiet_run.asked > QUIET * names:
        raise LateError(f"asked about {due_run.asked:,.0f} names and {quiet_run.asked:,.0f}, of {names:,}")
    asked = due_run.asked - quiet_run.asked
    kinds = sorted({*due_run.used, *quiet_run.used} - {READERS})
    by_kind = {kind: 1e6 * (due_run.used.get(kind, 0.0) - quiet_run.used.get(kind, 0.0)) / asked for kind in kinds}
    return Figures(sum(by_kind.values()), by_kind, quiet_run.rest, due_run.asked / max(1.0, due_run.sweeps))


def _asked(counted: dict[str, Any]) -> float:
    return numbers.total(counted, "checks", method="dns")


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=instances", description=__doc__)
    parser.add_argument("--names", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if not dns_zone.available():
        print("neither nsd nor knotd is installed: nothing is measured (apt-get install nsd)")
        return 0
    found: dict[Setup, list[Figures]] = {ALONE: [], WIDE: [], MANY: []}

    def note(setup: Setup, figures: Figures) -> None:
        found[setup].append(figures)
        split = ", ".join(f"{kind} {value:.2f}" for kind, value in figures.by_kind.items())
        print(
            f"{setup}: {figures.per_name:.1f} us of CPU per name ({split}), "
            f"{figures.swept:,.0f} names in a sweep, {figures.rest:.3f} cores at rest"
        )
        sys.stdout.flush()

    began = monotonic()
    asyncio.run(measure(options.names, options.rounds, note))
    print(f"{options.names:,} names, {options.rounds} rounds, {monotonic() - began:.0f} s; CPU per name:")
    for other in (WIDE, ALONE):
        ratios = sorted(many.per_name / one.per_name for one, many in zip(found[other], found[MANY], strict=True))
        print(f"{MANY} against {other}: {statistics.median(ratios):.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})")
    return 0
