"""The one connection that writes."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import clock
from common.config import Settings
from common.core.model.columns import NameColumns
from common.core.model.records import Changes, DeliveryRow, ProblemRow, TrustRow
from common.core.model.stored_state import StoredState
from common.errors import StoreError, StoreLost
from common.store import compaction, database_file, fence, generations, name_packs, name_rows, row_codecs, schema
from common.store.sqlite import BUSY_MS, ENGINE, TAKEOVER_MS, connect_reader, connect_writer, require_version, translate_errors
from common.store.store_contract import KEEP_DONE, KEEP_EVENTS, KEEP_LEDGER, KEEP_NAMES, KEEP_RESULTS, LEDGER_PER_NAME, Writer

#: Blocks of last looks and deliveries read at once while loading, and most rows deleted per table and call of `prune`.
LOOKS_BATCH, LOAD_BATCH = 200, 1000
PRUNE_BATCH = 2000
#: Connections to files that were deleted or replaced, kept open to the end of the process: when it closes one SQLite deletes
#: the -wal by its name, which may belong to another file by now.
_ABANDONED: list[sqlite3.Connection] = []

_LOOKS = "SELECT block, data FROM pulse WHERE block > ? ORDER BY block LIMIT ?"
_DETAILS = "SELECT id, body FROM detail WHERE id IN (SELECT value FROM json_each(?))"
_PENDING = " ".join(
    ("SELECT", row_codecs.DELIVERY_COLUMNS, ", n FROM delivery WHERE state = 'pending' AND n > ? ORDER BY n LIMIT ?")
)
_DELIVERY = " ".join(("SELECT", row_codecs.DELIVERY_COLUMNS, "FROM delivery WHERE id = ?"))
_PRUNE_EVENTS = """
    DELETE FROM event WHERE seq IN (
        SELECT seq FROM event WHERE occurred_at < ? AND seq < (SELECT max(seq) FROM event) ORDER BY occurred_at LIMIT ?)
"""
_PRUNE_LEDGER = "DELETE FROM ledger WHERE seq IN (SELECT seq FROM ledger WHERE at < ? ORDER BY at LIMIT ?)"
_PRUNE_DELIVERIES = """
    DELETE FROM delivery WHERE n IN (
        SELECT n FROM delivery WHERE lane = ? AND done_at < ? AND state IN ('done', 'superseded') ORDER BY done_at LIMIT ?)
