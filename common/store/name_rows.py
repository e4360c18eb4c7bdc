"""Names in the database: how many of them are written at once, and how one is read with its detail and its last look.

Ids travel as one JSON array a statement: it then works for milliseconds without Python's lock while the event loop beside it
goes on. New names are bound row by row: taking them out of JSON costs more than the lock does.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from operator import attrgetter
from typing import Any

import msgspec

from common.core.domains.last_look import BLOCK, LAYOUT, SIZE, read_look
from common.core.model.records import Changes, DomainRow, Watch
from common.store.schema import PACK
from common.store.store_contract import FoundName

#: What `to_found` reads: the fields of `DomainRow`, then the piece of the block of last looks; and where they are read from.
DOMAIN_COLUMNS = " ".join((
    "d.id, d.name, d.suffix, d.watched, d.priority, d.state, d.since, d.confidence, d.generation, d.checked_at, d.next_check,",
    "d.drop_earliest, d.drop_likely, d.drop_latest, d.drop_p, d.registry_due, d.close, coalesce(detail.body, x''),",
    f"substr(pulse.data, d.id % {BLOCK} * {SIZE} + 1, {SIZE})",
))  # fmt: skip
DOMAIN_FROM = f"domain d LEFT JOIN detail ON detail.id = d.id LEFT JOIN pulse ON pulse.block = d.id / {BLOCK}"
_IDS = "(SELECT value FROM json_each(:ids))"
# A column that may not be empty is emptied where the id belongs to another name: that fails, and with it the transaction.
_INSERT = """
    INSERT INTO domain(id, name, suffix, watched, priority, state, since, confidence, generation, checked_at, next_check,
        registry_due, close, detailed)
    VALUES(?, ?, ?, 1, ?, 'UNKNOWN', NULL, 0.0, 0, NULL, 0.0, 0.0, 0, 0)
    ON CONFLICT(id) DO UPDATE SET suffix = NULL WHERE name <> excluded.name
"""
_UPSERT = """
    INSERT INTO domain(id, name, suffix, watched, priority, state, since, confidence, generation, checked_at, next_check,
        drop_earliest, drop_likely, drop_latest, drop_p, registry_due, close, detailed)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT(id) DO UPDATE SET suffix = CASE WHEN name = excluded.name THEN excluded.suffix END,
        watched = excluded.watched, priority = excluded.priority, state = excluded.state, since = excluded.since,
        confidence = excluded.confidence, generation = excluded.generation, checked_at = excluded.checked_at,
        next_check = excluded.next_check, drop_earliest = excluded.drop_earliest, drop_likely = excluded.drop_likely,
        drop_latest = excluded.drop_latest, drop_p = excluded.drop_p, registry_due = excluded.registry_due,
        close = excluded.close, detailed = excluded.detailed
"""
_NEW = attrgetter("id", "name", "suffix", "priority")
_VALUES = attrgetter(
    "id", "name", "suffix", "watched", "priority", "state", "since", "confidence", "generation", "checked_at", "next_check",
    "drop_earliest", "drop_likely", "drop_latest", "drop_p", "registry_due", "close",
)  # fmt: skip
_WATCH = " ".join(("UPDATE domain SET watched = :watched, priority = :priority WHERE id IN", _IDS))
_STATE = " ".join(("UPDATE domain SET state = :state, since = :since, confidence = :confidence WHERE id IN", _IDS))
_DETAIL = "INSERT INTO detail(id, body) VALUES(?, ?) ON CONFLICT(id) DO UPDATE SET body = excluded.body"
_NO_DETAIL = " ".join(("DELETE FROM detail WHERE id IN", _IDS))
_LOOKS = "INSERT INTO pulse(block, data) VALUES(?, ?) ON CONFLICT(block) DO UPDATE SET data = excluded.data"
_ADDRESS = "INSERT INTO address(n, text) VALUES(?, ?) ON CONFLICT(n) DO UPDATE SET text = excluded.text"
# Before a change the names it touches are taken out of the tally, and counted in after it, as whatever they are then.
_TALLY = " ".join((
    "INSERT INTO tally(suffix, state, names) SELECT suffix, state, :sign * count(*) FROM domain WHERE watched = 1 AND id IN",
    _IDS,
    "GROUP BY suffix, state ON CONFLICT(suffix, state) DO UPDATE SET names = names + excluded.names",
))  # fmt: skip


def write_names(connection: sqlite3.Connection, changes: Changes) -> Counter[int]:
    """Everything of `changes` that is about names, inside the caller's transaction, in the order of the fields.

    The result says how many rows that is, by the block that packs them.
    """
    if touched := _touched(changes):
        ids = ids_as_json(touched)
        connection.execute(_TALLY, {"ids": ids, "sign": -1})
        _write_some(connection, changes)
        _write_whole(connection, changes.domains)
        connection.execute(_TALLY, {"ids": ids, "sign": 1})
    connection.executemany(_LOOKS, changes.looks)
    connection.executemany(_ADDRESS, changes.addresses)
    return Counter([number // PACK for number in touched])


def ids_as_json(ids: list[int]) -> str:
    """Ids as the statements take them."""
    return msgspec.json.encode(ids).decode()


def address_number(row: tuple[Any, ...]) -> int | None:
    """The number of the address in the look of a row of DOMAIN_COLUMNS; None where there is no look."""
    piece = row[18]
    return int(LAYOUT.unpack(piece)[5]) if piece and len(piece) == SIZE else None


def to_found_name(row: tuple[Any, ...], addresses: dict[int, str]) -> FoundName:
    """A row of DOMAIN_COLUMNS. A name in a visit right now shows as due since its last check."""
    found = DomainRow(*row[:18])
    found.watched, found.priority, found.close = row[3] == 1, row[4] == 1, row[16] == 1
    look = read_look(row[18], 0, addresses) if row[18] else None
    if look is None or look.checked_at <= (found.checked_at or 0.0):
        return FoundName(found, look)
    found.checked_at, found.next_check = look.checked_at, look.next_check or look.checked_at
    return FoundName(found, look, timed_out=look.dns_at < look.checked_at)


def _write_some(connection: sqlite3.Connection, changes: Changes) -> None:
    """What is written without the whole row."""
    connection.executemany(_INSERT, map(_NEW, changes.new))
    for (watched, priority), ids in _by_watch(changes.watches).items():
        connection.execute(_WATCH, {"watched": watched, "priority": priority, "ids": ids_as_json(ids)})
    for change in changes.states:
        values = {"state": change.state, "since": change.since, "confidence": change.confidence}
        connection.execute(_STATE, {**values, "ids": ids_as_json(change.ids)})


def _write_whole(connection: sqlite3.Connection, rows: list[DomainRow]) -> None:
    if not rows:
        return
    connection.executemany(_UPSERT, ((*_VALUES(row), bool(row.detail)) for row in rows))
    connection.executemany(_DETAIL, ((row.id, row.detail) for row in rows if row.detail))
    connection.execute(_NO_DETAIL, {"ids": ids_as_json([row.id for row in rows if not row.detail])})


def _touched(changes: Changes) -> list[int]:
    ids = [name.id for name in changes.new]
    ids += [watch.id for watch in changes.watches]
    for change in changes.states:
        ids += change.ids
    return ids + [row.id for row in changes.domains]


def _by_watch(watches: list[Watch]) -> dict[tuple[bool, bool], list[int]]:
    """Ids by what becomes of them; of two words about one name the later counts."""
    groups: dict[tuple[bool, bool], list[int]] = {}
    for number, watch in {watch.id: watch for watch in watches}.items():
        groups.setdefault((watch.watched, watch.priority), []).append(number)
    return groups
