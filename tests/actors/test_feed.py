"""The feed process: what it passes on, what comes back after a start, and hostile subscribers that nothing else notices."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from actors import feed
from common import config, state_dir
from common.bus import CoordinatorBus, Feed, leader_addresses
from common.config import Settings
from common.process import Runtime
from tests.lab.net import free_port
from tests.zmtp_peer import Peer

ROOT = Path(__file__).resolve().parents[2]


def settings_in(tmp_path: Path, **more: str) -> Settings:
    """Settings with a public feed of their own."""
    settings = config.load({"STATE_DIR": str(tmp_path), "FEED_ENDPOINT": f"tcp://127.0.0.1:{free_port()}", **more})
    state_dir.create_directories(settings)
    return settings


def subscriber(settings: Settings, *topics: bytes) -> zmq.Socket[bytes]:
    """A plain subscriber of the public feed."""
    made = zmq.Context.instance().socket(zmq.SUB)
    made.linger = 0
    for topic in topics:
        made.subscribe(topic)
    made.connect(settings.feed_endpoint)
    return made


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for happens in other processes
            await asyncio.sleep(0.01)


def listens(settings: Settings) -> bool:
    """Whether something takes connections where the public feed is."""
    host, _, port = settings.feed_endpoint.removeprefix("tcp://").rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host.replace("0.0.0.0", "127.0.0.1"), int(port))) == 0


def inner_feed(settings: Settings) -> Feed:
    """The coordinator's end, alone."""
    inner = Feed()
    inner.bind(leader_addresses(settings, 0).feed)
    inner.attach()
    return inner


@contextlib.asynccontextmanager
async def running(settings: Settings, **options: int) -> Any:
    """The feed's own loop, in this one."""
    runtime = Runtime("feed", settings, asyncio.Event())
    task = asyncio.create_task(feed.main(runtime, **options))
    await asyncio.sleep(0)  # now it is bound
    try:
        yield runtime
    finally:
        runtime.stopping.set()
        await asyncio.wait_for(task, 10)
        await until(lambda: not listens(settings))  # ZeroMQ closes a little later


def test_it_passes_on_byte_for_byte_and_wants_what_its_subscribers_want(tmp_path: Path) -> None:
    """Two frames, as the coordinator made them; what has no subscriber is not built there."""

    async def scene() -> list[bytes]:
        settings = settings_in(tmp_path)
        inner = inner_feed(settings)
        async with running(settings):
            reader = subscriber(settings, b"available.")
            try:
                await until(lambda: inner.has_subscriber("available.a.com"))
                assert not inner.has_subscriber("state.a.com")
                inner.publish("available.a.com", {"v": 1, "seq": 7})
                await until(lambda: reader.poll(0))
                frames = reader.recv_multipart()
            finally:
                reader.close()
            await until(lambda: not inner.has_subscriber("available.a.com"))
        inner.close()
        return frames

    assert asyncio.run(scene()) == [b"available.a.com", msgpack.packb({"v": 1, "seq": 7})]


def test_subscriptions_come_back_when_either_side_starts_again(tmp_path: Path) -> None:
    """The coordinator, then the feed process: the subscriber does nothing."""

    async def scene() -> None:
        settings = settings_in(tmp_path)
        inner = inner_feed(settings)
        reader = subscriber(settings, b"state.")
        async with running(settings):
            await until(lambda: inner.has_subscriber("state.a.com"))
            inner.close()
            inner = inner_feed(settings)
            assert not inner.has_subscriber("state.a.com")
            await until(lambda: inner.has_subscriber("state.a.com"))
        await until(lambda: not inner.has_subscriber("state.a.com"))
        async with running(settings):
            await until(lambda: reader.poll(0) or inner.has_subscriber("state.a.com"))  # a socket that is not read does nothing
            inner.publish("state.a.com", {"seq": 1})
            await until(lambda: reader.poll(0))
        reader.close()
        inner.close()

    asyncio.run(scene())


def test_more_topics_than_are_remembered_are_all_wanted(tmp_path: Path) -> None:
    """Until those beyond are gone: an honest subscriber may be among them."""

    async def scene() -> None:
        settings = settings_in(tmp_path)
        inner = inner_feed(settings)
        async with running(settings):
            with Peer(settings.feed_endpoint) as peer:
                peer.send(*(b"\x01x%d" % number for number in range(10_001)))
                await until(lambda: inner.has_subscriber("state.a.com"))
            await until(lambda: not inner.has_subscriber("state.a.com"))
        inner.close()

    asyncio.run(scene())


