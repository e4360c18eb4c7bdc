"""What the proxy holds at most: answers and requests that are not read, halves of connections, and too many of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from actors.proxy import relay
from common.clients.tcp_options import unacknowledged_bytes
from tests.actors.proxy_lab import Instance, proxying, run, small_client, talk
from tests.actors.test_control_server import until

#: The kernel of a client and that of this host keep megabytes between them.
MOST_KEPT = 10_000_000
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"


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
