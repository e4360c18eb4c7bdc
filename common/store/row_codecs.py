"""Rows of the database as our records and back, all but names. Column order is the field order of the record."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from common.core.model.records import DeliveryRow, EventRow, LedgerRow, ProblemRow, TrustRow

#: Bodies of the ledger longer than this are packed; shorter ones share a page of the file anyway. In bytes.
PACK_ABOVE = 1200
#: Longest body unpacked, in bytes.
BODY_LIMIT = 1 << 20

EVENT_COLUMNS = "seq, id, domain, generation, kind, occurred_at, body"
LEDGER_COLUMNS = "domain, at, kind, state, positive, rules, body, seq, packed"
DELIVERY_COLUMNS = "id, lane, domain, position, body, state, attempts, next_at, first_at, done_at, last_status, last_error"

INSERT_EVENT = """
    INSERT INTO event(seq, id, domain, generation, kind, occurred_at, body) VALUES(?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT(domain, generation, kind) DO NOTHING
"""
INSERT_LEDGER = "INSERT INTO ledger(domain, at, kind, state, positive, rules, body, packed) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
# Whatever of a name lies behind its newest entries; nothing where there are not that many.
TRIM_LEDGER = """
    DELETE FROM ledger WHERE domain = :domain AND seq <= (
        SELECT seq FROM ledger WHERE domain = :domain ORDER BY seq DESC LIMIT 1 OFFSET :keep)
"""
UPSERT_DELIVERY = """
    INSERT INTO delivery(id, lane, domain, position, body, state, attempts, next_at, first_at, done_at, last_status, last_error)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT(id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at,
        first_at = excluded.first_at, done_at = excluded.done_at, last_status = excluded.last_status,
        last_error = excluded.last_error
"""
TRUST_COLUMNS = "method, server, suffix, registered_ok, free_ok, failed_at, quarantined_until, reason"
UPSERT_TRUST = """
    INSERT INTO trust(method, server, suffix, registered_ok, free_ok, failed_at, quarantined_until, reason)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT(method, server, suffix) DO UPDATE SET registered_ok = excluded.registered_ok, free_ok = excluded.free_ok,
        failed_at = excluded.failed_at, quarantined_until = excluded.quarantined_until, reason = excluded.reason
"""
INSERT_PROBLEM = "INSERT INTO problem(entry, code, reason) VALUES(?, ?, ?)"
UPSERT_META = "INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"


def to_event(row: Sequence[Any]) -> EventRow:
    """A row of EVENT_COLUMNS."""
    return EventRow(*row)


def to_ledger(row: Sequence[Any]) -> LedgerRow:
    """A row of LEDGER_COLUMNS. A packed body that is damaged comes as it is: decoding it fails."""
    body = row[6]
    if row[8]:
        with suppress(zlib.error):
            body = zlib.decompressobj().decompress(body, BODY_LIMIT)
    return LedgerRow(
        domain=row[0],
        at=row[1],
        kind=row[2],
        state=row[3],
        positive=row[4] == 1,
        rules=row[5],
        body=body,
        seq=row[7],
    )


def to_delivery(row: Sequence[Any]) -> DeliveryRow:
    """A row that begins with DELIVERY_COLUMNS."""
    return DeliveryRow(*row[:12])


def event_values(row: EventRow) -> tuple[Any, ...]:
    """The parameters of INSERT_EVENT."""
    return (row.seq, row.id, row.domain, row.generation, row.kind, row.occurred_at, row.body)


def ledger_values(row: LedgerRow) -> tuple[Any, ...]:
    """The parameters of INSERT_LEDGER. A long body is packed: two thirds of it are the same words in every entry."""
    packed = len(row.body) > PACK_ABOVE
    body = zlib.compress(row.body, 1) if packed else row.body
    return (row.domain, row.at, row.kind, row.state, row.positive, row.rules, body, packed)


def delivery_values(row: DeliveryRow) -> tuple[Any, ...]:
    """The parameters of UPSERT_DELIVERY."""
    return (
        row.id,
        row.lane,
        row.domain,
        row.order,
        row.body,
        row.state,
        row.attempts,
        row.next_at,
        row.first_at,
        row.done_at,
        row.last_status,
        storable(row.last_error),
    )


def trust_values(row: TrustRow) -> tuple[Any, ...]:
    """The parameters of UPSERT_TRUST."""
    reason = storable(row.reason)
    times = (row.registered_ok, row.free_ok, row.failed_at, row.quarantined_until)
    return (row.method, storable(row.server), row.suffix, *times, reason)


def problem_values(row: ProblemRow) -> tuple[Any, ...]:
    """The parameters of INSERT_PROBLEM."""
    return (storable(row.entry), row.code, storable(row.reason))


def storable(text: str) -> str:
    """Text from outside may hold lone surrogates and NUL (JSON allows both), which no database takes: they become "?"."""
    text = text.replace("\0", "?")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
