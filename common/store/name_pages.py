"""Which names belong on a page of the listing, in few milliseconds at a million names and with two indexes.

Names that match are either few: then they are taken from the index by suffix and state, and sorted. Or they are many: then a
walk along the index of the names meets enough of them soon. The tally says beforehand which of the two it is. A suffix and a
piece of text can be told from the name alone, a state only from the row, and a row costs as much as `ROW` names.
"""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

#: Reading a row costs as much as this many names in their index; measured at a million names.
ROW = 16
#: A walk that expects to end after so many names is cut off after `PATIENCE` times as many, but not before `LEAST`.
PATIENCE, LEAST = 8, 500

_TLD = "({0} = :tld OR substr({0}, -length(:tld) - 1) = '.' || :tld)"


def suffix_condition(column: str) -> str:
    """The condition that a suffix is `:tld` or lies under it; a name under a suffix ends with it."""
    return _TLD.format(column)


_CELL_TLD, _CELL_STATE = suffix_condition("tally.suffix"), "tally.state = :state"
# The indexes are named: without statistics SQLite takes others. Conditions on the name alone are tested before a row is read.
_FEW = """
    SELECT d.name, d.id FROM tally CROSS JOIN domain d INDEXED BY domain_place
        ON d.watched = 1 AND d.suffix = tally.suffix AND d.state = tally.state
    WHERE tally.names > 0 AND d.name > :after
"""
_MANY = "SELECT name, id FROM domain INDEXED BY domain_name WHERE watched = 1 AND name > :after"
_ORDERED = "ORDER BY name LIMIT :limit"
_END_OF_WALK = "SELECT name FROM domain INDEXED BY domain_name WHERE name > :after ORDER BY name LIMIT 1 OFFSET :walk"


class NamePageQuery(NamedTuple):
    """What the names of a page have in common: `tld` and `q` in lower case. `limit` is at least 1.

    `walk` bounds the names looked at in their index.
    """

    state: str | None
    tld: str | None
    q: str
    after: str
    limit: int
    walk: int


def name_page_ids(connection: sqlite3.Connection, wanted: NamePageQuery) -> tuple[list[int], str | None]:
    """Ids of watched names in the order of the names, and the cursor of the next page, None for the last."""
    total, matching = connection.execute(_count_statement(wanted), wanted._asdict()).fetchone()
    if not matching:
        return [], None
    expected = wanted.limit * total // matching
    parameters: dict[str, Any] = {**wanted._asdict(), "limit": wanted.limit + 1, "until": None}
    if _sorting_is_cheaper(wanted, matching, expected):
        statement = _sorted_statement(wanted)
    else:
        parameters["walk"] = _walk_bound(wanted, expected)
        end = connection.execute(_END_OF_WALK, parameters).fetchone()
        parameters["until"] = end[0] if end else None
        statement = _walk_statement(wanted, bounded=end is not None)
    found = connection.execute(statement, parameters).fetchall()
    cursor = found[wanted.limit - 1][0] if len(found) > wanted.limit else parameters["until"]
    return [row[1] for row in found[: wanted.limit]], cursor


def _sorting_is_cheaper(wanted: NamePageQuery, matching: int, expected: int) -> bool:
    """Whether reading and sorting all that match costs less than the walk to a full page."""
    if wanted.q:
        # Text that nearly every name contains makes the walk read a row for each of them, where a state is asked for too.
        return matching * ROW <= wanted.walk * (4 if wanted.state is not None else 1)
    if wanted.state is not None:
        return matching <= min(expected, wanted.walk // ROW)
    return matching * ROW <= min(expected, wanted.walk)


def _walk_bound(wanted: NamePageQuery, expected: int) -> int:
    """Most names looked at; how many contain a piece of text is not known beforehand."""
    most = wanted.walk if wanted.q or wanted.state is None else max(wanted.walk // ROW, PATIENCE * wanted.limit)
    return max(most if wanted.q else min(most, max(PATIENCE * expected, LEAST)), 1)


def _count_statement(wanted: NamePageQuery) -> str:
    match = " AND ".join(("names > 0", *_tally_conditions(wanted)))
    return " ".join(("SELECT coalesce(sum(names), 0), coalesce(sum(names) FILTER (WHERE", match, "), 0) FROM tally"))


def _sorted_statement(wanted: NamePageQuery) -> str:
    contains = ["instr(d.name, :q) > 0"] * bool(wanted.q)
    return " AND ".join((_FEW, *_tally_conditions(wanted), *contains)) + " " + _ORDERED


def _walk_statement(wanted: NamePageQuery, *, bounded: bool) -> str:
    pieces = ["name <= :until"] * bounded + ["instr(name, :q) > 0"] * bool(wanted.q)
    pieces += [suffix_condition("name")] * (wanted.tld is not None) + ["state = :state"] * (wanted.state is not None)
    return " AND ".join((_MANY, *pieces)) + " " + _ORDERED


def _tally_conditions(wanted: NamePageQuery) -> list[str]:
    """The conditions that a cell of the tally answers."""
    return [_CELL_TLD] * (wanted.tld is not None) + [_CELL_STATE] * (wanted.state is not None)
