"""How long a single check takes beside sweeps in the same process, against a real name server: `make bench ARGS="beside"`.

`check` is the time of a single check, `loop` how late the loop of the process is: milliseconds, median and 99th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from actors.checkers.contract import Context
from actors.checkers.fast.dns import create
from common import clock
from common.core.parsers.dns_fast import OPEN
from common.messages import MAX_SWEEP, Task
from tests.bench import dns_zone
from tests.bench.dns_client import WHOLE, settings_for

#: Seconds between two single checks.
EVERY = 0.01


def main(arguments: list[str] | None = None) -> None:
    """Measure without and with sweeps, and print one line for each."""
    parser = argparse.ArgumentParser(prog='make bench ARGS="beside ..."', description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each line")
    parser.add_argument("--names", type=int, default=60_000)
    options = parser.parse_args(arguments)
    servers = dns_zone.available()
    if not servers:
        print("neither nsd nor knotd is installed: nothing to measure against (apt-get install nsd)")
        return
    cpus = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        names = list(dns_zone.write(Path(name), options.names))
        with dns_zone.serving(Path(name), servers[0], cpus[0] if len(cpus) > 1 else None) as server:
            os.sched_setaffinity(0, {cpus[-1]})
            for sweeps in (0, 1, WHOLE, 2 * WHOLE):
                print(asyncio.run(Beside(names, server.port, options.seconds).run(sweeps)))


class Beside:
    """Sweeps and single checks of one checker, for some seconds."""

    def __init__(self, names: list[str], port: int, seconds: float) -> None:
        self._names = names
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._checker = create(Context(settings_for(port), clock.now, clock.monotonic))
        self._swept = self._open = 0

    async def run(self, sweeps: int) -> str:
        """What it came to, as one line."""
        checks, late, *_ = await asyncio.gather(self._checks(), self._late(), *(self._sweep(place) for place in range(sweeps)))
        await self._checker.close()
        rate = self._swept / self._seconds
        return f"{sweeps} sweeps: {rate:>9,.0f} names/s, {self._open} open   check {_shown(checks)}   loop {_shown(late)}"

    async def _sweep(self, place: int) -> None:
        at = place * MAX_SWEEP
        while time.monotonic() < self._end:
            names = self._names[at : at + MAX_SWEEP]
            at = (at + WHOLE * MAX_SWEEP) % len(self._names)
            found = await self._checker.sweep(dns_zone.ZONE, names, 30)
            self._swept += len(names)
            self._open += found.codes.count(OPEN)

    async def _checks(self) -> list[float]:
        took = []
        while (began := time.monotonic()) < self._end:
            name = self._names[len(took) % len(self._names)]
            found = await self._checker.check(Task("a.1", 1, "dns", name, dns_zone.ZONE))
            took.append(time.monotonic() - began)
            assert found.reading.finding.startswith("dns_auth"), found
            await asyncio.sleep(EVERY)
        return took

    async def _late(self) -> list[float]:
        late = []
        while (began := time.monotonic()) < self._end:
            await asyncio.sleep(EVERY)
            late.append(time.monotonic() - began - EVERY)
        return late


def _shown(seconds: list[float]) -> str:
    """Median and 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    return f"{ordered[len(ordered) // 2] * 1000:>5.1f} {ordered[int(len(ordered) * 0.99)] * 1000:>6.1f} ms"


if __name__ == "__main__":
    main()
