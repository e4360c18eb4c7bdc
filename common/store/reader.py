"""Looking at the state while the coordinator writes it: read-only, never in its way.

Lists page by key, not by offset: page 1,000 costs what page 1 costs. A listing first finds the ids of its page
(`common.store.name_pages`) and then fetches their rows, with detail and look.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from math import inf
from pathlib import Path
from typing import Any

from common.config import Settings
from common.core.model.records import DeliveryRow, EventRow, LedgerRow, ProblemRow, TrustRow
from common.errors import StoreError
from common.store import database_file, drop_pages, name_pages, row_codecs, schema
from common.store.member_contract import Roster
from common.store.name_rows import DOMAIN_COLUMNS, DOMAIN_FROM, address_number, ids_as_json, to_found_name
from common.store.reader_arguments import LAST, bounded_limit, clamp_integer, clean_query, parse_position, storable_texts
from common.store.sqlite import ENGINE, connect_reader, require_version, translate_errors
from common.store.store_contract import DomainRecord, DropQuery, FoundName, Page, Reader

#: Rows taken from a cursor at once.
FETCH = 1000
#: Most names that one call looks at in their index; the page that ends there is short and has a cursor.
SCAN_LIMIT = 50_000

_DOMAIN = " ".join(("SELECT", DOMAIN_COLUMNS, "FROM", DOMAIN_FROM, "WHERE d.name = ?"))
_DOMAINS = " ".join(
    ("SELECT", DOMAIN_COLUMNS, "FROM", DOMAIN_FROM, "WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.name")
)
_DROPS = " ".join((
    "SELECT", DOMAIN_COLUMNS, "FROM", DOMAIN_FROM,
    "WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.drop_likely, d.name",
))  # fmt: skip
_NAMES = "SELECT id, name, watched, priority FROM domain ORDER BY id"
_ADDRESSES = "SELECT n, text FROM address WHERE n IN (SELECT value FROM json_each(?))"
_EVENTS = " ".join(("SELECT", row_codecs.EVENT_COLUMNS, "FROM event WHERE seq > ? ORDER BY seq LIMIT ?"))
_HISTORY = " ".join(("SELECT", row_codecs.EVENT_COLUMNS, "FROM event WHERE domain = ? ORDER BY seq DESC LIMIT ?"))
_LEDGER = " ".join(("SELECT", row_codecs.LEDGER_COLUMNS, "FROM ledger WHERE domain = ? AND at <= ? ORDER BY seq DESC LIMIT ?"))
_LEDGER_NAMES = """
    SELECT DISTINCT domain FROM ledger INDEXED BY ledger_positive WHERE positive = 1 AND domain > ? AND at >= ?
    ORDER BY domain LIMIT ?