def test_it_asks_for_its_end_where_its_peers_make_it_hold_too_much(tmp_path: Path) -> None:
    """Only a new process gives back what ZeroMQ took; within bounds it goes on."""

    async def scene() -> tuple[bool, bool]:
        settings = settings_in(tmp_path)
        async with running(settings, most_bytes=1 << 20) as runtime:
            await until(runtime.stopping.is_set)
            ended = runtime.stopping.is_set()
        async with running(settings) as runtime:
            await asyncio.sleep(0.1)
            return ended, runtime.stopping.is_set()

    assert asyncio.run(scene()) == (True, False)
    assert feed.find_excess(1 << 40) is None


@pytest.mark.parametrize(
    ("client", "let_in"), [("own", True), ("worker", True), ("subscriber", True), ("stranger", False), ("none", False)]
)
def test_off_loopback_only_known_keys_read_the_feed(client: str, let_in: bool, tmp_path: Path) -> None:
    """Keys of workers, of subscribers, and the host's own; no others, and no one without."""
    names = ("own", "worker", "subscriber", "stranger")
    pairs = {name: tuple(part.decode() for part in zmq.curve_keypair()) for name in names}
    port = free_port()

    async def scene() -> bool:
        settings = settings_in(
            tmp_path,
            FEED_ENDPOINT=f"tcp://0.0.0.0:{port}",
            BUS_SECRET_KEY=pairs["own"][1],
            BUS_CLIENT_KEYS=pairs["worker"][0],
            FEED_CLIENT_KEYS=pairs["subscriber"][0],
        )
        inner = inner_feed(settings)
        async with running(settings):
            reader = zmq.Context.instance().socket(zmq.SUB)
            reader.linger = 0
            reader.subscribe(b"available.")
            if client in pairs:
                reader.curve_publickey, reader.curve_secretkey = (part.encode() for part in pairs[client])
                reader.curve_serverkey = pairs["own"][0].encode()
            reader.connect(f"tcp://127.0.0.1:{port}")
            try:
                await until(lambda: inner.has_subscriber("available.a.com"), 10 if let_in else 1)
            except TimeoutError:
                return False
            finally:
                reader.close()
                inner.close()
        return True

    assert asyncio.run(scene()) is let_in


def test_a_key_for_the_feed_does_not_open_the_bus(tmp_path: Path) -> None:
    """A subscriber must not take tasks; the host's own key does, which need not be named."""

    async def scene() -> set[bytes]:
        own, feed_only, other = zmq.curve_keypair(), zmq.curve_keypair(), zmq.curve_keypair()
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        settings = settings_in(
            tmp_path,
            BUS_ENDPOINT=endpoint,
            BUS_SECRET_KEY=own[1].decode(),
            BUS_CLIENT_KEYS=other[0].decode(),
            FEED_CLIENT_KEYS=feed_only[0].decode(),
        )
        bus = CoordinatorBus(settings, 0)
        joined = set[bytes]()
        bus.attach(lambda _: None, joined.add, lambda _: None)
        sockets = []
        for name, keys in ((b"feed#1;", feed_only), (b"own#1;", own)):
            socket = zmq.Context.instance().socket(zmq.SUB)
            socket.linger = 0
            socket.curve_publickey, socket.curve_secretkey = keys
            socket.curve_serverkey = own[0]
            socket.subscribe(name)
            socket.connect(endpoint)
            sockets.append(socket)
        await until(lambda: b"own#1;" in joined)
        await asyncio.sleep(0.5)  # the other one has had its handshake too
        for socket in sockets:
            socket.close()
        bus.close()
        return joined

    assert asyncio.run(scene()) == {b"own#1;"}


class Reader:
    """An honest subscriber in a thread of its own, which notes the numbers it gets."""

    def __init__(self, settings: Settings) -> None:
        self.seqs: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(settings,))
        self._thread.start()

    def _read(self, settings: Settings) -> None:
        socket = subscriber(settings, b"available.")
        while not self._ended.is_set():
            if socket.poll(50):
                self.seqs.append(msgpack.unpackb(socket.recv_multipart()[1])["seq"])
        socket.close()

    def wait_for_more(self, count: int = 20, seconds: float = 30.0) -> None:
        """Until it got so many more messages."""
        wanted, deadline = len(self.seqs) + count, time.monotonic() + seconds
        while len(self.seqs) < wanted:
            assert time.monotonic() < deadline, f"{len(self.seqs)} messages, wanted {wanted}"
            time.sleep(0.01)

    def close(self) -> None:
        """Stop reading."""
        self._ended.set()
        self._thread.join()


