"""Peers of the bus that send what no honest one would: whatever it is, the others are served as before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import zmq

from common import state_dir
from common.bus import CoordinatorBus, Feed, InboxSender, LeaderWatch, WorkerBus, tasks_endpoint
from common.codec import decode_downward
from common.config import Settings, load
from common.errors import MessageError
from common.messages import MAX_FRAME, ByeAck, Command
from tests.zmtp_peer import Peer

AVAILABLE = "available.a.com"


def settings(tmp_path: Path) -> Settings:
    """Settings with a bus of their own."""
    config = load({"STATE_DIR": str(tmp_path)})
    state_dir.create_directories(config)
    return config


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true, for ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # what is waited for happens inside ZeroMQ
            await asyncio.sleep(0.01)


def with_feed(scene: Callable[[Feed], Awaitable[None]]) -> None:
    """Play a scene at a feed with one honest subscriber of `available.`, which is there at the end too."""

    async def play() -> None:
        feed = Feed()
        feed.bind("tcp://127.0.0.1:*")
        feed.attach()
        honest = zmq.Context.instance().socket(zmq.SUB)
        honest.linger = 0
        honest.subscribe(b"available.")
        honest.connect(feed.endpoint)
        try:
            await until(lambda: feed.has_subscriber(AVAILABLE))
            await scene(feed)
            assert feed.has_subscriber(AVAILABLE)
            feed.publish(AVAILABLE, {"seq": 1})
            await until(lambda: bool(honest.poll(0)))
        finally:
            honest.close()
            feed.close()

    asyncio.run(play())


async def heard_of(feed: Feed, peer: Peer, word: bytes = b"mark") -> None:
    """Until all that a peer has sent has been taken: it subscribes to something new at the end."""
    peer.send(b"\x01" + word)
    await until(lambda: feed.has_subscriber(word.decode()))


@pytest.mark.parametrize(
    "frame", [b"\x02available.", b"available.", b"", b"\xffavailable.", b"\x00available.", b"\x00", b"\x00avail"]
)
def test_no_frame_of_a_peer_unsubscribes_another(frame: bytes) -> None:
    """Only 0 and 1 at the beginning mean anything, and the end of a subscription only from the connection that holds it."""

    async def scene(feed: Feed) -> None:
        with Peer(feed.endpoint) as peer:
            peer.send(frame, frame)
            await heard_of(feed, peer)

    with_feed(scene)


def test_one_that_subscribed_first_cannot_end_it_for_those_after_it() -> None:
    """Ending it twice is reported like the end of the last one."""

    async def scene(feed: Feed) -> None:
        with Peer(feed.endpoint) as first, Peer(feed.endpoint) as second:
            first.send(b"\x01state.")
            await heard_of(feed, first)
            second.send(b"\x01state.")
            await heard_of(feed, second, b"other")
            first.send(b"\x00state.", b"\x00state.")
            await heard_of(feed, first, b"third")
            assert feed.has_subscriber("state.a.com")
        await until(lambda: not feed.has_subscriber("state.a.com"))

    with_feed(scene)


def test_the_end_of_an_honest_subscription_is_the_end_of_its_work() -> None:
    """Said by the connection that alone held it."""

    async def scene(feed: Feed) -> None:
        with Peer(feed.endpoint) as peer:
            peer.send(b"\x01state.")
            await until(lambda: feed.has_subscriber("state.a.com"))
            peer.send(b"\x00state.")
            await until(lambda: not feed.has_subscriber("state.a.com"))

    with_feed(scene)


@pytest.mark.parametrize("size", [513, MAX_FRAME])
def test_a_frame_longer_than_any_topic_ends_its_connection(size: int) -> None:
    """It never gets into the trie, where each byte would cost a hundred."""

    async def scene(feed: Feed) -> None:
        with Peer(feed.endpoint) as peer:
            try:
                peer.send(b"\x01" + b"x" * size)
                cut_off = await asyncio.to_thread(peer.is_cut_off)
            except OSError:
                cut_off = True
        assert cut_off
        assert not feed.has_subscriber("x" * 400)

    with_feed(scene)


def test_the_beginning_of_a_message_is_taken_for_its_frames() -> None:
    """Subscriptions may come as parts of one message; what is no subscription is skipped, not the rest."""

    async def scene(feed: Feed) -> None:
        with Peer(feed.endpoint) as peer:
            peer.send(b"\x02a", more=True)
            peer.send(b"\x01state.")
            await until(lambda: feed.has_subscriber("state.a.com"))

    with_feed(scene)


@pytest.mark.parametrize("frame", [b"\x02fast-0@h#b1;", b"\x00fast-0@h#b1;", b"fast-0@h#b1;"])
def test_no_frame_takes_a_worker_off_the_bus(frame: bytes, tmp_path: Path) -> None:
    """A worker gets its tasks, whatever another peer of the task socket sends about its topic."""

    async def scene() -> list[bytes]:
        config = settings(tmp_path)
        bus = CoordinatorBus(config, 1)
        there, left, got = set[bytes](), list[bytes](), list[object]()
        bus.attach(lambda _data, _mark: None, there.add, left.append)
        worker = WorkerBus(config, "fast-0@h", "b1")
        worker.attach(lambda data: got.append(decode_downward(data)))
        try:
            await until(lambda: b"fast-0@h#b1;" in there)
            with Peer(tasks_endpoint(config.bus_endpoint)) as peer:
                peer.send(frame, frame, b"\x01another#b2;")
                await until(lambda: b"another#b2;" in there)
                assert bus.send("fast-0@h", "b1", ByeAck(1))
                await until(lambda: bool(got))
        finally:
            worker.close()
            bus.close()
        return left

    assert asyncio.run(scene()) == []


def test_only_topics_in_the_form_of_a_worker_are_workers(tmp_path: Path) -> None:
    """Another subscription of the task socket is nothing that joins or leaves."""

    async def scene() -> set[bytes]:
        config = settings(tmp_path)
        bus = CoordinatorBus(config, 1)
        seen = set[bytes]()
        bus.attach(lambda _data, _mark: None, seen.add, seen.add)
        try:
            with Peer(tasks_endpoint(config.bus_endpoint)) as peer:
                peer.send(b"\x01", b"\x01fast", b"\x01a#b", b"\x01#;", b"\x01" + b"a" * 121 + b"#b;", b"\x01a#b;c", b"\x01w#1;")
                await until(lambda: b"w#1;" in seen)
        finally:
            bus.close()
        return seen

    assert asyncio.run(scene()) == {b"w#1;"}


def test_what_the_other_side_would_refuse_is_not_sent(tmp_path: Path) -> None:
    """A frame above the limit would end the connection, and come again with every try."""
    sender = InboxSender(settings(tmp_path), LeaderWatch(settings(tmp_path)).addresses, linger_ms=0)
    with pytest.raises(MessageError):
        sender.send(Command("check", "x" * MAX_FRAME))
    sender.close()
