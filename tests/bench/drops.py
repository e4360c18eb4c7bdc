"""How late drops are told by the real processes: `make bench ARGS=drops`, in polling steps (`drops_bound` defines them).

The lab's registries purge 200 of 2,000 watched names, one after the other at random moments. Counted is the time from each
purge, by the registry's own log, to the callback that the customer accepted. Status 0 only if the median is within its bound,
no drop was missed, no alarm was false, and the stack was healthy and stopped cleanly.

`--rate N` lets the servers of registries (RDAP, WHOIS, DAS) take N queries a second and burst to twice as many, in place of the
lab's own budgets, under which every name in its window gets the finest step.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from common import config
from common.core.model.limit import Limit
from common.core.registries.registries import Registries
from common.core_settings import build_policy
from common.registry_directory import load_directory
from tests.bench import drops_bound, drops_cast, drops_timeline
from tests.bench.drops_bound import Forecasts, Waiting
from tests.bench.drops_cast import SPARE, Drop, Plan
from tests.bench.drops_timeline import Questions, Timeline
from tests.bench.numbers import of_values
from tests.lab import suffixes
from tests.lab.lab import Lab
from tests.lab.scoring import Score, latency, score
from tests.lab.stack import Stack, StackError
from tests.lab.story import Role

#: Seconds within which the stack has to be healthy, and to know every name that will drop.
START, KNOWN = 60.0, 180.0
#: Seconds after the last purge: at least, so that a late false alarm still counts, and at most, so that a late notice does.
QUIET, PATIENCE = 5.0, 90.0
PROGRESS, POLL = 10.0, 1.0
_PAGE = 500
Tell = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What one run found. Times by name: `seconds` from purge to callback, `steps` the polling step at the purge."""

    gap: float
    score: Score
    steps: dict[str, float]
    lines: dict[str, Timeline]
    trouble: list[str] = field(default_factory=list)

    @property
    def late(self) -> list[float]:
        """How many polling steps each notice took beyond the confirming pass."""
        told = self.score.latencies
        return [drops_bound.steps_late(told[name], step, self.gap) for name, step in self.steps.items() if name in told]

    @property
    def good(self) -> bool:
        """Whether everything was as it has to be."""
        late = of_values(self.late, 0.5)
        return late <= drops_bound.STEPS and self.score.clean and not self.trouble and self.score.due > 0


