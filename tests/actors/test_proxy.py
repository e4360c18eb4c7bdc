"""Connections through the proxy: where they go, what passes, and clients and instances that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from pathlib import Path

import pytest

from actors.proxy import relay
from common.clients.tcp_options import unacknowledged_bytes
from common.socket_paths import control_socket
from tests.actors.proxy_lab import Instance, Proxied, proxying
from tests.actors.test_control_server import until

#: The kernel of a client and that of this host keep megabytes between them.
MOST_KEPT = 10_000_000
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"


def run(story: object, seconds: float = 20.0) -> None:
    """Run a story, and not for ever."""
    asyncio.run(asyncio.wait_for(story, seconds))  # type: ignore[arg-type]


def let_time_pass(proxy: Proxied, seconds: float) -> None:
    """Put the clock of the proxy forward: what it does not hear of from now on is as old as that."""
    before = proxy.instances._monotonic
    proxy.instances._monotonic = lambda: before() + seconds


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


def test_an_answer_that_is_not_read_is_not_kept(tmp_path: Path) -> None:
    """The instance can send no more than kernel and proxy hold for one client, which is less than a megabyte."""
    taken = 0

    async def flooding(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        writer.transport.set_write_buffer_limits(0)
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()
            taken += 10_000

    async def story() -> None:
        async with proxying(tmp_path, Instance(tmp_path, "a", flooding)) as proxy:
            client, before = await small_client(proxy), -1
            while taken != before:
                before = taken
                await asyncio.sleep(0.2)
            assert 10_000 < taken < 1_000_000
            client.close()

    run(story())


def test_a_request_that_is_not_read_is_not_kept(tmp_path: Path) -> None:
    """A client can send no more than kernel and proxy hold for one instance that reads nothing."""

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        await asyncio.Event().wait()

    async def story() -> None:
        async with proxying(tmp_path, Instance(tmp_path, "a", deaf)) as proxy:
            _, writer = await proxy.connect()
            writer.transport.set_write_buffer_limits(0)
            taken = 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    while taken <= MOST_KEPT:
                        writer.write(b"x" * 10_000)
                        await writer.drain()
                        taken += 10_000
            assert taken < MOST_KEPT
            writer.transport.abort()

    run(story())


@pytest.mark.parametrize("stays", [True, False])
def test_a_client_that_reads_nothing_is_let_go(stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its instance goes on sending or has ended: what is there is kept only for a client that goes on reading."""
    monkeypatch.setattr(relay, "LOOK_EVERY", 0.02)

    async def sending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * (10_000_000 if stays else 100_000))
        await writer.drain()
        if stays:
            await reader.read()

    async def story() -> None:
        async with proxying(tmp_path, Instance(tmp_path, "a", sending), stalled=0.1) as proxy:
            client = await small_client(proxy)
            await until(lambda: bool(proxy.frontend._relays))
            await until(lambda: not proxy.frontend._relays)
            client.close()

    run(story())


def test_a_client_that_reads_slowly_gets_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though its instance ended long ago."""
    monkeypatch.setattr(relay, "LOOK_EVERY", 0.02)

    async def brief(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 200_000)
        await writer.drain()

    async def story() -> None:
        async with proxying(tmp_path, Instance(tmp_path, "a", brief), stalled=0.5) as proxy:
            client, got = await small_client(proxy), 0
            while data := await asyncio.get_running_loop().sock_recv(client, 5_000):
                got += len(data)
                await asyncio.sleep(0.02)
            assert got == 200_000
            client.close()

    run(story())


async def small_client(proxy: Proxied) -> socket.socket:
    """A client with a small window that reads only what it is told to."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", proxy.port))
    return client


def test_a_client_that_only_listens_is_ended_after_its_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has everything and does not close: neither side can hold a place for ever."""
    monkeypatch.setattr(relay, "LOOK_EVERY", 0.02)

    async def brief(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"all")

    async def story() -> None:
        async with proxying(tmp_path, Instance(tmp_path, "a", brief)) as proxy:
            reader, writer = await proxy.connect()
            assert await reader.read() == b"all"
            await until(lambda: not proxy.frontend._relays)
            writer.close()

    run(story())


def test_an_instance_that_does_not_end_after_its_client_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a connection is not kept for ever."""
    monkeypatch.setattr(relay, "LONGEST", 0.1)

    async def stubborn(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.Event().wait()

    async def story() -> None:
        async with proxying(tmp_path, Instance(tmp_path, "a", stubborn)) as proxy:
            reader, writer = await proxy.connect()
            writer.write_eof()
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
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


def test_the_connection_that_is_worth_least_makes_room(tmp_path: Path) -> None:
    """The oldest that has said nothing goes first, then one to an instance that follows; the leader's talk on."""

    async def story() -> None:
        a, b = Instance(tmp_path, "a"), Instance(tmp_path, "b")
        a.know_leader("a", 1)
        async with proxying(tmp_path, a, b, most=2, crowded=REFUSAL) as proxy:
            follower = await talk(proxy, "a")
            a.know_leader("b", 2)
            await proxy.look()
            mute, muted = await proxy.connect()
            assert await mute.readline() == b"b\n"
            first = await talk(proxy, "b")
            assert await mute.read() == b""
            second = await talk(proxy, "b")
            assert await follower[0].read() == b""
            reader, writer = await proxy.connect()
            assert await reader.read() == REFUSAL
            for stays, staying in (first, second):
                staying.write(b"!")
                assert await stays.readexactly(1) == b"!"
            for _, each in (follower, first, second, (mute, muted), (reader, writer)):
                each.close()

    run(story())


def test_an_answer_that_is_only_left_to_be_read_makes_room(tmp_path: Path) -> None:
    """A client whose instance has ended goes before one that still talks to the leader."""
    ending = asyncio.Event()

    async def brief(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"a\n?")
        if not ending.is_set():
            ending.set()
        else:
            await reader.read()

    async def story() -> None:
        a = Instance(tmp_path, "a", brief)
        a.know_leader("a", 1)
        async with proxying(tmp_path, a, most=2) as proxy:
            ended = await talk(proxy, "a")
            assert await ended[0].read() == b""
            first, second = await talk(proxy, "a"), await talk(proxy, "a")
            assert set(proxy.frontend._relays) == {each for each in proxy.frontend._relays if not each.ending}
            for _, writer in (ended, first, second):
                writer.close()

    run(story())


async def talk(proxy: Proxied, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has sent something to the instance of that name, and got it back."""
    reader, writer = await proxy.connect()
    writer.write(b"?")
    assert await reader.readexactly(len(name) + 2) == name.encode() + b"\n?"
    return reader, writer


def test_what_tcp_knows_of_a_client(tmp_path: Path) -> None:
    """Probes of a silent peer, the end of one that acknowledges nothing, and small buffers."""

    async def story() -> None:
        async with proxying(tmp_path, Instance(tmp_path, "a"), gone_after=12.0) as proxy:
            _, writer = await talk(proxy, "a")
            (found,) = proxy.frontend._relays
            assert found._client is not None
            raw = found._client.get_extra_info("socket")
            options = (
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 12_000),
                (socket.SOL_SOCKET, socket.SO_SNDBUF, 131_072),
            )
            assert [raw.getsockopt(level, option) for level, option, _ in options] == [value for *_, value in options]
            assert unacknowledged_bytes(raw) == 0
            writer.close()

    run(story())
