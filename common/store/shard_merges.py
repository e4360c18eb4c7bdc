"""One answer out of those of several shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from common.core.model.records import TrustRow
from common.store.drop_pages import cursor_of, parse_cursor
from common.store.store_contract import Page

T = TypeVar("T")


class Order(NamedTuple):
    """How a listing is ordered: the place that a cursor stands for, and the cursor of a place. Places compare."""

    parse: Callable[[str], Any]
    cursor: Callable[[Any], str]


BY_NAME = Order(str, str)
BY_DROP = Order(parse_cursor, lambda place: cursor_of(*place))


def merge_pages(pages: Sequence[Page[tuple[Any, T]]], limit: int, order: Order) -> Page[tuple[Any, T]]:
    """The next page of all shards out of the next one of each, asked for with the same cursor and limit: places and items.

    A shard whose page has a cursor may have more right behind that: what the others have there is for a later page.
    """
    ends = [page.cursor for page in pages if page.cursor is not None]
    end = min(ends, key=order.parse, default=None)
    rows = sorted(chain.from_iterable(page.rows for page in pages), key=itemgetter(0))
    if end is not None:
        last = order.parse(end)
        rows = [row for row in rows if row[0] <= last]
    if len(rows) > limit:
        return Page(rows[:limit], order.cursor(rows[limit - 1][0]))
    return Page(rows, end)


def sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Numbers by key, added up."""
    found: Counter[str] = Counter()
    for some in counts:
        found.update(some)
    return dict(found)


def merge_trust(rows: Iterable[TrustRow]) -> list[TrustRow]:
    """What is known of each server for each suffix, by the shard that trusts it least."""
    found: dict[tuple[str, str, str], TrustRow] = {}
    for row in sorted(rows, key=_caution):
        found[row.method, row.server, row.suffix] = row
    return list(found.values())


def _caution(row: TrustRow) -> tuple[float, ...]:
    return row.quarantined_until, row.failed_at, -row.registered_ok, -row.free_ok