class Run:
    """One run: the lab with its names, the stack beside it, and what is known of every drop."""

    def __init__(self, plan: Plan, lab: Lab, stack: Stack, environment: dict[str, str], tell: Tell) -> None:
        self._plan = plan
        self._lab = lab
        self._stack = stack
        self._tell = tell
        self._stop = asyncio.Event()
        settings = config.load({**environment, "STATE_DIR": str(stack.state_dir)})
        self._policy = build_policy(settings)
        self._registries = Registries(
            directory=load_directory(settings),
            overrides=self._policy.limits,
            recursive_dns=self._policy.recursive_dns,
            iana_host=self._policy.iana_host,
        )
        open_now = drops_cast.open_suffixes(lab.clock.wall(), START + KNOWN + plan.seconds)
        self.drops: list[Drop] = drops_cast.plan_drops(plan, open_now)
        self._calm: list[Role] = drops_cast.calm_roles(plan.names - plan.drops)
        self._forecasts = Forecasts()
        self._limits: dict[str, Limit] = {}

    async def perform(self) -> None:
        """Start the stack, let names drop, and wait for their notices. Raises StackError."""
        drops_cast.stage(self._lab.registry, self.drops, self._calm, START + KNOWN)
        cast = drops_cast.cast_of(self.drops, self._calm)
        self._lab.customer.set_watch((role.name for role in cast), priority=(role.name for role in cast if role.priority))
        await self._stack.start(self._stop)
        await self._stack.wait_healthy(START, self._stop)
        self._tell(f"healthy; {len(cast)} names are listed, {len(self.drops)} of them will drop")
        await self._learn_forecasts()
        self._tell(f"every window is known; purges for {self._plan.seconds:.0f} s")
        curtain = self._lab.clock.now()
        for drop in self.drops:
            self._lab.registry.when(curtain + drop.at, partial(self._purge, drop.name))
        await self._watch(self._plan.seconds + QUIET, lambda: False)
        await self._watch(PATIENCE, lambda: not self.score().missed)
        status = await self._stack.health()
        if status != 200:
            raise StackError(f"/health says {status or 'nothing'} in the end")

    def score(self) -> Score:
        """What was told so far."""
        cast = drops_cast.cast_of(self.drops, self._calm)
        return score(self._lab.registry.log, self._lab.customer.notices(), cast)

    def outcome(self) -> Outcome:
        """All figures, after the run."""
        lab, found = self._lab, self.score()
        log = lab.registry.log
        purged = {drop.name: at for drop in self.drops if (at := log.freed_at(drop.name)) is not None}
        notices = {str(item.data["domain"]): item for item in reversed(lab.customer.notices("available"))}
        told = {name: item.at for name, item in notices.items()}
        steps = self._forecasts.steps_at_purges(purged, told, self._policy.cadence)
        asked = Questions(lab.queries.find())
        lines = {
            name: drops_timeline.timeline_of(name, at, notices[name], asked, lab.customer.watch.keys())
            for name, at in purged.items()
            if name in notices and latency(log, notices[name]) is not None
        }
        return Outcome(self._policy.cadence.gap_close, found, steps, lines)

    def _purge(self, name: str) -> None:
        if name in self._lab.registry.names:
            self._lab.registry.purge(name)

    async def _learn_forecasts(self) -> None:
        """Until the product foresees every drop. Raises StackError where it does not in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + KNOWN
        while loop.time() < deadline and not self._stop.is_set():
            await self._note_forecasts()
            if len(self._forecasts) == len(self.drops):
                return
            await asyncio.sleep(1.0)
        raise StackError(f"windows are foreseen for {len(self._forecasts)} names of {len(self.drops)}")

    async def _note_forecasts(self) -> None:
        """Take down what the product forecasts now: it learns the hours of a registry from the drops that it sees."""
        wanted, now = {drop.name for drop in self.drops}, self._lab.clock.wall()
        for row in await self._foreseen():
            if row["domain"] in wanted:
                self._forecasts.note(self._read_forecast(row), now)

    async def _foreseen(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor = None
        async with aiohttp.ClientSession(base_url=self._stack.url) as session:
            while True:
                query = {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
                async with session.get("/drops", params=query) as answer:
                    page = await answer.json()
                rows += page["drops"]
                cursor = page["cursor"]
                if not cursor:
                    return rows

    def _read_forecast(self, row: dict[str, Any]) -> Waiting:
        limit, forecast = self._limit_of(row["tld"]), row["forecast"]
        return Waiting(
            name=row["domain"],
            suffix=row["tld"],
            priority=row["priority"],
            earliest=forecast["earliest"],
            latest=forecast["latest"],
            chance=forecast["probability"],
            operator=limit.operator,
            rate=limit.rate,
        )

    def _limit_of(self, suffix: str) -> Limit:
        """The budget of the registry channel that is asked first."""
        if suffix not in self._limits:
            self._limits[suffix] = self._registries.limit_of(*self._registries.channels_of(suffix)[0])
        return self._limits[suffix]

    async def _watch(self, seconds: float, done: Callable[[], bool]) -> None:
        """Tell how far it is, until `done` or so many seconds have passed. Raises StackError when the stack ends."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        shown = loop.time()
        while loop.time() < deadline and not done():
            if self._stop.is_set():
                raise StackError("the stack ended by itself")
            if loop.time() >= shown + PROGRESS:
                shown = loop.time()
                self._tell(self._progress())
            await self._note_forecasts()
            await asyncio.sleep(POLL)

    def _progress(self) -> str:
        found = self.score()
        middle = f", median {found.median:.2f} s" if found.median is not None else ""
        return f"purged {found.due}, told {len(found.seen)}, false {len(found.false)}{middle}, load {os.getloadavg()[0]:.1f}"


async def measure(plan: Plan, tell: Tell, directory: Path, rate: float | None = None) -> Outcome:
    """One run; what is not clean about the stack is in its `trouble`."""
    with suffixes.also(*drops_cast.FURTHER):
        async with Lab.start() as lab:
            if rate is not None:
                _limit_registries(lab, rate)
            environment = lab.environment() | _settings(plan)
            stack = Stack(environment, directory)
            run = Run(plan, lab, stack, environment, tell)
            trouble = []
            try:
                await run.perform()
            except StackError as error:
                trouble.append(str(error))
            finally:
                trouble += await stack.stop()
                trouble += [f"a process crashed: {dump}" for dump in stack.crashes()]
            found = run.outcome()
    found.trouble += trouble
    return found


