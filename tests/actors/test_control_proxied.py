"""The control process behind the proxy: what its unix socket takes, and that callers are judged by what the proxy says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from common.peers import ProxiedPeer
from common.proxy_header import encode_header
from tests.actors.control_lab import Lab, domain_row, serving

HERE, ELSEWHERE = (
    encode_header(ProxiedPeer(ip_address("172.18.0.1"), 4711, local=local), ("172.18.0.2", 8000)) for local in (True, False)
)


def request(path: str) -> bytes:
    """A request that names this host, and the end of the connection."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


@asynccontextmanager
async def proxied(tmp_path: Path, **limits: object) -> AsyncIterator[tuple[Lab, str]]:
    """A control process, and the path of its unix socket."""
    lab = Lab(tmp_path)
    lab.socket = tmp_path / "control.sock"
    lab.limits = limits
    async with serving(lab):
        lab.all_beat()
        lab.reader.rows = [domain_row()]
        yield lab, str(lab.socket)


async def ask(path: str, *pieces: bytes) -> bytes:
    """Everything that comes back on one connection."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def status(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split()[1])


def test_callers_are_judged_by_what_the_proxy_says(tmp_path: Path) -> None:
    """A caller at this machine reads without a token; a neighbour gets 403, and /health as everything does."""

    async def story() -> None:
        async with proxied(tmp_path) as (_, path):
            assert status(await ask(path, HERE, request("/domains"))) == 200
            assert status(await ask(path, HERE + request("/domains"))) == 200
            refused = await ask(path, ELSEWHERE + request("/domains"))
            assert (status(refused), b"no_token" in refused) == (403, True)
            assert status(await ask(path, ELSEWHERE + request("/health"))) == 200

    asyncio.run(story())


def test_a_header_may_come_in_pieces(tmp_path: Path) -> None:
    """Byte by byte, the last one with the request behind it."""

    async def story() -> None:
        async with proxied(tmp_path) as (_, path):
            pieces = [HERE[at : at + 1] for at in range(len(HERE) - 1)]
            assert status(await ask(path, *pieces, HERE[-1:] + request("/domains"))) == 200

    asyncio.run(story())


@pytest.mark.parametrize("data", [request("/health"), b"\0" * 600, HERE[:12] + b"\x20\x11\0\0" + request("/health")])
def test_a_connection_without_the_header_is_closed(data: bytes, tmp_path: Path) -> None:
    """Nothing is answered, not even a probe: whatever that is, it is not the proxy."""

    async def story() -> None:
        async with proxied(tmp_path) as (_, path):
            assert await ask(path, data) == b""
            assert status(await ask(path, HERE + request("/health"))) == 200

    asyncio.run(story())


@pytest.mark.parametrize("data", [b"", HERE[:-1]])
def test_a_header_that_does_not_come_is_not_waited_for(data: bytes, tmp_path: Path) -> None:
    """A connection that says nothing, or half of it, ends after the time for a header."""

    async def story() -> None:
        async with proxied(tmp_path, header_timeout=0.05) as (_, path):
            assert await ask(path, data) == b""
            assert status(await ask(path, HERE + request("/health"))) == 200

    asyncio.run(story())


def test_places_are_counted_together(tmp_path: Path) -> None:
    """Callers from elsewhere get half of the places, whichever way they come; probes are still answered."""

    async def story() -> None:
        async with proxied(tmp_path, most=4, spare=1) as (lab, path):
            crowd = [await asyncio.open_unix_connection(path) for _ in range(4)]
            for _, writer in crowd:
                writer.write(ELSEWHERE + b"G")  # taken in this order
            try:
                assert status(await ask(path, ELSEWHERE + request("/health"))) == 200
                assert status(await ask(path, ELSEWHERE + request("/domains"))) == 503
                assert (await lab.get("/domains"))[0] == 200
            finally:
                for _, writer in crowd:
                    writer.close()

    asyncio.run(story())


def test_what_an_earlier_process_left_is_replaced(tmp_path: Path) -> None:
    """The file of a socket outlives a process that was killed."""
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / "control.sock"))

    async def story() -> None:
        async with proxied(tmp_path) as (_, path):
            assert status(await ask(path, HERE + request("/health"))) == 200

    asyncio.run(story())
