"""A way to a PostgreSQL that can be cut: connections end, and new ones are closed at once, until it is healed."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class CuttableWay:
    """Passes bytes on between clients and a server on loopback. `port`: where clients connect."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._is_cut = threading.Event()
        self._ends: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """End all connections, and let none begin."""
        self._is_cut.set()
        for end in [*self._ends]:
            _shut(end)

    def heal(self) -> None:
        """Let connections begin again."""
        self._is_cut.clear()

    def close(self) -> None:
        """End all of it."""
        self.cut()
        _shut(self._listener)
        self._thread.join(5)
        for end in (self._listener, *self._ends):
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut.is_set():
                client.close()
                continue
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            self._ends += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    _shut(source)
    _shut(target)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