def _settings(plan: Plan) -> dict[str, str]:
    """Settings that are not the product's defaults: the base interval is short, so that calm names are looked at often."""
    every = f"{plan.interval:g}"
    return {"CHECK_INTERVAL": every, "PRIORITY_CHECK_INTERVAL": every, "CALLBACK_RESULTS": "changes"}


def _limit_registries(lab: Lab, rate: float) -> None:
    """Let every server of a registry but its name servers take `rate` queries a second."""
    path = lab.directory / "budgets.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    own = {key: {"rate": rate, "burst": 2 * rate} for key, row in rows.items() if row["rate"] and not key.startswith("dns/")}
    path.write_text(json.dumps(rows | own), encoding="utf-8")


def shown(outcome: Outcome) -> list[str]:
    """The figures as lines of text."""
    found, late = outcome.score, outcome.late
    seconds = list(found.latencies.values())
    bounds = [drops_bound.STEPS * step + outcome.gap for step in outcome.steps.values()]
    rows = [
        ("purge to callback, s", seconds),
        ("polling step at the purge, s", list(outcome.steps.values())),
        ("bound: 1.5 steps and the confirming pass, s", bounds),
        ("polling steps beyond the confirming pass", late),
    ]
    texts = [f"{'':52} {'median':>7} {'p90':>7} {'most':>7}"]
    texts += [f"{text:52} " + " ".join(f"{of_values(values, q):7.2f}" for q in (0.5, 0.9, 1.0)) for text, values in rows]
    texts += ["", *_by_step(outcome), "", *drops_timeline.shown(list(outcome.lines.values())), ""]
    slowest = sorted(outcome.lines.items(), key=lambda item: -item[1].posted)[:5]
    texts += [
        f"late: {name}: asked {line.first_denied:.2f}, {line.questions} questions, the last {line.last_denied:.2f}, canary "
        f"{line.canaries:.2f}, event {line.recorded:.2f}, callback {line.posted:.2f} s; step {outcome.steps[name]:.1f} s"
        for name, line in slowest
    ]
    texts += [f"missed: {name}" for name in found.missed]
    texts += [f"wrong: {text}" for text in [*found.false, *outcome.trouble]]
    verdict = "held" if outcome.good else "NOT held"
    texts.append(f"drops due {found.due}, seen {len(found.seen)}, missed {len(found.missed)}, false alarms {len(found.false)}")
    texts.append(f"median {of_values(late, 0.5):.2f} polling steps, at most {drops_bound.STEPS}: {verdict}")
    return texts


def _by_step(outcome: Outcome) -> list[str]:
    """One line for polling steps of up to 10 s, 20 s and so on: how many drops, and how late they were told."""
    groups: dict[int, list[float]] = defaultdict(list)
    for name, step in outcome.steps.items():
        if name in outcome.score.latencies:
            groups[math.ceil(step / 10)].append(outcome.score.latencies[name])
    return [
        f"{f'{len(seconds)} drops with a step of up to {10 * tens} s':52} "
        + " ".join(f"{of_values(seconds, q):7.2f}" for q in (0.5, 0.9, 1.0))
        for tens, seconds in sorted(groups.items())
    ]


def main(arguments: list[str]) -> int:
    """Measure and print; 1 where the bound was not held."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=drops", description=__doc__)
    usual = Plan()
    parser.add_argument("--names", type=int, default=usual.names)
    parser.add_argument("--drops", type=int, default=usual.drops)
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="over which the names drop")
    parser.add_argument("--interval", type=float, default=usual.interval, help="CHECK_INTERVAL in seconds")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--rate", type=float, default=None, help="queries a second that each registry's server takes")
    options = parser.parse_args(arguments)
    plan = Plan(options.names, options.drops, options.seconds, options.interval, options.seed)
    began = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    if (rest := drops_cast.wait_for_midnight(time.time(), START + KNOWN + plan.seconds + SPARE)) > 0:
        tell(f"waiting {rest:.0f} s until midnight UTC is over")
        time.sleep(rest + 1.0)
    directory = Path(tempfile.mkdtemp(prefix="dm-drops-"))
    found = asyncio.run(measure(plan, tell, directory, options.rate))
    for line in shown(found):
        print(line, flush=True)
    if found.good:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        tell(f"log kept: {directory}")
    return 0 if found.good else 1
