"""Checkers of other hosts and several instances on one: the proxy passes them on to the one that leads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.proxy.frontend import Frontend
from actors.proxy.main import bus_frontends
from actors.proxy.upstreams import Upstreams
from common import clock, heartbeat
from common.config import load
from common.leader_file import write_leader
from common.store.lease_contract import Leader
from tests.cluster.bad_link import until
from tests.cluster.remote_scene import CLUSTER, PlayedCoordinator, RemoteWorker, free_ports, remote_settings


class Shown:
    """What an instance says in the state directory that all share."""

    def __init__(self, state: Path, name: str, epoch: int) -> None:
        self.directory = state / "instances" / name
        self._bus, self._epoch = f"ipc://{state}/run/bus-{epoch}", epoch
        heartbeat.heartbeat_directory(self.directory).mkdir(parents=True, exist_ok=True)
        (state / "run").mkdir(exist_ok=True)
        self.beat()

    def beat(self, age: float = 0.0) -> None:
        """Its coordinator was heard so many seconds ago."""
        beat = heartbeat.Heartbeat("coordinator", "coordinator", 7, "b", clock.now() - age, 0.0, 0, self.directory.name)
        heartbeat.write_heartbeat(self.directory, beat)

    def lead(self, key: str = CLUSTER.public) -> None:
        """It leads, and its bus has this key."""
        write_leader(self.directory, Leader(self.directory.name, "b", self._epoch, self._bus, "", key))


class Proxied:
    """The proxy's addresses for checkers, as its main loop has them."""

    def __init__(self, state: Path) -> None:
        self.port = free_ports()
        self.errors: list[BaseException] = []
        self.upstreams = Upstreams(state)
        settings = load({"STATE_DIR": str(state), "PROXY_BUS_ENDPOINT": f"tcp://127.0.0.1:{self.port}"})
        self._made = bus_frontends(settings, self.upstreams, self.errors.append)

    @property
    def frontends(self) -> list[Frontend]:
        """Tasks, then inbox."""
        return [frontend for frontend, _, _ in self._made]

    async def listen(self) -> None:
        """Take connections."""
        for frontend, host, port in self._made:
            await frontend.listen(host, port)

    async def look(self) -> None:
        """What the proxy does twice a second."""
        await self.upstreams.look()
        for frontend in self.frontends:
            frontend.close_silent()


@contextlib.asynccontextmanager
async def proxying(state: Path) -> AsyncIterator[Proxied]:
    """The proxy of a state directory."""
    made = Proxied(state)
    await made.look()
    await made.listen()
    try:
        yield made
    finally:
        for frontend in made.frontends:
            frontend.close()
        assert made.errors == []


@pytest.mark.timeout(60)
def test_a_checker_elsewhere_works_for_whichever_instance_leads(tmp_path: Path) -> None:
    """It knows one address, that of the proxy, and is connected to the next leader as soon as there is one."""

    async def scene() -> None:
        one = PlayedCoordinator(tmp_path, 1, INSTANCE_ID="one")
        Shown(tmp_path, "one", 1).lead()
        async with proxying(tmp_path) as proxy:
            worker = RemoteWorker(remote_settings(tmp_path / "w", proxy.port))
            await until(lambda: bool(one.credits))
            assert one.ask(1, 2, 3)
            await until(lambda: len(one.answered()) == 3)
            one.close()  # one process has one gate for keys

            two = PlayedCoordinator(tmp_path, 2, INSTANCE_ID="two")
            Shown(tmp_path, "two", 2).lead()
            await proxy.look()
            await until(lambda: bool(two.credits))
            assert two.ask(4, 5)
            await until(lambda: len(two.answered()) == 2)
            await worker.end()
            two.close()

    asyncio.run(scene())


def test_connections_to_an_instance_that_no_longer_leads_are_closed(tmp_path: Path) -> None:
    """It may hang with its sockets open: its checkers connect to the next one at once, and not after their own patience."""

    async def scene() -> None:
        one, two = Shown(tmp_path, "one", 1), Shown(tmp_path, "two", 2)
        one.lead()
        server = await asyncio.start_unix_server(_greet, tmp_path / "run" / "bus-1-tasks")
        async with proxying(tmp_path) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            assert await reader.readline() == b"hello\n"
            await proxy.look()
            writer.write(b"?\n")
            assert await reader.readline() == b"?\n"
            two.lead()
            await proxy.look()
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()
        server.close()

    asyncio.run(scene())


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello\n")
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize("case", ["no keys", "silent", "none leads"])
def test_nothing_is_passed_on_where_no_instance_may_be_reached(case: str, tmp_path: Path) -> None:
    """Without keys any client could take tasks; a leader that is silent hangs; another instance than the leader has no bus."""

    async def scene() -> None:
        instance = Shown(tmp_path, "one", 1)
        if case == "silent":
            instance.beat(age=6.0)
        if case != "none leads":
            instance.lead(key="" if case == "no keys" else CLUSTER.public)
        async with proxying(tmp_path) as proxy:
            assert [frontend.find_upstreams() for frontend in proxy.frontends] == [[], []]
            instance.beat()
            instance.lead()
            await proxy.look()
            sockets = [path for frontend in proxy.frontends for _, path in frontend.find_upstreams()]
            assert sockets == [f"{tmp_path}/run/bus-1-tasks", f"{tmp_path}/run/bus-1-inbox"]

    asyncio.run(scene())


def test_without_an_address_for_checkers_the_proxy_takes_none(tmp_path: Path) -> None:
    """Nothing listens beyond what was asked for."""
    assert bus_frontends(load({"STATE_DIR": str(tmp_path)}), Upstreams(tmp_path), print) == []
