"""The public feed: what coordinators publish on their inner feeds, byte for byte, to subscribers that need not be trusted.

There is an inner feed for each shard of the watch list. It wants from each what its own subscribers want, so that what has no
subscriber is still not built. Subscriptions come back by themselves when either side starts again. Subscribers that do not read
lose messages, and in time their connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import zmq

from common.bus.curve_keys import CurveGate, feed_keys, inner_feed_keys, use_client_keys
from common.bus.leader_watch import LeaderWatch
from common.bus.zmq_sockets import Publisher, Socket
from common.config import Settings
from common.shard_settings import settings_of_shard
from common.socket_paths import feed_socket
from common.store.lease_contract import Addresses
from common.topics import Topics

#: Messages kept for a subscriber that does not keep up, and on the way here from the coordinator; more are lost.
OUTER_HWM, INNER_HWM = 10_000, 100_000
#: Seconds between two TCP keepalives to a silent subscriber, how many stay unanswered before it counts as gone, and
#: milliseconds for which one may keep its TCP window shut.
KEEPALIVE_EVERY, KEEPALIVE_TRIES, WINDOW_SHUT = 10, 3, 60_000
#: Connections that may wait to be accepted.
BACKLOG = 256


class PublicFeed:
    """Binds FEED_ENDPOINT, and a unix socket for the proxy, and passes on what the inner feed says."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError where FEED_ENDPOINT cannot be bound."""
        self._inner_topics: Counter[bytes] = Counter()
        shards = range(settings.shards)
        self._inner = [_InnerFeed(settings_of_shard(settings, shard), self._inner_topics) for shard in shards]
        self._outer = Publisher(hwm=OUTER_HWM)
        self._topics = Topics()
        self._everything = False
        self._gate: CurveGate | None = None
        self.endpoint = ""
        self.passed = 0
        for option, value in (
            (zmq.BACKLOG, BACKLOG),
            # No ZMTP heartbeats: libzmq 4.3.5 aborts where one is due on a connection that broke while its input was stopped.
            (zmq.TCP_KEEPALIVE_INTVL, KEEPALIVE_EVERY),
            (zmq.TCP_KEEPALIVE_CNT, KEEPALIVE_TRIES),
            (zmq.TCP_MAXRT, WINDOW_SHUT),
        ):
            self._outer.raw.setsockopt(option, value)
        try:
            keys = feed_keys(settings)
            if keys is not None:
                allowed = (*keys.bus_client_keys, *keys.feed_client_keys)
                self._gate = CurveGate(keys.bus_secret_key or "", allowed)
                self._gate.guard(self._outer.raw)
            self._outer.bind(settings.feed_endpoint, "FEED_ENDPOINT")
            self._outer.bind(f"ipc://{feed_socket(settings.instance_dir)}", "STATE_DIR")  # for the proxy
        except BaseException:
            self.close()
            raise
        self.endpoint = self._outer.raw.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")

    @property
    def encrypted(self) -> bool:
        """Whether only known CURVE keys are let in."""
        return self._gate is not None

    def attach(self) -> None:
        """Start passing on, from the running loop."""
        self._outer.follow(self._subscribed, self._ended)
        for inner in self._inner:
            inner.attach(self._pass_on)

    def close(self) -> None:
        """Close both sides."""
        for inner in self._inner:
            inner.close()
        self._outer.close()
        if self._gate is not None:
            self._gate.close()

    def _pass_on(self, frames: list[bytes]) -> None:
        if len(frames) == 2:
            self.passed += 1
            self._outer.send(*frames)

    def _subscribed(self, topic: bytes, peer: int) -> None:
        # Topics are ASCII: another prefix can never fit one.
        if topic.isascii() and self._topics.add(topic.decode("ascii"), peer):
            self._want_topic(topic)
        self._want_everything()

    def _ended(self, topic: bytes, peer: int | None) -> None:
        if topic.isascii() and self._topics.discard(topic.decode("ascii"), peer):
            self._drop_topic(topic)
        self._want_everything()

    def _want_everything(self) -> None:
        """Where there are more topics than are remembered, all of them are wanted."""
        if self._topics.everything == self._everything:
            return
        self._everything = self._topics.everything
        if self._everything:
            self._want_topic(b"")
        else:
            self._drop_topic(b"")

    def _want_topic(self, topic: bytes) -> None:
        self._inner_topics[topic] += 1
        for inner in self._inner:
            inner.subscribe(topic)

    def _drop_topic(self, topic: bytes) -> None:
        self._inner_topics[topic] -= 1
        for inner in self._inner:
            inner.unsubscribe(topic)


class _InnerFeed:
    """The feed of the coordinator that leads one shard."""

    def __init__(self, settings: Settings, topics: Counter[bytes]) -> None:
        """`topics`: those that are wanted, as often as they are."""
        self._settings = settings
        self._topics = topics
        self._leader = LeaderWatch(settings)
        self._socket = self._connect(self._leader.addresses)
        self._received: Callable[[list[bytes]], None] = lambda _: None

    def attach(self, received: Callable[[list[bytes]], None]) -> None:
        """Call `received(frames)` for each message, from the running loop."""
        self._received = received
        self._socket.attach(received)
        self._leader.attach(self._follow_leader)

    def subscribe(self, topic: bytes) -> None:
        self._socket.raw.subscribe(topic)

    def unsubscribe(self, topic: bytes) -> None:
        self._socket.raw.unsubscribe(topic)

    def close(self) -> None:
        self._leader.close()
        self._socket.close()

    def _connect(self, addresses: Addresses) -> Socket:
        socket = Socket(zmq.SUB, hwm=INNER_HWM)
        if (keys := inner_feed_keys(self._settings, addresses)) is not None:
            use_client_keys(socket.raw, keys, addresses.server_key)
        for topic in self._topics.elements():
            socket.raw.subscribe(topic)
        socket.raw.connect(addresses.feed)
        return socket

    def _follow_leader(self, addresses: Addresses) -> None:
        """Take what another coordinator says from now on."""
        earlier, self._socket = self._socket, self._connect(addresses)
        earlier.receive_waiting()
        earlier.close()
        self._socket.attach(self._received)
