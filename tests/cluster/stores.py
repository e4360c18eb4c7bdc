"""The store under test, looked at from beside: the embedded database, or a PostgreSQL of our own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

import psycopg

from common.store.postgres.schemas import schema_of
from tests.cluster.hosts import Network
from tests.cluster.records import Event
from tests.store.postgres_server import PASSWORD, PostgresServer, find_programs

_EVENTS = "SELECT id, domain, generation, kind, body FROM event"
_OPEN = "SELECT id, domain, state FROM delivery WHERE lane = 'notice' AND state <> 'done'"
_BARE = "SELECT id, domain FROM event WHERE id NOT IN (SELECT id FROM delivery)"
_TWICE = "SELECT id, count(*) FROM event GROUP BY id HAVING count(*) > 1"
_DELIVERED_TWICE = "SELECT id, count(*) FROM delivery GROUP BY id HAVING count(*) > 1"
_COUNTED = """
    SELECT suffix, state, sum(names) FROM (
        SELECT suffix, state, names FROM tally UNION ALL
        SELECT suffix, state, -count(*) FROM domain WHERE watched GROUP BY suffix, state) AS both_ways
    GROUP BY suffix, state HAVING sum(names) <> 0
"""
#: What must be true of every store at the end, by what is wrong with each row that these find.
_RULES = (
    ("a notice is not done", _OPEN),
    ("an event has no delivery", _BARE),
    ("an event is there twice", _TWICE),
    ("a delivery is there twice", _DELIVERED_TWICE),
    ("the tally is wrong", _COUNTED),
)


class StoreTroubleError(RuntimeError):
    """The store cannot be read at the moment."""


class Store(Protocol):
    """What is needed of either."""

    settings: dict[str, str]  # what every instance is told
    takeover: float  # seconds until another instance leads after a death or a hang
    lease: float  # seconds for which a lease lasts after its last renewal
    shards: int  # into which the list is divided

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """All rows of a statement. Raises StoreTroubleError."""
        ...

    def is_locked(self) -> bool:
        """Whether a process is in the middle of a transaction that writes, as far as can be seen."""
        ...


class EmbeddedStore:
    """SQLite in the state directory."""

    takeover, lease, shards = 10.0, 6.0, 1

    def __init__(self, state_dir: Path) -> None:
        self.settings: dict[str, str] = {}
        self._path = state_dir / "domain-monitor.db"

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """All rows of a statement. Raises StoreTroubleError."""
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)) as connection:
                return connection.execute(statement).fetchall()
        except sqlite3.Error as error:
            raise StoreTroubleError(str(error)) from error

    def is_locked(self) -> bool:
        """Whether a process is in the middle of a transaction that writes."""
        try:
            with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
        return False


class ServedStore:
    """A PostgreSQL on the address of this machine in the network of the hosts."""

    takeover, lease = 12.0, 8.0

    def __init__(self, server: PostgresServer, address: str, shards: int = 1) -> None:
        self.server = server
        self.shards = shards
        self.address = address
        url = server.url(password=PASSWORD).replace("@127.0.0.1:", f"@{address}:")
        self.settings = {"STORE_URL": url, "SHARDS": str(shards)}

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """All rows of a statement, those of every shard. Raises StoreTroubleError."""
        found: list[tuple[Any, ...]] = []
        try:
            for shard in range(self.shards):
                with self.server.connect(schema_of("public", shard)) as connection:
                    found += [tuple(row) for row in connection.execute(statement).fetchall()]
        except psycopg.Error as error:
            raise StoreTroubleError(str(error)) from error
        return found

    def is_locked(self) -> bool:
        """Its transactions are the server's: a process that is paused holds up none for long."""
        return False


@asynccontextmanager
async def open_store(kind: str, state_dir: Path, network: Network, shards: int = 1) -> AsyncIterator[Store]:
    """The store of this kind, "sqlite" or "postgres"; a server of ours ends with the block."""
    if kind == "sqlite":
        yield EmbeddedStore(state_dir)
        return
    programs = find_programs()
    if programs is None:
        raise StoreTroubleError("PostgreSQL is not installed: apt-get install postgresql")
    server = await asyncio.to_thread(PostgresServer, programs, "listen_addresses=0.0.0.0")
    try:
        await asyncio.to_thread(_let_hosts_in, server)
        yield ServedStore(server, network.address, shards)
    finally:
        await asyncio.to_thread(server.close)


def _let_hosts_in(server: PostgresServer) -> None:
    """Let clients of other addresses in, with the password."""
    with server.connect() as connection:
        row = connection.execute("SHOW hba_file").fetchone()
    assert row is not None
    with Path(row[0]).open("a", encoding="utf-8") as rules:
        rules.write("host all all 10.0.0.0/8 scram-sha-256\n")
    server.restart()


def read_events(store: Store) -> list[Event]:
    """The events in the store. Raises StoreTroubleError."""
    rows = store.rows(_EVENTS)
    return [Event(id_, domain, number, kind, bytes(body)) for id_, domain, number, kind, body in rows]


def find_pending(store: Store) -> list[tuple[Any, ...]]:
    """Notices that are not done, or cannot be read at the moment."""
    try:
        return store.rows(_OPEN)
    except StoreTroubleError as error:
        return [(str(error),)]


def find_damage(store: Store) -> list[str]:
    """What is wrong with the store at the end. Raises StoreTroubleError."""
    found = [f"store: {what}: {row}" for what, statement in _RULES for row in store.rows(statement)]
    checked: Sequence[tuple[Any, ...]] = store.rows("PRAGMA integrity_check") if isinstance(store, EmbeddedStore) else []
    return found + [f"store: {row[0]}" for row in checked if row[0] != "ok"]
