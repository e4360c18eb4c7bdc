"""`make bench`: the figures of the whole service, with real processes, a real name server, and names by the million.

Ten thousand, a hundred thousand and a million names; everything runs on this machine, and nothing leaves it. Wall times depend
on what else the machine does; CPU per name is the figure to compare. Status 1 says that an answer was wrong or never came,
not that it was slow.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import dns, dns_zone, figures, profiles, records
from tests.bench.figures import NO_SIZE, Rounds
from tests.bench.rounds import Plan, measure

SIZES = (10_000, 100_000, 1_000_000)
QUICK = 10_000
PARTS = ("first", "second", "kill", "callbacks", "dns")
#: Names in the zone of the DNS engines' comparison, and in a quick one.
DNS_NAMES, DNS_QUICK = 100_000, 10_000
#: Characters shown of what was kept.
SHOWN = 300


def main(arguments: list[str]) -> int:
    """Measure, print the table, save every round; 1 where an answer was wrong or something did not happen in time."""
    options = _options(arguments)
    servers = dns_zone.available()
    if not servers:
        print("neither nsd nor knotd is installed: nothing is measured (apt-get install nsd knot dnsperf)")
        return 0
    found: dict[int, Rounds] = {}
    wrong: list[str] = []
    kept: dict[str, list[dict[str, Any]]] = {}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        for count in options.names:
            plan = Plan(count, options.rounds, servers[0], options.parts, options.quick, options.patience, options.profile)
            found[count], notes = asyncio.run(measure(plan, wrong))
            kept[str(count)] = notes
        if "dns" in options.parts:
            found[NO_SIZE] = _dns(servers[0], options, wrong)
    except KeyboardInterrupt:
        print("interrupted: what was measured until now follows", file=sys.stderr)
        wrong.append("it was interrupted")
    print(figures.table({figures.NOW: found}))
    _show(kept)
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    if options.save:
        records.save(Path(options.save), dns.machine(servers[0]), found, wrong, kept)
        print(f"every round: {options.save}")
    return 1 if wrong else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--names", type=int, nargs="+", default=list(SIZES), help="how many names; several: one column each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", dest="parts", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--quick", action="store_true", help=f"one round of {QUICK:,} names, in less than two minutes")
    parser.add_argument("--patience", type=float, default=0.0, help="seconds that one sweep may take; default: by its size")
    parser.add_argument("--profile", type=int, default=0, metavar="SECONDS", help="watch the second sweep with py-spy")
    parser.add_argument("--save", default="", help="file for every round; default: in docs/benchmarks, with --quick none")
    options = parser.parse_args(arguments)
    if options.quick:
        options.names, options.rounds = [QUICK], 1
    elif not options.save:
        options.save = str(records.PROFILE if options.profile else records.SERVICE)
    return options


def _show(kept: Mapping[str, list[dict[str, Any]]]) -> None:
    """The beginnings of /status and /metrics as they read during the sweep, and profiles."""
    for count, notes in kept.items():
        for note in notes:
            for path, text in note.get("during the sweep", {}).items():
                print(f"\n{int(count):,} names, {path} during the sweep ({len(text)} characters kept): {text[:SHOWN]}...")
            for kind, profile in note.get("profiles", {}).items():
                print(f"\n{int(count):,} names, {kind}, own time in the second sweep\n{profiles.text(profile)}")


def _dns(server: str, options: argparse.Namespace, wrong: list[str]) -> Rounds:
    """The DNS engines in turns, as `ARGS="dns"` compares them."""
    cases = [case for case in ("dnsperf", "sweep", "checker", "dnspython", "aiodns") if dns.usable(case)]
    count = DNS_QUICK if options.quick else DNS_NAMES
    with records.folder() as place:
        rounds = dns.measure(place, server, count, options.rounds, cases)
    found = []
    for row in rounds:
        lost = {case: row[case]["lost"] for case in ("sweep", "checker") if row[case]["lost"] > 0.001 * count}
        wrong.extend(f"{case}: {names:.0f} names were not answered right" for case, names in lost.items())
        sweep = row["sweep"]
        figure = {"dns.sweep": sweep["cpu"], "dns.checker": row["checker"]["cpu"]}
        if "dnsperf" in row:
            figure["dns.to_dnsperf"] = sweep["cpu"] / row["dnsperf"]["cpu"]
            figure["dns.to_dnsperf.both"] = sweep["both"] / row["dnsperf"]["both"]
        figure |= {f"dns.{case}": row[case]["cpu"] / sweep["cpu"] for case in ("dnspython", "aiodns") if case in row}
        found.append(figure)
    return found
