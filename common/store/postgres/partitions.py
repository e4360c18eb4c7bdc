"""History in spans of time: each span is a partition of its own, and goes as a whole when it has outlived its retention.

Rows that are deleted one by one stay as dead rows for as long as any transaction may still see them, a backup for instance, and
slow down every look at the table; a partition that is dropped leaves nothing. `slot` is the end of the span in epoch seconds:
what is in it is older than that. Of deliveries the slots of results are negative, and 0 is what is not finished.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import errors

from common.errors import StoreError
from common.store.postgres.session import Connection, row_of, rows_of
from common.store.store_contract import DAY, KEEP_EVENTS, KEEP_RESULTS

#: Latest end of a span: times that make no sense do not make numbers that no database takes.
LAST = 1 << 40
#: Seconds of one span. Rows stay up to one span longer than their retention.
EVENTS = int(KEEP_EVENTS) // 30
NOTICES = int(DAY)
RESULTS = int(KEEP_RESULTS) // 4
#: Most milliseconds that a drop waits for readers: what comes after it waits too.
DROP_WAIT_MS = 500
#: Bytes of a partition up to which its rows are counted; of a larger one the server's estimate does.
COUNTED = 64 << 20

_SLOTS = """
    SELECT child.relname FROM pg_inherits link JOIN pg_class child ON child.oid = link.inhrelid
    WHERE link.inhparent = %s::regclass
"""
_SIZE = "SELECT pg_relation_size(%(name)s::regclass), (SELECT reltuples FROM pg_class WHERE oid = %(name)s::regclass)"


class PartitionBusyError(StoreError):
    """A partition cannot be dropped yet: a backup or a long query reads it."""


def slot_of(at: float | None, width: int) -> int:
    """The end of the span, of so many seconds, that a time in epoch seconds lies in."""
    if at is None or not at > 0:
        return width
    return (int(min(at, float(LAST - width))) // width + 1) * width


def ledger_width(days: int) -> int:
    """Seconds of one span of the ledger, which is kept for so many days: a thirtieth, at least a day."""
    return max(1, days // 30) * int(DAY)


class Partitions:
    """The partitions that there are, by table and slot. They change inside transactions: forget them when one fails."""

    def __init__(self) -> None:
        self._known: dict[str, set[int]] = {}

    def forget(self) -> None:
        """Read them again at the next use."""
        self._known.clear()

    def slots(self, connection: Connection, table: str) -> set[int]:
        """The slots of a table."""
        if table not in self._known:
            names = [row[0] for row in rows_of(connection, _SLOTS, (table,))]
            self._known[table] = {_slot_in(name) for name in names}
        return self._known[table]

    def require(self, connection: Connection, table: str, slots: Iterable[int]) -> None:
        """Make the partitions that are missing, inside the caller's transaction. Readers and backups are not held up."""
        known = self.slots(connection, table)
        for slot in sorted(set(slots) - known):
            name = _name_of(table, slot)
            connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
            connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES IN ({slot})")
            known.add(slot)

    def drop(self, connection: Connection, table: str, slot: int) -> int:
        """Drop a partition inside the caller's transaction; how many rows went, about so many of a large one.

        Raises PartitionBusyError where it is being read.
        """
        name = _name_of(table, slot)
        connection.execute(f"SET LOCAL lock_timeout = {DROP_WAIT_MS}")
        size, estimate = row_of(connection, _SIZE, {"name": name}) or (0, 0)
        if size <= COUNTED:
            (rows,) = row_of(connection, f"SELECT count(*) FROM {name}") or (0,)
        else:
            rows = max(1, int(estimate))
        try:
            connection.execute(f"DROP TABLE {name}")
        except errors.LockNotAvailable:
            raise PartitionBusyError(f"{name} is being read") from None
        self.slots(connection, table).discard(slot)
        return int(rows)


def _name_of(table: str, slot: int) -> str:
    return f"{table}_{'r' if slot < 0 else ''}{abs(slot)}"


def _slot_in(name: str) -> int:
    text = name.rpartition("_")[2]
    return -int(text[1:]) if text.startswith("r") else int(text)
