"""Which names belong on a page: the listing by name, and the names expected to drop by time.

As in SQLite (`common.store.name_pages`, `common.store.drop_pages`): places are keys, not offsets, the tally says beforehand
whether the names that match are few, and what one page looks at is bounded. The server is not left to choose: without
statistics it would take other indexes, so the few are found in a query of their own, and a walk is cut off inside.
"""

from __future__ import annotations

from typing import Any

from common.store import name_pages
from common.store.drop_pages import cursor_of, parse_cursor
from common.store.name_pages import NamePageQuery
from common.store.postgres.session import Connection, row_of, rows_of
from common.store.store_contract import DropQuery, Page

_TLD = "({0} = %(tld)s OR right({0}, length(%(tld)s::text) + 1) = '.' || %(tld)s)"
_COUNT = "SELECT coalesce(sum(names), 0)::int8, coalesce(sum(names) FILTER (WHERE {}), 0)::int8 FROM tally"
_FEW = """
    WITH few AS MATERIALIZED (
        SELECT d.name, d.id FROM tally JOIN domain d ON d.watched AND d.suffix = tally.suffix AND d.state = tally.state
        WHERE {})
    SELECT name, id FROM few WHERE name > %(after)s{} ORDER BY name LIMIT %(limit)s
"""
_WALK = """
    SELECT name, id FROM (
        SELECT name, id, watched, state FROM domain WHERE name > %(after)s ORDER BY name LIMIT %(walk)s) walk
    WHERE {} ORDER BY name LIMIT %(limit)s
"""
_END_OF_WALK = "SELECT name FROM domain WHERE name > %(after)s ORDER BY name OFFSET %(last)s LIMIT 1"

_DROPS = "FROM domain d WHERE d.watched AND d.drop_likely IS NOT NULL"
_AFTER, _BEFORE = "(d.drop_likely, d.name) > (%(likely)s::float8, %(name)s)", "d.drop_likely < %(end)s"
#: Windows whose likely time is over count for as long as their end is not.
_OPEN = "(d.drop_likely >= %(open_at)s OR d.drop_latest >= %(open_at)s)"
_UNTIL = "(d.drop_likely, d.name) <= (%(until_likely)s::float8, %(until_name)s)"
_BY_TIME = "ORDER BY d.drop_likely, d.name"
_END_OF_DROPS = " ".join(
    ("SELECT d.drop_likely, d.name", " AND ".join((_DROPS, _AFTER, _BEFORE)), _BY_TIME, "OFFSET %(walk)s LIMIT 1")
)


#: A name in a listing: its place in the order, which is the name, or its likely time and the name; and its number.
Placed = tuple[Any, int]


def name_page(connection: Connection, wanted: NamePageQuery) -> Page[Placed]:
    """Watched names in the order of the names."""
    values: dict[str, Any] = wanted._asdict()
    cells = _cell_conditions(wanted)
    total, matching = row_of(connection, _COUNT.format(" AND ".join(["names > 0", *cells])), values) or (0, 0)
    if not matching:
        return Page([])
    expected, until = wanted.limit * total // matching, None
    values["limit"] = wanted.limit + 1
    if matching <= (wanted.walk if wanted.q else min(expected, wanted.walk)):  # a row is read either way
        contains = " AND strpos(name, %(q)s) > 0" * bool(wanted.q)
        statement = _FEW.format(" AND ".join(["tally.names > 0", *cells]), contains)
    else:
        values["walk"] = _walk_bound(wanted, expected)
        statement = _WALK.format(" AND ".join(_row_conditions(wanted)))
        until = row_of(connection, _END_OF_WALK, {**values, "last": values["walk"] - 1})
    found = rows_of(connection, statement, values)
    last = found[wanted.limit - 1] if len(found) > wanted.limit else until
    return Page([(row[0], row[1]) for row in found[: wanted.limit]], None if last is None else str(last[0]))


def drop_page(connection: Connection, wanted: DropQuery, cursor: str | None, limit: int, walk: int) -> Page[Placed]:
    """The page after `cursor`; `walk` bounds the names looked at. A cursor that is none begins at the beginning."""
    likely, name = (parse_cursor(cursor) if cursor else None) or (wanted.start, "")
    values = {**wanted._asdict(), "likely": likely, "name": name, "limit": limit + 1, "walk": walk}
    every_row_counts = likely >= wanted.open_at and len(_drop_filters(wanted)) == 1
    end = None if every_row_counts else row_of(connection, _END_OF_DROPS, values)
    conditions = [_DROPS, _AFTER, _UNTIL if end else _BEFORE, *_drop_filters(wanted)]
    values |= {"until_likely": end[0], "until_name": end[1]} if end else {}
    statement = " ".join(("SELECT d.id, d.drop_likely, d.name", " AND ".join(conditions), _BY_TIME, "LIMIT %(limit)s"))
    found = rows_of(connection, statement, values)
    last = found[limit - 1][1:] if len(found) > limit else end
    places = [((likely, name), number) for number, likely, name in found[:limit]]
    return Page(places, None if last is None else cursor_of(*last))


def count_drops(connection: Connection, wanted: DropQuery) -> int:
    """How many names all the pages have together."""
    values = {**wanted._asdict(), "likely": wanted.start, "name": ""}
    conditions = [_DROPS, _AFTER, _BEFORE, *_drop_filters(wanted)]
    row = row_of(connection, " ".join(("SELECT count(*)", " AND ".join(conditions))), values)
    return int(row[0]) if row else 0


def _walk_bound(wanted: NamePageQuery, expected: int) -> int:
    """Most names looked at; how many contain a piece of text is not known beforehand."""
    return wanted.walk if wanted.q else max(min(wanted.walk, max(name_pages.PATIENCE * expected, name_pages.LEAST)), 1)


def _cell_conditions(wanted: NamePageQuery) -> list[str]:
    """The conditions that a cell of the tally answers."""
    found = [_TLD.format("tally.suffix")] * (wanted.tld is not None)
    return found + ["tally.state = %(state)s"] * (wanted.state is not None)


def _row_conditions(wanted: NamePageQuery) -> list[str]:
    """The conditions on a name that a walk comes by."""
    found = ["watched"] + ["strpos(name, %(q)s) > 0"] * bool(wanted.q)
    found += [_TLD.format("name")] * (wanted.tld is not None)
    return found + ["state = %(state)s"] * (wanted.state is not None)


def _drop_filters(wanted: DropQuery) -> list[str]:
    found = [_OPEN]
    found += ["d.state = %(state)s"] * (wanted.state is not None)
    found += [_TLD.format("d.suffix")] * (wanted.tld is not None)
    return found + ["d.priority = %(priority)s"] * (wanted.priority is not None)
