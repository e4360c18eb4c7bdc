"""A worker's end of the bus, and control's: the way to the inbox, and a private topic for tasks."""

from __future__ import annotations

from collections.abc import Callable

import zmq

from common.bus.bus_endpoints import inbox_endpoint, tasks_endpoint, worker_topic
from common.bus.curve_keys import use_client_keys
from common.bus.leader_watch import LeaderWatch
from common.bus.zmq_sockets import Socket, encode_bounded
from common.codec import decode_upward
from common.config import Settings
from common.messages import Upward
from common.store.lease_contract import Addresses


class InboxSender:
    """Sends to the coordinator's inbox; `send` is False while no coordinator is connected or it does not keep up."""

    def __init__(self, settings: Settings, addresses: Addresses, *, linger_ms: int = 1000) -> None:
        self._settings = settings
        self._linger_ms = linger_ms
        self._socket = self._connect(addresses)

    def move(self, addresses: Addresses) -> None:
        """Send to another coordinator from now on; what the earlier one has not taken yet gets the linger time."""
        earlier, self._socket = self._socket, self._connect(addresses)
        earlier.close()

    def send(self, message: Upward) -> bool:
        """Whether the message was handed to a connected coordinator. Raises MessageError for one that it would refuse."""
        data = encode_bounded(message)
        decode_upward(data)  # types do not check what is built: what breaks a bound would be refused with all that is beside it
        return self._socket.send(data)

    def close(self) -> None:
        """Close after what was accepted is out, or the linger time."""
        self._socket.close()

    def _connect(self, addresses: Addresses) -> Socket:
        socket = Socket(zmq.PUSH, linger_ms=self._linger_ms)
        socket.raw.setsockopt(zmq.IMMEDIATE, 1)  # else a thousand messages are swallowed with no peer there
        use_client_keys(socket.raw, self._settings, addresses.server_key)
        socket.raw.connect(inbox_endpoint(addresses.bus))
        return socket


class WorkerBus:
    """A worker's end: its private topic, and the way back to the inbox. Both follow the leader."""

    def __init__(self, settings: Settings, worker: str, boot: str) -> None:
        self._settings = settings
        self._topic = worker_topic(worker, boot)
        self._leader = LeaderWatch(settings)
        self._tasks = self._subscribe(self._leader.addresses)
        self._inbox = InboxSender(settings, self._leader.addresses, linger_ms=5000)

    def attach(self, received: Callable[[bytes], None], moved: Callable[[], None] = lambda: None) -> None:
        """Call `received(frame)` for each message to this worker, and `moved()` when another coordinator leads."""

        def follow(addresses: Addresses) -> None:
            self._tasks.close()  # tasks of a coordinator that leads no more need no answer
            self._tasks = self._subscribe(addresses)
            self._inbox.move(addresses)
            self._tasks.attach(take)
            moved()

        def take(frames: list[bytes]) -> None:
            received(frames[-1])

        self._tasks.attach(take)
        self._leader.attach(follow)

    def send(self, message: Upward) -> bool:
        """Whether the message was handed to a connected coordinator. Raises MessageError for one that it would refuse."""
        return self._inbox.send(message)

    def close(self) -> None:
        """Close both ways; what was accepted for sending gets five seconds."""
        self._leader.close()
        self._tasks.close()
        self._inbox.close()

    def _subscribe(self, addresses: Addresses) -> Socket:
        socket = Socket(zmq.SUB, hwm=10_000)
        use_client_keys(socket.raw, self._settings, addresses.server_key)
        socket.raw.subscribe(self._topic)
        socket.raw.connect(tasks_endpoint(addresses.bus))
        return socket
