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

_CELLS = "names > 0 AND (:state IS NULL OR tally.state = :state) AND (:tld IS NULL OR tally.suffix = :tld OR {under})".format(
    under="substr(tally.suffix, -length(:tld) - 1) = '.' || :tld"
)
_COUNTS = " ".join(("SELECT coalesce(sum(names), 0), coalesce(sum(names) FILTER (WHERE", _CELLS, "), 0) FROM tally"))
# The index is named: without statistics SQLite walks all names for ORDER BY.
_FEW = " ".join((
    "SELECT d.name, d.id FROM tally CROSS JOIN domain d INDEXED BY domain_place",
    "ON d.watched = 1 AND d.suffix = tally.suffix AND d.state = tally.state WHERE",
    _CELLS,
    "AND d.name > :after AND (:q = '' OR instr(d.name, :q) > 0) ORDER BY d.name LIMIT :limit",
))  # fmt: skip
# A name under a suffix ends with it.
_MANY = """
    SELECT name, id FROM domain INDEXED BY domain_name
    WHERE name > :after AND (:until IS NULL OR name <= :until) AND (:q = '' OR instr(name, :q) > 0)
        AND (:tld IS NULL OR substr(name, -length(:tld) - 1) = '.' || :tld)
        AND watched = 1 AND (:state IS NULL OR state = :state)
    ORDER BY name LIMIT :limit
"""
_END_OF_WALK = "SELECT name FROM domain INDEXED BY domain_name WHERE name > :after ORDER BY name LIMIT 1 OFFSET :walk"


class Wanted(NamedTuple):
    """What the names of a page have in common: `tld` and `q` in lower case. `limit` is at least 1.

    `walk` bounds the names looked at in their index.
    """

    state: str | None
    tld: str | None
    q: str
    after: str
    limit: int
    walk: int


def page_ids(connection: sqlite3.Connection, wanted: Wanted) -> tuple[list[int], str | None]:
    """Ids of watched names in the order of the names, and the cursor of the next page, None for the last."""
    parameters: dict[str, Any] = {**wanted._asdict(), "limit": wanted.limit + 1, "until": None}
    total, matching = connection.execute(_COUNTS, parameters).fetchone()
    if not matching:
        return [], None
    parameters["walk"] = walk = _walk(wanted)
    if _few(wanted, total, matching, walk):
        found = connection.execute(_FEW, parameters).fetchall()
    else:
        end = connection.execute(_END_OF_WALK, parameters).fetchone()
        parameters["until"] = end[0] if end else None
        found = connection.execute(_MANY, parameters).fetchall()
    cursor = found[wanted.limit - 1][0] if len(found) > wanted.limit else parameters["until"]
    return [row[1] for row in found[: wanted.limit]], cursor


def _walk(wanted: Wanted) -> int:
    """Most names looked at: fewer where each one costs a row."""
    return max(wanted.walk // ROW if wanted.state is not None and not wanted.q else wanted.walk, 1)


def _few(wanted: Wanted, total: int, matching: int, walk: int) -> bool:
    """Whether sorting all that match costs less than the walk to a full page."""
    steps = walk if wanted.q else min(walk, wanted.limit * total // matching)
    rows = wanted.state is not None and not wanted.q
    return matching * ROW <= steps * (ROW if rows else 1)
