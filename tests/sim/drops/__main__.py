"""`python -m tests.sim.drops`: the comparison, and the bounds that are held.

Names drop at ten simulated registries while four ways to watch them run over the same months, at the same number of registry
questions: a fixed interval, expiry rules, the product as it was (recorded), and the product as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.sim.drops.bounds import check_bounds
from tests.sim.drops.families import SUFFIXES
from tests.sim.drops.figures import measure_outcome
from tests.sim.drops.outcomes import Outcome, Recorded, choose_suffixes, join_outcomes, read_recorded, write_recorded
from tests.sim.drops.peers import run_expiry, run_fixed
from tests.sim.drops.pictures import PICTURE, draw_runs
from tests.sim.drops.runs import PARTS, run_apart, run_product
from tests.sim.drops.table import calm_costs, write_suffixes, write_table

RECORDED = Path(__file__).with_name("recorded.json")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.drops", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--names", type=int, default=300, help="names on the list (default 300)")
    parser.add_argument("--days", type=int, default=30, help="days that are simulated (default 30)")
    parser.add_argument("--seed", type=int, default=1, help="what is decided by chance (default 1)")
    parser.add_argument("--only", default=",".join(SUFFIXES), metavar="SUFFIX,...", help="some of the suffixes")
    parser.add_argument("--parts", type=int, default=PARTS, help="processes (default 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="store what the product did")
    parser.add_argument("--record", metavar="COMMIT", help="keep this run of the product as recorded")
    parser.add_argument(
        "--picture", type=Path, nargs="?", const=PICTURE, metavar="FILE", help="draw it (default docs/drops.svg)"
    )
    given = parser.parse_args()
    suffixes = [suffix for suffix in SUFFIXES if suffix in given.only.split(",")]
    size = (suffixes, given.names, given.days, given.seed)
    fixed, expiry = run_fixed(*size), run_expiry(*size)
    product = run_apart(run_product, *size, parts=given.parts)
    run = Recorded(given.names, given.days, given.seed, suffixes, given.record or "", product)
    if given.json:
        write_recorded(given.json, [run])
    before = find_recorded(*size)
    if given.record:
        kept = [one for one in read_recorded(RECORDED) if not _is_same(one, *size)] if RECORDED.exists() else []
        write_recorded(RECORDED, [*kept, run])
    runs = {"fixed interval": fixed, "expiry rules": expiry, **({"before": before} if before else {}), "product": product}
    if given.picture:
        given.picture.write_text(draw_runs(runs, given.days), encoding="utf-8")
    print(write_table(runs))
    print(f"\nThe product by suffix:\n{write_suffixes(product)}")
    figures = measure_outcome(product)
    print(f"\n{calm_costs(figures, 1_000_000)}\n")
    for bound in check_bounds(figures, measure_outcome(fixed), measure_outcome(expiry)):
        print(bound)


def find_recorded(suffixes: list[str], names: int, days: int, seed: int) -> Outcome | None:
    """The run of the product as it was, of the same names, days and seed; None where not all of it was recorded."""
    found = Outcome([], [], [])
    for one in read_recorded(RECORDED) if RECORDED.exists() else []:
        if (one.names, one.days, one.seed) == (names, days, seed):
            new = [
                suffix for suffix in suffixes if suffix in one.suffixes and suffix not in {row.suffix for row in found.asked}
            ]
            found = join_outcomes([found, choose_suffixes(one.outcome, new)])
    return found if {row.suffix for row in found.asked} == set(suffixes) else None


def _is_same(one: Recorded, suffixes: list[str], names: int, days: int, seed: int) -> bool:
    return (one.suffixes, one.names, one.days, one.seed) == (suffixes, names, days, seed)


if __name__ == "__main__":
    main()