def start(settings: Settings, *command: str) -> subprocess.Popen[bytes]:
    """A process with these settings."""
    environ = {**os.environ, "STATE_DIR": str(settings.state_dir), "FEED_ENDPOINT": settings.feed_endpoint}
    return subprocess.Popen([sys.executable, "-m", *command], env=environ, cwd=ROOT, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def processes(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """A source in the coordinator's place, and the real feed process."""
    children = [start(settings, "tests.actors.feed_source"), start(settings, "actors.cli.main", "feed")]
    try:
        yield children[0], children[1]
    finally:
        for child in children:
            child.terminate()
            child.wait(20)


def resident(process: subprocess.Popen[bytes]) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1]) * 4096


#: Subscribers, and topics of each.
SUBSCRIBERS, TOPICS = 200, 10_000


def _attack(endpoint: str, rng: random.Random) -> list[Peer]:
    """All that is known to be bad for a publisher; the connections that are still open."""
    peers = [Peer(endpoint) for _ in range(SUBSCRIBERS)]
    topics = [b"\x01result.dns.name%d.com" % number for number in range(TOPICS)]
    for peer in peers:
        peer.send(*topics)
        peer.send(b"\x02available.", b"\x00available.", b"\x00", b"", b"\xff" * 255)
    peers += [Peer(endpoint, greeted=False) for _ in range(50)]
    for _ in range(20):
        with contextlib.suppress(OSError), Peer(endpoint) as peer:
            peer.send(b"\x01" + b"x" * (4 << 20))
        with contextlib.suppress(OSError), Peer(endpoint) as peer:
            peer.raw.sendall(rng.randbytes(100_000))
        with contextlib.suppress(OSError), Peer(endpoint, greeted=False) as peer:
            peer.raw.sendall(rng.randbytes(1000))
        with contextlib.suppress(OSError), Peer(endpoint) as peer:
            peer.send(*(bytes([rng.choice((0, 1, 2))]) + rng.randbytes(rng.randrange(400)) for _ in range(500)))
    return peers


def test_hostile_subscribers_cost_the_coordinator_nothing_and_honest_ones_no_message(tmp_path: Path) -> None:
    """Thousands of topics, frames of 4 MiB, ends of what others hold, noise, half-open connections."""
    settings = settings_in(tmp_path)
    with processes(settings) as (source, process):
        honest = Reader(settings)
        try:
            honest.wait_for_more(100)
            before, started = resident(source), time.monotonic()
            peers = _attack(settings.feed_endpoint, random.Random(10))
            honest.wait_for_more()
            took, during = time.monotonic() - started, resident(source)
            for peer in peers:
                peer.raw.close()
            honest.wait_for_more()
            assert process.poll() is None
            print(f"coordinator {before >> 10} KiB before, {during >> 10} during, {resident(source) >> 10} after; "
                  f"feed {resident(process) >> 20} MiB; {took:.1f} s; {len(honest.seqs)} messages")  # fmt: skip
            assert during - before < 8 << 20
            assert resident(source) - before < 8 << 20
        finally:
            honest.close()
    assert honest.seqs == list(range(honest.seqs[0], honest.seqs[0] + len(honest.seqs)))


def test_what_would_fill_the_memory_ends_the_feed_process_alone(tmp_path: Path) -> None:
    """It ends in order, to be started anew; its subscribers come back, and the coordinator did not notice."""
    settings = settings_in(tmp_path)
    rng = random.Random(11)
    with processes(settings) as (source, process):
        honest = Reader(settings)
        again = None
        try:
            honest.wait_for_more()
            before = resident(source)
            with contextlib.suppress(OSError), Peer(settings.feed_endpoint) as peer:
                while process.poll() is None:
                    peer.send(*(b"\x01" + rng.randbytes(400) for _ in range(500)))
            assert process.wait(20) == 0
            again = start(settings, "actors.cli.main", "feed")
            honest.wait_for_more()
            assert resident(source) - before < 8 << 20
            assert source.poll() is None
        finally:
            honest.close()
            if again is not None:
                again.terminate()
                again.wait(20)
