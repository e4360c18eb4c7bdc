"""Runs of the simulation: the product or a plain loop, over the same names at the same registries, in two processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.sim.drops.families import DAY, FAMILIES, make_stories
from tests.sim.drops.outcomes import Outcome, collect_outcome, join_outcomes
from tests.sim.drops.progress import make_progress
from tests.sim.drops.registry import Registry, make_registry
from tests.sim.drops.world import DropWorld

#: Seconds by which our clock is ahead of the registries'.
SKEW = 2.5
#: Processes of one run: registries are independent of each other, so their names can be watched apart.
PARTS = 2
#: Seconds of CPU of a day of each suffix alone, of 3,000 names: a run takes as long as its longest process.
WORK = {
    "com": 5.2, "uk": 4.6, "de": 4.4, "org": 4.0, "io": 4.0, "nl": 3.9, "fr": 3.9, "ca": 3.4, "cz": 3.3, "se": 3.3,
}  # fmt: skip

Run = Callable[[Sequence[str], int, int, int], Outcome]


def make_registries(suffixes: Sequence[str], names: int, days: int, seed: int) -> dict[str, Registry]:
    """The registries of these suffixes, fresh; `names` is the size of the list over all suffixes of the simulation."""
    found = {}
    for family in FAMILIES:
        if family.suffix in suffixes:
            stories = make_stories(family, max(1, round(names * family.share)), days, seed, SKEW)
            found[family.suffix] = make_registry(family.suffix, stories, days, seed)
    return found


def run_product(suffixes: Sequence[str], names: int, days: int, seed: int) -> Outcome:
    """The product watches for so many days."""
    began = time.process_time()
    registries = make_registries(suffixes, names, days, seed)
    world = DropWorld(registries, seed)
    world.report = make_progress(list(registries), days)
    world.watch_all()
    world.run(days * DAY)
    return collect_outcome(registries, world.verdicts(), days, time.process_time() - began)


def run_apart(run: Run, suffixes: Sequence[str], names: int, days: int, seed: int, parts: int = PARTS) -> Outcome:
    """The same in several processes, each with some of the suffixes."""
    pieces = [piece for piece in _divide(suffixes, parts) if piece]
    if len(pieces) < 2:
        return run(suffixes, names, days, seed)
    with ProcessPoolExecutor(len(pieces)) as pool:
        return join_outcomes(pool.map(partial(_run_part, run, names, days, seed), pieces))


def _run_part(run: Run, names: int, days: int, seed: int, suffixes: Sequence[str]) -> Outcome:
    return run(suffixes, names, days, seed)


def _divide(suffixes: Sequence[str], parts: int) -> list[list[str]]:
    """Parts of about as much work."""
    pieces: list[list[str]] = [[] for _ in range(parts)]
    for suffix in sorted(suffixes, key=lambda suffix: -WORK[suffix]):
        min(pieces, key=lambda piece: sum(WORK[one] for one in piece)).append(suffix)
    return pieces
