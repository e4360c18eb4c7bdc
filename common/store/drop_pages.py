"""Names expected to drop, page by page in the order of their likely time, from an index that holds all that is asked for.

The place of a page is a key and not an offset: page 1,000 costs what page 1 costs. A filter that few names pass bounds the
names that one page looks at; such a page is short and has a cursor.
"""

from __future__ import annotations

import sqlite3
from math import isfinite
from typing import NamedTuple

from common.store.name_pages import suffix_condition
from common.store.store_contract import DropQuery

#: A place in the order: the likely time in epoch seconds, and the name.
Place = tuple[float, str]

# The index is named: without statistics SQLite takes another one.
_FROM = "FROM domain d INDEXED BY domain_drop WHERE d.watched = 1 AND d.drop_likely IS NOT NULL"
_AFTER, _BEFORE = "(d.drop_likely, d.name) > (:likely, :name)", "d.drop_likely < :end"
_ORDER = "ORDER BY d.drop_likely, d.name"
_END_OF_WALK = " ".join(
    ("SELECT d.drop_likely, d.name", " AND ".join((_FROM, _AFTER, _BEFORE)), _ORDER, "LIMIT 1 OFFSET :walk")
)
#: Windows whose likely time is over count for as long as their end is not.
_OPEN = "(d.drop_likely >= :open_at OR d.drop_latest >= :open_at)"
# The first of the two ends the scan, the second is exact where many names share a time.
_UNTIL = "d.drop_likely <= :until_likely AND (d.drop_likely, d.name) <= (:until_likely, :until_name)"


class DropPage(NamedTuple):
    """Ids of a page in order, and the place where the next one begins; None for the last."""

    ids: list[int]
    cursor: str | None


def parse_cursor(cursor: str) -> Place | None:
    """The place that a cursor of `page_ids` stands for; None for any other text."""
    likely, separator, name = cursor.partition("|")
    try:
        at = float(likely)
    except ValueError:
        return None
    return (at, name) if separator and name and isfinite(at) else None


def cursor_of(likely: float, name: str) -> str:
    """The cursor of a place."""
    return f"{likely!r}|{name}"


def drop_page_ids(connection: sqlite3.Connection, wanted: DropQuery, cursor: str | None, limit: int, walk: int) -> DropPage:
    """The page after `cursor`; `walk` bounds the names looked at. A cursor that is none begins at the beginning."""
    likely, name = (parse_cursor(cursor) if cursor else None) or (wanted.start, "")
    values = {**wanted._asdict(), "likely": likely, "name": name, "limit": limit + 1, "walk": walk}
    every_row_counts = likely >= wanted.open_at and len(_filters(wanted)) == 1
    end = None if every_row_counts else connection.execute(_END_OF_WALK, values).fetchone()
    conditions = [_FROM, _AFTER, _UNTIL if end else _BEFORE, *_filters(wanted)]
    values |= {"until_likely": end[0], "until_name": end[1]} if end else {}
    statement = " ".join(("SELECT d.id, d.drop_likely, d.name", " AND ".join(conditions), _ORDER, "LIMIT :limit"))
    found = connection.execute(statement, values).fetchall()
    last = found[limit - 1][1:] if len(found) > limit else end
    return DropPage([row[0] for row in found[:limit]], None if last is None else cursor_of(*last))


def count_drops(connection: sqlite3.Connection, wanted: DropQuery) -> int:
    """How many names all the pages have together."""
    values = {**wanted._asdict(), "likely": wanted.start, "name": ""}
    conditions = " AND ".join((_FROM, _AFTER, _BEFORE, *_filters(wanted)))
    return int(connection.execute(" ".join(("SELECT count(*)", conditions)), values).fetchone()[0])


def _filters(wanted: DropQuery) -> list[str]:
    found = [_OPEN]
    found += ["d.state = :state"] * (wanted.state is not None)
    found += [suffix_condition("d.suffix")] * (wanted.tld is not None)
    return found + ["d.priority = :priority"] * (wanted.priority is not None)
