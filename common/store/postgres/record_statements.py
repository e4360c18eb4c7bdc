"""Everything but names in PostgreSQL: events, deliveries, the ledger, trust, problems and small texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from common.core.model.records import RESULT, Changes, DeliveryRow, EventRow, LedgerRow, ProblemRow, TrustRow
from common.store import row_codecs
from common.store.postgres import partitions
from common.store.postgres.arrays import as_arrays, put, rows_from
from common.store.postgres.partitions import Partitions, slot_of
from common.store.postgres.session import Connection, rows_of

#: States in which a delivery is history.
FINISHED = ("done", "superseded")

_EVENT = "seq int8, slot int8, id text, domain text, generation int8, kind text, occurred_at float8, body bytea"
_EVENTS = f"""
    WITH new AS MATERIALIZED (SELECT * FROM {rows_from(_EVENT)}), fresh AS (
        INSERT INTO event_key(domain, generation, kind, seq) SELECT domain, generation, kind, seq FROM new ORDER BY place
        ON CONFLICT (domain, generation, kind) DO NOTHING RETURNING seq)
    INSERT INTO event(seq, slot, id, domain, generation, kind, occurred_at, body)
    SELECT seq, slot, id, domain, generation, kind, occurred_at, body FROM new JOIN fresh USING (seq)
"""
_PROGRESS = (
    "id text, slot int8, state text, attempts int8, next_at float8, first_at float8, done_at float8, last_status int8, "
    "last_error text"
)
_UPDATE = f"""
    UPDATE delivery SET slot = new.slot, state = new.state, attempts = new.attempts, next_at = new.next_at,
        first_at = new.first_at, done_at = new.done_at, last_status = new.last_status, last_error = new.last_error
    FROM {rows_from(_PROGRESS)} WHERE delivery.id = new.id RETURNING delivery.id
"""
_DELIVERY = (
    "id text, slot int8, lane text, domain text, position int8, body bytea, state text, attempts int8, next_at float8, "
    "first_at float8, done_at float8, last_status int8, last_error text"
)
_DELIVERY_NAMES = ", ".join(column.split()[0] for column in _DELIVERY.split(","))
_INSERT = f"""
    INSERT INTO delivery({_DELIVERY_NAMES}) SELECT {_DELIVERY_NAMES} FROM {rows_from(_DELIVERY)} ORDER BY place
"""
_LEDGER = "slot int8, domain text, at float8, kind text, state text, positive bool, rules text, body bytea, packed bool"
_LEDGER_NAMES = ", ".join(column.split()[0] for column in _LEDGER.split(","))
_JUDGED = f"""
    INSERT INTO ledger({_LEDGER_NAMES}) SELECT {_LEDGER_NAMES} FROM {rows_from(_LEDGER)} ORDER BY place
"""
_COUNT = "domain text, entries int8"
_COUNTED = f"""
    INSERT INTO ledger_name(domain, entries) SELECT domain, entries FROM {rows_from(_COUNT)}
    ON CONFLICT (domain) DO UPDATE SET entries = ledger_name.entries + excluded.entries RETURNING domain, entries
"""
# Whatever of a name lies behind its newest entries; nothing where there are not that many.
_TRIM = """
    DELETE FROM ledger WHERE domain = %(domain)s AND seq <= (
        SELECT seq FROM ledger WHERE domain = %(domain)s ORDER BY seq DESC LIMIT 1 OFFSET %(keep)s)
"""
_RECOUNT = """
    UPDATE ledger_name SET entries = (SELECT count(*) FROM ledger WHERE domain = %(domain)s) WHERE domain = %(domain)s
"""
_TRUST = (
    "method text, server text, suffix text, registered_ok float8, free_ok float8, failed_at float8, "
    "quarantined_until float8, reason text"
)
_TRUSTED = f"""
    INSERT INTO trust({row_codecs.TRUST_COLUMNS}) SELECT {row_codecs.TRUST_COLUMNS} FROM {rows_from(_TRUST)}
    ON CONFLICT (method, server, suffix) DO UPDATE SET registered_ok = excluded.registered_ok, free_ok = excluded.free_ok,
        failed_at = excluded.failed_at, quarantined_until = excluded.quarantined_until, reason = excluded.reason
