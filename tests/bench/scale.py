"""How much a list of names needs: `make scale ARGS="--names 30000000"`; `--mix com=0.6,de=0.4` or `--list FILE`: another mix.

Questions by operator against the budgets, how many addresses could ask them, CPU, memory, store, feed, start: each line says
whether it was measured at that size, extrapolated from what was measured, follows from a rule of the product, or is estimated.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from common.core.registries.operators import parse_budgets
from common.suffixes import load_suffixes
from tests.bench import records, scale_costs, scale_picture, scale_text
from tests.bench.scale_bill import FREE, make_bill
from tests.bench.scale_mix import MIXES, Share, mix_of, parse_mix
from tests.bench.scale_model import STEADY, Plan, find_traffic

DOCUMENT, PICTURE = Path("docs/scale.md"), Path("docs/scale.svg")


def main(arguments: list[str]) -> None:
    """Print the bill of one plan, or write the tables and the picture of docs/scale.md."""
    parser = argparse.ArgumentParser(prog='make scale ARGS="..."', description=__doc__)
    parser.add_argument("--names", type=int, help="default: 1,000,000, or those of --list")
    parser.add_argument("--mix", default="public", help=f"{', '.join(MIXES)}, or suffixes with their shares")
    parser.add_argument("--list", type=Path, help="a file with a name in each line, in place of --mix")
    parser.add_argument("--interval", type=float, default=Plan.interval, help="CHECK_INTERVAL in seconds")
    parser.add_argument("--priority-interval", type=float, default=Plan.priority_interval, help="PRIORITY_CHECK_INTERVAL")
    parser.add_argument("--priority", type=float, default=Plan.priority, help="share of the names with priority")
    parser.add_argument("--gone", type=float, default=Plan.gone, help="share of the names that are not in their zone")
    parser.add_argument("--deleted", type=float, default=Plan.deleted, help="share of the names that are deleted in a year")
    parser.add_argument("--churn", type=float, default=Plan.churn, help="share of the list that is new on a day")
    parser.add_argument("--results", default=Plan.results, choices=("all", "changes", "none"), help="CALLBACK_RESULTS")
    parser.add_argument("--egresses", type=int, default=Plan.egresses, help="addresses that checkers ask from")
    parser.add_argument("--budgets", type=Path, help="BUDGETS_FILE")
    parser.add_argument("--free", action="store_true", help="as if the registries took every question")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT} and {PICTURE} anew")
    options = parser.parse_args(arguments)
    if options.write:
        write()
        return
    mix = read_mix(options.list) if options.list else parse_mix(options.mix)
    limits = parse_budgets(options.budgets.read_bytes()) if options.budgets else STEADY
    plan = Plan(
        names=options.names or (count_names(options.list) if options.list else scale_costs.LARGE),
        mix=mix,
        interval=options.interval,
        priority_interval=options.priority_interval,
        priority=options.priority,
        gone=options.gone,
        deleted=options.deleted,
        churn=options.churn,
        results=options.results,
        egresses=options.egresses,
        limits=FREE if options.free else limits,
    )
    print(scale_text.operators(find_traffic(plan)), scale_text.bill(make_bill(plan, scale_costs.load())), sep="\n\n")


def write() -> None:
    """Write the tables between the markers of docs/scale.md, and draw docs/scale.svg."""
    costs = scale_costs.load()
    document = records.ROOT / DOCUMENT
    text = document.read_text(encoding="utf-8")
    for marker, part in scale_text.parts(costs).items():
        text = records.placed(text, marker, part)
    document.write_text(text, encoding="utf-8")
    (records.ROOT / PICTURE).write_text(scale_picture.drawn(costs), encoding="utf-8")


def count_names(path: Path) -> int:
    """How many names a list has."""
    with path.open(encoding="utf-8") as lines:
        return sum(bool(line.strip()) for line in lines)


def read_mix(path: Path) -> tuple[Share, ...]:
    """The mix of a list with a name in each line; names under no registry suffix do not count."""
    suffix_of = load_suffixes()
    counts: Counter[str] = Counter()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            suffix = suffix_of(line.strip().lower())
            if suffix:
                counts[suffix] += 1
    return mix_of({suffix: float(count) for suffix, count in counts.items()})
