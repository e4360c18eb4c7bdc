"""How the watch list of a database is divided: a text in `meta` of shard 0, made once, and what all shards count with together.

| what | where | why |
|---|---|---|
| the layout | `meta`, key `store.layout` | a name stays in its shard, whatever is built in later |
| `sequence` | a table of one row | the number of the last event of all shards (`event_sequence`) |
| `all_ledger_seq`, `all_delivery_n` | sequences | entries and deliveries of all shards have numbers that differ, and an order |

A database with one shard has none of the last two.
"""

from __future__ import annotations

import msgspec

from common.core.shards.layout import Layout
from common.errors import StoreError
from common.store.postgres import fence, tables
from common.store.postgres.session import Connection, row_of

_SHARED = (
    """
    CREATE TABLE IF NOT EXISTS sequence(one boolean PRIMARY KEY DEFAULT true CHECK (one), seq bigint NOT NULL)
    WITH (fillfactor = 50)
    """,
    "INSERT INTO sequence(seq) VALUES (0) ON CONFLICT DO NOTHING",
    "CREATE SEQUENCE IF NOT EXISTS all_ledger_seq",
    "CREATE SEQUENCE IF NOT EXISTS all_delivery_n",
)
# A state without a layout is one of a version that knew no shards.
_MAKE = """
    INSERT INTO meta(key, value) SELECT %(key)s, %(value)s
    WHERE NOT EXISTS (SELECT 1 FROM meta WHERE key = 'store.identity') ON CONFLICT DO NOTHING
"""
_VALUE = "SELECT value FROM meta WHERE key = %s"
_META = "SELECT to_regclass('meta') IS NOT NULL"


def read_layout(connection: Connection, shown: str) -> Layout | None:
    """The layout of a database, by a session of shard 0; None where it has no state yet.

    Raises StoreError for one that cannot be read.
    """
    there = row_of(connection, _META)
    if not (there and there[0]):
        return None
    row = row_of(connection, _VALUE, (tables.LAYOUT_KEY,))
    if row is None:
        return None if tables.read_identity(connection) is None else Layout()
    try:
        layout = msgspec.json.decode(row[0], type=Layout)
    except (ValueError, RecursionError):
        raise StoreError(f"{shown} is damaged: its {tables.LAYOUT_KEY} cannot be read") from None
    if layout.shards < 1:
        raise StoreError(f"{shown} is damaged: its {tables.LAYOUT_KEY} has {layout.shards} shards")
    return layout


def make_layout(connection: Connection, wanted: Layout, shown: str) -> Layout:
    """The layout of a database, which is `wanted` where it had no state. Several may do so at once: the first one counts."""
    fence.make_row(connection)
    if (found := read_layout(connection, shown)) is not None:
        return found
    if wanted.shards > 1:
        fence.create_once(connection, *_SHARED)
    value = msgspec.json.encode(wanted).decode()
    connection.execute(_MAKE, {"key": tables.LAYOUT_KEY, "value": value})
    return read_layout(connection, shown) or Layout()
