"""One answer out of those of several shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

from common.core.model.records import TrustRow
from common.store.drop_pages import parse_cursor
from common.store.store_contract import FoundName, Page


class Order(NamedTuple):
    """How a listing is ordered: the key of a row, the key that a cursor stands for, and the cursor of a row."""

    key: Callable[[FoundName], Any]
    parse: Callable[[str], Any]
    cursor: Callable[[FoundName], str]


BY_NAME = Order(lambda found: found.row.name, str, lambda found: found.row.name)
BY_DROP = Order(
    lambda found: (found.row.drop_likely, found.row.name),
    parse_cursor,
    lambda found: f"{found.row.drop_likely!r}|{found.row.name}",
)


def merge_pages(pages: Iterable[Page[FoundName]], limit: int, order: Order) -> Page[FoundName]:
    """The next page of all shards out of the next one of each, asked for with the same cursor and limit.

    A shard whose page has a cursor may have more right behind that: what the others have there is for a later page.
    """
    pages = list(pages)
    ends = [page.cursor for page in pages if page.cursor is not None]
    end = min(ends, key=order.parse, default=None)
    rows = sorted(chain.from_iterable(page.rows for page in pages), key=order.key)
    if end is not None:
        rows = [row for row in rows if order.key(row) <= order.parse(end)]
    if len(rows) > limit:
        return Page(rows[:limit], order.cursor(rows[limit - 1]))
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
