"""Connections through the proxy: where they go, what passes, and clients and instances that misbehave."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from pathlib import Path

import pytest

from actors.proxy import relay
from common.socket_paths import control_socket
from tests.actors.proxy_lab import Instance, let_time_pass, proxying, run
from tests.actors.test_control_server import until

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"


def test_connections_go_to_the_leader(tmp_path: Path) -> None:
    """And to the next one as soon as another leads; those to a live instance stay."""

    async def story() -> None:
        a, b = Instance(tmp_path, "a"), Instance(tmp_path, "b")
        b.know_leader("b", 1)
        async with proxying(tmp_path, a, b) as proxy:
            reader, writer = await proxy.connect()
            assert await reader.readline() == b"b\n"
            a.know_leader("a", 2)
            await proxy.look()
            assert await proxy.greeting() == "a"
            writer.write(b"still there")
            assert await reader.readexactly(11) == b"still there"
            writer.close()

    run(story())


def test_a_dead_leader_is_passed_over(tmp_path: Path) -> None:
    """Its heartbeat is still fresh, but it refuses, or its socket is gone: another live one takes the connection."""

    async def story() -> None:
        a, b = Instance(tmp_path, "a"), Instance(tmp_path, "b")
        a.know_leader("b", 1)
        async with proxying(tmp_path, a, b) as proxy:
            b.die()
            assert await proxy.greeting() == "a"
            control_socket(b.directory).unlink()
            assert await proxy.greeting() == "a"

    run(story())


def test_a_silent_leader_is_passed_over(tmp_path: Path) -> None:
    """A paused container takes connections and never answers: without a fresh heartbeat it gets none."""

    async def story() -> None:
        a, b = Instance(tmp_path, "a"), Instance(tmp_path, "b")
        a.know_leader("b", 1)
        async with proxying(tmp_path, a, b) as proxy:
            assert await proxy.greeting() == "b"
            let_time_pass(proxy, 6.0)
            a.beat()
            await proxy.look()
            assert await proxy.greeting() == "a"

    run(story())


def test_a_full_queue_is_no_connection(tmp_path: Path) -> None:
    """Linux lets a connection to a full queue fail in a way that asyncio takes for success; the next instance is asked."""

    async def story() -> None:
        a, b = Instance(tmp_path, "a"), Instance(tmp_path, "b")
        a.know_leader("b", 1)
        async with proxying(tmp_path, a) as proxy:
            b.beat()
            with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as first:
                full.bind(str(control_socket(b.directory)))
                full.listen(0)
                first.connect(str(control_socket(b.directory)))
                await proxy.look()
                assert [path.name for path, _ in proxy.frontend.find_upstreams()] == ["b", "a"]
                assert await proxy.greeting() == "a"

    run(story())


def test_an_instance_is_waited_for(tmp_path: Path) -> None:
    """A connection that finds none goes to the one that comes within seconds."""

    async def story() -> None:
        late = Instance(tmp_path, "late")
        async with proxying(tmp_path) as proxy:
            greeting = asyncio.create_task(proxy.greeting())
            await asyncio.sleep(0.05)
            late.beat()
            await late.listen()
            await proxy.look()
            assert await greeting == "late"
            late.die()

    run(story())


def test_without_an_instance_a_client_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the refusal whole, though its request was never read, and the end of the connection."""
    monkeypatch.setattr(relay, "WAIT_LIMIT", 0.1)

    async def story() -> None:
        async with proxying(tmp_path, closed=REFUSAL) as proxy:
            reader, writer = await proxy.connect()
            writer.write(b"x" * 300_000)
            assert await reader.read() == REFUSAL
            writer.close()

    run(story())


def test_without_an_instance_a_subscriber_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed has no words for it; ZeroMQ connects again by itself."""
    monkeypatch.setattr(relay, "WAIT_LIMIT", 0.1)

    async def story() -> None:
        async with proxying(tmp_path, process="feed") as proxy:
            assert await proxy.greeting() == ""

    run(story())


def test_connections_to_an_instance_that_fell_silent_are_closed(tmp_path: Path) -> None:
    """What it has said comes through, then the client is told to connect again; those to others stay."""

    async def story() -> None:
        a, b = Instance(tmp_path, "a"), Instance(tmp_path, "b")
        a.know_leader("a", 1)
        async with proxying(tmp_path, a, b) as proxy:
            reader, writer = await proxy.connect()
            assert await reader.readline() == b"a\n"
            a.know_leader("b", 2)
            await proxy.look()
            stays, staying = await proxy.connect()
            assert await stays.readline() == b"b\n"
            let_time_pass(proxy, 11.0)
            b.beat()
            await proxy.look()
            assert await reader.read() == b""
            staying.write(b"!")
            assert await stays.readexactly(1) == b"!"
            writer.close()
            staying.close()

    run(story())


def test_an_instance_that_dies_in_the_middle_ends_its_connections(tmp_path: Path) -> None:
    """The client gets what was sent, and the end at once; its next connection goes elsewhere."""

    async def dying(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"half of an ans")
        await writer.drain()
        b.die()

    b = Instance(tmp_path, "b", dying)

    async def story() -> None:
        a = Instance(tmp_path, "a")
        a.know_leader("b", 1)
        async with proxying(tmp_path, a, b) as proxy:
            reader, writer = await proxy.connect()
            assert await reader.read() == b"half of an ans"
            writer.close()
            assert await proxy.greeting() == "a"

    run(story())


def test_everything_passes_byte_for_byte(tmp_path: Path) -> None:
    """Megabytes both ways at once, and the end of what the client sends."""
    sent = os.urandom(3_000_000)

    async def story() -> None:
        async with proxying(tmp_path, Instance(tmp_path, "a")) as proxy:
            reader, writer = await proxy.connect()
            writer.write(sent)
            writer.write_eof()
            assert await reader.read() == b"a\n" + sent
            writer.close()

    run(story())


@pytest.mark.parametrize("moment", ["waiting", "connected"])
def test_a_client_that_resets_takes_its_instance_along(moment: str, tmp_path: Path) -> None:
    """Whether it waits for an instance or has one: nothing is left of it."""
    ended = asyncio.Event()

    async def listening(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()

    async def story() -> None:
        instance = Instance(tmp_path, "a", listening)
        async with proxying(tmp_path) as proxy:
            if moment == "connected":
                instance.beat()
                await instance.listen()
                await proxy.look()
            _, writer = await proxy.connect()
            await until(lambda: bool(proxy.frontend._relays))
            if moment == "connected":
                await until(lambda: bool(instance.writers))
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            if moment == "connected":
                await ended.wait()
            await until(lambda: not proxy.frontend._relays)
            instance.die()

    run(story())
