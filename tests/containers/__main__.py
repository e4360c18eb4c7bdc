"""`make containers`: names drop while instances are killed, paused, stopped and added; then the receiver's record is judged.

Needs root, Docker with compose, the image `domain-monitor` (`docker compose build`), and no use of the networks 10.43, 10.44,
10.53, 10.70, 10.80, 10.81 and 10.90: their addresses become this machine's while it runs, because a container has a loopback of
its own. A round takes three minutes. Exit status 0 only if nothing was lost, told twice, or false.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

HEAD = "10"
os.environ["LAB_HEAD"] = HEAD

from tests.containers.compose import Compose, have_database_image, run  # noqa: E402 - the addresses of the lab are made as it is imported
from tests.containers.record import find_faults  # noqa: E402
from tests.lab import net, story  # noqa: E402
from tests.lab.lab import Lab  # noqa: E402
from tests.lab.scoring import Score, score  # noqa: E402
from tests.lab.story import Alarm, Role, Scene  # noqa: E402

CADENCE = {
    "CHECK_INTERVAL": "5",
    "PRIORITY_CHECK_INTERVAL": "2",
    "CONFIRM_GAP": "4",
    "CONFIRM_GAP_CLOSE": "2",
    "CALLBACK_RESULTS": "changes",
    "DOMAIN_API_REFRESH_INTERVAL": "10",
}
#: Seconds between two drops; from the last one until it has to be told; that an act may take.
DROP_EVERY, TOLD_WITHIN, PATIENCE = 2.0, 60.0, 90.0
#: Names for one round, of which as many drop as there is time for.
NAMES = 200
#: The slowest drops that are shown.
SLOWEST = 5
#: Seconds between two looks at /health, for which the leader is paused, and which pass between two acts.
LOOK_EVERY, PAUSED_FOR, BETWEEN = 0.1, 30.0, 10.0
#: Seconds for which the server of the database is stopped; pauses until one hits a transaction.
AWAY_FOR, PAUSES = 15.0, 300


class Cluster:
    """Instances behind the proxy, and the acts they are put through."""

    def __init__(self, compose: Compose, tell: Callable[[str], None]) -> None:
        self._compose = compose
        self._tell = tell
        self._causes: set[str] = set()
        self.has_database = compose.database

    async def look(self) -> tuple[int, str, str, int]:
        """HTTP status, what /health says, which instance leads, and how many are there."""
        status, content = await self._compose.health()
        if status not in {0, 200}:
            self._causes.update(str(each["code"]) for each in content.get("problems", ()))
        instances = content.get("instances", [])
        leader = next((each["instance"] for each in instances if each["role"] == "leader"), "")
        return status, content.get("status", ""), leader, sum(each["status"] == "ok" for each in instances)

    async def await_state(
        self, what: str, count: int, act: Awaitable[object], patience: float = PATIENCE, *, without: str = ""
    ) -> str:
        """Begin an act and wait until so many instances are well, led by another one; tells how long that took. The leader.

        Raises TimeoutError after `patience` seconds.
        """
        loop = asyncio.get_running_loop()
        began, refused, led, served = loop.time(), Counter[int](), 0.0, 0.0
        acting = asyncio.ensure_future(act)
        async with asyncio.timeout(patience):
            while True:
                status, says, leader, there = await self.look()
                took = loop.time() - began
                refused[status] += status != 200
                if leader not in ("", without):
                    led = led or took
                if led and status == 200 and says == "ok":
                    served = served or took
                if served and there == count and acting.done():
                    break
                await asyncio.sleep(LOOK_EVERY)
        await acting
        self._tell(
            f"{what}: led after {led:.1f} s, /health ok after {served:.1f} s, {count} instances well after {took:.1f} s; "
            f"other answers than 200: {dict(+refused) or 'none'} {' '.join(sorted(self._causes))}"
        )
        self._causes.clear()
        return leader

    async def kill_leader(self, leader: str, count: int) -> str:
        """All its processes at once, without a word; Docker leaves a killed container alone, `up` starts it again."""
        await self.await_state("leader killed", count - 1, run("docker", "kill", leader), without=leader)
        return await self.rescale(count)

    async def pause_leader(self, leader: str, count: int) -> str:
        """It holds its connections, sockets and locks, and comes back not knowing that time has passed.

        Where it was stopped in the middle of a transaction it holds the lock of the database, and no other can write meanwhile.
        """
        until = asyncio.get_running_loop().time() + PAUSED_FOR
        try:
            await self.await_state("leader paused", count - 1, run("docker", "pause", leader), PAUSED_FOR, without=leader)
        except TimeoutError:
            self._tell(f"leader paused: no other one works after {PAUSED_FOR:.0f} s: {' '.join(sorted(self._causes))}")
        await asyncio.sleep(until - asyncio.get_running_loop().time())
        return await self.await_state("it goes on", count, run("docker", "unpause", leader))

    async def pause_leader_in_write(self, leader: str, count: int) -> str:
        """Paused in the middle of a transaction: it keeps the lock of the database, and the next one goes on in a copy."""
        pauses = await self._pause_in_write(leader)
        if not pauses:
            self._tell(f"leader never met in a transaction in {PAUSES} pauses")
            return leader
        self._tell(f"leader paused in a transaction, by pause {pauses}")
        led = await self.await_state("it stays paused", count - 1, asyncio.sleep(PAUSED_FOR), without=leader)
        await self.await_state("it goes on", count, run("docker", "unpause", leader))
        return led

    async def _pause_in_write(self, leader: str) -> int:
        """Pause and go on until a pause hits a transaction; the number of pauses, 0 where none did."""
        path = await self._compose.volume() / "domain-monitor.db"
        for number in range(1, PAUSES + 1):
            await run("docker", "pause", leader)
            if is_locked(path):
                return number
            await run("docker", "unpause", leader)
        return 0

    async def stop_leader(self, leader: str, count: int) -> str:
        """In order."""
        await self.await_state("leader stopped", count - 1, run("docker", "stop", leader), without=leader)
        return await self.rescale(count)

    async def stop_database(self, _: str, count: int) -> str:
        """All of them wait for it; any may lead afterwards."""
        return await self.await_state(f"database away for {AWAY_FOR:.0f} s", count, self._compose.stop_database(AWAY_FOR))

    async def rescale(self, count: int) -> str:
        """More of them, or fewer."""
        return await self.await_state(f"scaled to {count}", count, self._compose.scale(count))


def is_locked(path: Path) -> bool:
    """Whether a process is in the middle of a transaction that writes this SQLite file."""
    newest = max(path.parent.glob(f"{path.name}.g*[0-9]"), key=lambda found: int(found.suffix[2:]), default=path)
    try:
        with contextlib.closing(sqlite3.connect(newest, timeout=0, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    return False


async def perform(cluster: Cluster, rounds: int) -> None:
    """All acts, one after the other, so many times."""
    leader = await cluster.rescale(3)
    acts: list[Callable[[str], Awaitable[str]]] = [
        lambda leader: cluster.kill_leader(leader, 3),
        lambda leader: cluster.pause_leader(leader, 3),
        lambda leader: cluster.stop_leader(leader, 3),
        lambda _: cluster.rescale(1),
        lambda _: cluster.rescale(5),
        lambda _: cluster.rescale(3),
    ]
    further = cluster.stop_database if cluster.has_database else cluster.pause_leader_in_write
    acts.insert(3, lambda leader: further(leader, 3))
    for act in acts * rounds:
        await asyncio.sleep(BETWEEN)
        leader = await act(leader)


async def play(lab: Lab, compose: Compose, tell: Callable[[str], None], rounds: int) -> list[str]:
    """Drop names for as long as the acts take, and wait until the last one is told; what went wrong."""
    cast = [
        Role(f"falling-{number:03}.{('com', 'org')[number % 2]}", Scene.LAST_DAY, Alarm.MUST)
        for number in range(NAMES * rounds)
    ]
    story.stage(lab.registry, cast)
    lab.customer.set_watch([role.name for role in cast])
    cluster, began = Cluster(compose, tell), asyncio.get_running_loop().time()
    await cluster.rescale(1)
    dropped: dict[str, float] = {}
    dropping = asyncio.create_task(drop_names(lab, cast, dropped))
    try:
        await perform(cluster, rounds)
    finally:
        dropping.cancel()
    result = await await_notices(lab, [role for role in cast if role.name in dropped])
    tell(f"drops {result.due}, told {len(result.seen)}; callbacks {len(lab.customer.received)}")
    if result.median is not None and result.worst is not None:
        tell(f"purge to callback: median {result.median:.1f} s, worst {result.worst:.1f} s")
    for name, took in sorted(result.latencies.items(), key=lambda item: -item[1])[:SLOWEST]:
        tell(f"  {name}: {took:.1f} s, dropped at {dropped[name] - began:.1f} s")
    return [
        *(f"{name}: not told" for name in result.missed),
        *result.false,
        *find_faults(lab.customer.received, dropped),
    ]


async def drop_names(lab: Lab, cast: list[Role], dropped: dict[str, float]) -> None:
    """One name after the other leaves its registry; `dropped` says when."""
    for role in cast:
        await asyncio.sleep(DROP_EVERY)
        lab.registry.purge(role.name)
        dropped[role.name] = asyncio.get_running_loop().time()


async def await_notices(lab: Lab, dropped: list[Role]) -> Score:
    """The score once every drop is told, or when it should have been."""
    result = Score()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TOLD_WITHIN):
            while True:
                result = score(lab.registry.log, lab.customer.notices(), dropped)
                if not result.missed:
                    break
                await asyncio.sleep(1.0)
    return result


@contextlib.asynccontextmanager
async def lab_addresses() -> AsyncIterator[None]:
    """Make the lab's addresses this machine's, for containers too."""
    routes = [("local", f"{HEAD}.{second}.0.0/16", "dev", "lo") for second in net.SECONDS]
    for route in routes:
        await run("ip", "route", "replace", *route)
    try:
        yield
    finally:
        for route in routes:
            await run("ip", "route", "del", *route)


def make_folder() -> Path:
    """A folder that the user of the containers can read."""
    folder = Path(tempfile.mkdtemp(prefix="dm-containers-"))
    folder.chmod(0o755)
    return folder


async def main(arguments: argparse.Namespace) -> int:
    """The exit status."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    def tell(text: str) -> None:
        print(f"{loop.time() - began:6.1f} s  {text}", flush=True)

    folder = make_folder()
    if arguments.store == "postgres":
        await have_database_image()
    async with lab_addresses(), Lab.start(directory=folder) as lab:
        environment = lab.environment() | CADENCE
        ports, database = (net.free_port(), net.free_port()), arguments.store == "postgres"
        compose = Compose(folder, arguments.project, environment, ports, database=database)
        try:
            faults = await play(lab, compose, tell, arguments.rounds)
        finally:
            (folder / "containers.log").write_text(await compose.logs(), encoding="utf-8")
            await compose.remove()
    for fault in faults:
        tell(f"wrong: {fault}")
    tell(f"log: {folder / 'containers.log'}" if faults else "all well")
    if not faults:
        shutil.rmtree(folder)
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.containers", description=__doc__.partition("\n")[0])
    parser.add_argument("--project", default="dm-containers", help="name of the compose project")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite", help="where the state is kept (sqlite)")
    parser.add_argument("--rounds", type=int, default=1, help="how often to do everything, three minutes each (1)")
    sys.exit(asyncio.run(main(parser.parse_args())))
