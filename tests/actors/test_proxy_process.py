"""The proxy as it runs: real HTTP and a real feed behind it, callers near and far, crowds, and its own process."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import zmq

from actors import feed
from actors.proxy.frontend import Frontend
from actors.proxy.main import MOST_CONTROL, control_service, listening_address, refusal
from actors.proxy.upstreams import Upstreams
from common import config, state_dir
from common.bus import Feed, leader_addresses
from common.errors import ConfigError
from common.process import Runtime
from common.socket_paths import control_socket
from tests.actors.control_lab import ELSEWHERE, GATEWAY, Lab, domain_row, from_address, peers, serving
from tests.actors.proxy_lab import Instance
from tests.lab.net import free_port

ROOT = Path(__file__).resolve().parents[2]


@contextlib.asynccontextmanager
async def published(tmp_path: Path, most: int = MOST_CONTROL) -> AsyncIterator[str]:
    """A real control process behind the proxy, and the URL that the proxy has; GATEWAY is trusted as it is in a container."""
    instance = Instance(tmp_path, "here")
    instance.beat()
    lab = Lab(tmp_path, peers())
    lab.socket = control_socket(instance.directory)
    lab.reader.rows = [domain_row()]
    errors: list[BaseException] = []
    async with serving(lab):
        lab.all_beat()
        upstreams = Upstreams(tmp_path)
        await upstreams.look()
        service = dataclasses.replace(control_service(lab.settings, peers()), most=most)
        frontend = Frontend(service, upstreams, errors.append)
        port = await frontend.listen("127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            frontend.close()
            assert errors == []


async def ask(address: str, url: str) -> int:
    """The status of an answer to a client with an address of its own."""
    async with from_address(address) as http, http.get(url) as answer:
        await answer.read()
        return answer.status


@pytest.mark.parametrize(("address", "domains", "check"), [("127.0.0.1", 200, 202), (GATEWAY, 200, 202), (ELSEWHERE, 403, 403)])
def test_callers_are_judged_as_without_a_proxy(address: str, domains: int, check: int, tmp_path: Path) -> None:
    """A caller at this machine or its gateway may read and change; a neighbour is refused, and gets /health."""

    async def story() -> None:
        async with published(tmp_path) as url:
            assert await ask(address, url + "/domains") == domains
            assert await ask(address, url + "/health") == 200
            async with from_address(address) as http, http.post(url + "/domain/example.com/check") as answer:
                assert answer.status == check

    asyncio.run(story())


@pytest.mark.parametrize("address", ["127.0.0.1", ELSEWHERE])
@pytest.mark.parametrize("data", [b"", b"G", b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"])
def test_probes_are_answered_beside_three_hundred_clients(data: bytes, address: str, tmp_path: Path) -> None:
    """Whatever they say and wherever they come from; with places for fewer than there are, too."""

    async def story() -> None:
        async with published(tmp_path, most=280) as url:
            loop, crowd = asyncio.get_running_loop(), [socket.socket() for _ in range(300)]
            for client in crowd:
                client.bind((address, 0))
                client.setblocking(False)
                await loop.sock_connect(client, ("127.0.0.1", int(url.rpartition(":")[2])))
                if data:
                    await loop.sock_sendall(client, data)
            for _ in range(3):
                assert await ask("127.0.0.1", url + "/health") == 200
            for client in crowd:
                client.close()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_refusal_is_a_problem() -> None:
    """HTTP that any client reads, with the time to come back."""
    head, _, body = refusal("No instance.", 2).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 2\r\n" in head
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert json.loads(body)["detail"] == "No instance."


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("tcp://127.0.0.1:5560", ("127.0.0.1", 5560)),
        ("tcp://*:5560", (None, 5560)),
        ("tcp://[::1]:5560", ("::1", 5560)),
    ],
)
def test_the_address_of_the_feed(endpoint: str, address: tuple[str | None, int]) -> None:
    """As ZeroMQ writes it."""
    assert listening_address(endpoint) == address


@pytest.mark.parametrize("endpoint", ["ipc:///tmp/feed", "tcp://127.0.0.1:*"])
def test_a_feed_without_a_port_cannot_be_published(endpoint: str) -> None:
    """That is a setting to correct, not a reason to try again."""
    with pytest.raises(ConfigError, match="FEED_ENDPOINT"):
        listening_address(endpoint)


class Process:
    """`domain-monitor proxy` in a process of its own."""

    def __init__(self, tmp_path: Path) -> None:
        self.control, self.feed = free_port(), free_port()
        self.given = {
            "STATE_DIR": str(tmp_path),
            "INSTANCE_ID": "proxy",
            "CONTROL_PORT": str(self.control),
            "FEED_ENDPOINT": f"tcp://127.0.0.1:{self.feed}",
        }

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Started, and stopped in order."""
        command = [sys.executable, "-m", "actors.cli.main", "proxy"]
        child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **self.given}, stdout=subprocess.PIPE)
        try:
            await_port(child, self.control)
            await_port(child, self.feed)
            yield child
        finally:
            child.terminate()
            output, _ = child.communicate(timeout=10)
            assert b"Traceback" not in output, output


