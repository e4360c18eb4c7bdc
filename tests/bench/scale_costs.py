"""What a name, a look, a question and a start cost, measured: each figure with the file or the page that it comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import records
from tests.bench.figures import Rounds
from tests.bench.numbers import spread

#: Where the simulated lists of `make bench ARGS="longlist"` are kept.
LONG_LISTS = Path("docs/benchmarks/scale.json")
#: Sizes between which the benchmark of the service tells what belongs to the names and what to the processes.
SMALL, MIDDLE, LARGE = 10_000, 100_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """One figure: its value, unit, and source. `measured`: whether it was measured here; the others are read or guessed."""

    value: float
    unit: str
    source: str
    measured: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """All of them. Times in seconds, CPU in seconds of one core, sizes in bytes."""

    memory_base: Cost  # of all processes, without names
    memory_name: Cost  # of the coordinator
    idle: Cost  # cores, of all processes at rest
    scan: Cost  # coordinator, cores for a million names of the list, whatever happens to them
    look: Cost  # coordinator, a name in a sweep: core, messages and store
    sweep: Cost  # coordinator, a sweep, whatever its size
    wake: Cost  # coordinator, a turn of its loop with something to do
    single: Cost  # coordinator, a name checked by itself: core, messages and its row
    block: Cost  # store, 256 last looks
    fast: Cost  # checker, a name asked about in a sweep
    rdap: Cost  # checker, an answer
    whois: Cost
    new: Cost  # whole service, a name that is new in the list
    callback: Cost  # whole service, a result posted
    callback_rate: Cost  # most of them in a second
    start_base: Cost
    start_name: Cost
    takeover_base: Cost
    takeover_name: Cost
    row: Cost  # store, bytes of a name whose registry record is not known yet
    detail: Cost  # store, bytes of the evidence of one
    postgres_row: Cost  # the same in PostgreSQL
    postgres_detail: Cost
    postgres_row_log: Cost  # bytes of its log for a row with evidence that is written
    postgres_block_log: Cost  # and for 256 last looks
    drop_rows: Cost  # store, bytes of events, callbacks and ledger of one drop
    drop_questions: Cost  # registry questions of one drop, from the first denial to the notice and the minutes after
    feed: Cost  # bytes of one result on the feed
    question: Cost  # bytes of a DNS query and its answer, with their headers


def load() -> Costs:
    """The figures as kept. Raises OSError where a benchmark was never kept, KeyError where it lacks a figure."""
    service, lists = records.load(records.SERVICE), records.load(LONG_LISTS)
    unit = {key: median(lists[0], key) for key in lists[0][0]}
    place = "docs/benchmarks/service.json"

    def at(size: int, key: str) -> float:
        return median(service[size], key)

    def per_name(key: str, small: int, scale: float = 1.0) -> tuple[float, float]:
        """Base and slope of a figure between two sizes."""
        low, high = at(small, key), at(LARGE, key)
        slope = (high - low) / (LARGE - small)
        return (low - slope * small) * scale, slope * scale

    memory = per_line([(size, at(size, "rest.pss") * size) for size in (SMALL, LARGE)])
    start, kill = per_name("start.health", MIDDLE), per_name("kill.goes_on", MIDDLE)
    drop = f"one drop in the simulation, {LONG_LISTS}"
    return Costs(
        memory_base=Cost(memory[0], "B", f"rest.pss, 10,000 and 1,000,000 names, {place}"),
        memory_name=Cost(memory[1], "B", f"rest.pss, 10,000 and 1,000,000 names, {place}"),
        idle=Cost(at(SMALL, "idle.cores"), "cores", f"idle.cores, 10,000 names, {place}"),
        scan=Cost(unit["unit.scan"] / 1e6, "cores", f"unit.scan, {LONG_LISTS}"),
        look=Cost(at(LARGE, "second.cpu.coordinator") / 1e6, "s", f"second.cpu.coordinator, 1,000,000 names, {place}"),
        sweep=Cost(unit["unit.sweep"] / 1e6, "s", f"unit.sweep, {LONG_LISTS}"),
        wake=Cost(unit["unit.wake"] / 1e6, "s", f"unit.wake, {LONG_LISTS}"),
        single=Cost((unit["unit.single"] + unit["store.row_cpu"]) / 1e6, "s", f"unit.single, store.row_cpu, {LONG_LISTS}"),
        block=Cost(unit["store.block_cpu"] / 1e6, "s", f"store.block_cpu, {LONG_LISTS}"),
        fast=Cost(at(LARGE, "second.cpu.fast") / 1e6, "s", f"second.cpu.fast, 1,000,000 names, {place}"),
        rdap=Cost(467e-6, "s", 'docs/performance.md, "RDAP and WHOIS"'),
        whois=Cost(652e-6, "s", 'docs/performance.md, "RDAP and WHOIS"'),
        new=Cost(at(LARGE, "first.cpu") / 1e6, "s", f"first.cpu, 1,000,000 names, {place}"),
        callback=Cost(at(SMALL, "callbacks.cpu") / 1e6, "s", f"callbacks.cpu, 10,000 names, {place}"),
        callback_rate=Cost(at(SMALL, "callbacks.rate"), "/s", f"callbacks.rate, 10,000 names, {place}"),
        start_base=Cost(start[0], "s", f"start.health, 100,000 and 1,000,000 names, {place}"),
        start_name=Cost(start[1], "s", f"start.health, 100,000 and 1,000,000 names, {place}"),
        takeover_base=Cost(kill[0], "s", f"kill.goes_on, 100,000 and 1,000,000 names, {place}"),
        takeover_name=Cost(kill[1], "s", f"kill.goes_on, 100,000 and 1,000,000 names, {place}"),
        row=Cost(unit["store.row"], "B", f"store.row, {LONG_LISTS}"),
        detail=Cost(unit["store.detail"], "B", f"store.detail, {LONG_LISTS}"),
        postgres_row=Cost(unit["postgres.row"], "B", f"postgres.row, {LONG_LISTS}"),
        postgres_detail=Cost(unit["postgres.detail"], "B", f"postgres.detail, {LONG_LISTS}"),
        postgres_row_log=Cost(unit["postgres.row_log"], "B", f"postgres.row_log, {LONG_LISTS}"),
        postgres_block_log=Cost(unit["postgres.block_log"], "B", f"postgres.block_log, {LONG_LISTS}"),
        drop_rows=Cost(unit["drop.bytes"], "B", drop),
        drop_questions=Cost(unit["drop.questions"], "", drop),
        feed=Cost(unit["feed.result"], "B", f"feed.result, {LONG_LISTS}"),
        question=Cost(
            72.0 + 230.0, "B", "a query of 72 and a referral of 230 bytes, headers included: estimated", measured=False
        ),
    )


def median(rounds: Rounds, key: str) -> float:
    """The median of a figure over the rounds of one size. Raises KeyError where none has it."""
    values = [row[key] for row in rounds if key in row]
    if not values:
        raise KeyError(key)
    return spread(values)[0]


def per_line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Base and slope of the line through two points."""
    (low, first), (high, second) = points
    slope = (second - first) / (high - low)
    return first - slope * low, slope


def machine() -> dict[str, str]:
    """The machine of the simulated lists."""
    found: dict[str, str] = json.loads((records.ROOT / LONG_LISTS).read_text(encoding="utf-8"))["machine"]
    return found
