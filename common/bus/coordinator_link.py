"""The way to one coordinator and back: a worker's private topic, and the sender to the inbox.

Over tcp nothing is sent to a coordinator that is not heard: what libzmq takes for a connection that was cut is lost. Its
sockets are made anew, again and again, at growing intervals.
"""

from __future__ import annotations

from collections.abc import Callable

import zmq

from common.bus.bus_endpoints import pulse_topic
from common.bus.connection_watch import Connection, ConnectionWatch
from common.bus.curve_keys import public_key, use_client_keys
from common.bus.heard_leaders import SILENT
from common.bus.zmq_sockets import Socket, encode_bounded
from common.clock import monotonic
from common.codec import decode_upward, decoder
from common.config import Settings
from common.errors import MessageError
from common.messages import Pulse, Upward
from common.store.lease_contract import Addresses
from common.work_endpoints import inbox_endpoint, tasks_endpoint

#: Seconds without a pulse after which the sockets are made anew: at first, and at most.
RENEW_AFTER, RENEW_AT_MOST = 10.0, 60.0
#: Most milliseconds between two tries to connect over tcp.
RECONNECT_AT_MOST = 2000
_REMEDIES = {
    Connection.ABSENT: "see that an instance leads there, that the address is right, and that firewalls let this port through",
    Connection.OPEN: "the instance there does not lead, or hangs: see its log",
    Connection.REFUSED: "add the public key of this host ({public}) to BUS_CLIENT_KEYS there, and restart that instance",
    Connection.UNFINISHED: "set BUS_SERVER_KEY here to the public key of the BUS_SECRET_KEY there; behind a proxy see that an "
    "instance leads there, too",
    Connection.FOREIGN: "set BUS_SECRET_KEY there, and see that no other program has this port",
}
_decode_pulse = decoder(Pulse)


class InboxSender:
    """Sends to the coordinator's inbox; `send` is False while no coordinator is connected or it does not keep up."""

    def __init__(self, settings: Settings, addresses: Addresses, *, linger_ms: int = 1000) -> None:
        self._settings = settings
        self._linger_ms = linger_ms
        self._connect(addresses)

    def move(self, addresses: Addresses) -> None:
        """Send to another coordinator from now on; what the earlier one has not taken yet gets the linger time."""
        self.close()
        self._connect(addresses)

    def send(self, message: Upward) -> bool:
        """Whether the message was handed to a connected coordinator. Raises MessageError for one that it would refuse."""
        data = encode_bounded(message)
        decode_upward(data)  # types do not check what is built: what breaks a bound would be refused with all that is beside it
        return self._socket.send(data)

    def connection(self) -> Connection:
        """How the connection is; one on this host counts as open."""
        return _state_of(self._watch)

    def close(self) -> None:
        """Close after what was accepted is out, or the linger time."""
        _close_watch(self._watch)
        self._socket.close()

    def _connect(self, addresses: Addresses) -> None:
        endpoint = inbox_endpoint(addresses.bus)
        self._socket = Socket(zmq.PUSH, linger_ms=self._linger_ms)
        self._socket.raw.setsockopt(zmq.IMMEDIATE, 1)  # else a thousand messages are swallowed with no peer there
        use_client_keys(self._socket.raw, self._settings, addresses.server_key)
        self._watch = _watch_tcp(self._socket, endpoint)
        self._socket.raw.connect(endpoint)


class CoordinatorLink:
    """The way to one coordinator, and when it was heard. `remote`: whether it leaves this host, as far as is known."""

    def __init__(self, settings: Settings, topic: bytes, addresses: Addresses) -> None:
        self.addresses = addresses
        self._settings = settings
        self._topic = topic
        self.remote = addresses.bus.startswith("tcp://")
        self._handlers: tuple[Callable[[bytes], object], Callable[[int], object]] | None = None
        self._patience = RENEW_AFTER
        self._heard_at: float | None = None
        self._connect()

    def attach(self, received: Callable[[bytes], object], pulsed: Callable[[int], object]) -> None:
        """Call `received(frame)` for each message to this worker, and `pulsed(epoch)` for each pulse."""
        self._handlers = (received, pulsed)
        self._tasks.attach(self._take)

    def send(self, message: Upward) -> bool:
        """Whether the message was handed to it. Raises MessageError for one that it would refuse."""
        return (self.is_heard() or not self.remote) and self._inbox.send(message)

    def is_heard(self) -> bool:
        """Whether it said just now that it leads."""
        return self._heard_at is not None and monotonic() - self._heard_at <= SILENT

    def look(self) -> None:
        """Make the sockets anew where nothing was heard for too long; call it every second or so."""
        if self.remote and self._is_overdue():
            self._tasks.receive_waiting()  # this process may have slept while it spoke
            if self._is_overdue():
                self._renew()

    def find_trouble(self) -> str:
        """What is wrong, and what to do; "" where the coordinator is heard and takes what is sent."""
        if not self.is_heard():
            return self._describe(tasks_endpoint(self.addresses.bus), _state_of(self._watch))
        inbox = self._inbox.connection()
        return "" if inbox is Connection.OPEN else self._describe(inbox_endpoint(self.addresses.bus), inbox)

    def close(self) -> None:
        """Close both ways; what was accepted for sending gets five seconds."""
        _close_watch(self._watch)
        self._tasks.close()
        self._inbox.close()

    def _connect(self) -> None:
        endpoint = tasks_endpoint(self.addresses.bus)
        self._made_at = monotonic()
        self._tasks = Socket(zmq.SUB, hwm=10_000)
        use_client_keys(self._tasks.raw, self._settings, self.addresses.server_key)
        self._tasks.raw.subscribe(self._topic)
        self._watch = _watch_tcp(self._tasks, endpoint)
        self._tasks.raw.connect(endpoint)
        self._inbox = InboxSender(self._settings, self.addresses, linger_ms=5000)

    def _renew(self) -> None:
        self.close()
        self._connect()
        self._patience = min(2 * self._patience, RENEW_AT_MOST)
        if self._handlers is not None:
            self._tasks.attach(self._take)

    def _is_overdue(self) -> bool:
        return monotonic() - max(self._heard_at or 0.0, self._made_at) > self._patience

    def _take(self, frames: list[bytes]) -> None:
        if self._handlers is None:
            return
        received, pulsed = self._handlers
        if frames[0] == pulse_topic(self._topic):
            try:
                epoch: int = _decode_pulse(frames[-1]).epoch
            except MessageError:
                return
            self._heard_at, self._patience = monotonic(), RENEW_AFTER
            pulsed(epoch)
        else:
            received(frames[-1])

    def _describe(self, endpoint: str, state: Connection) -> str:
        what = "connected, and nothing is heard" if state is Connection.OPEN else state.value
        remedy = _REMEDIES[state].format(public=public_key(self._settings))
        return f"{endpoint}: {what}; {remedy}"


def _watch_tcp(socket: Socket, endpoint: str) -> ConnectionWatch | None:
    """Follow a connection that leaves this host, with pauses for its other side; None for one that does not."""
    if not endpoint.startswith("tcp://"):
        return None
    socket.raw.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_AT_MOST)
    return ConnectionWatch(socket.raw)


def _state_of(watch: ConnectionWatch | None) -> Connection:
    if watch is None:
        return Connection.OPEN
    watch.look()
    return watch.state


def _close_watch(watch: ConnectionWatch | None) -> None:
    if watch is not None:
        watch.close()
