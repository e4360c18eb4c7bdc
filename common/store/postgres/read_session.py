"""One connection that reads, replaced where it broke between two calls, and used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg

from common.errors import StoreError
from common.store.postgres.session import READING, Connection, Server, engine_of, is_alive


class ReadSession:
    """`check` is called with each new connection. Raises StoreError where there is none, and what `check` raises."""

    def __init__(self, server: Server, check: Callable[[Connection], None]) -> None:
        self._server = server
        self._check = check
        self._guard = threading.Lock()
        self._connection: Connection | None = self._connect()
        self.engine = engine_of(self._connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The connection, for this thread alone and with one state until the end."""
        with self._guard, self._server.translated("read the state"):
            if self._connection is None:
                raise StoreError(f"{self._server.shown}: cannot read the state: the store is closed")
            if not is_alive(self._connection):
                self._connection = self._connect()
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield self._connection
            finally:
                with suppress(psycopg.Error):
                    self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Release the connection. Calling it twice is harmless."""
        with self._guard:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _connect(self) -> Connection:
        connection = self._server.connect("reader", READING, read_only=True)
        try:
            with self._server.translated("open the state"):
                self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection
