"""The bus over real sockets: tasks reach one worker, a death is noticed, strangers stay out, the feed is plain pub/sub."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import msgpack
import pytest
import zmq

from common import state_dir
from common.bus import CoordinatorBus, FeedSubscriber, InboxSender, LeaderWatch, WorkerBus, inbox_endpoint, tasks_endpoint
from common.bus.curve_keys import CurveGate, generate_keys
from common.codec import decode_downward, decode_upward, encode
from common.config import Settings, load
from common.errors import ConfigError
from common.messages import VERSION, Bye, ByeAck, Command, Credit, Task, Tasks

CREDIT = Credit(VERSION, "fast-0@h", "b1", "fast", "default", ("dns",), 4, 4, 0)


def settings(tmp_path: Path, **more: str) -> Settings:
    """Settings with a bus of their own and the feed on a free port."""
    config = load({"STATE_DIR": str(tmp_path), "FEED_ENDPOINT": f"ipc://{tmp_path}/feed", **more})
    state_dir.create_directories(config)
    return config


async def within(waited: asyncio.Event, seconds: float = 5.0) -> bool:
    """Whether something happens in time."""
    try:
        async with asyncio.timeout(seconds):
            await waited.wait()
    except TimeoutError:
        return False
    return True


class Coordinator:
    """A bound bus that notes what arrives."""

    def __init__(self, config: Settings) -> None:
        self.bus = CoordinatorBus(config, 1)
        self.heard: list[object] = []
        self.marks: list[str] = []
        self.left: list[bytes] = []
        self.joined, self.got, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.bus.attach(self._received, lambda _: self.joined.set(), self._left)

    def _received(self, frame: bytes, mark: str) -> None:
        self.heard.append(decode_upward(frame))
        self.marks.append(mark)
        self.got.set()

    def _left(self, topic: bytes) -> None:
        self.left.append(topic)
        self.gone.set()


def test_nothing_is_sent_to_a_worker_whose_subscription_is_not_there(tmp_path: Path) -> None:
    """A credit can arrive before the subscription: what is sent then would be lost, so it is refused."""

    async def scene() -> tuple[bool, bool]:
        config = settings(tmp_path)
        coordinator = Coordinator(config)
        early = coordinator.bus.send("fast-1", "b1", Tasks(()))
        worker = WorkerBus(config, "fast-1", "b1")
        assert await within(coordinator.joined)
        late = coordinator.bus.send("fast-1", "b1", Tasks(()))
        worker.close()
        coordinator.bus.close()
        return early, late

    assert asyncio.run(scene()) == (False, True)


def test_tasks_reach_the_worker_they_are_for_and_no_other(tmp_path: Path) -> None:
    """A topic belongs to one start of one worker, even where one name is the beginning of another."""

    async def scene() -> tuple[list[object], list[object]]:
        config = settings(tmp_path)
        coordinator = Coordinator(config)
        mine: list[object] = []
        other: list[object] = []
        arrived = asyncio.Event()
        worker, neighbour = WorkerBus(config, "fast-1", "b1"), WorkerBus(config, "fast-1", "b11")
        worker.attach(lambda frame: (mine.append(decode_downward(frame)), arrived.set()))
        neighbour.attach(lambda frame: other.append(decode_downward(frame)))
        assert await within(coordinator.joined)
        while not mine:
            coordinator.bus.send("fast-1", "b1", Tasks((Task("a.1", 1, "dns", "example.com", "com"),)))
            await asyncio.wait({asyncio.ensure_future(arrived.wait())}, timeout=0.05)
        for bus in (worker, neighbour, coordinator.bus):
            bus.close()
        return mine, other

    mine, other = asyncio.run(scene())
    assert isinstance(mine[0], Tasks)
    assert other == []


def test_a_worker_that_disappears_is_reported_at_once(tmp_path: Path) -> None:
    """The end of its subscription is the first sign of its death."""

    async def scene() -> list[bytes]:
        config = settings(tmp_path)
        coordinator = Coordinator(config)
        worker = WorkerBus(config, "fast-0@h", "b1")
        worker.attach(lambda _: None)
        assert await within(coordinator.joined)
        worker.close()
        assert await within(coordinator.gone)
        coordinator.bus.close()
        return coordinator.left

    assert asyncio.run(scene()) == [b"fast-0@h#b1;"]


def test_sending_without_a_coordinator_says_so(tmp_path: Path) -> None:
    """Nothing is swallowed where no socket listens."""

    async def scene() -> bool:
        sender = InboxSender(settings(tmp_path), LeaderWatch(settings(tmp_path)).addresses, linger_ms=0)
        accepted = sender.send(Command("refresh"))
        sender.close()
        return accepted

    assert asyncio.run(scene()) is False


def test_results_and_commands_arrive_in_the_one_inbox(tmp_path: Path) -> None:
    """Workers and control push to the same place."""

    async def scene() -> list[object]:
        config = settings(tmp_path)
        coordinator = Coordinator(config)
        worker, control = WorkerBus(config, "w", "b"), InboxSender(config, LeaderWatch(config).addresses)
        worker.attach(lambda _: None)
        for send in (lambda: worker.send(CREDIT), lambda: control.send(Command("check", "example.com"))):
            coordinator.got.clear()
            while not send():
                await asyncio.wait({asyncio.ensure_future(coordinator.got.wait())}, timeout=0.02)
            assert await within(coordinator.got)
        worker.close()
        control.close()
        coordinator.bus.close()
        return coordinator.heard

    heard = asyncio.run(scene())
    assert CREDIT in heard
    assert Command("check", "example.com") in heard


def test_the_feed_is_read_by_any_subscriber_and_builds_nothing_without_one(tmp_path: Path) -> None:
    """Two frames, topic and msgpack map, as another program's libraries see them."""

    async def scene() -> tuple[bool, bool, list[bytes]]:
        coordinator = Coordinator(settings(tmp_path))
        feed = coordinator.bus.feed
        before = feed.has_subscriber("available.example.com")
        socket = zmq.Context.instance().socket(zmq.SUB)
        socket.linger = 0
        socket.subscribe(b"available.")
        socket.connect(feed.endpoint)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 5
        while not feed.has_subscriber("available.example.com") and loop.time() < deadline:
            await asyncio.wait({asyncio.ensure_future(coordinator.got.wait())}, timeout=0.02)
        wanted = feed.has_subscriber("available.example.com") and not feed.has_subscriber("result.dns.example.com")
        wanted = (
            wanted
            and feed.has_subscriber_below("available.")
            and feed.has_subscriber_below("avail")
            and not feed.has_subscriber_below("result.dns.")
        )
        feed.publish("available.example.com", {"v": 1, "seq": 7})
        frames = await loop.run_in_executor(None, lambda: socket.recv_multipart() if socket.poll(5000) else [])
        socket.close()
        coordinator.bus.close()
        return before, wanted, frames

    before, wanted, frames = asyncio.run(scene())
    assert not before
    assert wanted
    assert frames[0] == b"available.example.com"
    assert msgpack.unpackb(frames[1]) == {"v": 1, "seq": 7}


