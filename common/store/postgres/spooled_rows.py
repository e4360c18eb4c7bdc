"""What an instance decided while the database was away, and another one has led since: events and deliveries to be taken over.

Any instance puts them there. The one that leads takes them into a transaction of its own, which removes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import Any

from common.codec import decoder, encode
from common.core.model.records import NOTICE, DeliveryRow, EventRow, HandedOver
from common.errors import MessageError
from common.store.postgres import fence, tables
from common.store.postgres.arrays import put, rows_from
from common.store.postgres.kept_connection import KeptConnection
from common.store.postgres.record_statements import FINISHED
from common.store.postgres.session import Connection, Limits, row_of, rows_of

#: Most rows that are read at once.
MOST = 200
#: To put them there may take longer than a lease: a file has many.
HANDING = Limits(30_000, 5000, 15_000, 30_000)

_ROW = "key text, body bytea"
_PUT = f"INSERT INTO spooled(key, body) SELECT key, body FROM {rows_from(_ROW)} ON CONFLICT (key) DO NOTHING"
_FIND = f"SELECT key, body FROM spooled WHERE key <> ALL(%s) ORDER BY key LIMIT {MOST}"
_DROP = "DELETE FROM spooled WHERE key = ANY(%s)"
_KNOWN_EVENT = "SELECT true FROM event_key WHERE domain = %s AND generation = %s AND kind = %s"
_STATE = "SELECT state FROM delivery WHERE id = %s"
_EVENT, _DELIVERY = "event:", "delivery:"
_decode_event, _decode_delivery = decoder(EventRow), decoder(DeliveryRow)


class Handover:
    """Puts them there, from an instance that does not lead."""

    def __init__(self, url: str, shard: int = 0) -> None:
        self._kept = KeptConnection(url, "spooled", HANDING, partial(fence.make_row, shard=shard), shard)

    def put(self, store: str, events: Iterable[EventRow], deliveries: Iterable[DeliveryRow]) -> bool:
        """Put rows there, durable on return; False where the database is another one. Raises StoreError."""
        with self._kept.opened("hand over what was spooled") as connection, connection.transaction():
            if tables.read_identity(connection) != store:
                return False
            put_rows(connection, events, deliveries)
            return True

    def close(self) -> None:
        """Close the connection."""
        self._kept.close()


def put_rows(connection: Connection, events: Iterable[EventRow], deliveries: Iterable[DeliveryRow]) -> None:
    """Put rows there, in the caller's transaction. Results of checks are left out: they are of a moment that is over."""
    values = {f"{_EVENT}{row.id}": encode(row) for row in events}
    values |= {f"{_DELIVERY}{row.id}": encode(row) for row in deliveries if row.lane == NOTICE}
    put(connection, _PUT, _ROW, list(values.items()))


def find_rows(connection: Connection, but: Collection[str]) -> HandedOver:
    """The next rows, without those with the keys `but`; of them only what the database has not recorded already."""
    found = HandedOver([], [], [])
    for key, body in rows_of(connection, _FIND, (list(but),)):
        found.keys.append(key)
        for row in _decode(key, body):
            if isinstance(row, EventRow):
                if row_of(connection, _KNOWN_EVENT, (row.domain, row.generation, row.kind)) is None:
                    found.events.append(row)
            elif _is_news(row, row_of(connection, _STATE, (row.id,))):
                found.deliveries.append(row)
    return found


def drop_rows(connection: Connection, keys: list[str]) -> None:
    """Remove rows that were taken over, in the caller's transaction."""
    if keys:
        connection.execute(_DROP, (keys,))


def _is_news(row: DeliveryRow, known: tuple[Any, ...] | None) -> bool:
    return known is None or (known[0] == "pending" and row.state in FINISHED)


def _decode(key: str, body: bytes) -> Iterator[EventRow | DeliveryRow]:
    """The row; nothing of what another version wrote in a way that cannot be read."""
    try:
        yield _decode_event(body) if key.startswith(_EVENT) else _decode_delivery(body)
    except MessageError:
        return
