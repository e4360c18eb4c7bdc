"""One connection that is opened when it is needed or was ended, used by one thread at a time, and closed when it failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from common.errors import LeaseLost
from common.store.postgres.session import Connection, Limits, Server, bounded, is_alive


class KeptConnection:
    """A connection that writes. `purpose` names it in the server's views; `prepare` is called with each new one."""

    def __init__(self, url: str, purpose: str, limits: Limits, prepare: Callable[[Connection], None], shard: int = 0) -> None:
        self._server = Server(url, shard)
        self._purpose, self._limits, self._prepare = purpose, limits, prepare
        self._guard = threading.Lock()
        self._connection: Connection | None = None

    @contextmanager
    def opened(self, doing: str) -> Iterator[Connection]:
        """The connection, for this thread alone. Raises StoreError."""
        with self._guard, self._server.translated(doing):
            if self._connection is None or not is_alive(self._connection):
                self._connection = self._connect()
            try:
                with bounded(self._connection, self._limits.silent / 1000):
                    yield self._connection
            except LeaseLost:
                raise
            except BaseException:
                self._connection.close()
                self._connection = None
                raise

    def close(self) -> None:
        """Close the connection; it is opened again where it is used."""
        with self._guard:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _connect(self) -> Connection:
        connection = self._server.connect(self._purpose, self._limits, read_only=False)
        try:
            with bounded(connection, self._limits.silent / 1000):
                self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection
