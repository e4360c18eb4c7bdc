"""A worker's end of the bus, and control's: the way to the inbox, and a private topic for tasks."""

from __future__ import annotations

from collections.abc import Callable

import zmq

from common.bus.bus_endpoints import inbox_endpoint, tasks_endpoint, worker_topic
from common.bus.curve_keys import use_client_keys
from common.bus.zmq_sockets import Socket, encode_bounded
from common.codec import decode_upward
from common.config import Settings
from common.messages import Upward


class InboxSender:
    """Sends to the coordinator's inbox; `send` is False while no coordinator is connected or it does not keep up."""

    def __init__(self, settings: Settings, *, linger_ms: int = 1000) -> None:
        self._socket = Socket(zmq.PUSH, linger_ms=linger_ms)
        self._socket.raw.setsockopt(zmq.IMMEDIATE, 1)  # else a thousand messages are swallowed with no peer there
        use_client_keys(self._socket.raw, settings)
        self._socket.raw.connect(inbox_endpoint(settings.bus_endpoint))

    def send(self, message: Upward) -> bool:
        """Whether the message was handed to a connected coordinator. Raises MessageError for one that it would refuse."""
        data = encode_bounded(message)
        decode_upward(data)  # types do not check what is built: what breaks a bound would be refused with all that is beside it
        return self._socket.send(data)

    def close(self) -> None:
        """Close after what was accepted is out, or the linger time."""
        self._socket.close()


class WorkerBus:
    """A worker's end: its private topic, and the way back to the inbox."""

    def __init__(self, settings: Settings, worker: str, boot: str) -> None:
        self._tasks = Socket(zmq.SUB, hwm=10_000)
        use_client_keys(self._tasks.raw, settings)
        self._tasks.raw.subscribe(worker_topic(worker, boot))
        self._tasks.raw.connect(tasks_endpoint(settings.bus_endpoint))
        self._inbox = InboxSender(settings, linger_ms=5000)

    def attach(self, received: Callable[[bytes], None]) -> None:
        """Call `received(frame)` for each message to this worker."""
        self._tasks.attach(lambda frames: received(frames[-1]))

    def send(self, message: Upward) -> bool:
        """Whether the message was handed to a connected coordinator. Raises MessageError for one that it would refuse."""
        return self._inbox.send(message)

    def close(self) -> None:
        """Close both ways; what was accepted for sending gets five seconds."""
        self._tasks.close()
        self._inbox.close()
