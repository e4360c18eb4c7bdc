"""Names as a start wants them: thousands of rows packed into one, beside the rows, which alone count.

Building a million rows column by column takes SQLite and Python seconds; unpacking arrays takes a fraction of that. A pack is a
copy of the rows of one block of ids as they once were. When such a row is touched, a trigger of the schema notes its id as
loose, and a start takes the loose ones from their rows. A pack that cannot be read counts as none.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from common.codec import decoder, encode
from common.core.model.columns import CodedTexts, NameColumns
from common.errors import MessageError
from common.store.columns import NAME_COLUMNS, read_columns
from common.store.schema import PACK

#: So many loose rows make a pack worth making anew.
LOOSE = PACK // 4
#: A block in which so many rows are written between two rounds of packing is left alone until that is over.
BUSY = PACK // 8
#: Rows read at once where there is no pack.
BATCH = 10_000
_VERSION = 1
_LEVEL = 1  # of zlib: most columns hold one value over and over
_WHOLE = ("ids", "flags", "generation")
_NUMBERS = ("since", "confidence", "checked_at", "next_check", "drop_earliest", "drop_latest", "registry_due")
_LAST = (1 << 63) - 1

_ROWS = " ".join(("SELECT", NAME_COLUMNS, "FROM domain WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"))
_LOOSE_ROWS = " ".join((
    "SELECT", NAME_COLUMNS, "FROM domain WHERE id IN (SELECT id FROM loose WHERE id >= ? AND id < ?) ORDER BY id",
))  # fmt: skip
_LOOSE_IDS = "SELECT id FROM loose WHERE id >= ? AND id < ?"
_PUT = "INSERT INTO pack(block, data) VALUES(?, ?) ON CONFLICT(block) DO UPDATE SET data = excluded.data"
_TIGHTEN = "DELETE FROM loose WHERE id >= ? AND id < ?"
_PACKED = "SELECT block FROM pack ORDER BY block"
# From each block to the next one that has a name, one look into the index each.
_BLOCKS = """
    WITH RECURSIVE found(block) AS (
        SELECT min(id) / :pack FROM domain
        UNION ALL
        SELECT (SELECT min(id) / :pack FROM domain WHERE id >= (block + 1) * :pack) FROM found WHERE block IS NOT NULL)
    SELECT block FROM found WHERE block IS NOT NULL
"""
_MANY_LOOSE = "SELECT id / :pack FROM loose GROUP BY 1 HAVING count(*) >= :loose"


class _Packed(Struct, frozen=True, array_like=True):
    """A block. `whole` and `numbers` are the columns of those names one after the other, little endian, eight bytes each."""

    version: int
    count: int
    names: str  # one a line
    suffixes: list[str]
    states: list[str]
    whole: bytes
    numbers: bytes


_decode = decoder(_Packed)


def load_names(connection: sqlite3.Connection) -> Iterator[NameColumns]:
    """Every name, by id, in batches."""
    begin = 0
    for (block,) in connection.execute(_PACKED).fetchall():
        found = _unpacked(connection, block)
        if found is None:
            continue
        yield from _rows(connection, begin, block * PACK)
        if len(found.ids):
            yield found
        begin = (block + 1) * PACK
    yield from _rows(connection, begin, _LAST)


def worth_packing(connection: sqlite3.Connection) -> list[int]:
    """The blocks without a pack, or with too many rows beside it."""
    packed = {block for (block,) in connection.execute(_PACKED)}
    missing = {block for (block,) in connection.execute(_BLOCKS, {"pack": PACK})} - packed
    return sorted(missing.union(block for (block,) in connection.execute(_MANY_LOOSE, {"pack": PACK, "loose": LOOSE})))


def pack_block(connection: sqlite3.Connection, block: int) -> None:
    """Pack a block as its rows are now, inside the caller's transaction."""
    span = (block * PACK, (block + 1) * PACK)
    found = read_columns(connection.execute(_ROWS, (*span, PACK)))
    connection.execute(_PUT, (block, _encoded(found)))
    connection.execute(_TIGHTEN, span)


def _rows(connection: sqlite3.Connection, begin: int, end: int) -> Iterator[NameColumns]:
    """The names from one id up to another, from their rows."""
    while begin < end:
        found = read_columns(connection.execute(_ROWS, (begin, end, BATCH)))
        if not len(found.ids):
            return
        yield found
        begin = int(found.ids[-1]) + 1


def _unpacked(connection: sqlite3.Connection, block: int) -> NameColumns | None:
    """The names of a block, by id; None where its pack cannot be read, or is of little use."""
    span = (block * PACK, (block + 1) * PACK)
    loose = [number for (number,) in connection.execute(_LOOSE_IDS, span)]
    if len(loose) >= LOOSE:
        return None
    data = connection.execute("SELECT data FROM pack WHERE block = ?", (block,)).fetchone()[0]
    try:
        packed = _decoded(data)
    except (MessageError, ValueError, zlib.error):
        return None
    return _merged(packed, np.array(loose, np.int64), read_columns(connection.execute(_LOOSE_ROWS, span))) if loose else packed


def _encoded(found: NameColumns) -> bytes:
    whole = [getattr(found, name) for name in _WHOLE] + [found.suffixes.codes, found.states.codes]
    packed = _Packed(
        _VERSION,
        len(found.ids),
        "\n".join(found.names),
        found.suffixes.texts,
        found.states.texts,
        np.array(whole, "<i8").tobytes(),
        np.array([getattr(found, name) for name in _NUMBERS], "<f8").tobytes(),
    )
    return zlib.compress(encode(packed), _LEVEL)


def _decoded(data: bytes) -> NameColumns:
    """Raises MessageError, ValueError or zlib.error for what is no pack, or one of another version."""
    packed = _decode(zlib.decompress(data))
    names = packed.names.split("\n") if packed.count else []
    whole = np.frombuffer(packed.whole, "<i8").reshape(len(_WHOLE) + 2, packed.count)
    numbers = np.frombuffer(packed.numbers, "<f8").reshape(len(_NUMBERS), packed.count)
    if packed.version != _VERSION or len(names) != packed.count:
        raise ValueError("not a pack of names")
    *known, suffixes, states = whole
    columns: dict[str, Any] = dict(zip(_WHOLE, known, strict=True)) | dict(zip(_NUMBERS, numbers, strict=True))
    return NameColumns(
        names=names, suffixes=CodedTexts(packed.suffixes, suffixes), states=CodedTexts(packed.states, states), **columns
    )


def _merged(packed: NameColumns, loose: NDArray[np.int64], rows: NameColumns) -> NameColumns:
    """The pack without its loose names, and these from their rows, in the order of the ids."""
    kept = np.flatnonzero(~np.isin(packed.ids, loose))
    columns: dict[str, Any] = {}
    order = np.argsort(np.concatenate([packed.ids[kept], rows.ids]), kind="stable")
    for field in NameColumns._fields:
        ours, theirs = getattr(packed, field), getattr(rows, field)
        if isinstance(ours, CodedTexts):
            codes = np.concatenate([ours.codes[kept], theirs.codes + len(ours.texts)])
            columns[field] = CodedTexts(ours.texts + theirs.texts, codes[order])
        elif isinstance(ours, list):
            both = [ours[place] for place in kept.tolist()] + theirs
            columns[field] = [both[place] for place in order.tolist()]
        else:
            columns[field] = np.concatenate([ours[kept], theirs])[order]
    return NameColumns(**columns)