"""
_TRUST = " ".join(("SELECT", row_codecs.TRUST_COLUMNS, "FROM trust"))
_DELIVERY = " ".join(("SELECT", row_codecs.DELIVERY_COLUMNS, "FROM delivery WHERE id = ?"))
_DELIVERIES = " ".join(("SELECT", row_codecs.DELIVERY_COLUMNS, ", n FROM delivery WHERE n < ? ORDER BY n DESC LIMIT ?"))
_DELIVERIES_IN = " ".join(
    ("SELECT", row_codecs.DELIVERY_COLUMNS, ", n FROM delivery WHERE state = ? AND n < ? ORDER BY n DESC LIMIT ?")
)


def open_reader(settings: Settings) -> Reader:
    """A look at the state, that of all shards. Raises StoreError where it is not there yet or cannot be read."""
    if settings.store_in_file:
        return SqliteReader(settings.store_path)
    if settings.shards > 1:
        from common.store.postgres.sharded_reader import ShardedReader  # noqa: PLC0415  # most instances need no psycopg

        return ShardedReader(settings.store_url)
    from common.store.postgres.postgres_reader import PostgresReader  # noqa: PLC0415  # most instances need no psycopg

    return PostgresReader(settings.store_url)


def open_shard_reader(settings: Settings, shard: int) -> Reader:
    """A look at the state of one shard alone; the numbers of its names are its own. Raises StoreError as `open_reader`."""
    if settings.store_in_file:
        return SqliteReader(settings.store_path)
    from common.store.postgres.postgres_reader import PostgresReader  # noqa: PLC0415  # most instances need no psycopg

    return PostgresReader(settings.store_url, shard=shard)


class SqliteReader:
    """See `store_contract.Reader`; `scan_limit` bounds the names that one page may look at for a substring.

    `store` is the file that the settings name; where a later generation of it appears the next call reads that. Raises
    StoreError when the file is not there yet, damaged or of another schema version, StoreLost when it is not the file any more
    that it was.
    """

    def __init__(self, store: Path, scan_limit: int = SCAN_LIMIT) -> None:
        require_version()
        self._store = store
        self._scan_limit = scan_limit
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._open(database_file.current_path(store))

    def names(self) -> Iterator[tuple[list[int], list[str], list[int], list[int]]]:
        """Every name, by id, in batches; a connection of its own keeps the moment it began."""
        with self._reading():
            connection = connect_reader(self._path)
        with closing(connection), translate_errors(self._path, "read the names"):
            found = connection.execute(_NAMES)
            while batch := found.fetchmany(FETCH):
                ids, names, watched, priority = map(list, zip(*batch, strict=True))
                yield ids, names, watched, priority

    def domain(self, name: str) -> FoundName | None:
        """One name, watched or not."""
        return next(iter(self._found(_DOMAIN, (name,))), None)

    def domain_record(self, name: str, events: int = 100) -> DomainRecord | None:
        """One name with its newest events and its ledger entries, from one snapshot."""
        with self._reading() as connection:
            found = next(iter(_found(connection, _DOMAIN, storable_texts((name,)))), None)
            if found is None:
                return None
            stored, since = found.row.name, found.row.since
            history = connection.execute(_HISTORY, (stored, bounded_limit(events)))
            return DomainRecord(
                found,
                [row_codecs.to_event(row) for row in history],
                _newest_entry(connection, stored, inf),
                None if since is None else _newest_entry(connection, stored, since),
            )

    def domains(
        self,
        *,
        state: str | None = None,
        tld: str | None = None,
        q: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[FoundName]:
        """Watched names by name; the cursor is the last name looked at."""
        suffix = tld.lower().strip(".") if tld else None
        wanted = name_pages.NamePageQuery(
            state=state, tld=suffix, q=(q or "").lower(), after=cursor or "", limit=bounded_limit(limit), walk=self._scan_limit
        )
        with self._reading() as connection:
            ids, more = name_pages.name_page_ids(connection, name_pages.NamePageQuery(*storable_texts(wanted)))
            return Page(_found(connection, _DOMAINS, (ids_as_json(ids),)), more)

    def count_by_state(self) -> dict[str, int]:
        """Watched names by state."""
        return dict(self._all("SELECT state, sum(names) FROM tally WHERE names > 0 GROUP BY state"))

    def tlds(self) -> dict[str, int]:
        """Watched names by registry suffix."""
        return dict(self._all("SELECT suffix, sum(names) FROM tally WHERE names > 0 GROUP BY suffix"))

    def drops(self, wanted: DropQuery, *, cursor: str | None = None, limit: int = 100) -> Page[FoundName]:
        """Watched names that are expected to drop, by likely time and then name."""
        with self._reading() as connection:
            found = drop_pages.drop_page_ids(connection, clean_query(wanted), cursor, bounded_limit(limit), self._scan_limit)
            return Page(_found(connection, _DROPS, (ids_as_json(found.ids),)), found.cursor)

    def drops_count(self, wanted: DropQuery) -> int:
        """How many names `drops` has on all its pages."""
        with self._reading() as connection:
            return drop_pages.count_drops(connection, clean_query(wanted))

    def last_seq(self) -> int:
        """The highest sequence number ever written."""
        return int(self.meta(schema.SEQ_KEY) or 0)

    def events(self, after: int = 0, limit: int = 100) -> list[EventRow]:
        """Events after a sequence number, oldest first."""
        return [row_codecs.to_event(row) for row in self._all(_EVENTS, (clamp_integer(after), bounded_limit(limit)))]

    def ledger(self, domain: str, until: float | None = None, limit: int = 100) -> list[LedgerRow]:
        """The judgements on one name up to a time, newest first."""
        latest = inf if until is None else until
        return [row_codecs.to_ledger(row) for row in self._all(_LEDGER, (domain, latest, bounded_limit(limit)))]

    def ledger_names(self, since: float, after: str = "", limit: int = 100) -> list[str]:
        """Names with a positive answer of the registry since then."""
        return [row[0] for row in self._all(_LEDGER_NAMES, (after, since, bounded_limit(limit)))]

    def deliveries(self, *, state: str | None = None, cursor: str | None = None, limit: int = 100) -> Page[DeliveryRow]:
        """Deliveries, newest first; the cursor is the number of the last row."""
        before, limit = parse_position(cursor, LAST), bounded_limit(limit)
        found = self._all(_DELIVERIES_IN, (state, before, limit + 1)) if state else self._all(_DELIVERIES, (before, limit + 1))
        more = str(found[limit - 1][-1]) if len(found) > limit else None
        return Page([row_codecs.to_delivery(row) for row in found[:limit]], more)

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery in any state."""
        found = self._all(_DELIVERY, (delivery_id,))
        return row_codecs.to_delivery(found[0]) if found else None

    def delivery_counts(self) -> dict[str, int]:
        """Deliveries by state."""
        return dict(self._all("SELECT state, count(*) FROM delivery GROUP BY state"))

    def problems(self, *, limit: int = 100, cursor: str | None = None) -> Page[ProblemRow]:
        """Entries that cannot be monitored, in the order of the list."""
        after, limit = parse_position(cursor, 0), bounded_limit(limit)
        found = self._all("SELECT n, entry, code, reason FROM problem WHERE n > ? ORDER BY n LIMIT ?", (after, limit + 1))
        more = str(found[limit - 1][0]) if len(found) > limit else None
        return Page([ProblemRow(*row[1:]) for row in found[:limit]], more)

    def problem_count(self) -> int:
        """How many entries cannot be monitored."""
        return self._number("SELECT count(*) FROM problem")

    def trust(self) -> list[TrustRow]:
        """How far each server is trusted for each suffix, as the last transaction left it."""
        return [TrustRow(*row) for row in self._all(_TRUST)]

    def meta(self, key: str) -> str | None:
        """One of the small named texts."""
        found = self._all("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    def members(self) -> Roster:
        """None: instances of a store in a file are seen in their state directory."""
        return Roster()

    def close(self) -> None:
        """Release the connection."""
        with self._guard:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _open(self, path: Path) -> None:
        """Read this file from now on."""
        database_file.require_kept(path)
        if not path.is_file():
            raise StoreError(f"{path} is not there yet: the coordinator makes it when it starts")
        opened = database_file.identify(path)
        with translate_errors(path, "open the state"):
            connection = connect_reader(path)
            try:
                schema.check_version(connection)
            except BaseException:
                connection.close()
                raise
        before, self._connection = self._connection, connection
        self._path, self._opened, self.engine = path, opened, f"{ENGINE}, {path.name}"
        if before is not None:
            before.close()

    def _number(self, statement: str) -> int:
        return int(self._all(statement)[0][0])

    def _all(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._reading() as connection:
            return connection.execute(statement, storable_texts(parameters)).fetchall()

    def _found(self, statement: str, parameters: tuple[Any, ...]) -> list[FoundName]:
        with self._reading() as connection:
            return _found(connection, statement, storable_texts(parameters))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone and with one state until the end."""
        with self._guard:
            if self._connection is None:
                raise StoreError(f"{self._path}: cannot read the state: the store is closed")
            if (newer := database_file.newer_path(self._store, self._path)) is not None:
                self._open(newer)
            database_file.require_same(self._path, self._opened)
            with translate_errors(self._path, "read the state"):
                self._connection.execute("BEGIN")
                try:
                    yield self._connection
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")


def _found(connection: sqlite3.Connection, statement: str, parameters: tuple[Any, ...]) -> list[FoundName]:
    """Rows of DOMAIN_COLUMNS with the texts of their addresses."""
    found = connection.execute(statement, parameters).fetchall()
    numbers = sorted({number for row in found if (number := address_number(row)) is not None})
    addresses = dict(connection.execute(_ADDRESSES, (ids_as_json(numbers),)))
    return [to_found_name(row, addresses) for row in found]


def _newest_entry(connection: sqlite3.Connection, name: str, until: float) -> LedgerRow | None:
    """The newest entry of the ledger on a name at or before a time in epoch seconds."""
    row = connection.execute(_LEDGER, (name, until, 1)).fetchone()
    return row_codecs.to_ledger(row) if row else None
