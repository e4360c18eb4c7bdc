"""The one place that knows ZeroMQ: sockets, their options, and how they meet an asyncio loop.

Sockets of a coordinator: tasks (XPUB, one private topic per worker: `<worker>#<boot>;`), inbox (PULL), feed (XPUB, read by
plain SUB sockets). Everybody else connects. Nothing here queues: what could not be sent is reported, never kept.

Only `poll` + `recv(NOBLOCK)` is used: cancelling an awaited zmq.asyncio receive can lose a message. The FD of a ZeroMQ
socket is edge-triggered, so readers drain completely and look again on a slow timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import zmq
import zmq.auth.thread

from common.codec import decode_map, encode
from common.config import Settings
from common.errors import ConfigError, MessageError
from common.messages import MAX_FRAME
from common.topics import Topics

#: Most messages taken from one socket before other work of the loop gets its turn.
DRAIN_LIMIT = 200
#: Seconds between looks at a socket whose FD stayed quiet; bounds the harm of a lost edge.
RECHECK = 0.25
ZAP_DOMAIN = "domain-monitor"


def tasks_endpoint(base: str) -> str:
    """Where tasks are published, given BUS_ENDPOINT."""
    return base if base.startswith("tcp://") else f"{base}-tasks"


def inbox_endpoint(base: str) -> str:
    """Where the coordinator listens, given BUS_ENDPOINT; on tcp the port after the one named."""
    if not base.startswith("tcp://"):
        return f"{base}-inbox"
    host, _, port = base.rpartition(":")
    if not port.isdigit():
        raise ConfigError([f"BUS_ENDPOINT: {base!r} has no port"])
    return f"{host}:{int(port) + 1}"


def worker_topic(worker: str, boot: str) -> bytes:
    """The private topic of one start of one worker; the semicolon keeps it from being a prefix of another."""
    return f"{worker}#{boot};".encode()


class _Socket:
    """A ZeroMQ socket inside an asyncio loop."""

    def __init__(self, kind: int, *, linger_ms: int = 0, hwm: int = 1000) -> None:
        self.raw: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        self.raw.setsockopt(zmq.LINGER, linger_ms)
        self.raw.setsockopt(zmq.SNDHWM, hwm)
        self.raw.setsockopt(zmq.RCVHWM, hwm)
        self.raw.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
        self.raw.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        self.raw.setsockopt(zmq.RECONNECT_IVL, 100)
        self.raw.setsockopt(zmq.RECONNECT_IVL_MAX, 300)
        self.raw.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self.raw.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._handler: Callable[[list[bytes]], None] | None = None
        self._look_planned = False

    def attach(self, handler: Callable[[list[bytes]], None]) -> None:
        """Call `handler(frames)` for each message that arrives, from the running loop."""
        self._loop = asyncio.get_running_loop()
        self._handler = handler
        self._loop.add_reader(self.raw.fileno(), self.look)
        self._recheck()

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

    def look(self) -> None:
        """Take what is there, at most DRAIN_LIMIT messages at once."""
        if self._handler is None or self.raw.closed:
            return
        for _ in range(DRAIN_LIMIT):
            try:
                frames = self.raw.recv_multipart(flags=zmq.NOBLOCK)
            except zmq.Again:
                return
            self._handler(frames)
            if self.raw.closed:
                return
        if self._loop is not None:
            self._loop.call_soon(self.look)

    def _planned_look(self) -> None:
        self._look_planned = False
        self.look()

    def close(self) -> None:
        """Detach and close."""
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None and not self.raw.closed:
            self._loop.remove_reader(self.raw.fileno())
        self._handler = None
        self.raw.close()

    def _recheck(self) -> None:
        self.look()
        if self._loop is not None and self._handler is not None:
            self._timer = self._loop.call_later(RECHECK, self._recheck)


class _KnownKeys:
    """Lets in these public keys and no other."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = {key.encode() for key in keys}

    def callback(self, _domain: str, key: bytes) -> bool:
        """Whether the client with this key (Z85) may connect; pyzmq sets the signature."""
        return key in self._keys


