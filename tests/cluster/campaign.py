"""Injects faults one after the other, waits for the cluster to be whole again, and checks the invariants after each."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.invariants import Bounds, check_round, check_so_far, name_of
from tests.cluster.kinds import Kind, NothingToDoError
from tests.cluster.records import Fault, Round
from tests.cluster.stores import StoreTroubleError, find_damage, find_pending, read_events

#: Seconds until the cluster is whole again after a fault, and until what was purged last is told at the end.
RECOVERY, PATIENCE = 30.0, 60.0
#: Seconds without a new event after which nothing more is expected.
QUIET = 3.0
#: Seconds of calm between two faults, and how long before a fault queries count for its judgement.
CALM, BEFORE = (1.0, 5.0), 15.0
#: Events of the log that no fault excuses.
BAD_EVENTS = frozenset({"bug", "no_json", "output"})
#: What supervisord says where its predecessor was killed.
BENIGN = "Unlinking stale socket"
#: Problems at the end that a campaign of kills leaves behind by itself.
EXCUSED = frozenset({"process_restarting", "instance_silent"})
_START = 90.0


@dataclass(slots=True)
class Outcome:
    """What came of a campaign."""

    seed: int
    violations: list[str] = field(default_factory=list)
    found: Round = field(default_factory=Round)
    skipped: Counter[str] = field(default_factory=Counter)
    recovered: dict[int, float] = field(default_factory=dict)  # by fault, seconds until the cluster was whole
    proxy_gaps: list[float] = field(default_factory=list)


class Campaign:
    """One run of so many faults against one cluster."""

    def __init__(self, cluster: Cluster, seed: int, bounds: Bounds, tell: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._rng = random.Random(f"faults {seed}")
        self._bounds = bounds
        self._tell = tell
        self._told: set[str] = set()
        self.outcome = Outcome(seed)

    async def run(self, count: int, kinds: Sequence[Kind], *, each: bool = False) -> Outcome:
        """Inject so many faults, in random order, or with `each` every kind in turn; then judge the whole."""
        cluster = self._cluster
        self._add(f"start: {text}" for text in await cluster.wait_until_calm(_START * self._bounds.slack))
        self._tell(f"{len(cluster.instances)} instances are complete")
        for number in range(1, count + 1):
            kind = kinds[(number - 1) % len(kinds)] if each else self._rng.choices(kinds, [kind.share for kind in kinds])[0]
            await self._wait_for_moment()
            await self._inject(number, kind)
            await self._check()
        await self._finish()
        return self.outcome

    async def _wait_for_moment(self) -> None:
        """Some calm; then now, or just after a purge, or just after a callback: so faults meet what is under way."""
        cluster = self._cluster
        await asyncio.sleep(0.0 if cluster.quick else self._rng.uniform(*CALM))
        moment = self._rng.choice(("now", "purge", "callback"))
        if moment == "purge":
            cluster.drops.purged.clear()
            await cluster.until(cluster.drops.purged.is_set, 10.0)
            await asyncio.sleep(self._rng.uniform(0.0, 3.0))
        elif moment == "callback":
            seen = len(cluster.lab.customer.received)
            await cluster.until(lambda: len(cluster.lab.customer.received) > seen, 10.0)
            await asyncio.sleep(self._rng.uniform(0.0, 0.1))

    async def _inject(self, number: int, kind: Kind) -> None:
        cluster = self._cluster
        cluster.aim = self._rng.randrange(cluster.shards) if cluster.shards > 1 else 0
        await cluster.until(lambda: cluster.leading() is not None, cluster.store.takeover * self._bounds.slack)
        led_by = cluster.epochs()[-1].number if cluster.epochs() else 0
        began = time.time()
        self._tell(f"fault {number}: {kind.name}" + (f", shard {cluster.aim}" if cluster.shards > 1 else ""))
        try:
            done = await kind.inject(cluster)
        except NothingToDoError as error:
            self.outcome.skipped[kind.name] += 1
            self._add([f"skipped: {kind.name}: {error}"])
            return
        ended = time.time()
        if done.takeover is not None:
            await cluster.wait_for_epoch(led_by, began + done.away + done.takeover * self._bounds.slack - ended)
        missing = await cluster.wait_until_calm(RECOVERY * self._bounds.slack)
        over = time.time()
        unasked = done.takeover if done.unasked is None else done.unasked
        effects = began if done.harmless else over + 1.0
        fault = Fault(
            *(number, kind.name, done.target, began, effects, done.takeover, unasked, done.away, led_by),
            delay=done.delay,
            shard=cluster.aim,
        )
        cluster.faults.append(fault)
        self.outcome.recovered[number] = over - ended
        self._add(f"recovery: {text}, {over - ended:.0f} s after {name_of(fault)}" for text in missing)
        leading = cluster.leading()
        state = f"{leading[0].name} leads in epoch {leading[1].number}" if leading else "no instance leads"
        self._tell(f"  {done.target}; {ended - began:.1f} s, whole again {over - ended:.1f} s later; {state}")

    async def _check(self) -> None:
        cluster = self._cluster
        await cluster.look_at_store()
        since = cluster.faults[-1].began - BEFORE if cluster.faults else 0.0
        found = cluster.record(since)
        found.faults = list(cluster.faults[-1:])
        self._add(text for text in check_so_far(found, self._bounds) if not text.startswith("late:"))
        self._add(self._bad_lines())
        self._add(cluster.trouble)

    async def _finish(self) -> None:
        """Wait for what is still to be told, judge everything, look at the health, and stop all instances in order."""
        cluster = self._cluster
        cluster.drops.going = False
        self._tell("no more faults; waiting for what is still to be told")
        if not await cluster.until(lambda: not cluster.drops.waiting(), PATIENCE * self._bounds.slack):
            self._add(f"untold: {name}" for name in cluster.drops.waiting())
        await cluster.until(lambda: not cluster.drops.catches_waiting(), PATIENCE * self._bounds.slack)
        self._add(f"end: {text}" for text in await cluster.wait_until_calm(RECOVERY * self._bounds.slack))
        running = [each for each in cluster.instances.values() if each.running]
        for shard in range(cluster.shards):
            leaders = [each.name for each in running if each.says_it_leads(shard)]
            what = f"end: {len(leaders)} instances say that they lead shard {shard}: {leaders}"
            self._add([what] if len(leaders) != 1 else [])
        await self._check_health()
        await self._wait_until_quiet()
        for trouble in await asyncio.gather(*(instance.stop() for instance in cluster.instances.values())):
            self._add(f"end: {text}" for text in trouble)
        self._add(self._bad_lines())
        await cluster.look_at_store()
        found = self.outcome.found = cluster.record()
        write_records(found, cluster.directory)
        try:
            self._add(find_damage(cluster.store))
            found.stored = read_events(cluster.store)
        except StoreTroubleError as error:
            self._add([f"store: {error}"])
        self._add(check_round(found, self._bounds))
        self._add(f"crash: {path.name}" for path in _find_dumps(cluster) if not _is_excused(path))
        self.outcome.proxy_gaps = _gaps(cluster.proxy.answers)

    async def _wait_until_quiet(self) -> None:
        """Until nothing is decided any more, and every notice is noted as done; what is not will be found in the store."""
        cluster = self._cluster
        deadline = time.monotonic() + PATIENCE * self._bounds.slack
        last, since = -1, time.monotonic()
        while time.monotonic() < deadline and (last != len(cluster.seen) or time.monotonic() - since < QUIET):
            if last != len(cluster.seen):
                last, since = len(cluster.seen), time.monotonic()
            await asyncio.sleep(0.5)
            await cluster.look_at_store()
        while time.monotonic() < deadline and find_pending(cluster.store):  # noqa: ASYNC110  # of another process
            await asyncio.sleep(0.5)

    async def _check_health(self) -> None:
        """Until every instance says that it is well, but for what the kills themselves leave behind."""
        deadline = time.monotonic() + RECOVERY * self._bounds.slack
        while True:
            wrong = []
            for instance in self._cluster.instances.values():
                status, body = await instance.ask("/health")
                codes = {problem["code"] for problem in body.get("problems", [])} - EXCUSED
                if status != 200 or codes:
                    wrong.append(f"health: {instance.name} says {status} {body.get('status')} {sorted(codes)}")
            if not wrong or time.monotonic() > deadline:
                self._add(wrong)
                return
            await asyncio.sleep(0.5)

    def _bad_lines(self) -> list[str]:
        self._cluster.read_logs()
        return [
            f"log: {each.name}: {line.event} {str(line.fields)[:600]}"
            for each in self._cluster.every_instance()
            for line in each.lines
            if line.event in BAD_EVENTS and BENIGN not in str(line.fields)
        ]

    def _add(self, violations: Iterable[str]) -> None:
        for text in violations:
            if text not in self._told:
                self._told.add(text)
                self.outcome.violations.append(text)
                self._tell(f"  VIOLATION {text}")


def _find_dumps(cluster: Cluster) -> list[Path]:
    return sorted(path for disk in cluster.disks() for path in (disk / "crashes").glob("*"))


def _is_excused(dump: Path) -> bool:
    """Whether a run failed only because the store was away."""
    return "cannot be reached" in dump.read_text(encoding="utf-8").splitlines()[-1]


def write_records(found: Round, directory: Path) -> None:
    """Keep what the lab was asked and what the receiver got beside the logs, a JSON list a line."""
    with (directory / "queries.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(
            f"{json.dumps([query.at, query.server, query.name, query.how, query.source])}\n" for query in found.queries
        )
    with (directory / "posts.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps([post.at, *post.event[:4], post.accepted])}\n" for post in found.posts)


def _gaps(answers: list[tuple[float, int]]) -> list[float]:
    """Seconds of each time for which the proxy gave no answer of an instance that is well."""
    gaps, since = [], None
    for at, status in answers:
        if status == 200:
            if since is not None:
                gaps.append(at - since)
            since = None
        elif since is None:
            since = at
    return gaps