def test_our_own_subscriber_skips_what_is_no_map() -> None:
    """A feed may come from any program: garbage does not end the reader."""

    async def scene() -> list[tuple[str, dict[str, object]]]:
        socket = zmq.Context.instance().socket(zmq.XPUB)
        socket.linger = 0
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        reader = FeedSubscriber(f"tcp://127.0.0.1:{port}")
        seen: list[tuple[str, dict[str, object]]] = []
        arrived = asyncio.Event()
        reader.attach(lambda topic, payload: (seen.append((topic, payload)), arrived.set()))
        assert await asyncio.get_running_loop().run_in_executor(None, socket.poll, 5000)
        socket.send_multipart([b"a", b"\xc1"])
        socket.send_multipart([b"a"])
        socket.send_multipart([b"b", msgpack.packb({"seq": 1})])
        assert await within(arrived)
        reader.close()
        socket.close()
        return seen

    assert asyncio.run(scene()) == [("b", {"seq": 1})]


def test_on_tcp_only_known_keys_get_in(tmp_path: Path) -> None:
    """With CURVE a worker with a listed key is served, a stranger with a key of its own is not."""
    server, server_secret = (part.decode() for part in zmq.curve_keypair())
    known, known_secret = (part.decode() for part in zmq.curve_keypair())
    _, strange_secret = (part.decode() for part in zmq.curve_keypair())
    probe = zmq.Context.instance().socket(zmq.PULL)
    port = probe.bind_to_random_port("tcp://127.0.0.1")
    probe.close()
    endpoint = f"tcp://127.0.0.1:{port}"

    async def scene() -> tuple[bool, bool]:
        host = settings(tmp_path, BUS_ENDPOINT=endpoint, BUS_SECRET_KEY=server_secret, BUS_CLIENT_KEYS=known)
        coordinator = Coordinator(host)
        client = {"BUS_ENDPOINT": endpoint, "BUS_SERVER_KEY": server}
        strange = WorkerBus(settings(tmp_path, **client, BUS_SECRET_KEY=strange_secret), "strange", "b")
        strange.attach(lambda _: None)
        let_in = await within(coordinator.joined, 1.0)
        friend = WorkerBus(settings(tmp_path, **client, BUS_SECRET_KEY=known_secret), "friend", "b")
        friend.attach(lambda _: None)
        served = await within(coordinator.joined)
        strange.close()
        friend.close()
        coordinator.bus.close()
        return let_in, served

    assert asyncio.run(scene()) == (False, True)


