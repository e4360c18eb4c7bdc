"""Hosts with checkers alone, which reach whichever instance leads over TCP and CURVE; a process that ends is started again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.bus import generate_keys
from tests.cluster.hosts import Host
from tests.lab.stack import ROOT, bare_environment

#: The bus of every instance, on each of its addresses, and how many instances there can be.
BUS_PORT, MOST_INSTANCES = 5550, 6
INSTANCES, CHECKERS = generate_keys(), generate_keys()
POOLS = ("fast", "intermediate", "deep")
#: The egress of all that is not given one of its own.
SHARED = "default"
_AGAIN = 0.5

#: What every instance is told, to let them in.
BUS_SETTINGS = {
    "BUS_ENDPOINT": f"tcp://0.0.0.0:{BUS_PORT}",
    "BUS_SECRET_KEY": INSTANCES.secret,
    "BUS_CLIENT_KEYS": CHECKERS.public,
}


class CheckerHost:
    """The three pools on one host."""

    def __init__(
        self, host: Host, instances: Sequence[str], environment: Mapping[str, str], directory: Path, egress: str = SHARED
    ) -> None:
        """`egress`: of its own, or the one of all instances and other hosts."""
        self.name = host.name
        self.egress = egress
        self.host = host
        self.log_file = directory / f"{host.name}.log"
        self._environment = {
            **bare_environment(),
            **environment,
            "STATE_DIR": str(directory / host.name),
            "INSTANCE_ID": host.name,
            "COORDINATOR": ",".join(f"tcp://{address}:{BUS_PORT}" for address in instances),
            "EGRESS_ID": egress,
            "BUS_SECRET_KEY": CHECKERS.secret,
            "BUS_SERVER_KEY": INSTANCES.public,
            "LOG_FORMAT": "json",
        }
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start one process of each pool for each shard, and again when it ends."""
        numbers = range(int(self._environment.get("SHARDS", "1")))
        self._tasks = [asyncio.create_task(self._keep(pool, number)) for pool in POOLS for number in numbers]

    async def kill(self) -> None:
        """Kill -9 of all of them; they are started again."""
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGKILL)

    async def close(self) -> None:
        """End all for good."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.kill()
        await asyncio.gather(*(child.wait() for child in self._children.values()))

    async def _keep(self, pool: str, number: int) -> None:
        inside = ("ip", "netns", "exec", self.host.namespace) if self.host.namespace else ()
        while True:
            with self.log_file.open("ab") as log:
                self._children[f"{pool}-{number}"] = child = await asyncio.create_subprocess_exec(
                    *inside,
                    *(sys.executable, "-m", "actors.cli.main", "checker", "--pool", pool, "--number", str(number)),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    cwd=ROOT,
                    start_new_session=True,
                )
            await child.wait()
            await asyncio.sleep(_AGAIN)
