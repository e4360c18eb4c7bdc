"""The planning model against the simulated core, at a million names and more: `make bench ARGS="longlist --names 1000000"`.

Each size runs in a process of its own: a start from the store's columns, some minutes under the built-in budgets, and some in
which the registries take any number of questions. `found` stands beside `said`, what the model says of the same list. The unit
costs come from smaller runs of a million names, so that no size is held against figures of its own.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np

from common.core.model.limit import Limit
from tests.bench import longlist_store, longlist_units, procfs, records, scale_costs
from tests.bench.figures import NO_SIZE, shown
from tests.bench.scale_mix import REGISTERED, Share, mix_of
from tests.bench.scale_model import STEADY, Plan, RecordAges, Traffic, find_traffic
from tests.sim.long_list import LongList, Part

#: Sizes that are measured, and seconds of virtual time in a measurement.
SIZES = (1_000_000, 3_000_000, 10_000_000)
DURING = 120.0
#: Seconds of virtual time before it: at least; and under the budgets, for a list of one name, until the registries' queues,
#: which hold half an hour, are full.
BEFORE, FILLING = 60.0, 9e8
#: What lets every registry be asked as often as the intervals want.
FREE = {"*": Limit("*", 1e6, 1_000_000, None)}
#: Names up to which the store is filled, too: that takes a minute for each million.
MOST_STORED = 1_000_000
#: Suffixes whose registry counts the questions of a day.
QUOTA = ("cn",)
#: Most that the model may be off by, as a share.
BOUND = 0.15
#: The figures in which the model is held to it, besides the questions of each operator.
HELD = ("looks", "records", "rows", "blocks", "core", "memory")
#: Fewer questions than this in a run say nothing about a rate.
FEW = 200


def main(arguments: list[str]) -> int:
    """Measure, print found and said side by side, and return 1 where the model is off by more than it may."""
    parser = argparse.ArgumentParser(prog='make bench ARGS="longlist ..."', description=__doc__)
    parser.add_argument("--names", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=DURING, help="of virtual time in each measurement")
    parser.add_argument("--units", action="store_true", help="measure the unit costs anew, too")
    parser.add_argument("--save", action="store_true", help=f"keep the rounds in {scale_costs.LONG_LISTS}")
    options = parser.parse_args(arguments)
    kept = _kept()
    if options.units or NO_SIZE not in kept:
        kept[NO_SIZE] = [alone(longlist_units.measure) for _ in range(options.rounds)]
        print(json.dumps(kept[NO_SIZE], indent=1), file=sys.stderr, flush=True)
    for count in options.names:
        kept[count] = [measure_size(count, options.seconds, number + 1) for number in range(options.rounds)]
        print(json.dumps(kept[count]), file=sys.stderr, flush=True)
        if options.save:
            records.save(scale_costs.LONG_LISTS, describe_machine(), kept, [], {})
    units = longlist_units.middle(kept[NO_SIZE])
    rows = [row for count in options.names for row in compare(count, kept[count], units)]
    print(table(rows))
    if options.save:
        records.save(scale_costs.LONG_LISTS, describe_machine(), kept, [], {})
    return int(any(is_off(key, found, said) for _, key, found, said in rows))


#: How old records might be in the product of which the lists are kept; to be removed once they are measured anew.
MEASURED = RecordAges(((14.0, 0.5), (60.0, 1.0), (365.0, 7.0)), 1.0)


def mix() -> tuple[Share, ...]:
    """The suffixes of the simulated lists: the largest ones, in proportion, without those under a daily quota.

    What a quota lets through in ten minutes depends on the time of the day.
    """
    return mix_of({suffix: float(count) for suffix, count in REGISTERED.items() if suffix not in QUOTA})


def plan_of(names: int, *, free: bool) -> Plan:
    """The plan of a simulated list."""
    return Plan(names=names, mix=mix(), limits=FREE if free else STEADY)


def parts_of(plan: Plan) -> list[Part]:
    """The same list for the simulation."""
    counts = [(row, round(plan.names * row.share)) for row in plan.mix]
    return [Part(row.suffix, count, round(count * plan.gone), row.addresses, row.dated) for row, count in counts]


def measure_size(names: int, seconds: float, seed: int) -> dict[str, float]:
    """One round of one size: the simulated lists, and the store."""
    found = alone(measure, names, seconds, seed)
    return found | alone(longlist_store.measure, names) if names <= MOST_STORED else found


def measure(names: int, seconds: float, seed: int) -> dict[str, float]:
    """One round: memory and start, then both regimes. Rates a second, `core` in cores, memory in bytes a name."""
    found: dict[str, float] = {}
    gc.collect()
    before = procfs.memory(os.getpid())["pss"]
    for regime in ("budgets", "free"):
        plan = plan_of(names, free=regime == "free")
        began = time.perf_counter()
        world = LongList(parts_of(plan), limits=dict(plan.limits), seed=seed)
        if regime == "budgets":
            found["start"] = world.cpu
            found["columns"] = (procfs.memory(os.getpid())["pss"] - before) / names
            found["memory"] = column_bytes(world) / names
        world.run(max(BEFORE, FILLING / names) if regime == "budgets" else BEFORE)
        world.mix_queues()
        found |= {f"{regime}.{key}": value for key, value in longlist_units.measured_rates(world, seconds).items()}
        print(f"  {names:,} {regime}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        del world
        gc.collect()
    return found


def column_bytes(world: LongList) -> int:
    """Bytes of the columns, the schedule and the index of names."""
    table = world.core.rooms.domains.table
    arrays = [value.nbytes for owner in (table, table.schedule.priority, table.schedule.ordinary, table.index)
              for value in vars(owner).values() if isinstance(value, np.ndarray)]  # fmt: skip
    index = table.index
    return (
        sum(arrays) + len(index._blob) + index._ends.itemsize * len(index._ends) + index._hashes.itemsize * len(index._hashes)
    )


def compare(
    names: int, rounds: Sequence[Mapping[str, float]], units: Mapping[str, float]
) -> list[tuple[str, str, float, float]]:
    """What was found and what the model says, of one size: (size and regime, figure, found, said)."""
    rows = []
    for regime in ("budgets", "free"):
        traffic = find_traffic(replace(plan_of(names, free=regime == "free"), record_ages=MEASURED))
        said = {
            **expect(traffic),
            "core": longlist_units.core_cpu(names, traffic, units),
            "memory": longlist_units.column_bytes(names),
        }
        for key, value in said.items():
            found = scale_costs.median(rounds, "memory") if key == "memory" else _rate(rounds, regime, key)
            if key in HELD or found * DURING >= FEW:
                rows.append((f"{names:,} {regime}", key, found, value))
    return rows


def is_off(key: str, found: float, said: float) -> bool:
    """Whether the model is off by more than it may. CPU is shown and not held: it depends on what else the machine does."""
    return key != "core" and abs(found / said - 1) > BOUND


def expect(traffic: Traffic) -> dict[str, float]:
    """What the model says of the counts of a run, each a second."""
    asked = {one.name: one.asked for one in (*traffic.dns, *traffic.registry)}
    return {**asked, **{name: getattr(traffic, name) for name in ("looks", "records", "rows", "blocks")}}


def table(rows: Sequence[tuple[str, str, float, float]]) -> str:
    """Found and said as a Markdown table."""
    lines = ["| list | figure | found | said | off |", "| --- | --- | --- | --- | --- |"]
    for place, key, found, said in rows:
        lines.append(f"| {place} | {key} | {shown(found, '')} | {shown(said, '')} | {100 * (found / said - 1):+.1f} % |")
    return "\n".join(lines)


def alone(call: Callable[..., dict[str, float]], *args: object) -> dict[str, float]:
    """The result of a call in a process of its own, with memory of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call, *args).result()


def describe_machine() -> dict[str, str]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cpus": f"{os.cpu_count()}, shared with other work",
    }


def _rate(rounds: Sequence[Mapping[str, float]], regime: str, key: str) -> float:
    return scale_costs.median([{"rate": row.get(f"{regime}.{key}", 0.0)} for row in rounds], "rate")


def _kept() -> dict[int, list[dict[str, float]]]:
    place = records.ROOT / scale_costs.LONG_LISTS
    return (
        {count: [dict(row) for row in rows] for count, rows in records.load(scale_costs.LONG_LISTS).items()}
        if place.exists()
        else {}
    )
