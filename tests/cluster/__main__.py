"""Faults against several instances: `python -m tests.cluster [--rounds N] [--faults N] [--seed N] [--only TEXT]... [--plain]`.

Each round starts a fresh cluster and injects faults one after the other. Status 0 only if no invariant was violated. A round
that fails prints its seed and keeps its logs.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster import wrong_clock
from tests.cluster.campaign import Campaign, Outcome
from tests.cluster.cluster import open_cluster
from tests.cluster.faults import KINDS
from tests.cluster.invariants import Bounds
from tests.cluster.kinds import Kind
from tests.cluster.report import rows_of
from tests.cluster.store_faults import LINK_KINDS, STORE_KINDS


async def run_round(arguments: argparse.Namespace, seed: int, kinds: tuple[Kind, ...]) -> Outcome:
    """One round; its log directory is kept where something was violated."""
    directory = Path(tempfile.mkdtemp(prefix=f"dm-cluster-{seed}-"))
    timeline = (directory / "timeline.txt").open("w", encoding="utf-8")

    began = time.time()

    def note(text: str) -> None:
        print(f"{time.time() - began:7.2f}  {text}", file=timeline, flush=True)

    def tell(text: str) -> None:
        note(text)
        print(f"{time.time() - began:7.1f}  {text}", flush=True)

    tell(f"seed {seed}, logs in {directory}, began {began:.2f}")
    options = {
        "instances": arguments.instances,
        "plain": arguments.plain,
        "store": arguments.store,
        "checkers": arguments.checkers,
        "shards": arguments.shards,
    }
    async with open_cluster(directory, random.Random(f"drops {seed}"), note, **options) as cluster:
        cluster.quick = arguments.quick
        campaign = Campaign(cluster, seed, Bounds(slack=arguments.slack), tell)
        outcome = await campaign.run(arguments.faults, kinds, each=arguments.each)
    for row in rows_of(outcome):
        tell(row)
    if outcome.violations:
        tell(f"NOT well: python -m tests.cluster --seed {seed} --faults {arguments.faults}; logs kept in {directory}")
    timeline.close()
    if not outcome.violations and not arguments.keep:
        shutil.rmtree(directory, ignore_errors=True)
    return outcome


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description="Faults against several instances.")
    parser.add_argument("--rounds", type=int, default=1, help="rounds, each with a fresh cluster and the next seed (1)")
    parser.add_argument("--faults", type=int, default=20, help="faults in each round (20)")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; default: a random one, which is printed")
    parser.add_argument("--instances", type=int, default=3, help="instances at the start (3)")
    parser.add_argument("--checkers", type=int, default=0, help="further hosts that have checkers alone; as root (0)")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="kinds of faults whose name contains this")
    parser.add_argument("--each", action="store_true", help="every kind in turn instead of a random one")
    parser.add_argument("--plain", action="store_true", help="plain processes, also where namespaces could be made")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite", help="where the state is kept (sqlite)")
    parser.add_argument("--shards", type=int, default=1, help="into which the list is divided, over PostgreSQL (1)")
    parser.add_argument("--slack", type=float, default=1.0, help="factor of all bounds, for a busy machine (1)")
    parser.add_argument("--quick", action="store_true", help="faults last no longer than they have to")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a good round too")
    arguments = parser.parse_args()
    if arguments.shards > 1 and arguments.store != "postgres":
        parser.error("--shards needs --store postgres")
    needless = "embedded" if arguments.store == "postgres" else "served"
    links = LINK_KINDS if arguments.checkers else ()
    possible = [kind for kind in (*KINDS, *STORE_KINDS, *links) if not getattr(kind, needless)]
    kinds = tuple(kind for kind in possible if not arguments.only or any(text in kind.name for text in arguments.only))
    if not kinds:
        parser.error(f"no fault fits; there are: {', '.join(kind.name for kind in possible)}")
    if any(kind.clock for kind in kinds) and not wrong_clock.can_compile():
        print("without faults of clocks: there is no C compiler")
        kinds = tuple(kind for kind in kinds if not kind.clock)
    seed = random.SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    outcomes = [asyncio.run(run_round(arguments, seed + number, kinds)) for number in range(arguments.rounds)]
    bad = [outcome.seed for outcome in outcomes if outcome.violations]
    faults = sum(len(outcome.found.faults) for outcome in outcomes)
    print(f"{len(outcomes)} rounds, {faults} faults: {'all well' if not bad else f'NOT well, seeds {bad}'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
