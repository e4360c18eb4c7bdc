"""A ZeroMQ socket inside an asyncio loop, and one that publishes to subscribers it does not trust.

Only `poll` + `recv(NOBLOCK)` is used: cancelling an awaited zmq.asyncio receive can lose a message. The FD of a ZeroMQ
socket is edge-triggered, so readers drain completely and look again on a slow timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import zmq

from common.codec import encode
from common.errors import ConfigError, MessageError
from common.messages import MAX_FRAME, Downward, Pulse, Upward

#: Most messages taken from one socket before other work of the loop gets its turn.
DRAIN_LIMIT = 200
#: Seconds between looks at a socket whose FD stayed quiet; bounds the harm of a lost edge.
RECHECK = 0.25
#: Largest frame that a subscriber may send, in bytes: a topic has at most 400, and CURVE puts some around it.
MAX_SUBSCRIPTION = 512
#: Subscriptions of one peer that may wait to be taken. One call of ZeroMQ takes them until none waits: with more than a few, a
#: peer that sends without end keeps that call from returning, and puts gigabytes into the trie.
MOST_UNTAKEN = 8

#: Milliseconds for which a TCP connection may leave what was sent unacknowledged: where a cable was pulled nothing else tells.
UNACKNOWLEDGED = 15_000
#: Milliseconds that a TCP connection may take to be made.
CONNECT_LIMIT = 5000


class Socket:
    """A ZeroMQ socket inside an asyncio loop."""

    def __init__(self, kind: int, *, linger_ms: int = 0, hwm: int = 1000, largest: int = MAX_FRAME) -> None:
        """`hwm` messages are kept for each peer and way, frames of more than `largest` bytes end their connection."""
        self.raw: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        self.raw.setsockopt(zmq.LINGER, linger_ms)
        self.raw.setsockopt(zmq.SNDHWM, hwm)
        self.raw.setsockopt(zmq.RCVHWM, hwm)
        self.raw.setsockopt(zmq.MAXMSGSIZE, largest)
        self.raw.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        self.raw.setsockopt(zmq.RECONNECT_IVL, 100)
        self.raw.setsockopt(zmq.RECONNECT_IVL_MAX, 300)
        self.raw.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self.raw.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_LIMIT)
        for option, seconds in ((zmq.TCP_KEEPALIVE_IDLE, 30), (zmq.TCP_KEEPALIVE_INTVL, 5), (zmq.TCP_KEEPALIVE_CNT, 3)):
            self.raw.setsockopt(option, seconds)
        self.raw.setsockopt(zmq.TCP_MAXRT, UNACKNOWLEDGED)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._handler: Callable[[list[bytes]], None] | None = None
        self._look_planned = False

    def bind(self, endpoint: str, setting: str) -> None:
        """Listen there. Raises ConfigError, which names the setting, where that is impossible."""
        try:
            self.raw.bind(endpoint)
        except zmq.ZMQError as error:
            raise ConfigError([f"{setting}: cannot listen on {endpoint}: {error.strerror or error}"]) from error

    def attach(self, handler: Callable[[list[bytes]], None]) -> None:
        """Call `handler(frames)` for each message that arrives, from the running loop."""
        self._loop = asyncio.get_running_loop()
        self._handler = handler
        self._loop.add_reader(self.raw.fileno(), self.receive_waiting)
        self._receive_periodically()

    def send(self, *frames: bytes) -> bool:
        """Whether the message was accepted; never blocks."""
        try:
            self.raw.send_multipart(frames, flags=zmq.NOBLOCK)
        except zmq.Again:
            return False
        if self._loop is not None and not self._look_planned:
            self._look_planned = True  # sending may swallow the edge of something readable
            self._loop.call_soon(self._planned_look)
        return True

    def receive_waiting(self) -> None:
        """Take what is there, at most DRAIN_LIMIT messages at once."""
        for _ in range(DRAIN_LIMIT):
            if self._handler is None or self.raw.closed:
                return
            try:
                self._take(self._handler)
            except zmq.Again:
                return
        if self._loop is not None:
            self._loop.call_soon(self.receive_waiting)

    def close(self) -> None:
        """Detach and close."""
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None and not self.raw.closed:
            self._loop.remove_reader(self.raw.fileno())
        self._handler = None
        self.raw.close()

    def _take(self, handler: Callable[[list[bytes]], None]) -> None:
        """Take one message. Raises zmq.Again where none is there."""
        handler(self.raw.recv_multipart(flags=zmq.NOBLOCK))

    def _planned_look(self) -> None:
        self._look_planned = False
        self.receive_waiting()

    def _receive_periodically(self) -> None:
        self.receive_waiting()
        if self._loop is not None and self._handler is not None:
            self._timer = self._loop.call_later(RECHECK, self._receive_periodically)


class Inbox(Socket):
    """A PULL socket that tells with each message which CURVE key its sender authenticated with."""

    def __init__(self, *, hwm: int) -> None:
        super().__init__(zmq.PULL, hwm=hwm)
        self._received: Callable[[bytes, str], object] = lambda _data, _key: None

    def follow(self, received: Callable[[bytes, str], object]) -> None:
        """Call this, from the running loop, with each message and the public key (Z85), "" where none was asked for."""
        self._received = received
        self.attach(lambda _: None)

    def _take(self, _handler: Callable[[list[bytes]], None]) -> None:
        frame = self.raw.recv_multipart(flags=zmq.NOBLOCK, copy=False)[-1]
        self._received(frame.bytes, _sender_key(frame))


class Publisher(Socket):
    """An XPUB socket: what its subscribers send is bounded, and nothing but a subscription or its end counts."""

    def __init__(self, *, hwm: int) -> None:
        super().__init__(zmq.XPUB, hwm=hwm, largest=MAX_SUBSCRIPTION)
        self.raw.setsockopt(zmq.RCVHWM, MOST_UNTAKEN)
        self.raw.setsockopt(zmq.XPUB_VERBOSE, 1)  # each subscription with its connection, see `common.topics`
        self._subscribed: Callable[[bytes, int], object] = lambda _topic, _peer: None
        self._ended: Callable[[bytes, int | None], object] = lambda _topic, _peer: None

    def follow(self, subscribed: Callable[[bytes, int], object], ended: Callable[[bytes, int | None], object]) -> None:
        """Call these, from the running loop, with the prefix and the number of the connection it came on.

        Where the last subscriber of a prefix is gone for sure there is no number.
        """
        self._subscribed, self._ended = subscribed, ended
        self.attach(lambda _: None)

    def _take(self, _handler: Callable[[list[bytes]], None]) -> None:
        for frame in self.raw.recv_multipart(flags=zmq.NOBLOCK, copy=False):
            data = frame.bytes
            if data[:1] == b"\x01":
                self._subscribed(data[1:], _connection_number(frame) or 0)
            elif data[:1] == b"\x00":
                self._ended(data[1:], _connection_number(frame))


def encode_bounded(message: Upward | Downward | Pulse | dict[str, Any]) -> bytes:
    """A message as bytes. Raises MessageError where it cannot be encoded, or is larger than the other side takes."""
    data = encode(message)
    if len(data) > MAX_FRAME:
        raise MessageError(f"message of {len(data)} bytes, at most {MAX_FRAME}")
    return data


def _sender_key(frame: zmq.Frame) -> str:
    """What the authenticator called the sender of a frame: its public key; "" where there is none."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""


def _connection_number(frame: zmq.Frame) -> int | None:
    """The number of the connection that a frame came on; None where ZeroMQ made it itself."""
    try:
        return int(frame.get(zmq.SRCFD))
    except zmq.ZMQError:
        return None