def test_the_coordinators_own_host_is_let_in_with_its_own_key(tmp_path: Path) -> None:
    """Its workers share its secret key, which need not be listed to itself."""
    _, server_secret = (part.decode() for part in zmq.curve_keypair())
    other, _ = (part.decode() for part in zmq.curve_keypair())
    probe = zmq.Context.instance().socket(zmq.PULL)
    port = probe.bind_to_random_port("tcp://127.0.0.1")
    probe.close()

    async def scene() -> bool:
        keys = {"BUS_SECRET_KEY": server_secret, "BUS_CLIENT_KEYS": other}
        host = settings(tmp_path, BUS_ENDPOINT=f"tcp://127.0.0.1:{port}", **keys)
        coordinator = Coordinator(host)
        local = WorkerBus(host, "local", "b")
        local.attach(lambda _: None)
        served = await within(coordinator.joined)
        local.close()
        coordinator.bus.close()
        return served

    assert asyncio.run(scene())


def test_what_arrives_is_marked_with_the_key_it_came_with(tmp_path: Path) -> None:
    """Whatever its sender says of itself; the coordinator's own key has no mark."""
    server, server_secret = (part.decode() for part in zmq.curve_keypair())
    known, known_secret = (part.decode() for part in zmq.curve_keypair())
    probe = zmq.Context.instance().socket(zmq.PULL)
    port = probe.bind_to_random_port("tcp://127.0.0.1")
    probe.close()

    async def scene() -> list[str]:
        own = settings(tmp_path, BUS_ENDPOINT=f"tcp://127.0.0.1:{port}", BUS_SECRET_KEY=server_secret, BUS_CLIENT_KEYS=known)
        other = settings(tmp_path, BUS_ENDPOINT=f"tcp://127.0.0.1:{port}", BUS_SECRET_KEY=known_secret, BUS_SERVER_KEY=server)
        coordinator = Coordinator(own)
        for config in (own, other):
            coordinator.got.clear()
            sender = InboxSender(config, LeaderWatch(config).addresses)
            while not sender.send(Bye("fast-0@h", "b")):  # noqa: ASYNC110  # what is waited for happens inside ZeroMQ
                await asyncio.sleep(0.01)
            assert await within(coordinator.got)
            sender.close()
        coordinator.bus.close()
        return coordinator.marks

    assert asyncio.run(scene()) == ["", known[:10]]


def test_the_two_sockets_of_one_bus_setting() -> None:
    """Names of ipc sockets differ by a suffix, tcp ports by one; a tcp bus without a port is a wrong setting."""
    assert tasks_endpoint("ipc:///run/bus") == "ipc:///run/bus-tasks"
    assert inbox_endpoint("ipc:///run/bus") == "ipc:///run/bus-inbox"
    assert inbox_endpoint("tcp://127.0.0.1:5550") == "tcp://127.0.0.1:5551"
    with pytest.raises(ConfigError):
        inbox_endpoint("tcp://127.0.0.1")


def test_a_goodbye_and_its_answer_survive_the_wire() -> None:
    """Every message of the protocol decodes to itself."""
    assert decode_upward(encode(Bye("w", "b"))) == Bye("w", "b")
    assert decode_downward(encode(ByeAck(3))) == ByeAck(3)


def test_an_actor_that_starts_again_waits_until_its_last_gate_let_go() -> None:
    """A closed socket gives up the address of the authenticator a little later; one that stays is an error."""
    public, secret = generate_keys()
    closing = threading.Timer(0.1, CurveGate(secret, ()).close)
    closing.start()
    gate = CurveGate(secret, ())
    closing.join()

    assert gate.callback("domain-monitor", public.encode())
    with pytest.raises(zmq.ZMQError, match="in use"):
        CurveGate(secret, ())
    gate.close()
