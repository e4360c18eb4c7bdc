"""The coordinator's end of the bus: tasks, inbox, and the inner feed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import zmq

from common.bus.bus_endpoints import local_addresses, pulse_topic, remove_sockets_before, worker_topic
from common.bus.curve_keys import CurveGate
from common.bus.zmq_sockets import Inbox, Publisher, encode_bounded
from common.config import Settings
from common.messages import Downward, Pulse
from common.topics import Holders, Topics
from common.work_endpoints import feed_endpoint, inbox_endpoint, tasks_endpoint

#: Most workers whose subscriptions are known at once.
MOST_WORKERS = 4096
#: Messages kept for a reader of the inner feed that does not keep up; more are lost to it.
FEED_HWM = 10_000
#: Seconds between two pulses.
PULSE_EVERY = 2.0
_WORKER_TOPIC = re.compile(rb"[^#;\x00-\x1f]{1,120}#[^#;\x00-\x1f]{1,120};")


class CoordinatorBus:
    """The coordinator's end: binds tasks and inbox, and the inner feed."""

    def __init__(self, settings: Settings, epoch: int, *, outside: str = "", hwm: int = 10_000) -> None:
        """Bind the sockets of this epoch, and BUS_ENDPOINT for workers that do not know which one leads. Raises ConfigError.

        `outside`: where instances on other hosts reach it, by its lease; "" where none does. They read the inner feed there.
        """
        self.tasks = Publisher(hwm=hwm)
        self.tasks.raw.setsockopt(zmq.XPUB_NODROP, 1)
        self.inbox = Inbox(hwm=hwm)
        self.feed = Feed()
        self._joined: Holders[bytes] = Holders(MOST_WORKERS)
        self._gate: CurveGate | None = None
        self._pulse = encode_bounded(Pulse(epoch))
        self._timer: asyncio.TimerHandle | None = None
        try:
            if settings.bus_secret_key:
                self._gate = CurveGate(settings.bus_secret_key, settings.bus_client_keys)
                for socket in (self.tasks, self.inbox):
                    self._gate.guard(socket.raw)
                if outside:
                    self._gate.guard(self.feed.raw, own_key_only=True)
            here = local_addresses(settings, epoch)
            for base in (here.bus, settings.bus_endpoint):
                self.tasks.bind(tasks_endpoint(base), "BUS_ENDPOINT")
                self.inbox.bind(inbox_endpoint(base), "BUS_ENDPOINT")
            if outside:
                self.feed.bind(feed_endpoint(settings.bus_endpoint), "BUS_ENDPOINT")
            self.feed.bind(here.feed)
            remove_sockets_before(settings, epoch)
        except BaseException:
            self.close()
            raise

    def attach(
        self, received: Callable[[bytes, str], None], joined: Callable[[bytes], None], left: Callable[[bytes], None]
    ) -> None:
        """Start: `received(frame, mark)` per inbox message, `joined(topic)` and `left(topic)` as workers come and go.

        The mark stands for the CURVE key that a message came with; it is "" for our own key, and on a bus without keys.
        """

        def subscribed(topic: bytes, peer: int) -> None:
            if not _WORKER_TOPIC.fullmatch(topic):
                return
            if self._joined.add(topic, peer):
                joined(topic)
            self.tasks.send(pulse_topic(topic), self._pulse)  # one that came back on a new connection waits for it

        def ended(topic: bytes, peer: int | None) -> None:
            if self._joined.discard(topic, peer):
                left(topic)

        self.inbox.follow(lambda data, key: received(data, self._gate.mark_of(key) if self._gate is not None else ""))
        self.tasks.follow(subscribed, ended)
        self.feed.attach()
        self._send_pulses()

    def send(self, worker: str, boot: str, message: Downward) -> bool:
        """Send a message to one worker; False where its socket is full or its subscription is not (or no longer) there.

        The two connections of a worker come up one after the other: without this look, what is sent on its first credit
        would be lost without a trace until its lease runs out.
        """
        topic = worker_topic(worker, boot)
        return topic in self._joined and self.tasks.send(topic, encode_bounded(message))

    def close(self) -> None:
        """Close every socket."""
        if self._timer is not None:
            self._timer.cancel()
        for socket in (self.tasks, self.inbox, self.feed):
            socket.close()
        if self._gate is not None:
            self._gate.close()

    def _send_pulses(self) -> None:
        """Tell every worker that this coordinator leads and its loop turns; where one is full it has enough to read."""
        self._timer = asyncio.get_running_loop().call_later(PULSE_EVERY, self._send_pulses)
        for topic in self._joined:
            self.tasks.send(pulse_topic(topic), self._pulse)


class Feed:
    """The inner feed: two frames, topic and msgpack map. Slow readers lose messages; nothing waits for them."""

    def __init__(self) -> None:
        self._socket = Publisher(hwm=FEED_HWM)
        self._topics = Topics()
        self.endpoint = ""

    @property
    def raw(self) -> zmq.Socket[bytes]:
        """The socket itself."""
        return self._socket.raw

    def bind(self, endpoint: str, setting: str = "STATE_DIR") -> None:
        """Listen there, too; `endpoint` then tells where exactly. Raises ConfigError, which names the setting."""
        self._socket.bind(endpoint, setting)
        self.endpoint = self._socket.raw.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")

    def attach(self) -> None:
        """Follow which topics have subscribers."""
        self._socket.follow(
            lambda topic, peer: topic.isascii() and self._topics.add(topic.decode("ascii"), peer),
            lambda topic, peer: topic.isascii() and self._topics.discard(topic.decode("ascii"), peer),
        )

    def has_subscriber(self, topic: str) -> bool:
        """Whether this topic has a subscriber: what none wants is not built."""
        return self._topics.want(topic)

    def has_subscriber_below(self, prefix: str) -> bool:
        """Whether anything that begins with this prefix, or everything around it, has a subscriber."""
        return self._topics.want_below(prefix)

    def publish(self, topic: str, payload: dict[str, Any]) -> None:
        """Publish one map. Raises MessageError for what cannot be sent."""
        self._socket.send(topic.encode(), encode_bounded(payload))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
