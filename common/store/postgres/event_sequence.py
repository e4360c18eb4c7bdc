"""Numbers that the shards of a database count with together: of events, of entries of the ledger and of deliveries.

Events are followed by their numbers, so these have to become visible in their order, without one that comes later. A writer
takes them from one row, as the last thing that it does, and has the row locked until its transaction ends: the next one gets
higher numbers, and is visible later. A writer that is paused meanwhile is not waited for: the server ends its session, and
what it has not committed is undone.
"""

from __future__ import annotations

from psycopg import errors
from psycopg.sql import SQL, Composed, Identifier, Literal

from common.core.model.records import Changes
from common.core.outbox.event_numbers import renumber_events
from common.errors import StoreAway, StoreError
from common.store.postgres.session import Connection

#: Most milliseconds that a writer that has taken numbers may be silent before the server ends its session: so long the others
#: wait, and less than their own patience (`session.WRITING`).
HELD_MS = 5000

_BOUND = SQL("SET LOCAL idle_in_transaction_session_timeout = {}").format(Literal(HELD_MS))
_TAKE = SQL("UPDATE {} SET seq = seq + %s RETURNING seq")
_LAST = SQL("SELECT seq FROM {}")


class EventSequence:
    """The row with the last number; `home` is the schema of shard 0."""

    def __init__(self, home: str, shown: str) -> None:
        row = Identifier(home, "sequence")
        self._take, self._last = _TAKE.format(row), _LAST.format(row)
        self._shown = shown

    def number(self, connection: Connection, changes: Changes, *, told: bool = False) -> None:
        """Give the events of `changes` their numbers, which other writers wait for until the transaction ends.

        `told`: their notices may have been sent, and stay as they are.
        Raises StoreAway where another one keeps them waiting.
        """
        connection.execute(_BOUND)
        try:
            row = connection.execute(self._take, (len(changes.events),)).fetchone()
        except errors.LockNotAvailable:
            raise StoreAway(f"{self._shown} has not ended a transaction of another shard that numbers events") from None
        if row is None:
            raise StoreError(f"{self._shown} is damaged: its table sequence has no row")
        renumber_events(changes, int(row[0]) - len(changes.events) + 1, told=told)

    def last(self, connection: Connection) -> int:
        """The last number that was given, 0 for none."""
        row = connection.execute(self._last).fetchone()
        return 0 if row is None else int(row[0])


def share_numbers(connection: Connection, home: str) -> None:
    """Have the tables of a shard, which are new, count with those of all others."""
    for table, column, name in (("ledger", "seq", "all_ledger_seq"), ("delivery", "n", "all_delivery_n")):
        connection.execute(_counted_by(table, column, Identifier(home, name).as_string(connection)))


def _counted_by(table: str, column: str, name: str) -> Composed:
    statement = SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT nextval({})")
    return statement.format(Identifier(table), Identifier(column), Literal(name))