"""


def open_writer(settings: Settings, epoch: int, offer_abandon: Callable[[Callable[[], None]], None] = lambda _: None) -> Writer:
    """The coordinator's store, opened in the epoch of its lease.

    Where its server may stop answering, `offer_abandon` is called first, with what makes every call of the store end with
    StoreAway, this one too; it may be called from any thread.

    Raises LeaseLost where the store was opened in this epoch or a later one, StoreLocked where another process holds its lock,
    StoreError where it cannot be used.
    """
    if settings.store_in_file:
        return SqliteWriter(settings.store_path, epoch, settings.ledger_per_name)
    from common.store.postgres.postgres_writer import LedgerKept, PostgresWriter  # noqa: PLC0415  # most instances need no psycopg
    from common.store.postgres.schemas import Part  # noqa: PLC0415

    return PostgresWriter(
        settings.store_url,
        settings.state_dir,
        epoch,
        part=Part(settings.shard, settings.shards),
        ledger=LedgerKept(settings.ledger_retention, settings.ledger_per_name),
        offer_abandon=offer_abandon,
    )


def leave_locked(settings: Settings, epoch: int, require_lease: Callable[[], None]) -> Path | None:
    """Copy a store that `open_writer` found locked, where a leader before this epoch lives and may hold the lock.

    The file of the copy, which `open_writer` then opens, None where no such leader lives. `require_lease` is called again and
    again, and what it raises ends the copy. Raises StoreFull where there is no room, StoreLocked where the lock changed hands
    meanwhile, StoreError where the store cannot be copied; then all is as it was.
    """
    return generations.copy_locked(settings.store_path, epoch, require_lease) if settings.store_in_file else None


class SqliteWriter:
    """The coordinator's store (see `store_contract.Writer`). Opening migrates and tidies up the file.

    `store`: the file that the settings name, beside which there may be later generations; `epoch`: of the lease, above all
    before; `ledger_per_name`: most entries of the ledger kept of one name; `now` gives epoch seconds.

    Raises LeaseLost where a writer with this epoch or a later one opened the file, StoreLocked where another process holds a
    lock of it for two seconds, StoreLost where there was one and it is gone, StoreError where it is damaged, newer, or out of
    reach.
    """

    def __init__(
        self,
        store: Path,
        epoch: int,
        ledger_per_name: int = LEDGER_PER_NAME,
        now: Callable[[], float] = clock.now,
    ) -> None:
        require_version()
        self._store = store
        self._epoch = epoch
        self._ledger_per_name = ledger_per_name
        self._guard = threading.Lock()
        self._look_guard = threading.Lock()
        try:
            store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"{store}: cannot open the state: {error}") from error
        generations.remove_drafts(store, epoch)
        self._path = path = database_file.current_path(store)
        self.engine = f"{ENGINE}, {path.name}"
        self._connection: sqlite3.Connection | None = None
        self._busy: Counter[int] = Counter()  # rows written since the last look for blocks to pack, by block
        self._look: sqlite3.Connection | None = None  # reads beside a transaction
        self._opened: database_file.Identity | None = None
        self._lost = False
        try:
            database_file.require_kept(path)
            with translate_errors(path, "open the state"):
                self._connection = connect_writer(path, TAKEOVER_MS)
                database_file.require_begun(path, begun=schema.holds_state(self._connection))
                with fence.transaction(self._connection):
                    schema.migrate(self._connection)
                    fence.claim_epoch(self._connection, epoch, database_file.generation_of(store, path))
                    database_file.require_newest(store, path)
                self._connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
                compaction.forget_names(self._connection, now() - KEEP_NAMES, epoch)
                compaction.shrink_file(self._connection)
                compaction.truncate_log(self._connection)
                self._look = connect_reader(path)
            database_file.note_begun(path)
            self._opened = database_file.identify(path)
        except BaseException:
            self.close()
            raise

    def load(self) -> StoredState:
        """The whole state; the iterators read in batches, so they may be consumed slowly."""
        with self._looking("read the state") as connection:
            meta = dict(connection.execute("SELECT key, value FROM meta"))
            trust = connection.execute(f"SELECT {row_codecs.TRUST_COLUMNS} FROM trust")  # noqa: S608  # columns of our own
            problems = connection.execute("SELECT entry, code, reason FROM problem ORDER BY n")
            counts = connection.execute("SELECT state, count(*) FROM delivery GROUP BY state")
            for key in (schema.SCHEMA_KEY, schema.NEXT_KEY, schema.EPOCH_KEY):
                meta.pop(key, None)
            return StoredState(
                names=self._names(),
                looks=self._look_blocks(),
                addresses=dict(connection.execute("SELECT n, text FROM address")),
                next_seq=schema.parse_number(schema.SEQ_KEY, meta.pop(schema.SEQ_KEY, "0")) + 1,
                trust=[TrustRow(*row) for row in trust],
                deliveries=self._pending(),
                meta=meta,
                problems=[ProblemRow(*row) for row in problems],
                delivery_counts=dict(counts),
                next_id=compaction.next_id(connection),
            )

    def apply(self, changes: Changes) -> None:
        """Write all of it in one transaction, durable on return."""
        if changes.is_empty():
            return
        with self._transaction("write") as connection:
            self._busy.update(name_rows.write_names(connection, changes))
            _put(connection, row_codecs.INSERT_EVENT, map(row_codecs.event_values, changes.events))
            _put(connection, row_codecs.UPSERT_DELIVERY, map(row_codecs.delivery_values, changes.deliveries))
            _put(connection, row_codecs.UPSERT_TRUST, map(row_codecs.trust_values, changes.trust))
            _put(connection, row_codecs.INSERT_LEDGER, map(row_codecs.ledger_values, changes.ledger))
            for name in dict.fromkeys(row.domain for row in changes.ledger):
                connection.execute(row_codecs.TRIM_LEDGER, {"domain": name, "keep": self._ledger_per_name})
            if changes.problems is not None:
                connection.execute("DELETE FROM problem")
                _put(connection, row_codecs.INSERT_PROBLEM, map(row_codecs.problem_values, changes.problems))
            meta = [(key, row_codecs.storable(value)) for key, value in changes.meta.items()]
            if changes.events:
                meta.append((schema.SEQ_KEY, str(max(event.seq for event in changes.events))))
            _put(connection, row_codecs.UPSERT_META, meta)

    def details(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The encoded details of these names."""
        with self._looking("read details") as connection:
            return dict(connection.execute(_DETAILS, (name_rows.ids_as_json(list(ids)),)))

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery in any state."""
        with self._looking("read a delivery") as connection:
            row = connection.execute(_DELIVERY, (delivery_id,)).fetchone()
        return row_codecs.to_delivery(row) if row else None

    def prune(
        self,
        now: float,
        *,
        events_older_than: float = KEEP_EVENTS,
        done_older_than: float = KEEP_DONE,
        results_older_than: float = KEEP_RESULTS,
        ledger_older_than: float = KEEP_LEDGER,
    ) -> int:
        """Delete one bounded batch per table; when nothing is left to do, give back memory and files that no write needs."""
        with self._transaction("prune") as connection:
            deleted = sum(
                connection.execute(statement, (*parameters, PRUNE_BATCH)).rowcount
                for statement, parameters in (
                    (_PRUNE_EVENTS, (now - events_older_than,)),
                    (_PRUNE_DELIVERIES, ("notice", now - done_older_than)),
                    (_PRUNE_DELIVERIES, ("result", now - results_older_than)),
                    (_PRUNE_LEDGER, (now - ledger_older_than,)),
                )
            )
        if not deleted:
            with self._used("prune") as connection:
                connection.execute("PRAGMA shrink_memory")
            generations.remove_older(self._store, self._path)
        return deleted

    def packable(self) -> tuple[list[int], int]:
        """Blocks to pack now, and how many a start would have to read row by row: those written to a lot lately wait."""
        with self._used("look for names to pack") as connection:
            busy, self._busy = self._busy, Counter()
            wanted = name_packs.worth_packing(connection)
            return [block for block in wanted if busy[block] < name_packs.BUSY], len(wanted)

    def pack(self, block: int) -> None:
        """Pack one of them, as its rows are now."""
        with self._transaction("pack names") as connection:
            name_packs.pack_block(connection, block)

    def verify(self) -> None:
        """Raise LeaseLost where another instance has gone on in a copy, StoreLost where the file is not the one any more."""
        database_file.require_newest(self._store, self._path)
        try:
            database_file.require_same(self._path, self._opened)
        except StoreLost:
            self._lost = True
            raise

    def close(self) -> None:
        """Move the log into the file, as far as readers allow and this epoch still writes."""
        with self._look_guard, self._guard:
            look, self._look = self._look, None
            connection, self._connection = self._connection, None
            if self._lost:
                _ABANDONED.extend(filter(None, (look, connection)))
                look = connection = None
            if look is not None:
                look.close()
            if connection is not None:
                if self._opened is not None and compaction.update_statistics(connection, self._epoch):
                    compaction.truncate_log(connection)
                connection.close()

    def _names(self) -> Iterator[NameColumns]:
        with self._looking("read the names") as connection:
            yield from name_packs.load_names(connection)

    def _look_blocks(self) -> Iterator[tuple[int, bytes]]:
        last = -1
        while batch := self._batch(_LOOKS, last, LOOKS_BATCH):
            last = batch[-1][0]
            yield from batch

    def _pending(self) -> Iterator[DeliveryRow]:
        last = -1
        while batch := self._batch(_PENDING, last, LOAD_BATCH):
            last = batch[-1][-1]
            yield from map(row_codecs.to_delivery, batch)

    def _batch(self, statement: str, last: int, limit: int) -> list[Any]:
        with self._looking("read the state") as connection:
            return connection.execute(statement, (last, limit)).fetchall()

    @contextmanager
    def _looking(self, doing: str) -> Iterator[sqlite3.Connection]:
        with self._look_guard, translate_errors(self._path, doing):
            if self._look is None:
                raise StoreError(f"{self._path}: cannot {doing}: the store is closed")
            yield self._look

    @contextmanager
    def _used(self, doing: str) -> Iterator[sqlite3.Connection]:
        with self._guard, translate_errors(self._path, doing):
            if self._connection is None:
                raise StoreError(f"{self._path}: cannot {doing}: the store is closed")
            yield self._connection

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[sqlite3.Connection]:
        with self._used(doing) as connection:
            self.verify()
            with fence.fenced(connection, self._epoch):
                yield connection


def _put(connection: sqlite3.Connection, statement: str, values: Iterable[tuple[object, ...]]) -> None:
    connection.executemany(statement, values)
