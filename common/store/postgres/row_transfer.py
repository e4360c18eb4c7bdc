"""All rows of a PostgreSQL store, read or written for a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg.sql import SQL, Identifier, Literal

from common.errors import LeaseLost, StoreError
from common.store.postgres import fence, partitions, tables
from common.store.postgres.arrays import as_arrays, rows_from
from common.store.postgres.partitions import Partitions, ledger_width, slot_of
from common.store.postgres.record_statements import delivery_slot
from common.store.postgres.schemas import Part
from common.store.postgres.session import LOADING, WRITING, Connection, Server, row_of, rows_of
from common.store.transfer import Row, Table, as_plain

_TYPES = {"int": "int8", "float": "float8", "text": "text", "bool": "bool", "bytes": "bytea"}
#: Tables that are partitioned.
_SPANS = {"event", "delivery", "ledger"}
_FINISH = (
    "INSERT INTO tally(suffix, state, names) SELECT suffix, state, count(*) FROM domain WHERE watched GROUP BY suffix, state",
    "INSERT INTO event_key(domain, generation, kind, seq) SELECT domain, generation, kind, seq FROM event",
    "INSERT INTO ledger_name(domain, entries) SELECT domain, count(*) FROM ledger GROUP BY domain",
)
_DELIVERIES = "SELECT coalesce(max(n), 0) FROM delivery"
_LAST_SEQ = "UPDATE {} SET seq = greatest(seq, (SELECT value::bigint FROM meta WHERE key = 'store.last_seq'))"


class PostgresTransfer:
    """The tables of one shard of a database; with an `epoch`, that of a writer that was opened before, it can be written.

    `ledger_days`: how long entries of the ledger are kept; `part`: which shard of how many.
    """

    def __init__(self, url: str, epoch: int | None = None, ledger_days: int = 90, part: Part = Part()) -> None:  # noqa: B008  # a tuple
        self._server = Server(url, part.shard)
        self._part = part
        self._epoch = epoch
        self._ledger_width = ledger_width(ledger_days)
        self._partitions = Partitions()
        limits = LOADING if epoch is None else WRITING
        self._connection = self._server.connect("migrate", limits, read_only=epoch is None)
        if epoch is None:
            self._require_taken_over()

    def read(self, table: Table, after: Row | None) -> list[Row]:
        """The next rows by their key."""
        keys = ", ".join(table.names[: table.keys])
        conditions = [f"({keys}) > ({', '.join(['%s'] * table.keys)})"] * bool(after)
        conditions += ["key <> ALL(%s)"] * (table.name == "meta")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = f"SELECT {', '.join(table.names)} FROM {table.name} {where} ORDER BY {keys} LIMIT {table.batch}"
        values = (*(after or ()), *([list(tables.OWN_KEYS)] if table.name == "meta" else []))
        with self._server.translated("read the state"):
            return as_plain(table, rows_of(self._connection, statement, values))

    def _require_taken_over(self) -> None:
        """Raise StoreError where events wait that no leader has taken over yet: they would not be copied."""
        with self._server.translated("read the state"):
            there = row_of(self._connection, "SELECT to_regclass('spooled') IS NOT NULL")
            waits = there and there[0] and row_of(self._connection, "SELECT true FROM spooled LIMIT 1")
        if waits:
            self._connection.close()
            raise StoreError(f"{self._server.shown} has events that no instance has taken over yet: start one for a moment")

    def last_ledger_seq(self) -> int:
        """The highest number of an entry."""
        with self._server.translated("read the state"):
            return self._last_number("ledger_seq")

    def tally(self) -> dict[tuple[str, str], int]:
        """Watched names by suffix and state."""
        with self._server.translated("read the state"):
            rows = rows_of(self._connection, "SELECT suffix, state, names FROM tally WHERE names > 0")
        return {(suffix, state): names for suffix, state, names in rows}

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows, each to its span."""
        columns = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in zip(table.names, table.kinds, strict=True))
        with self._writing() as connection:
            if table.name in _SPANS:
                columns = f"{columns}, slot int8"
                slots = [self._slot(table, row) for row in rows]
                self._partitions.require(connection, table.name, slots)
                rows = [(*row, slot) for row, slot in zip(rows, slots, strict=True)]
            names = ", ".join(column.split()[0] for column in columns.split(", "))
            statement = f"INSERT INTO {table.name}({names}) SELECT {names} FROM {rows_from(columns)}"
            connection.execute(statement, as_arrays(columns, rows))

    def finish(self, ledger_seq: int) -> None:
        """Count names and entries, keep what names an event, and go on counting where the other store was."""
        with self._writing() as connection:
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.execute("SET LOCAL enable_seqscan = on")
            for statement in _FINISH:
                connection.execute(statement)
            deliveries = row_of(connection, _DELIVERIES) or (0,)
            for sequence, last in (("ledger_seq", ledger_seq), ("delivery_n", int(deliveries[0]))):
                most = max(last, self._last_number(sequence))  # where it is shared another shard may be further
                connection.execute(SQL("SELECT setval({}, %s, false)").format(Literal(self._name_of(sequence))), (most + 1,))
            if self._part.divided:
                home = self._server.home(connection)
                connection.execute(SQL(_LAST_SEQ).format(Identifier(home, "sequence")))
        with self._server.translated("gather statistics"):
            self._connection.execute("SET statement_timeout = 0")
            self._connection.execute("ANALYZE")

    def close(self) -> None:
        """Release the connection."""
        self._connection.close()

    def _name_of(self, sequence: str) -> str:
        """What counts here: our own sequence, or that of all shards."""
        if not self._part.divided:
            return sequence
        return Identifier(self._server.home(self._connection), f"all_{sequence}").as_string(self._connection)

    def _last_number(self, sequence: str) -> int:
        last = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM"
        row = row_of(self._connection, f"{last} {self._name_of(sequence)}")
        return int(row[0]) if row else 0

    def _slot(self, table: Table, row: Row) -> int:
        fields = dict(zip(table.names, row, strict=True))
        if table.name == "event":
            return slot_of(fields["occurred_at"], partitions.EVENTS)
        if table.name == "ledger":
            return slot_of(fields["at"], self._ledger_width)
        return delivery_slot(fields["lane"], fields["state"], fields["done_at"])

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._server.translated("write"), self._connection.transaction():
            if not fence.holds(self._connection, self._epoch or 0):
                raise LeaseLost(f"another instance writes {self._server.shown}")
            yield self._connection
