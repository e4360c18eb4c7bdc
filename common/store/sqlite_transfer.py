"""All rows of an SQLite store, read or written for a copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.store import fence, schema
from common.store.sqlite import connect_reader, connect_writer, translate_errors
from common.store.transfer import Row, Table, as_plain

_OWN = (schema.SCHEMA_KEY, schema.EPOCH_KEY)
_TALLY = "INSERT INTO tally SELECT suffix, state, count(*) FROM domain WHERE watched = 1 GROUP BY suffix, state"
_SEQ = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'ledger'"


class SqliteTransfer:
    """The tables of one file; with an `epoch`, that of a writer that was opened before, it can be written."""

    def __init__(self, path: Path, epoch: int | None = None) -> None:
        self._path = path
        self._epoch = epoch
        with translate_errors(path, "open the state"):
            self._connection = connect_reader(path) if epoch is None else connect_writer(path)

    def read(self, table: Table, after: Row | None) -> list[Row]:
        """The next rows by their key."""
        keys = ", ".join(table.names[: table.keys])
        above = f"WHERE ({keys}) > ({', '.join('?' * table.keys)})" if after else ""
        where = f"{above} {'AND' if after else 'WHERE'} key NOT IN (?, ?)" if table.name == "meta" else above
        statement = f"SELECT {', '.join(table.names)} FROM {table.name} {where} ORDER BY {keys} LIMIT {table.batch}"
        values = (*(after or ()), *(_OWN if table.name == "meta" else ()))
        with translate_errors(self._path, "read the state"):
            return as_plain(table, self._connection.execute(statement, values))

    def last_ledger_seq(self) -> int:
        """The highest number of an entry."""
        with translate_errors(self._path, "read the state"):
            return int(self._connection.execute(_SEQ).fetchone()[0])

    def tally(self) -> dict[tuple[str, str], int]:
        """Watched names by suffix and state."""
        with translate_errors(self._path, "read the state"):
            rows = self._connection.execute("SELECT suffix, state, names FROM tally WHERE names > 0")
            return {(suffix, state): names for suffix, state, names in rows}

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows."""
        places = ", ".join("?" * len(table.names))
        statement = f"INSERT INTO {table.name}({', '.join(table.names)}) VALUES({places})"
        with self._writing() as connection:
            connection.executemany(statement, rows)

    def finish(self, ledger_seq: int) -> None:
        """Count the names, and go on counting entries where the other store was."""
        with self._writing() as connection:
            connection.execute(_TALLY)
            connection.execute("DELETE FROM sqlite_sequence WHERE name = 'ledger'")
            connection.execute("INSERT INTO sqlite_sequence(name, seq) VALUES('ledger', ?)", (ledger_seq,))

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translate_errors(self._path, "write"), fence.fenced(self._connection, self._epoch or 0):
            yield self._connection
