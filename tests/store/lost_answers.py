"""A way to a PostgreSQL on which the answer to one commit gets lost: the server has it, and the client never hears so."""

from __future__ import annotations

import socket
import threading


class LossyWay:
    """Passes bytes on between clients and a server on loopback, but not the answer to the first COMMIT after `lose_next`."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._losing = threading.Event()
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def lose_next(self) -> None:
        """Lose the answer to the next commit, and the connection with it."""
        self._losing.set()

    def close(self) -> None:
        """Cut all connections, and take no more."""
        _cut(self._listener)
        self._threads[0].join()
        for end in self._ends:
            _cut(end)
        for thread in self._threads:
            thread.join()
        for end in (self._listener, *self._ends):
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            self._ends += [client, server]
            lost = threading.Event()
            self._threads += [
                threading.Thread(target=self._ask, args=(client, server, lost)),
                threading.Thread(target=self._answer, args=(server, client, lost)),
            ]
            for thread in self._threads[-2:]:
                thread.start()

    def _ask(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        while data := _received(client):
            if b"COMMIT\0" in data and self._losing.is_set():
                self._losing.clear()
                lost.set()
            if not _sent(server, data):
                break
        _cut(server)

    def _answer(self, server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        while (data := _received(server)) and not lost.is_set():
            if not _sent(client, data):
                break
        _cut(client)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65_536)
    except OSError:
        return b""


def _sent(sink: socket.socket, data: bytes) -> bool:
    try:
        sink.sendall(data)
    except OSError:
        return False
    return True


def _cut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
