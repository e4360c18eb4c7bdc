"""Names in PostgreSQL: many written at once, all of them read for a start, and one with its detail and its last look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from common.core.domains.last_look import BLOCK, SIZE
from common.core.model.records import Changes, DomainRow, Watch
from common.store.postgres.arrays import as_arrays, put, rows_from
from common.store.postgres.session import Connection, row_of, rows_of

if TYPE_CHECKING:
    from common.core.model.columns import NameColumns  # processes that only read need no numpy

T = TypeVar("T")

#: Names read at once by a start.
BATCH = 10_000
#: As `common.store.name_rows.DOMAIN_COLUMNS`, and where they are read from.
DOMAIN_COLUMNS = " ".join((
    "d.id, d.name, d.suffix, d.watched, d.priority, d.state, d.since, d.confidence, d.generation, d.checked_at, d.next_check,",
    "d.drop_earliest, d.drop_likely, d.drop_latest, d.drop_p, d.registry_due, d.close, coalesce(detail.body, ''::bytea),",
    f"substr(pulse.data, mod(d.id, {BLOCK}) * {SIZE} + 1, {SIZE})",
))  # fmt: skip
DOMAIN_FROM = f"domain d LEFT JOIN detail ON detail.id = d.id LEFT JOIN pulse ON pulse.block = d.id / {BLOCK}"

_NEW = "id int4, name text, suffix text, priority bool"
# A column that may not be empty is emptied where the id belongs to another name: that fails, and with it the transaction.
_INSERT = f"""
    INSERT INTO domain(id, name, suffix, watched, priority, state, confidence, generation, next_check, registry_due, close,
        detailed)
    SELECT id, name, suffix, true, priority, 'UNKNOWN', 0, 0, 0, 0, false, false FROM {rows_from(_NEW)}
    ON CONFLICT (id) DO UPDATE SET suffix = NULL WHERE domain.name <> excluded.name
"""
_ROW = (
    "id int4, name text, suffix text, watched bool, priority bool, state text, since float8, confidence float8, "
    "generation int8, checked_at float8, next_check float8, drop_earliest float8, drop_likely float8, drop_latest float8, "
    "drop_p float8, registry_due float8, close bool, detailed bool"
)
_ROW_NAMES = ", ".join(column.split()[0] for column in _ROW.split(","))
_UPSERT = f"""
    INSERT INTO domain({_ROW_NAMES}) SELECT {_ROW_NAMES} FROM {rows_from(_ROW)}
    ON CONFLICT (id) DO UPDATE SET suffix = CASE WHEN domain.name = excluded.name THEN excluded.suffix END,
        watched = excluded.watched, priority = excluded.priority, state = excluded.state, since = excluded.since,
        confidence = excluded.confidence, generation = excluded.generation, checked_at = excluded.checked_at,
        next_check = excluded.next_check, drop_earliest = excluded.drop_earliest, drop_likely = excluded.drop_likely,
        drop_latest = excluded.drop_latest, drop_p = excluded.drop_p, registry_due = excluded.registry_due,
        close = excluded.close, detailed = excluded.detailed
"""
_VALUES = attrgetter(
    "id", "name", "suffix", "watched", "priority", "state", "since", "confidence", "generation", "checked_at", "next_check",
    "drop_earliest", "drop_likely", "drop_latest", "drop_p", "registry_due", "close",
)  # fmt: skip
_WATCHES = "id int4, watched bool, priority bool"
_WATCH = f"""
    UPDATE domain SET watched = new.watched, priority = new.priority FROM {rows_from(_WATCHES)} WHERE domain.id = new.id
"""
_STATE = "UPDATE domain SET state = %s, since = %s, confidence = %s WHERE id = ANY(%b::int4[])"
_DETAILS = "id int4, body bytea"
_DETAIL = f"""
    INSERT INTO detail(id, body) SELECT id, body FROM {rows_from(_DETAILS)} ON CONFLICT (id) DO UPDATE SET body = excluded.body
"""
_NO_DETAIL = "DELETE FROM detail WHERE id = ANY(%b::int4[])"
_BLOCKS = "block int4, data bytea"
_LOOKS = f"""
    INSERT INTO pulse(block, data) SELECT block, data FROM {rows_from(_BLOCKS)}
    ON CONFLICT (block) DO UPDATE SET data = excluded.data
