"""What readers are asked with, as it comes from outside: texts that can be stored, limits and places within their bounds."""

from __future__ import annotations

from typing import Any

from common.store import row_codecs
from common.store.store_contract import MAX_LIMIT, DropQuery

#: The largest number that a database takes.
LAST = (1 << 63) - 1


def storable_texts(parameters: tuple[Any, ...]) -> tuple[Any, ...]:
    """A lone surrogate in a request: nothing is stored under such text."""
    return tuple(row_codecs.storable(value) if isinstance(value, str) else value for value in parameters)


def clean_query(wanted: DropQuery) -> DropQuery:
    """The suffix as it is stored."""
    return DropQuery(*storable_texts(wanted._replace(tld=wanted.tld.lower().strip(".") if wanted.tld else None)))


def bounded_limit(limit: int) -> int:
    """A limit within 1..MAX_LIMIT."""
    return max(1, min(limit, MAX_LIMIT))


def clamp_integer(value: int) -> int:
    """A whole number that a database takes."""
    return max(-LAST, min(value, LAST))


def parse_position(cursor: str | None, start: int) -> int:
    """A cursor from outside: anything that is no number starts at the beginning."""
    return clamp_integer(int(cursor)) if cursor and cursor.isascii() and cursor.isdecimal() and len(cursor) < 20 else start
