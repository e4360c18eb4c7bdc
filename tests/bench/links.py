"""What a checker on another host costs beside one here: CPU per query, over a unix socket and over TCP with CURVE.

`make bench ARGS=links`. A real checker process asks the laboratory's name servers; the coordinator is played. Both cases take
turns in one run, and the ratio is what counts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from common import config, state_dir
from common.bus import CoordinatorBus, generate_keys
from common.codec import decode_upward
from common.messages import Credit, Downward, Results, Sweep, SweepResult, Task, Tasks
from tests.cluster.remote_scene import free_ports
from tests.lab.lab import Lab
from tests.lab.stack import ROOT

CLUSTER, WORKER = generate_keys(), generate_keys()
#: Queries under way at once, and names of one sweep.
UNDER_WAY, SWEPT = 200, 1000
LIMIT = 120.0


class Case:
    """One checker process, and the bus that it works for."""

    def __init__(self, folder: Path, environment: dict[str, str], *, remote: bool) -> None:
        self._seq = 0
        self._done: dict[str, int] = {}
        self._credit: Credit | None = None
        self._news = asyncio.Event()
        folder.mkdir()
        port = free_ports()
        mine = {"STATE_DIR": str(folder / "a")}
        theirs = {**environment, "STATE_DIR": str(folder / ("b" if remote else "a")), "LOG_LEVEL": "WARNING"}
        if remote:
            keys = {"BUS_SECRET_KEY": CLUSTER.secret, "BUS_CLIENT_KEYS": WORKER.public}
            mine |= {"BUS_ENDPOINT": f"tcp://127.0.0.1:{port}", **keys}
            theirs |= {"COORDINATOR": f"tcp://127.0.0.1:{port}", "EGRESS_ID": "far"}
            theirs |= {"BUS_SECRET_KEY": WORKER.secret, "BUS_SERVER_KEY": CLUSTER.public}
        settings = config.load(mine)
        state_dir.create_directories(settings)
        self._bus = CoordinatorBus(settings, 1)
        self._bus.attach(self._receive, lambda _: None, lambda _: None)
        command = [sys.executable, "-m", "actors.cli.main", "checker", "--pool", "fast"]
        kept = {"PATH": os.environ["PATH"], "DOMAIN_MONITOR_ENV_FILE": ""}
        self._process = subprocess.Popen(command, cwd=ROOT, env={**kept, **theirs})

    async def queries(self, count: int) -> float:
        """Microseconds of CPU of the checker per single query."""

        def message() -> Downward:
            first, self._seq = self._seq + 1, self._seq + 50
            numbers = range(first, first + 50)
            return Tasks(tuple(Task(f"q.{number}", number, "dns", f"bench-{number}.com", "com") for number in numbers))

        return await self._measure(count, 50, UNDER_WAY, message)

    async def sweeps(self, count: int) -> float:
        """Microseconds of CPU of the checker per name of a sweep."""

        def message() -> Downward:
            self._seq += 1
            labels = "\n".join(f"sweep-{self._seq}-{number}" for number in range(SWEPT))
            return Sweep(f"s.{self._seq}", self._seq, "com", labels, SWEPT)

        return await self._measure(count, SWEPT, SWEPT, message)

    async def _measure(self, count: int, each: int, under_way: int, message: Callable[[], Downward]) -> float:
        async with asyncio.timeout(LIMIT):
            while self._credit is None:
                await self._wait()
            self._done.clear()
            sent, began = 0, self._cpu()
            while (done := sum(self._done.values())) < count:
                while sent < count and sent - done + each <= max(under_way, each):
                    if not self._bus.send(self._credit.worker, self._credit.boot, message()):
                        break
                    sent += each
                await self._wait()
            return 1e6 * (self._cpu() - began) / count

    def _receive(self, frame: bytes, _mark: str) -> None:
        message = decode_upward(frame)
        if isinstance(message, Results):
            for result in message.results:
                assert result.observation is not None, "a query was returned"
                self._done[result.attempt] = 1
        elif isinstance(message, SweepResult):
            assert message.trouble is None, message
            assert not message.returned, message
            self._done[message.attempt] = SWEPT
        self._credit = message if isinstance(message, Credit) else getattr(message, "credit", self._credit)
        self._news.set()

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _cpu(self) -> float:
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")  # in nanoseconds (proc(5)): ticks are too coarse
        return sum(int(path.read_text(encoding="ascii").split()[0]) for path in threads) / 1e9

    def close(self) -> None:
        """End the checker."""
        self._process.kill()
        self._process.wait()
        self._bus.close()


async def measure(rounds: int, queries: int, swept: int) -> dict[str, list[tuple[float, float]]]:
    """By what was measured: microseconds of CPU, here and from another host, for each round."""
    found: dict[str, list[tuple[float, float]]] = {"query": [], "name of a sweep": []}
    async with Lab.start() as lab:
        with tempfile.TemporaryDirectory() as folder:
            near = Case(Path(folder) / "near", lab.environment(), remote=False)
            far = Case(Path(folder) / "far", lab.environment(), remote=True)
            try:
                for case in (near, far):  # caches and code are warm from here on
                    await case.queries(500)
                    await case.sweeps(SWEPT)
                for number in range(rounds):
                    order = (near, far) if number % 2 else (far, near)
                    by_case = {case: (await case.queries(queries), await case.sweeps(swept)) for case in order}
                    for place, name in enumerate(found):
                        found[name].append((by_case[near][place], by_case[far][place]))
            finally:
                near.close()
                far.close()
    return found


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench links", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--swept", type=int, default=20_000)
    options = parser.parse_args(arguments)
    for name, rounds in asyncio.run(measure(options.rounds, options.queries, options.swept)).items():
        near, far = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratios = sorted(other / here for here, other in rounds)
        print(
            f"CPU of a checker per {name}: {near:.1f} us here, {far:.1f} us from another host; "
            f"ratio {statistics.median(ratios):.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})"
        )
