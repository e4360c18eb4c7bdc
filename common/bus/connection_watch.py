"""How the connection of one ZeroMQ socket is, from what libzmq tells of it (zmq_socket_monitor(3)).

A client whose key is refused is told so once and never tries again (libzmq issue 3519): what uses the socket has to make
another one.
"""

from __future__ import annotations

from enum import Enum

import zmq
from zmq.utils.monitor import parse_monitor_message

_EVENTS = (
    zmq.EVENT_CONNECTED
    | zmq.EVENT_CLOSED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)


class Connection(Enum):
    """The state of a connection that a socket makes."""

    ABSENT = "nothing answers"
    OPEN = "connected"
    REFUSED = "our key is refused"
    UNFINISHED = "the connection ends before it is encrypted"
    FOREIGN = "what answers there speaks no CURVE"


_MEANINGS = {
    zmq.EVENT_HANDSHAKE_SUCCEEDED: Connection.OPEN,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: Connection.UNFINISHED,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: Connection.FOREIGN,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: Connection.REFUSED,
    zmq.EVENT_CLOSED: Connection.ABSENT,
}


class ConnectionWatch:
    """Follows the connection of a socket that connects to one endpoint; make it before the socket connects."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.state = Connection.ABSENT
        self._socket = socket
        self._monitor = socket.get_monitor_socket(_EVENTS)

    def look(self) -> None:
        """Take what was told since the last look; call it before `state` is read, and now and then."""
        while not self._monitor.closed and self._monitor.poll(0):
            self._note(parse_monitor_message(self._monitor.recv_multipart(flags=zmq.NOBLOCK))["event"])

    def close(self) -> None:
        """Follow it no more; call it before the socket is closed."""
        self._socket.disable_monitor()
        self._monitor.close(linger=0)

    def _note(self, event: int) -> None:
        if event == zmq.EVENT_DISCONNECTED:
            # It follows each failed handshake, which says more.
            self.state = Connection.ABSENT if self.state is Connection.OPEN else self.state
        else:
            self.state = _MEANINGS.get(zmq.Event(event), self.state)
