"""A copy from a store that is divided, or into one: each name goes to its shard there, and gets a new number.

Numbers of names, and of the addresses in their last looks, mean nothing outside of their shard. So a name is copied with its
detail and its look in one piece, and the digest over names has neither number in it: it is the same for every division.
Events, deliveries and entries of the ledger have numbers that no other shard gives, and keep them. A digest is a sum over
rows, whatever their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import Struct as Fields
from typing import NamedTuple, TypeVar

from common.codec import encode
from common.core.domains.last_look import BLOCK, SIZE
from common.core.model.records import TrustRow
from common.core.shards.layout import Layout
from common.core.trust.server_trust import ALL_SUFFIXES
from common.store import schema
from common.store.joined_texts import COUNTED, join_texts
from common.store.shard_merges import merge_trust
from common.store.transfer import TABLES, Copied, Row, Source, Table, Target, batches_of

T = TypeVar("T")

_BY_NAME = {table.name: table for table in TABLES}
_DOMAIN, _DETAIL, _PULSE, _ADDRESS = (_BY_NAME[name] for name in ("domain", "detail", "pulse", "address"))
#: Tables whose rows belong to a name, with the place of the name in them.
_OF_NAMES = tuple((_BY_NAME[name], _BY_NAME[name].names.index("domain")) for name in ("event", "delivery", "ledger"))
_PROBLEM, _TRUST, _META = (_BY_NAME[name] for name in ("problem", "trust", "meta"))
#: Where in a last look the number of its address stands, and the largest one (`common.core.domains.last_look`).
_NUMBER, _NUMBER_AT, _MOST_ADDRESSES = Fields("<H"), 36, 0xFFFF
_NO_LOOK = bytes(SIZE)

Note = Callable[[Table, int], None]


class Sources(NamedTuple):
    """The shards of a store that is read."""

    layout: Layout
    shards: Sequence[Source]


class Targets(NamedTuple):
    """The shards of a store that is written, all of them empty."""

    layout: Layout
    shards: Sequence[Target]


class _Name(NamedTuple):
    """All of a name but its events, deliveries and entries."""

    row: Row  # without its number
    detail: bytes | None
    look: bytes  # without the number of its address
    address: str


class Digest:
    """How many rows there are, and the sum of their digests."""

    def __init__(self) -> None:
        self._sum = self._rows = 0

    def add(self, row: object) -> None:
        """Add a row."""
        self._rows += 1
        self._sum += int.from_bytes(hashlib.blake2b(encode(row), digest_size=16).digest(), "little")

    @property
    def copied(self) -> Copied:
        """The result so far."""
        return Copied(self._rows, f"{self._sum % (1 << 128):032x}")


def copy_shards(source: Sources, target: Targets, note: Note) -> dict[str, Copied]:
    """Copy everything; what was read, by table. Raises StoreError."""
    copied = {_DOMAIN.name: _copy_names(source, target, note)}
    for table, place in _OF_NAMES:
        copied[table.name] = _copy_rows(source, target, table, place, note)
    copied[_PROBLEM.name] = _copy_problems(source, target)
    copied[_TRUST.name] = _copy_trust(source, target)
    texts = _texts_for(source, len(target.shards))
    for shard, rows in zip(target.shards, texts, strict=True):
        if rows:
            shard.write(_META, rows)
    copied[_META.name] = _sum_texts(texts)
    last = max(shard.last_ledger_seq() for shard in source.shards)
    for shard in target.shards:
        shard.finish(last)
    return copied


def sum_shards(target: Targets, note: Note) -> dict[str, Copied]:
    """The same of what arrived, in the order in which it is compared. Raises StoreError."""
    names = Digest()
    for number, shard in enumerate(target.shards):
        for name in _told(read_names(shard), _DOMAIN, note):
            names.add(name if target.layout.shard_of(name.row[0]) == number else None)
    found = {_DOMAIN.name: names.copied}
    for table, place in _OF_NAMES:
        rows = Digest()
        for number, shard in enumerate(target.shards):
            for row in _told(_rows_of(shard, table), table, note):
                rows.add(row if target.layout.shard_of(row[place]) == number else None)
        found[table.name] = rows.copied
    found[_PROBLEM.name] = _sum_rows(_rows_of(target.shards[0], _PROBLEM))
    found[_TRUST.name] = _sum_rows(_merged_trust(target.shards))
    found[_META.name] = _sum_texts([list(_rows_of(shard, _META)) for shard in target.shards])
    return found


def sum_tallies(shards: Sequence[Source]) -> dict[tuple[str, str], int]:
    """Watched names by suffix and state, of all shards."""
    found: dict[tuple[str, str], int] = {}
    for shard in shards:
        for cell, names in shard.tally().items():
            found[cell] = found.get(cell, 0) + names
    return found


def read_names(source: Source) -> Iterator[_Name]:
    """The names of a shard by their numbers, each with all that has its number."""
    addresses: dict[int, str] = dict(_rows_of(source, _ADDRESS))
    details, blocks = _Ordered(source, _DETAIL), _Ordered(source, _PULSE)
    for row in _rows_of(source, _DOMAIN):
        block, place = blocks.find(row[0] // BLOCK) or b"", row[0] % BLOCK
        look = block[place * SIZE : (place + 1) * SIZE]
        if len(look) != SIZE:
            look = _NO_LOOK
        (number,) = _NUMBER.unpack_from(look, _NUMBER_AT)
        yield _Name(row[1:], details.find(row[0]), _with_number(look, 0), addresses.get(number, ""))


class _Ordered:
    """The values of a table of keys and values, asked for by keys that never become smaller."""

    def __init__(self, source: Source, table: Table) -> None:
        self._rows = _rows_of(source, table)
        self._row = next(self._rows, None)

    def find(self, key: int) -> bytes | None:
        """The value of a key; None where there is none."""
        while self._row is not None and self._row[0] < key:
            self._row = next(self._rows, None)
        return self._row[1] if self._row is not None and self._row[0] == key else None


class _NameWriter:
    """Writes the names of a shard, counted from 0 as they come."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._next = 0
        self._rows: list[Row] = []
        self._details: list[Row] = []
        self._blocks: list[Row] = []
        self._block = bytearray()
        self._addresses: dict[str, int] = {"": 0}

    def add(self, name: _Name) -> None:
        """Give a name the next number, and write it with the next ones."""
        number = self._next
        self._rows.append((number, *name.row))
        if name.detail is not None:
            self._details.append((number, name.detail))
        self._block += _with_number(name.look, self._number_address(name.address))
        self._next += 1
        if self._next % BLOCK == 0:
            self._end_block()
        if len(self._rows) >= _DOMAIN.batch:
            self._write()

    def close(self) -> None:
        """Write what is left."""
        if self._block:
            self._block += bytes(BLOCK * SIZE - len(self._block))
            self._end_block()
        self._write()
        texts = [(number, text) for text, number in self._addresses.items() if number]
        if texts:
            self._target.write(_ADDRESS, texts)

    def _end_block(self) -> None:
        if any(self._block):
            self._blocks.append(((self._next - 1) // BLOCK, bytes(self._block)))
        self._block.clear()

    def _write(self) -> None:
        for table, rows in ((_DOMAIN, self._rows), (_DETAIL, self._details), (_PULSE, self._blocks)):
            for begin in range(0, len(rows), table.batch):
                self._target.write(table, rows[begin : begin + table.batch])
            rows.clear()

    def _number_address(self, text: str) -> int:
        if text not in self._addresses and len(self._addresses) > _MOST_ADDRESSES:
            return 0
        return self._addresses.setdefault(text, len(self._addresses))


def _copy_names(source: Sources, target: Targets, note: Note) -> Copied:
    digest, writers = Digest(), [_NameWriter(shard) for shard in target.shards]
    names = (name for shard in source.shards for name in read_names(shard))
    for name in _told(names, _DOMAIN, note):
        digest.add(name)
        writers[target.layout.shard_of(name.row[0])].add(name)
    for writer in writers:
        writer.close()
    return digest.copied


def _copy_rows(source: Sources, target: Targets, table: Table, place: int, note: Note) -> Copied:
    """Copy rows that belong to a name, which stands at `place` in them."""
    digest = Digest()
    waiting: list[list[Row]] = [[] for _ in target.shards]
    rows = (row for shard in source.shards for row in _rows_of(shard, table))
    for row in _told(rows, table, note):
        digest.add(row)
        shard = target.layout.shard_of(row[place])
        waiting[shard].append(row)
        if len(waiting[shard]) >= table.batch:
            target.shards[shard].write(table, waiting[shard])
            waiting[shard] = []
    for shard, left in enumerate(waiting):
        if left:
            target.shards[shard].write(table, left)
    return digest.copied


def _copy_problems(source: Sources, target: Targets) -> Copied:
    """Entries that belong to no name are those of the first shard."""
    rows = list(_rows_of(source.shards[0], _PROBLEM))
    if rows:
        target.shards[0].write(_PROBLEM, rows)
    return _sum_rows(rows)


def _copy_trust(source: Sources, target: Targets) -> Copied:
    """What is known of servers goes to every shard that may ask them."""
    rows = _merged_trust(source.shards)
    everywhere = frozenset(range(len(target.shards)))
    for number, shard in enumerate(target.shards):
        mine = [row for row in rows if number in (everywhere if row[2] == ALL_SUFFIXES else target.layout.shards_of([row[2]]))]
        if mine:
            shard.write(_TRUST, mine)
    return _sum_rows(rows)


def _merged_trust(shards: Iterable[Source]) -> list[Row]:
    known = merge_trust(TrustRow(*row) for shard in shards for row in _rows_of(shard, _TRUST))
    return [tuple(getattr(row, name) for name in _TRUST.names) for row in known]


def _texts_for(source: Sources, targets: int) -> list[list[Row]]:
    """The small named texts of each shard of the target."""
    found: dict[str, list[str]] = {}
    for shard in source.shards:
        for key, text in _rows_of(shard, _META):
            found.setdefault(key, []).append(text)
    found.pop(schema.NEXT_KEY, None)  # numbers of names begin anew, without a gap
    last = [schema.parse_number(schema.SEQ_KEY, text) for text in found.pop(schema.SEQ_KEY, [])]
    joined = {key: join_texts(key, texts) for key, texts in found.items()}
    if last:
        joined[schema.SEQ_KEY] = str(max(last))
    rows = sorted(joined.items())
    return [[row for row in rows if shard == 0 or row[0] not in COUNTED] for shard in range(targets)]


def _sum_texts(texts: Sequence[Sequence[Row]]) -> Copied:
    return _sum_rows((shard, *row) for shard, rows in enumerate(texts) for row in rows)


def _sum_rows(rows: Iterable[Row]) -> Copied:
    digest = Digest()
    for row in rows:
        digest.add(row)
    return digest.copied


def _rows_of(source: Source, table: Table) -> Iterator[Row]:
    for rows in batches_of(source, table):
        yield from rows


def _with_number(look: bytes, number: int) -> bytes:
    return look[:_NUMBER_AT] + _NUMBER.pack(number) + look[_NUMBER_AT + _NUMBER.size :]


def _told(items: Iterable[T], table: Table, note: Note) -> Iterator[T]:
    """The same, with `note` told after each batch how many there were."""
    for count, item in enumerate(items, 1):
        yield item
        if count % table.batch == 0:
            note(table, count)
