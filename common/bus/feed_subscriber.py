"""Reads a feed, the public one or the inner one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zmq

from common.bus.curve_keys import use_client_keys
from common.bus.zmq_sockets import Socket
from common.codec import decode_map
from common.config import Settings
from common.errors import MessageError


class FeedSubscriber:
    """Reads a feed: `attach(handler)` with `handler(topic, map)`; messages that are no map are skipped."""

    def __init__(
        self,
        endpoint: str,
        topics: tuple[str, ...] = ("",),
        *,
        keys: Settings | None = None,
        server_key: str = "",
        decode: Callable[[bytes], object] = decode_map,
    ) -> None:
        """`keys`: the settings with the CURVE keys to use, None for a feed without (see `common.bus.curve_keys.feed_keys`).

        `server_key`: the key of the server (Z85), where it is not BUS_SERVER_KEY. `decode` gives the value of a message and
        raises ValueError or MessageError where it has none.
        """
        self._decode = decode
        self._topics = topics
        self._keys = keys
        self._socket = self._connect(endpoint, server_key)
        self._received: Callable[[list[bytes]], None] | None = None

    def attach(self, handler: Callable[[str, dict[str, Any]], None]) -> None:
        """Start calling `handler(topic, payload)` from the running loop."""

        def received(frames: list[bytes]) -> None:
            if len(frames) != 2:
                return
            try:
                payload = self._decode(frames[1])
            except (MessageError, ValueError):
                return
            if isinstance(payload, dict):
                handler(frames[0].decode("utf-8", "replace"), payload)

        self._received = received
        self._socket.attach(received)

    def move(self, endpoint: str, *, keys: Settings | None = None, server_key: str = "") -> None:
        """Read another feed from now on, with these keys."""
        self._keys = keys
        earlier, self._socket = self._socket, self._connect(endpoint, server_key)
        if self._received is not None:
            earlier.receive_waiting()
            self._socket.attach(self._received)
        earlier.close()

    def close(self) -> None:
        """Stop reading."""
        self._socket.close()

    def _connect(self, endpoint: str, server_key: str) -> Socket:
        socket = Socket(zmq.SUB, hwm=10_000)
        if self._keys is not None:
            use_client_keys(socket.raw, self._keys, server_key)
        for topic in self._topics:
            socket.raw.subscribe(topic.encode())
        socket.raw.connect(endpoint)
        return socket