"""
_TEXTS = "n int8, text text"
_ADDRESS = f"""
    INSERT INTO address(n, text) SELECT n, text FROM {rows_from(_TEXTS)} ON CONFLICT (n) DO UPDATE SET text = excluded.text
"""
_COUNTS = "SELECT suffix, state, count(*) FROM domain WHERE watched AND id = ANY(%b::int4[]) GROUP BY suffix, state"
_MORE = "suffix text, state text, names int8"
_TALLY = f"""
    INSERT INTO tally(suffix, state, names) SELECT suffix, state, names FROM {rows_from(_MORE)}
    ON CONFLICT (suffix, state) DO UPDATE SET names = tally.names + excluded.names
"""
# The fields of `NameColumns`, each as one array.
_COLUMNS = """
    SELECT array_agg(id), array_agg(name), array_agg(suffix),
        array_agg(watched::int + 2 * priority::int + 4 * close::int + 8 * detailed::int), array_agg(state), array_agg(since),
        array_agg(confidence), array_agg(generation), array_agg(checked_at), array_agg(next_check), array_agg(drop_earliest),
        array_agg(drop_latest), array_agg(registry_due)
    FROM (SELECT * FROM domain WHERE id >= %s ORDER BY id LIMIT %s) found
"""


def write_names(connection: Connection, changes: Changes) -> None:
    """Everything of `changes` that is about names, inside the caller's transaction, in the order of the fields."""
    if touched := _touched(changes):
        before = _count_names(connection, touched)
        _write_some(connection, changes)
        _write_whole(connection, changes.domains)
        # A few rows in which every commit would leave dead ones: only counts that differ are written.
        more = _count_names(connection, touched)
        more.subtract(before)
        put(connection, _TALLY, _MORE, [(*place, names) for place, names in sorted(more.items()) if names])
    put(connection, _LOOKS, _BLOCKS, list(dict(changes.looks).items()))
    put(connection, _ADDRESS, _TEXTS, list(dict(changes.addresses).items()))


def read_batch(connection: Connection, begin: int) -> NameColumns | None:
    """The next names from an id on, by id; None where there is none."""
    from common.store.columns import columns_from_lists  # noqa: PLC0415  # processes that only read need no numpy

    row = row_of(connection, _COLUMNS, (begin, BATCH))
    return None if row is None or row[0] is None else columns_from_lists(row)


def _count_names(connection: Connection, ids: list[int]) -> Counter[tuple[str, str]]:
    """How many of these names are watched, by suffix and state."""
    return Counter({(suffix, state): names for suffix, state, names in rows_of(connection, _COUNTS, (ids,))})


def _write_some(connection: Connection, changes: Changes) -> None:
    """What is written without the whole row."""
    new = [(name.id, name.name, name.suffix, name.priority) for name in changes.new]
    put(connection, _INSERT, _NEW, _last(new, lambda row: row[:2]))
    put(connection, _WATCH, _WATCHES, _last(map(_watch, changes.watches), lambda row: row[0]))
    for change in changes.states:
        connection.execute(_STATE, (change.state, change.since, change.confidence, change.ids))


def _write_whole(connection: Connection, written: list[DomainRow]) -> None:
    if not written:
        return
    rows = _last(written, lambda row: (row.id, row.name))
    connection.execute(_UPSERT, as_arrays(_ROW, [(*_VALUES(row), bool(row.detail)) for row in rows]))
    put(connection, _DETAIL, _DETAILS, [(row.id, row.detail) for row in rows if row.detail])
    if empty := [row.id for row in rows if not row.detail]:
        connection.execute(_NO_DETAIL, (empty,))


def _last(items: Iterable[T], key: Any) -> list[T]:
    """Of items with the same key the last one: a statement may write a row once."""
    found: dict[Hashable, T] = {key(item): item for item in items}
    return list(found.values())


def _watch(watch: Watch) -> tuple[int, bool, bool]:
    return watch.id, watch.watched, watch.priority


def _touched(changes: Changes) -> list[int]:
    return list({number for numbers in _ids(changes) for number in numbers})


def _ids(changes: Changes) -> Iterator[Iterable[int]]:
    yield [name.id for name in changes.new]
    yield [watch.id for watch in changes.watches]
    yield from (change.ids for change in changes.states)
    yield [row.id for row in changes.domains]
