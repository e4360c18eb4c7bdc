"""Every scenario against the real processes: `python -m tests.scenarios [--only TEXT]... [--json]`.

Status 0 only if every row is as wanted, every state was seen somewhere (in a full run), and the stack was healthy, did not
crash and stopped cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.lab import suffixes
from tests.lab.lab import Lab
from tests.lab.stack import Stack, StackError
from tests.scenarios import (
    dead_channels,
    drops,
    rdap_liars,
    registrars,
    registry_rules,
    spellings,
    table,
    troubles,
    whois_remarks,
    whois_words,
)
from tests.scenarios.plot import Scenario
from tests.scenarios.stage import CADENCE, Stage
from tests.scenarios.suffixes import FURTHER

SCENARIOS: tuple[Scenario, ...] = (
    *rdap_liars.SCENARIOS,
    *whois_words.SCENARIOS,
    *whois_remarks.SCENARIOS,
    *registry_rules.SCENARIOS,
    *spellings.SCENARIOS,
    *troubles.SCENARIOS,
    *drops.SCENARIOS,
    *dead_channels.SCENARIOS,
    *registrars.SCENARIOS,
)


def chosen(wanted: list[str]) -> tuple[Scenario, ...]:
    """The scenarios whose name or cause contains one of these texts; all without any."""
    if not wanted:
        return SCENARIOS
    return tuple(scenario for scenario in SCENARIOS if any(text in scenario.name or text in scenario.covers for text in wanted))


async def run(scenarios: tuple[Scenario, ...], *, whole: bool, as_json: bool) -> int:
    """Play them; print the table. Returns the exit status."""
    began = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    directory = Path(tempfile.mkdtemp(prefix="dm-scenarios-"))
    trouble: list[str] = []
    with suffixes.also(*FURTHER):
        async with Lab.start() as lab:
            lab.registrars.enable(registrars.VENDOR)
            lab.registrars.emulators[registrars.VENDOR].unsold |= set(suffixes.SUFFIXES) - registrars.SOLD
            stack = Stack(lab.environment() | CADENCE, directory)
            stage = Stage(lab, stack, scenarios, tell)
            try:
                await stage.perform()
                trouble += await stage.health()
            except StackError as error:
                trouble.append(str(error))
            finally:
                tell("stopping the stack")
                trouble += await stack.stop()
                trouble += [f"a process crashed: {dump}" for dump in stack.crashes()]
            rows = table.rows_of(scenarios, stage.found, lab.queries)
    if whole:
        trouble += [f"no scenario shows the state {state}" for state in table.unseen_states(rows)]
    good = not trouble and not any(row.wrong for row in rows)
    seconds = time.monotonic() - began
    if as_json:
        _print(
            json.dumps({"good": good, "seconds": seconds, "trouble": trouble, "rows": [dataclasses.asdict(r) for r in rows]})
        )
    else:
        for line in [*table.shown(rows), *(f"wrong: stack: {text}" for text in trouble)]:
            _print(line)
        _print(f"{'all as wanted' if good else 'NOT as wanted'}, {seconds:.0f} s")
    if good:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        tell(f"log kept: {stack.log_file}")
    return 0 if good else 1


def _print(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios", description="Known causes of false alarms, and drops.")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="scenarios whose name contains this")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    arguments = parser.parse_args()
    scenarios = chosen(arguments.only)
    if not scenarios:
        parser.error(f"no scenario fits; there are: {', '.join(scenario.name for scenario in SCENARIOS)}")
    return asyncio.run(run(scenarios, whole=not arguments.only, as_json=arguments.json))


if __name__ == "__main__":
    sys.exit(main())
