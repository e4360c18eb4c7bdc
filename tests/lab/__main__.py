"""Runs the lab alone: `python -m tests.lab [--story] [--names N] [--speed X]`.

Prints one JSON object with its addresses and the settings that point the product at it, then serves until Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from tests.lab import story
from tests.lab.clock import LabClock
from tests.lab.lab import Lab
from tests.lab.suffixes import SUFFIXES


async def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with Lab.start(clock=LabClock(speed=arguments.speed)) as lab:
        names: list[str] = []
        if arguments.story:
            story.stage(lab.registry)
            names += [role.name for role in story.CAST]
            story.play(lab.registry, lab.faults, lambda text: print(text, file=sys.stderr, flush=True))
        share, rest = divmod(arguments.names, len(SUFFIXES))
        for number, label in enumerate(SUFFIXES):
            names += lab.registry.populate(label, share + (number < rest))
        lab.customer.set_watch(names, priority=[role.name for role in story.CAST if arguments.story and role.priority])
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


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A small internet on loopback for Domain Monitor.")
    parser.add_argument("--story", action="store_true", help="with the demo's cast; its acts begin at once")
    parser.add_argument("--names", type=int, default=0, help="register so many plain names too, and watch them")
    parser.add_argument("--speed", type=float, default=1.0, help="registry seconds per real second")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