"""
_PROBLEM = "entry text, code text, reason text"
_PROBLEMS = f"INSERT INTO problem(n, entry, code, reason) SELECT place, entry, code, reason FROM {rows_from(_PROBLEM)}"
_TEXT = "key text, value text"
_META = f"""
    INSERT INTO meta(key, value) SELECT key, value FROM {rows_from(_TEXT)}
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""


def require_partitions(connection: Connection, known: Partitions, changes: Changes) -> None:
    """Make the partitions that events and deliveries need, before anything waits for us."""
    known.require(connection, "event", [slot_of(row.occurred_at, partitions.EVENTS) for row in changes.events])
    known.require(connection, "delivery", [delivery_slot(row.lane, row.state, row.done_at) for row in changes.deliveries])


def write_events(connection: Connection, known: Partitions, rows: Sequence[EventRow]) -> None:
    """Record events; one whose domain, generation and kind were there before, also long ago, changes nothing."""
    if rows:
        fresh = {(row.domain, row.generation, row.kind): row for row in reversed(rows)}
        values = [_event_values(row) for row in sorted(fresh.values(), key=lambda row: row.seq)]
        known.require(connection, "event", {value[1] for value in values})
        connection.execute(_EVENTS, as_arrays(_EVENT, values))


def write_deliveries(connection: Connection, known: Partitions, rows: Sequence[DeliveryRow]) -> None:
    """Update the deliveries that are there, wherever they are, and insert the others; what is finished becomes history."""
    if not rows:
        return
    last, first = {row.id: row for row in rows}, {row.id: row for row in reversed(rows)}
    slots = {key: delivery_slot(row.lane, row.state, row.done_at) for key, row in last.items()}
    known.require(connection, "delivery", slots.values())
    progress = [(key, slots[key], *_progress(row)) for key, row in last.items()]
    # Planned anew each time: a plan of a moment in which nothing waits reads the whole index for each row, dead entries too.
    there = {row[0] for row in connection.execute(_UPDATE, as_arrays(_PROGRESS, progress), prepare=False, binary=True)}
    new = [
        (key, slots[key], kept.lane, kept.domain, kept.order, kept.body, *_progress(row))
        for key, row in last.items()
        if key not in there
        for kept in (first[key],)
    ]
    put(connection, _INSERT, _DELIVERY, new)


def delivery_slot(lane: str, state: str, done_at: float | None) -> int:
    """The partition of a delivery: 0 for one that is not finished."""
    if state not in FINISHED:
        return 0
    return -slot_of(done_at, partitions.RESULTS) if lane == RESULT else slot_of(done_at, partitions.NOTICES)


def write_ledger(connection: Connection, known: Partitions, rows: Sequence[LedgerRow], keep: int, width: int) -> None:
    """Add entries and leave the newest `keep` of each name that got some; `width` is that of a span, in seconds."""
    if not rows:
        return
    values = [(slot_of(row.at, width), *row_codecs.ledger_values(row)) for row in rows]
    known.require(connection, "ledger", {value[0] for value in values})
    connection.execute(_JUDGED, as_arrays(_LEDGER, values))
    counts = Counter(row.domain for row in rows)
    for domain, entries in rows_of(connection, _COUNTED, as_arrays(_COUNT, list(counts.items()))):
        if entries > keep:
            connection.execute(_TRIM, {"domain": domain, "keep": keep})
            connection.execute(_RECOUNT, {"domain": domain})


def write_trust(connection: Connection, rows: Sequence[TrustRow]) -> None:
    """Insert or replace what is known of servers."""
    last = {(row.method, row.server, row.suffix): row for row in rows}
    put(connection, _TRUSTED, _TRUST, [row_codecs.trust_values(row) for row in last.values()])


def write_problems(connection: Connection, rows: Sequence[ProblemRow]) -> None:
    """Replace all of them."""
    connection.execute("DELETE FROM problem")
    put(connection, _PROBLEMS, _PROBLEM, [row_codecs.problem_values(row) for row in rows])


def write_meta(connection: Connection, texts: dict[str, str]) -> None:
    """Insert or replace small named texts."""
    put(connection, _META, _TEXT, [(key, row_codecs.storable(value)) for key, value in texts.items()])


def _event_values(row: EventRow) -> tuple[Any, ...]:
    seq, *rest = row_codecs.event_values(row)
    return (seq, slot_of(row.occurred_at, partitions.EVENTS), *rest)


def _progress(row: DeliveryRow) -> tuple[Any, ...]:
    return row_codecs.delivery_values(row)[5:]