class CoordinatorBus:
    """The coordinator's end: binds tasks and inbox, and the feed."""

    def __init__(self, settings: Settings, *, hwm: int = 10_000) -> None:
        self.tasks = _Socket(zmq.XPUB, hwm=hwm)
        self.tasks.raw.setsockopt(zmq.XPUB_NODROP, 1)
        self.inbox = _Socket(zmq.PULL, hwm=hwm)
        self.feed = Feed()
        self._joined: set[bytes] = set()
        self._gate: zmq.auth.thread.ThreadAuthenticator | None = None
        try:
            if settings.bus_secret_key:
                self._require_keys(settings)
            _bind(self.tasks.raw, tasks_endpoint(settings.bus_endpoint), "BUS_ENDPOINT")
            _bind(self.inbox.raw, inbox_endpoint(settings.bus_endpoint), "BUS_ENDPOINT")
            self.feed.bind(settings.feed_endpoint)
        except BaseException:
            self.close()
            raise

    def attach(self, received: Callable[[bytes], None], joined: Callable[[bytes], None], left: Callable[[bytes], None]) -> None:
        """Start: `received(frame)` per inbox message, `joined(topic)` and `left(topic)` as workers come and go."""

        def subscription(frames: list[bytes]) -> None:
            topic = frames[0][1:]
            if frames[0][:1] == b"\x01":
                self._joined.add(topic)
                joined(topic)
            else:
                self._joined.discard(topic)
                left(topic)

        self.inbox.attach(lambda frames: received(frames[-1]))
        self.tasks.attach(subscription)
        self.feed.attach()

    def send(self, worker: str, boot: str, message: Any) -> bool:
        """Send a message to one worker; False where its socket is full or its subscription is not (or no longer) there.

        The two connections of a worker come up one after the other: without this look, what is sent on its first credit
        would be lost without a trace until its lease runs out.
        """
        topic = worker_topic(worker, boot)
        return topic in self._joined and self.tasks.send(topic, encode(message))

    def close(self) -> None:
        """Close every socket."""
        for socket in (self.tasks, self.inbox, self.feed):
            socket.close()
        if self._gate is not None:
            self._gate.stop()

    def _require_keys(self, settings: Settings) -> None:
        # Without an authenticator CURVE lets any key in; ZAP_ENFORCE_DOMAIN keeps that shut even if the authenticator dies.
        self._gate = zmq.auth.thread.ThreadAuthenticator(zmq.Context.instance())
        self._gate.start()
        secret = (settings.bus_secret_key or "").encode()
        known = _KnownKeys(
            (*settings.bus_client_keys, zmq.curve_public(secret).decode())
        )  # our own host's workers share its key
        self._gate.configure_curve_callback(domain=ZAP_DOMAIN, credentials_provider=known)
        for socket in (self.tasks.raw, self.inbox.raw):
            socket.curve_secretkey = secret
            socket.curve_publickey = zmq.curve_public(secret)
            socket.curve_server = True
            socket.zap_domain = ZAP_DOMAIN.encode()
            socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


class Feed:
    """The public feed: two frames, topic and msgpack map. Slow subscribers lose messages; nobody waits for them."""

    def __init__(self) -> None:
        self._socket = _Socket(zmq.XPUB, hwm=10_000)
        self._topics = Topics()
        self.endpoint = ""

    def bind(self, endpoint: str) -> None:
        """Listen there; `endpoint` then tells where exactly. Raises ConfigError where that is impossible."""
        _bind(self._socket.raw, endpoint, "FEED_ENDPOINT")
        self.endpoint = self._socket.raw.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")

    def attach(self) -> None:
        """Follow who subscribes to what."""
        self._socket.attach(self._subscription)

    def wants(self, topic: str) -> bool:
        """Whether anybody subscribed to this topic: what nobody wants is not built."""
        return self._topics.want(topic)

    def wants_below(self, prefix: str) -> bool:
        """Whether anybody subscribed to anything that begins with this prefix, or to everything around it."""
        return self._topics.want_below(prefix)

    def publish(self, topic: str, payload: dict[str, Any]) -> None:
        """Send one map to those who subscribed."""
        self._socket.send(topic.encode(), encode(payload))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _subscription(self, frames: list[bytes]) -> None:
        prefix = frames[0][1:].decode("utf-8", "replace")
        if frames[0][:1] == b"\x01":
            self._topics.add(prefix)
        else:
            self._topics.discard(prefix)


