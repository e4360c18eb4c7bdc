"""Connections that misbehave: clients that never read, that leave without a word, and too many of them."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from common.core.telemetry import prometheus
from tests.actors.control_lab import ELSEWHERE, Lab, domain_row, event_row, from_address, peers, serving

#: More than the kernel keeps of an answer that is not read, in bytes.
LARGE = 12_000_000
STREAM = b"GET /events?after=0 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"


async def connected(lab: Lab, request: bytes = b"", address: str = "127.0.0.1") -> socket.socket:
    """A client with a small window that sends a request and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.bind((address, 0))
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", int(lab.url.rpartition(":")[2])))
    await asyncio.get_running_loop().sock_sendall(client, request)
    return client


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that has to happen soon."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # asked from outside, as a monitor would
            await asyncio.sleep(0.005)


@asynccontextmanager
async def crowded(
    lab: Lab, crowd: int, request: bytes, address: str = "127.0.0.1", size: int = LARGE
) -> AsyncIterator[list[socket.socket]]:
    """The lab with that many clients that never read; its /status has `size` bytes and more."""
    async with serving(lab):
        lab.all_beat()
        lab.speak(list={"error": "x" * size})
        clients = [await connected(lab, request, address) for _ in range(crowd)]
        try:
            yield clients
        finally:
            for client in clients:
                client.close()


@pytest.mark.parametrize("request_", [b"", b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3, STREAM])
def test_probes_are_answered_beside_any_crowd(request_: bytes, tmp_path: Path) -> None:
    """With every place taken by clients that never read, health and readiness answer; other calls are told to come back."""
    lab = Lab(tmp_path)

    async def story() -> None:
        async with crowded(lab, 240, request_, size=100_000):
            for path, status in (("/health", 200), ("/ready", 200), ("/domains", 503), ("/health", 200)):
                async with lab.http.get(lab.url + path) as answer:
                    assert (path, answer.status, answer.headers["Connection"]) == (path, status, "close")

    asyncio.run(story())


def test_costly_calls_leave_time_for_probes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hundred clients that send ahead as much as they like hold up each other, not the health check."""
    lab = Lab(tmp_path)

    def render(_: object) -> str:
        time.sleep(0.02)
        return "x" * 1000

    monkeypatch.setattr(prometheus, "render_exposition", render)
    flood = b"GET /metrics/prometheus HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50

    async def story() -> float:
        async with serving(lab):
            lab.all_beat()
            clients = [await connected(lab, flood) for _ in range(100)]
            try:
                await asyncio.sleep(0.1)
                began = time.monotonic()
                assert (await lab.get("/health"))[0] == 200
                return time.monotonic() - began
            finally:
                for client in clients:
                    client.close()

    assert asyncio.run(story()) < 1.0


def test_an_answer_that_is_not_read_frees_its_place(tmp_path: Path) -> None:
    """A client that stops reading is let go once nothing moved for the write timeout, also when its connection is closing."""
    lab = Lab(tmp_path)
    lab.limits = {"most": 2, "write_timeout": 0.1}
    last = b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    async def story() -> None:
        async with crowded(lab, 2, last):
            assert (await lab.get("/domains"))[0] == 503
            async with asyncio.timeout(10):
                while (await lab.get("/domains"))[0] != 200:  # noqa: ASYNC110  # asked from outside, as a client would
                    await asyncio.sleep(0.01)

    asyncio.run(story())


def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    """A client that goes on reading, if slowly, is not cut off by the write timeout."""
    lab = Lab(tmp_path)
    lab.limits = {"write_timeout": 0.3}

    async def story() -> None:
        async with crowded(lab, 1, b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") as clients:
            loop, taken, began = asyncio.get_running_loop(), 0, asyncio.get_running_loop().time()
            while piece := await loop.sock_recv(clients[0], 1 << 20):
                taken += len(piece)
                if taken < LARGE and loop.time() - began < 1.0:
                    await asyncio.sleep(0.05)
            assert taken > LARGE

    asyncio.run(story())


def test_one_answer_at_most_is_kept_for_a_client(tmp_path: Path) -> None:
    """Requests sent ahead wait until the answer before them is read."""
    lab = Lab(tmp_path)

    async def story() -> None:
        async with crowded(lab, 1, b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20):
            await asyncio.sleep(0.3)
            report = (await lab.get("/metrics"))[1]
            assert report["api"]["requests"]["GET /status"] == {"200": 1}

    asyncio.run(story())


def test_other_machines_leave_half_of_the_places(tmp_path: Path) -> None:
    """However many connections come from elsewhere, this machine still gets one."""
    lab = Lab(tmp_path, peers())
    lab.limits = {"most": 4}

    async def story() -> None:
        async with crowded(lab, 8, b"", ELSEWHERE), from_address(ELSEWHERE) as other:
            assert (await lab.get("/domains"))[0] == 200
            async with other.get(lab.url + "/domains") as answer:
                assert answer.status == 503

    asyncio.run(story())


@pytest.mark.parametrize("farewell", ["reset", "end"])
def test_a_stream_ends_with_its_client(farewell: str, tmp_path: Path) -> None:
    """Whether a client resets its connection or closes it, the place of its stream is free at once."""
    lab = Lab(tmp_path)

    async def story() -> None:
        async with serving(lab):
            clients = [await connected(lab, STREAM) for _ in range(100)]
            await until(lambda: lab.control.live.client_count == 100)
            for client in clients:
                if farewell == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            await until(lambda: lab.control.live.client_count == 0, 1.0)
            async with lab.http.get(lab.url + "/events", headers={"Accept": "text/event-stream"}) as answer:
                assert answer.status == 200

    asyncio.run(story())


def test_a_stream_that_is_not_read_ends(tmp_path: Path) -> None:
    """A client that stays and stops reading loses its stream within the write timeout."""
    lab = Lab(tmp_path)
    lab.limits = {"write_timeout": 0.1}
    lab.reader.rows = [domain_row()]

    async def story() -> None:
        async with serving(lab):
            lab.reader.log = [event_row(seq, "x" * 60_000 + ".com") for seq in range(1, 300)]
            client = await connected(lab, STREAM)
            await until(lambda: lab.control.live.client_count == 1)
            await until(lambda: lab.control.live.client_count == 0)
            client.close()

    asyncio.run(story())
