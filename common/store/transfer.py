"""All rows of a store, to be put into another one: what `domain-monitor migrate` copies, and how it is checked.

Both kinds of store keep the same tables with the same columns; what only one of them has (packs, keys of events, counts) is
made from these rows where they arrive. Rows are read in the order of their key, and a digest over them says whether they are
the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from common.codec import encode
from common.errors import StoreError
from common.store import row_codecs

Row = tuple[Any, ...]
#: Rows read and written at once, fewer of those that may be large.
BATCH, LARGE_BATCH = 5000, 500


class Table(NamedTuple):
    """A table: its columns as "name kind", the first `keys` of them its key. Kinds: int, float, text, bool, bytes."""

    name: str
    columns: str
    keys: int = 1
    batch: int = BATCH

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.split()[0] for column in self.columns.split(", ")]

    @property
    def kinds(self) -> list[str]:
        """Their kinds."""
        return [column.split()[1] for column in self.columns.split(", ")]


#: In the order in which they are copied. `meta` comes last: a copy that was broken off has none, and starts anew.
TABLES = (
    Table(
        "domain",
        "id int, name text, suffix text, watched bool, priority bool, state text, since float, confidence float, "
        "generation int, checked_at float, next_check float, drop_earliest float, drop_likely float, drop_latest float, "
        "drop_p float, registry_due float, close bool, detailed bool",
    ),
    Table("detail", "id int, body bytes", batch=LARGE_BATCH),
    Table("pulse", "block int, data bytes", batch=LARGE_BATCH),
    Table("address", "n int, text text"),
    Table("event", "seq int, id text, domain text, generation int, kind text, occurred_at float, body bytes", batch=1000),
    Table(
        "delivery",
        "n int, id text, lane text, domain text, position int, body bytes, state text, attempts int, next_at float, "
        "first_at float, done_at float, last_status int, last_error text",
        batch=1000,
    ),
    Table(
        "ledger",
        "seq int, domain text, at float, kind text, state text, positive bool, rules text, packed bool, body bytes",
        batch=1000,
    ),
    Table("problem", "n int, entry text, code text, reason text"),
    Table(
        "trust",
        "method text, server text, suffix text, registered_ok float, free_ok float, failed_at float, "
        "quarantined_until float, reason text",
        keys=3,
    ),
    Table("meta", "key text, value text"),
)


class Source(Protocol):
    """Gives the rows of a store."""

    def read(self, table: Table, after: Row | None) -> list[Row]:
        """At most `table.batch` rows above a key (None: from the beginning), by their key. No `meta` of the store's own."""
        ...

    def last_ledger_seq(self) -> int:
        """The highest number that was ever given to an entry of the ledger."""
        ...

    def tally(self) -> dict[tuple[str, str], int]:
        """Watched names by suffix and state, where there are any."""
        ...


class Target(Source, Protocol):
    """Takes them into a store that is empty."""

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows, in a transaction."""
        ...

    def finish(self, ledger_seq: int) -> None:
        """Make what follows from the rows; no entry of the ledger gets a number up to `ledger_seq` again."""
        ...


class Copied(NamedTuple):
    """How many rows a table has, and the digest over them."""

    rows: int
    digest: str


def copy_table(source: Source, target: Target, table: Table, note: Callable[[int], None]) -> Copied:
    """Copy a table; `note` is told the number of rows after each batch. Raises StoreError."""

    def passed() -> Iterator[list[Row]]:
        for rows in batches_of(source, table):
            target.write(table, rows)
            yield rows

    return _summed(passed(), note)


def sum_table(source: Source, table: Table, note: Callable[[int], None]) -> Copied:
    """Count and digest of what a table holds. Raises StoreError."""
    return _summed(batches_of(source, table), note)


def require_empty(target: Source) -> None:
    """Raise StoreError where a store holds anything."""
    for table in TABLES:
        if target.read(table, None):
            raise StoreError(f"the store to copy to is not empty: it has rows in its table {table.name}")


def as_plain(table: Table, rows: Iterable[Sequence[Any]]) -> list[Row]:
    """Rows with values of the kinds of their columns, whatever database they are from."""
    makers = [_PLAIN[kind] for kind in table.kinds]
    return [tuple(None if value is None else make(value) for make, value in zip(makers, row, strict=True)) for row in rows]


def batches_of(source: Source, table: Table) -> Iterator[list[Row]]:
    """The rows of a table in the order of their key. Raises StoreError."""
    after: Row | None = None
    while rows := source.read(table, after):
        yield rows
        after = rows[-1][: table.keys]


def _summed(batches: Iterator[list[Row]], note: Callable[[int], None]) -> Copied:
    digest, count = hashlib.blake2b(digest_size=16), 0
    for rows in batches:
        for row in rows:
            digest.update(encode(row))
        count += len(rows)
        note(count)
    return Copied(count, digest.hexdigest())


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "text": row_codecs.storable,  # NUL, which SQLite takes
    "bool": bool,
    "bytes": bytes,
}