def await_port(child: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a process listens there."""
    until = time.monotonic() + 20
    with contextlib.closing(socket.socket()) as probe:
        while probe.connect_ex(("127.0.0.1", port)) != 0:
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)


def test_its_process_only_reads_the_state(tmp_path: Path) -> None:
    """It serves both addresses, writes nothing below STATE_DIR, and stops with 0."""
    Instance(tmp_path, "a")
    before = sorted(tmp_path.rglob("*"))
    process = Process(tmp_path)

    async def story() -> None:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{process.control}/health") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
            assert (await answer.json(content_type=None))["status"] == 503

    with process.running() as child:
        asyncio.run(story())
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    assert sorted(tmp_path.rglob("*")) == before


HANGING = """
import time
from actors.proxy import main
from actors.proxy.upstreams import Upstreams
from common import config

def hang(self, found):
    time.sleep(60)

main.HANG_LIMIT = 0.2
Upstreams.note = hang
main.run(config.load())
"""


def test_a_loop_that_hangs_ends_its_process(tmp_path: Path) -> None:
    """Nothing else watches the proxy; Docker starts it again because of the exit code."""
    given = {**os.environ, **Process(tmp_path).given}
    child = subprocess.run([sys.executable, "-c", HANGING], cwd=ROOT, env=given, capture_output=True, timeout=20, check=False)

    assert child.returncode == 1
    assert b"hang" in child.stderr


def test_a_port_that_is_taken_is_tried_again(tmp_path: Path) -> None:
    """Its loop starts anew until the port is free."""
    process = Process(tmp_path)
    with socket.create_server(("127.0.0.1", process.control)) as holder:
        command = [sys.executable, "-m", "actors.cli.main", "proxy"]
        child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **process.given}, stdout=subprocess.PIPE)
        assert child.stdout is not None
        for line in child.stdout:
            if b"crashed" in line:
                break
        holder.close()
        await_port(child, process.feed)
    child.terminate()
    child.communicate(timeout=10)
    assert child.returncode == 0


def test_a_subscriber_follows_the_feed_from_instance_to_instance(tmp_path: Path) -> None:
    """It connects once, to the proxy; when the leading instance ends, it hears the next one."""
    process = Process(tmp_path)

    async def feed_of(name: str) -> tuple[asyncio.Task[None], Runtime]:
        settings = config.load(
            {"STATE_DIR": str(tmp_path), "INSTANCE_ID": name, "FEED_ENDPOINT": f"tcp://127.0.0.1:{free_port()}"}
        )
        state_dir.create_directories(settings)
        runtime = Runtime("feed", settings, asyncio.Event())
        return asyncio.create_task(feed.main(runtime)), runtime

    async def story() -> None:
        a, b = Instance(tmp_path, "a"), Instance(tmp_path, "b")
        where = leader_addresses(config.load({"STATE_DIR": str(tmp_path)}), 1).feed
        for instance in (a, b):
            instance.know_leader("a", 1, where)
        first, stopped = await feed_of("a")
        second, ending = await feed_of("b")
        inner = Feed()
        inner.bind(where)
        inner.attach()
        subscriber = zmq.Context.instance().socket(zmq.SUB)
        subscriber.linger = 0
        subscriber.subscribe(b"available.")
        beating = asyncio.create_task(beat(a, b))
        with process.running():
            subscriber.connect(f"tcp://127.0.0.1:{process.feed}")
            await heard(inner, subscriber)
            stopped.stopping.set()
            await first
            await heard(inner, subscriber)
        beating.cancel()
        ending.stopping.set()
        await second
        subscriber.close()
        inner.close()

    async def beat(*instances: Instance) -> None:
        while True:
            for instance in instances:
                instance.beat()
            await asyncio.sleep(0.5)

    async def heard(inner: Feed, subscriber: zmq.Socket[bytes]) -> None:
        while subscriber.poll(0):
            subscriber.recv_multipart()
        async with asyncio.timeout(15):
            while not subscriber.poll(0):
                inner.publish("available.a.com", {"v": 1})
                await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(story(), 50))
