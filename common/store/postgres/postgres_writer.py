"""The one connection that writes, and one beside it that reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import errors

from common import clock
from common.core.model.columns import NameColumns
from common.core.model.records import Changes, DeliveryRow, EventRow, HandedOver, ProblemRow, TrustRow
from common.core.model.stored_state import StoredState
from common.errors import LeaseLost, StoreAway, StoreBehind, StoreError, StoreLost
from common.store import row_codecs, schema
from common.store.postgres import fence, forgetting, name_statements, record_statements, spooled_rows, tables
from common.store.postgres.begun import Marker
from common.store.postgres.event_sequence import EventSequence, share_numbers
from common.store.postgres.partitions import PartitionBusyError, Partitions, ledger_width
from common.store.postgres.schemas import Part
from common.store.postgres.session import LOADING, WRITING, Connection, Server, cut, engine_of, is_alive, row_of, rows_of
from common.store.store_contract import KEEP_DONE, KEEP_EVENTS, KEEP_LEDGER, KEEP_NAMES, KEEP_RESULTS, LEDGER_PER_NAME, Mark

#: Blocks of last looks and deliveries read at once while loading.
LOOKS_BATCH, LOAD_BATCH = 200, 1000
#: Seconds that a call under way has to end when the store is closed; then its connection is cut.
CLOSE_SECONDS = 3.0

_LOOKS = "SELECT block, data FROM pulse WHERE block > %s ORDER BY block LIMIT %s"
_DETAILS = "SELECT id, body FROM detail WHERE id = ANY(%b::int4[])"
_PENDING = " ".join(
    ("SELECT", row_codecs.DELIVERY_COLUMNS, ", n FROM delivery_0 WHERE state = 'pending' AND n > %s ORDER BY n LIMIT %s")
)
_DELIVERY = " ".join(("SELECT", row_codecs.DELIVERY_COLUMNS, "FROM delivery WHERE id = %s"))
_TRUST = " ".join(("SELECT", row_codecs.TRUST_COLUMNS, "FROM trust"))
# Waits for a transaction whose connection broke, if the server is still about it.
_LAST_COMMIT = "SELECT value FROM meta WHERE key = %s FOR UPDATE"
_COMMIT = "SELECT value FROM meta WHERE key = %s"
_NEWEST_EVENT = "SELECT slot FROM event ORDER BY seq DESC LIMIT 1"


class LedgerKept(NamedTuple):
    """How many days entries of the ledger are kept, and how many of one name."""

    days: int = 90
    per_name: int = LEDGER_PER_NAME


class PostgresWriter:
    """The leader's store (see `store_contract.Writer`). Opening it shuts out every earlier epoch and migrates the tables.

    `part` says whose tables these are; where there are several shards events get their numbers here (`event_sequence`).
    `ledger`: which of its entries are kept; `now` gives epoch seconds; `offer_abandon` is called with `abandon` before the
    server is asked anything. A connection that broke between two transactions is replaced; one that breaks in the middle is
    StoreAway, and what the transaction did is known only to the server: the same changes given to `apply` again are written
    once. A new connection to a server that lacks what was committed is StoreBehind.

    Raises LeaseLost where this epoch or a later one was there before, StoreLost where another database was written before,
    StoreAway where the server cannot be reached, StoreError where it cannot be used.
    """

    def __init__(
        self,
        url: str,
        state_dir: Path,
        epoch: int,
        *,
        part: Part = Part(),  # noqa: B008  # a tuple
        ledger: LedgerKept = LedgerKept(),  # noqa: B008  # a tuple
        now: Callable[[], float] = clock.now,
        offer_abandon: Callable[[Callable[[], None]], None] = lambda _: None,
    ) -> None:
        self._server = Server(url, part.shard)
        self._part = part
        self._sequence: EventSequence | None = None
        self._epoch = epoch
        self._ledger_per_name = ledger.per_name
        self._ledger_width = ledger_width(ledger.days)
        self._guard = threading.Lock()
        self._look_guard = threading.Lock()
        self._partitions = Partitions()
        self._marker = Marker(state_dir, self._server.shown, self._server.key)
        self._closed = self._abandoned = False
        self._tried: Changes | None = None  # what may be written already, or not
        self._number = 0  # of the changes that are written, or were last
        self._marks: set[Mark] = set()  # of the last commit that was answered, and of those after it that were not
        self._connection: Connection | None = None
        self._look: Connection | None = None
        offer_abandon(self.abandon)
        try:
            self._open(now() - KEEP_NAMES)
        except BaseException:
            self.close()
            raise

    def load(self) -> StoredState:
        """The whole state; the iterators read in batches, so they may be consumed slowly."""
        with self._looking("read the state") as connection:
            meta = dict(rows_of(connection, "SELECT key, value FROM meta"))
            trust = rows_of(connection, _TRUST)
            problems = rows_of(connection, "SELECT entry, code, reason FROM problem ORDER BY n")
            counts = rows_of(connection, "SELECT state, count(*) FROM delivery GROUP BY state")
            for key in (schema.NEXT_KEY, *tables.OWN_KEYS):
                meta.pop(key, None)
            return StoredState(
                names=self._names(),
                looks=self._look_blocks(),
                addresses=dict(rows_of(connection, "SELECT n, text FROM address")),
                next_seq=schema.parse_number(schema.SEQ_KEY, meta.pop(schema.SEQ_KEY, "0")) + 1,
                trust=[TrustRow(*row) for row in trust],
                deliveries=self._pending(),
                meta=meta,
                problems=[ProblemRow(*row) for row in problems],
                delivery_counts=dict(counts),
                next_id=forgetting.next_id(connection),
            )

    def apply(self, changes: Changes) -> None:
        """Write all of it in one transaction, durable on return. The same once more, after a StoreAway, is written once."""
        if changes.is_empty():
            return
        again = changes is self._tried
        if not again:
            self._tried, self._number = changes, self._number + 1
        self._marks |= {self._mark} if self._marks else set()
        with self._transaction("write") as connection:
            if not (again and self._last_written(connection) >= self._mark):
                self._write(connection, changes, self._mark)
        self._tried, self._marks = None, {self._mark}

    def take_mark(self, changes: Changes) -> Mark:
        """The mark of changes that are not written by `apply`."""
        if changes is not self._tried:
            self._tried, self._number = changes, self._number + 1
        return self._mark

    def last_mark(self) -> Mark:
        """The mark of what was written last."""
        with self._transaction("read the last mark") as connection:
            return self._last_written(connection)

    def apply_marked(self, changes: Changes, mark: Mark) -> bool:
        """Write changes with their mark, unless they were written."""
        self._marks |= {mark} if self._marks else set()
        with self._transaction("write what was spooled") as connection:
            fresh = self._last_written(connection) < mark
            if fresh:
                self._write(connection, changes, mark, told=True)
        self._marks = {mark}
        return fresh

    def hand_over(self, events: Iterable[EventRow], deliveries: Iterable[DeliveryRow]) -> None:
        """Put rows where `handed_over` finds them."""
        with self._transaction("hand over what was spooled") as connection:
            spooled_rows.put_rows(connection, events, deliveries)

    def handed_over(self, but: Collection[str]) -> HandedOver:
        """The next rows that were handed over, without those with these keys."""
        with self._looking("read what was handed over") as connection:
            return spooled_rows.find_rows(connection, but)

    def interrupt(self) -> None:
        """Cut the connections: the next calls open others."""
        for connection in (self._look, self._connection):
            if connection is not None:
                cut(connection)

    def details(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The encoded details of these names."""
        with self._looking("read details") as connection:
            return dict(rows_of(connection, _DETAILS, (list(ids),)))

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery in any state."""
        with self._looking("read a delivery") as connection:
            row = row_of(connection, _DELIVERY, (row_codecs.storable(delivery_id),))
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
        """Drop one partition per table in which everything has outlived its age; one that a backup reads waits."""
        ages = {
            ("event", 1): events_older_than,
            ("delivery", 1): done_older_than,
            ("delivery", -1): results_older_than,
            ("ledger", 1): ledger_older_than,
        }
        return sum(self._drop_oldest(table, sign, now - age) for (table, sign), age in ages.items())

    def packable(self) -> tuple[list[int], int]:
        """None: a start reads arrays as the server makes them, which is as fast."""
        return [], 0

    def pack(self, block: int) -> None:  # noqa: ARG002  # there are no blocks
        """Nothing is packed here, but a later epoch is noticed."""
        with self._transaction("pack names"):
            pass

    def verify(self) -> None:
        """Raise StoreLost where the database is no longer the one that was opened."""
        with self._looking("look whether the state is still there") as connection:
            if tables.read_identity(connection) != self.identity:
                raise StoreLost(f"{self._server.shown} was replaced by another database: restore it from a backup")

    def abandon(self) -> None:
        """Let every call end with StoreAway: those of other threads under way, that which opens the store, and later ones."""
        self._abandoned = True
        for connection in (self._look, self._connection):
            if connection is not None:
                cut(connection)

    def close(self) -> None:
        """Release the connections, also those of calls that a server which hangs does not answer."""
        self._closed = True
        for guard in (self._look_guard, self._guard):
            if guard.acquire(timeout=CLOSE_SECONDS):
                guard.release()
            else:
                self.abandon()
        with self._look_guard, self._guard:
            for connection in (self._look, self._connection):
                if connection is not None:
                    connection.close()
            self._look = self._connection = None

    def _open(self, forget_before: float) -> None:
        with self._guard, self._server.translated("open the state"):
            connection = self._connection = self._connect()
            self._require_open("open the state")
            self.engine = engine_of(connection)
            self._marker.require_same(tables.read_identity(connection) if tables.holds_state(connection) else None)
            fence.raise_to(connection, self._epoch, self._server.shown, self._part.shard)
        with self._transaction("bring the state up to date") as connection:
            if tables.migrate(connection) and self._part.divided:
                share_numbers(connection, self._server.home(connection))
            identity = tables.read_identity(connection)
        self.identity = str(identity)
        self._marker.note(self.identity)
        if self._part.divided:
            self._sequence = EventSequence(self._server.home(connection), self._server.shown)
        with self._transaction("forget old names") as connection:
            forgetting.forget_names(connection, forget_before)
        with self._looking("open the state"):
            pass

    def _last_written(self, connection: Connection) -> Mark:
        """The mark of the last commit, also of one that was not answered. Raises StoreAway while that is not decided."""
        try:
            row = row_of(connection, _LAST_COMMIT, (tables.COMMIT_KEY,))
        except errors.LockNotAvailable:
            raise StoreAway(f"{self._server.shown} has not ended a transaction whose connection broke") from None
        return _parse_mark(row)

    @property
    def _mark(self) -> Mark:
        return Mark(self._epoch, self._number)

    def _write(self, connection: Connection, changes: Changes, mark: Mark, *, told: bool = False) -> None:
        known = self._partitions
        name_statements.write_names(connection, changes)
        record_statements.write_trust(connection, changes.trust)
        record_statements.write_ledger(connection, known, changes.ledger, self._ledger_per_name, self._ledger_width)
        if changes.problems is not None:
            record_statements.write_problems(connection, changes.problems)
        if self._sequence is not None and changes.events:
            record_statements.require_partitions(connection, known, changes)
            self._sequence.number(connection, changes, told=told)
        record_statements.write_events(connection, known, changes.events)
        record_statements.write_deliveries(connection, known, changes.deliveries)
        meta = {**changes.meta, tables.COMMIT_KEY: f"{mark.epoch}.{mark.number}"}
        if changes.events:
            meta[schema.SEQ_KEY] = str(max(event.seq for event in changes.events))
        record_statements.write_meta(connection, meta)
        spooled_rows.drop_rows(connection, changes.taken)

    def _drop_oldest(self, table: str, sign: int, before: float) -> int:
        """Drop partitions up to the first that had rows, and the number of these; 0 where there is none, or it is in use."""
        try:
            with self._transaction("prune") as connection:
                ends = (slot * sign for slot in self._partitions.slots(connection, table))
                kept = row_of(connection, _NEWEST_EVENT) if table == "event" else None
                for end in sorted(end for end in ends if 0 < end <= before and (kept is None or end != kept[0])):
                    if rows := self._partitions.drop(connection, table, end * sign):
                        return rows
        except PartitionBusyError:
            pass
        return 0

    def _names(self) -> Iterator[NameColumns]:
        begin = 0
        while (found := self._name_batch(begin)) is not None:
            yield found
            begin = int(found.ids[-1]) + 1

    def _name_batch(self, begin: int) -> NameColumns | None:
        with self._looking("read the names") as connection:
            return name_statements.read_batch(connection, begin)

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
            return rows_of(connection, statement, (last, limit))

    def _connect(self) -> Connection:
        return self._server.connect("writer", WRITING, read_only=False)

    def _connect_look(self) -> Connection:
        return self._server.connect("details", LOADING, read_only=True)

    @contextmanager
    def _looking(self, doing: str) -> Iterator[Connection]:
        with self._look_guard, self._server.translated(doing):
            self._require_open(doing)
            if self._look is None or not is_alive(self._look):
                self._look = self._connect_look()
                self._require_open(doing)
            yield self._look

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[Connection]:
        """A transaction of our epoch. Nothing was written before it, so a connection that broke meanwhile is replaced."""
        with self._guard, self._server.translated(doing):
            self._require_open(doing)
            if is_new := self._connection is None or not is_alive(self._connection):
                self._partitions.forget()
                self._connection = self._connect()
                self._require_open(doing)
            connection = self._connection
            try:
                connection.execute("BEGIN")
                self._require_epoch(connection)
                if is_new:
                    self._require_commits(connection)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                self._partitions.forget()
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                if is_new:
                    connection.close()  # with the next one it is looked again whether all commits are there
                raise

    def _require_epoch(self, connection: Connection) -> None:
        if not fence.holds(connection, self._epoch):
            raise LeaseLost(f"another instance writes {self._server.shown} in a later epoch than {self._epoch}")

    def _require_commits(self, connection: Connection) -> None:
        """Raise StoreBehind where a server that took over lacks what another one has answered."""
        if self._marks:
            row = row_of(connection, _COMMIT, (tables.COMMIT_KEY,))
            if _parse_mark(row) not in self._marks:
                raise StoreBehind(f"{self._server.shown} is back without what was committed last")

    def _require_open(self, doing: str) -> None:
        """After each connecting too: `abandon` cuts only what is there."""
        if self._abandoned:
            raise StoreAway(f"{self._server.shown} cannot be reached: it was given up while it did not answer")
        if self._closed:
            raise StoreError(f"{self._server.shown}: cannot {doing}: the store is closed")


def _parse_mark(row: tuple[Any, ...] | None) -> Mark:
    """The mark in a row of `meta`; (0, 0) where there is none of ours."""
    epoch, _, number = str(row[0] if row else "").partition(".")
    return Mark(int(epoch), int(number)) if epoch.isdecimal() and number.isdecimal() else Mark(0, 0)
