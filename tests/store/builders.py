"""Rows for tests, with only what a test cares about spelled out."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from common.config import Settings
from common.core.domains.last_look import BLOCK
from common.core.domains.last_look_array import RECORD
from common.core.model.columns import CodedTexts
from common.core.model.records import Changes, DeliveryRow, DomainRow, EventRow, LedgerRow
from common.core.model.stored_state import StoredState
from common.core.outbox.callback_bodies import event_id
from common.store.fence import read_epoch
from common.store.postgres import schemas
from common.store.postgres.fence import read_stored_epoch
from common.store.postgres.postgres_reader import PostgresReader
from common.store.postgres.sharded_reader import ShardedReader
from common.store.reader import SqliteReader
from common.store.store_contract import Reader, Writer
from common.store.writer import SqliteWriter, open_writer


def next_writer(path: Path, **more: Any) -> SqliteWriter:
    """The database, opened in the epoch after its last one."""
    return SqliteWriter(path, read_epoch(path) + 1, **more)


def open_next(settings: Settings) -> Writer:
    """The store of the settings, opened in the epoch after its last one."""
    if settings.store_in_file:
        return open_writer(settings, read_epoch(settings.store_path) + 1)
    return open_writer(settings, read_stored_epoch(settings.store_url, settings.shard) + 1)


def schema_of(settings: Settings) -> str:
    """The schema with the tables of a store whose URL names that of its first shard."""
    return schemas.schema_of(settings.store_url.rpartition("%3D")[2], settings.shard)


def bounded_reader(settings: Settings, scan_limit: int) -> Reader:
    """A reader that looks at so many names for one page."""
    if settings.store_in_file:
        return SqliteReader(settings.store_path, scan_limit)
    return (ShardedReader if settings.shards > 1 else PostgresReader)(settings.store_url, scan_limit)


def domain(name: str, **fields: Any) -> DomainRow:
    """A watched, registered name; its id follows from the name unless it matters."""
    values: dict[str, Any] = {
        "id": zlib.crc32(name.encode()) >> 1,
        "name": name,
        "suffix": name.partition(".")[2],
        "watched": True,
        "priority": False,
        "state": "REGISTERED",
        "since": None,
        "confidence": 0.0,
        "generation": 0,
        "checked_at": None,
        "next_check": 0.0,
        "drop_earliest": None,
        "drop_likely": None,
        "drop_latest": None,
        "drop_p": None,
        "registry_due": 0.0,
        "close": False,
        "detail": b"",
    }
    return DomainRow(**{**values, **fields})


def block(records: dict[int, dict[str, float]]) -> bytes:
    """A block of last looks with these fields of these places; the others were never looked at."""
    made = np.zeros(BLOCK, RECORD)
    for place, fields in records.items():
        for name, value in fields.items():
            made[name][place] = value
    return made.tobytes()


def in_columns(row: DomainRow) -> tuple[Any, ...]:
    """One line of `NameColumns`: the row as the coordinator's table is built from it."""
    flags = row.watched + 2 * row.priority + 4 * row.close + 8 * bool(row.detail)
    head = (row.id, row.name, row.suffix, flags, row.state, row.since, row.confidence, row.generation)
    return (*head, row.checked_at, row.next_check, row.drop_earliest, row.drop_latest, row.registry_due)


def loaded_names(loaded: StoredState) -> list[tuple[Any, ...]]:
    """All lines of all batches, in the order of the ids."""
    return [line for batch in loaded.names for line in zip(*map(_listed, batch), strict=True)]


def _listed(column: Any) -> list[Any]:
    """A column of `NameColumns` as rows have it: numbers, texts, None for what is not there."""
    if isinstance(column, CodedTexts):
        return [column.texts[code] for code in column.codes]
    values = column if isinstance(column, list) else column.tolist()
    return [None if value != value else value for value in values]  # noqa: PLR0124  # NaN


def after(rows: dict[int, DomainRow], changes: Changes, made: Callable[[int], DomainRow]) -> None:
    """What a transaction makes of the rows, said plainly; `made` gives the row of a new name by its id."""
    for name in changes.new:
        rows.setdefault(name.id, made(name.id))
    for watch in changes.watches:
        if watch.id in rows:
            rows[watch.id] = structs.replace(rows[watch.id], watched=watch.watched, priority=watch.priority)
    for change in changes.states:
        for number in set(change.ids) & set(rows):
            kept = {"state": change.state, "since": change.since, "confidence": change.confidence}
            rows[number] = structs.replace(rows[number], **kept)
    rows.update({row.id: row for row in changes.domains})


def event(seq: int, name: str, *, generation: int = 1, kind: str = "available", at: float = 0.0) -> EventRow:
    """An event as the coordinator records it."""
    return EventRow(seq, event_id(name, generation, kind), name, generation, kind, at, b'{"domain":"%b"}' % name.encode())


def delivery(key: str, **fields: Any) -> DeliveryRow:
    """A notice that waits."""
    values: dict[str, Any] = {"id": key, "lane": "notice", "domain": "a.com", "order": 1, "body": b"{}"}
    return DeliveryRow(**{**values, **fields})


def judgement(name: str, at: float = 0.0, **fields: Any) -> LedgerRow:
    """An entry of the ledger before it is written."""
    values: dict[str, Any] = {"kind": "decision", "state": "REGISTERED", "positive": False, "rules": "1-0", "body": b"body"}
    return LedgerRow(domain=name, at=at, **{**values, **fields})
