"""Runs the lab alone: `python -m tests.lab [--story] [--names N] [--registrars all|VENDOR...] [--epp] [--das]`, see `--help`.

Prints one JSON object with its addresses and the settings that point the product at it, then serves until Ctrl-C. The settings
hold the keys of the emulated registrars and the EPP accounts that were asked for. With `--env-file` they are in a file, too:

    python -m tests.lab --registrars all --env-file /tmp/lab.env
    domain-monitor check a-name.com --methods registrar --env-file /tmp/lab.env
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.lab import story
from tests.lab.clock import LabClock
from tests.lab.lab import Lab
from tests.lab.registrars.emulator import find_emulators
from tests.lab.suffixes import SUFFIXES


async def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with Lab.start(clock=LabClock(speed=arguments.speed)) as lab:
        _enable_sources(lab, arguments)
        names: list[str] = []
        if arguments.story:
            story.stage(lab.registry)
            names += [role.name for role in story.CAST]
            story.play(lab.registry, lab.faults, lambda text: print(text, file=sys.stderr, flush=True))
        share, rest = divmod(arguments.names, len(SUFFIXES))
        for number, label in enumerate(SUFFIXES):
            names += lab.registry.populate(label, share + (number < rest))
        lab.customer.set_watch(names, priority=[role.name for role in story.CAST if arguments.story and role.priority])
        if arguments.env_file is not None:
            _write_settings(arguments.env_file, lab.environment())
        view = {
            "control": lab.control_url,
            "customer": lab.customer_url,
            "rdap": {label: lab.rdap_base(label) for label, suffix in SUFFIXES.items() if suffix.rdap},
            "whois": {label: lab.whois_host(label) for label in SUFFIXES},
            "names": len(names),
            "environment": lab.environment(),
        }
        print(json.dumps(view, indent=1), flush=True)
        await stop.wait()
    return 0


def _enable_sources(lab: Lab, arguments: argparse.Namespace) -> None:
    """Give the product the keys of these registrars, and tell it of EPP accounts and availability services."""
    if arguments.registrars:
        lab.registrars.enable(*(() if "all" in arguments.registrars else arguments.registrars))
    lab.epp_enabled, lab.das_enabled = arguments.epp, arguments.das


def _write_settings(path: Path, environment: Mapping[str, str]) -> None:
    """An env file for `domain-monitor --env-file`. In single quotes every value means itself."""
    path.write_text("".join(f"{name}='{value}'\n" for name, value in environment.items()), encoding="utf-8")


def main() -> int:
    """Command line."""
    vendors = sorted(find_emulators())
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A small internet on loopback for Domain Monitor.")
    parser.add_argument("--story", action="store_true", help="with the demo's cast; its acts begin at once")
    parser.add_argument("--names", type=int, default=0, help="register so many plain names too, and watch them")
    parser.add_argument("--speed", type=float, default=1.0, help="registry seconds per real second")
    parser.add_argument(
        "--registrars",
        nargs="+",
        choices=["all", *vendors],
        default=[],
        metavar="VENDOR",
        help=f"with the keys of these registrars: all, or some of {', '.join(vendors)}",
    )
    parser.add_argument("--epp", action="store_true", help="with an EPP account at each registry that has a server")
    parser.add_argument("--das", action="store_true", help="with the availability services")
    parser.add_argument("--env-file", type=Path, metavar="FILE", help="write the settings there, for domain-monitor --env-file")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
