"""What an opened store forgets: names that left the list long ago. Their numbers are never given again."""

from __future__ import annotations

from struct import Struct as Layout
from typing import Any

from common.core.domains.last_look import BLOCK, SIZE
from common.errors import StoreError
from common.store import schema
from common.store.postgres import record_statements
from common.store.postgres.session import Connection, row_of, rows_of

#: Names looked at together, and most of them at one start: a successor must lead within seconds, the rest waits for the next.
BATCH, MOST = 10_000, 50_000
#: Most numbers that can have been given to names: the index of the coordinator's table has no more.
MOST_NAMES = (1 << 31) - 1
_TIME = Layout("<d")

_NEXT_ID = "SELECT coalesce(max(id)::int8 + 1, 0), (SELECT value FROM meta WHERE key = %s) FROM domain"
# The time of a look stands at the beginning of its forty bytes.
_LEFT = f"""
    SELECT d.id, substr(pulse.data, mod(d.id, {BLOCK}) * {SIZE} + 1, {_TIME.size})
    FROM domain d LEFT JOIN pulse ON pulse.block = d.id / {BLOCK}
    WHERE d.id > %s AND NOT d.watched AND d.generation = 0 AND coalesce(d.checked_at, 0) < %s ORDER BY d.id LIMIT %s
"""
_FORGET = """
    DELETE FROM domain WHERE id = ANY(%b::int4[]) AND name NOT IN (SELECT domain FROM delivery_0 WHERE state = 'pending')
"""
_DETAILS = "DELETE FROM detail WHERE id = ANY(%b::int4[]) AND NOT EXISTS (SELECT 1 FROM domain WHERE domain.id = detail.id)"
_EMPTY_BLOCKS = f"""
    DELETE FROM pulse WHERE block = ANY(%b::int4[])
        AND NOT EXISTS (SELECT 1 FROM domain WHERE id >= block * {BLOCK} AND id < (block + 1) * {BLOCK})
"""


def forget_names(connection: Connection, before: float) -> None:
    """Delete names that left the list and were last checked before that time (epoch seconds), in the caller's transaction.

    A name with a callback that waits stays.
    """
    last, seen = -1, 0
    while seen < MOST and (rows := rows_of(connection, _LEFT, (last, before, BATCH))):
        last, seen = rows[-1][0], seen + len(rows)
        if old := [number for number, piece in rows if _looked_at(piece) < before]:
            record_statements.write_meta(connection, {schema.NEXT_KEY: str(next_id(connection))})
            connection.execute(_FORGET, (old,))
            connection.execute(_DETAILS, (old,))
            connection.execute(_EMPTY_BLOCKS, (sorted({number // BLOCK for number in old}),))


def next_id(connection: Connection) -> int:
    """The number above every id that was ever given. Raises StoreError where that cannot be true."""
    above, kept = row_of(connection, _NEXT_ID, (schema.NEXT_KEY,)) or (0, None)
    found = max(int(above), schema.parse_number(schema.NEXT_KEY, kept or 0))
    if found > MOST_NAMES:
        raise StoreError(f"the state is damaged: a name in it has the number {found - 1}")
    return found


def _looked_at(piece: Any) -> float:
    """When a sweep looked last, 0 for never, or where the block is cut short."""
    return float(_TIME.unpack(piece)[0]) if piece and len(piece) == _TIME.size else 0.0
