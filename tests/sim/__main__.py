"""Histories by the hundred under the oracle: `python -m tests.sim --seeds 300`, or `--budgets` for the built-in budgets."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from statistics import median

from tests.sim.budget_times import HEAD, time_of, timed_suffixes
from tests.sim.cases import case_of
from tests.sim.liveness import Row, run

ENDINGS = ("told", "quiet", "missed", "late", "false", "sank")


def main() -> int:
    """1 where anything was not as it must be."""
    options = _options()
    return _budgets(options.only) if options.budgets else _seeds(options)


def row_of(seed: int) -> Row:
    """What comes of one seed."""
    return run(case_of(seed))


def table(rows: Iterable[Row]) -> str:
    """The summary: how each dead channel ended, and how long it took as a share of what it may take."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.trouble].append(row)
    groups["whatever"] = [row for group in groups.values() for row in group]
    head = f"{'dead channel':<20} {'cases':>5} " + " ".join(f"{ending:>6}" for ending in ENDINGS)
    lines = [f"{head} {'median':>7} {'worst':>7} {'3 steps':>7}"]
    for trouble, group in sorted(groups.items(), key=lambda item: (item[0] == "whatever", item[0] != "all alive", item[0])):
        lines.append(_line(trouble, group))
    return "\n".join([*lines, "median and worst: delay as a share of the bound; 3 steps: told within three polling steps"])


def _line(trouble: str, group: list[Row]) -> str:
    ends = Counter(row.ending for row in group)
    told = [row for row in group if row.bound and row.ending in ("told", "late", "sank")]
    ratios = [row.ratio for row in told]
    soon = sum(1 for row in told if row.delay <= 3 * row.step)
    shares = f"{median(ratios):7.2f} {max(ratios):7.2f} {soon / len(told):7.0%}" if told else f"{'-':>7} {'-':>7} {'-':>7}"
    return f"{trouble:<20} {len(group):>5} " + " ".join(f"{ends[ending]:>6}" for ending in ENDINGS) + f" {shares}"


def _seeds(options: argparse.Namespace) -> int:
    began = time.monotonic()
    every = range(options.start, options.start + options.seeds)
    seeds = [seed for seed in every if options.only in str(case_of(seed))] if options.only else list(every)
    rows = []
    for number, row in enumerate(_rows(seeds, options.workers), 1):
        rows.append(row)
        print(f"\r{number}/{len(seeds)} {time.monotonic() - began:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    wrong = [row for row in rows if row.violations]
    for row in wrong[: options.stories]:
        print("\n".join([*row.story, *(f"  -> {violation}" for violation in row.violations)]), end="\n\n")
    for row in wrong[options.stories :]:
        print(f"seed {row.seed}, {row.trouble}: {'; '.join(row.violations)}")
    print(table(rows))
    print(f"{len(rows)} cases, {len(wrong)} with violations, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


def _rows(seeds: list[int], workers: int) -> Iterator[Row]:
    if workers <= 1:
        yield from map(row_of, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(row_of, seeds, chunksize=4)


def _budgets(only: str) -> int:
    """From the first denial to the notice, under the built-in budgets, for each suffix with a row in the calendar."""
    print(HEAD)
    never = 0
    for suffix in timed_suffixes():
        if only in suffix:
            timed = time_of(suffix)
            never += timed.confirmed is None
            print(timed, flush=True)
    print("found: from the purge to the first denial; told: from that, or the end of the release procedure, to the notice")
    return 1 if never else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--from", dest="start", type=int, default=0, metavar="N", help="the first of them")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases, or suffixes, with this in their description")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--stories", type=int, default=10, metavar="N", help="violations told with their time line")
    parser.add_argument(
        "--budgets", action="store_true", help="time one name of each suffix under the built-in budgets instead"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
