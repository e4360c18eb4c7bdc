"""Upstreams as the proxy sees them: directories with heartbeats and files about the leader, and sockets that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from actors.proxy.frontend import Frontend, Service
from actors.proxy.upstreams import PROCESSES, Upstreams
from common import clock, heartbeat
from common.leader_file import write_leader
from common.socket_paths import control_socket
from common.store.lease_contract import Leader

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Instance:
    """One instance. With `handler` it takes connections, else it greets with its name and sends back what it gets."""

    def __init__(self, state_dir: Path, name: str, handler: Handler | None = None) -> None:
        self.name = name
        self.directory = state_dir / "instances" / name
        heartbeat.heartbeat_directory(self.directory).mkdir(parents=True, exist_ok=True)
        control_socket(self.directory).parent.mkdir(exist_ok=True)
        self._handler = handler or self._echo
        self._server: asyncio.Server | None = None
        self.writers: list[asyncio.StreamWriter] = []

    def beat(self, age: float = 0.0) -> None:
        """All processes have written their heartbeats so many seconds ago."""
        for process in PROCESSES:
            beat = heartbeat.Heartbeat(process, process, 7, "b", clock.now() - age, 0.0, 0, self.name)
            heartbeat.write_heartbeat(self.directory, beat)

    def know_leader(self, name: str, epoch: int, feed: str = "") -> None:
        """Write the file about the leader, and its inner feed, as this instance knows it."""
        write_leader(self.directory, Leader(name, "b", epoch, "", feed))

    async def listen(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_unix_server(self._serve, control_socket(self.directory))

    def die(self) -> None:
        """End as a killed process does: the socket's file stays, connections are cut."""
        if self._server is not None:
            self._server.close()
        for writer in self.writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError):
            await self._handler(reader, writer)
            writer.close()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.name.encode() + b"\n")
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


class Proxied:
    """A frontend of the proxy over the instances of a directory."""

    def __init__(self, state_dir: Path, **options: Any) -> None:
        given = {"process": "control", "socket": control_socket, "most": 100, "gone_after": 30.0, "stalled": 10.0, **options}
        self.errors: list[BaseException] = []
        self.upstreams = Upstreams(state_dir)
        self.frontend = Frontend(Service(**given), self.upstreams, self.errors.append)
        self.port = 0

    async def look(self) -> None:
        """What the proxy's work loop does twice a second."""
        await self.upstreams.look()
        self.frontend.close_silent()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def greeting(self) -> str:
        """The name that a new connection is greeted with, "" where it is closed instead."""
        reader, writer = await self.connect()
        try:
            async with asyncio.timeout(5):
                return (await reader.readline()).decode().strip()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def proxying(state_dir: Path, *instances: Instance, **options: Any) -> AsyncIterator[Proxied]:
    """These instances, all listening and alive, behind a proxy."""
    made = Proxied(state_dir, **options)
    for instance in instances:
        instance.beat()
        await instance.listen()
    await made.look()
    made.port = await made.frontend.listen("127.0.0.1", 0)
    try:
        yield made
    finally:
        made.frontend.close()
        for instance in instances:
            instance.die()
        await asyncio.sleep(0)
        assert made.errors == []


def run(story: Coroutine[Any, Any, None], seconds: float = 20.0) -> None:
    """Run a story, and not for ever."""
    asyncio.run(asyncio.wait_for(story, seconds))


def let_time_pass(proxy: Proxied, seconds: float) -> None:
    """Put the clock of the proxy forward: what it does not hear of from now on is as old as that."""
    before = proxy.upstreams._monotonic
    proxy.upstreams._monotonic = lambda: before() + seconds


async def talk(proxy: Proxied, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has sent something to the instance of that name, and got it back."""
    reader, writer = await proxy.connect()
    writer.write(b"?")
    assert await reader.readexactly(len(name) + 2) == name.encode() + b"\n?"
    return reader, writer


async def small_client(proxy: Proxied) -> socket.socket:
    """A client with a small window that reads only what it is told to."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", proxy.port))
    return client