def _bind(socket: zmq.Socket[bytes], endpoint: str, setting: str) -> None:
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise ConfigError([f"{setting}: cannot listen on {endpoint}: {error.strerror or error}"]) from error


def _client_keys(socket: zmq.Socket[bytes], settings: Settings) -> None:
    if settings.bus_secret_key:
        secret = settings.bus_secret_key.encode()
        socket.curve_secretkey = secret
        socket.curve_publickey = zmq.curve_public(secret)
        socket.curve_serverkey = (settings.bus_server_key or zmq.curve_public(secret).decode()).encode()


class InboxSender:
    """Sends to the coordinator's inbox; `send` is False while no coordinator is connected or it does not keep up."""

    def __init__(self, settings: Settings, *, linger_ms: int = 1000) -> None:
        self._socket = _Socket(zmq.PUSH, linger_ms=linger_ms)
        self._socket.raw.setsockopt(zmq.IMMEDIATE, 1)  # else a thousand messages are swallowed with no peer there
        _client_keys(self._socket.raw, settings)
        self._socket.raw.connect(inbox_endpoint(settings.bus_endpoint))

    def send(self, message: Any) -> bool:
        """Whether the message was handed to a connected coordinator."""
        return self._socket.send(encode(message))

    def close(self) -> None:
        """Close after what was accepted is out, or the linger time."""
        self._socket.close()


class WorkerBus:
    """A worker's end: its private topic, and the way back to the inbox."""

    def __init__(self, settings: Settings, worker: str, boot: str) -> None:
        self._tasks = _Socket(zmq.SUB, hwm=10_000)
        _client_keys(self._tasks.raw, settings)
        self._tasks.raw.subscribe(worker_topic(worker, boot))
        self._tasks.raw.connect(tasks_endpoint(settings.bus_endpoint))
        self._inbox = InboxSender(settings, linger_ms=5000)

    def attach(self, received: Callable[[bytes], None]) -> None:
        """Call `received(frame)` for each message to this worker."""
        self._tasks.attach(lambda frames: received(frames[-1]))

    def send(self, message: Any) -> bool:
        """Whether the message was handed to a connected coordinator."""
        return self._inbox.send(message)

    def close(self) -> None:
        """Close both ways; what was accepted for sending gets five seconds."""
        self._tasks.close()
        self._inbox.close()


class FeedSubscriber:
    """Reads a feed: `attach(handler)` with `handler(topic, map)`; messages that are no map are skipped."""

    def __init__(self, endpoint: str, topics: tuple[str, ...] = ("",)) -> None:
        self._socket = _Socket(zmq.SUB, hwm=10_000)
        for topic in topics:
            self._socket.raw.subscribe(topic.encode())
        self._socket.raw.connect(endpoint)

    def attach(self, handler: Callable[[str, dict[str, Any]], None]) -> None:
        """Start calling `handler(topic, payload)` from the running loop."""

        def received(frames: list[bytes]) -> None:
            if len(frames) != 2:
                return
            try:
                payload = decode_map(frames[1])
            except MessageError:
                return
            handler(frames[0].decode("utf-8", "replace"), payload)

        self._socket.attach(received)

    def close(self) -> None:
        """Stop reading."""
        self._socket.close()
