"""Names expected to drop: every page of them, from one index, at the price of what it shows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.config import Settings
from common.core.model.records import Changes
from common.store import drop_pages
from common.store.store_contract import DropQuery, Writer
from tests.store.builders import bounded_reader, domain, next_writer


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        ({}, lambda _: True),
        ({"state": "REDEMPTION"}, lambda n: n % 3 == 1),
        ({"tld": "uk"}, lambda n: n % 2 == 0),
        ({"tld": "COM", "priority": True}, lambda n: n % 10 == 5),
        ({"priority": False}, lambda n: n % 5 != 0),
        ({"state": "UNKNOWN"}, lambda _: False),
    ],
)
def test_pages_of_drops_together_are_all_of_them(
    settings: Settings, writer: Writer, filters: dict[str, Any], chosen: Callable[[int], bool], limit: int
) -> None:
    """By likely time and then by name, however many share a time, whatever is asked for, also where a walk is cut off."""
    ends = ["co.uk", "com"]
    rows = [
        domain(
            f"n{n:03d}.{ends[n % 2]}",
            drop_likely=100.0 + n // 40,
            drop_latest=500.0,
            priority=n % 5 == 0,
            state="REDEMPTION" if n % 3 == 1 else "REGISTERED",
        )
        for n in range(200)
    ]
    writer.apply(Changes(domains=rows))
    reader = bounded_reader(settings, scan_limit=10)
    wanted, found, cursor = DropQuery(0.0, 200.0, 150.0, **filters), list[str](), None
    while True:
        page = reader.drops(wanted, cursor=cursor, limit=limit)
        found += [each.row.name for each in page.rows]
        cursor = page.cursor
        if cursor is None:
            break

    assert found == [row.name for n, row in enumerate(rows) if chosen(n)]
    assert reader.drops_count(wanted) == len(found)
    reader.close()


def test_a_page_of_drops_reads_its_index_alone(tmp_path: Path) -> None:
    """No row is read before it is on the page, and nothing is sorted: a page costs what it shows."""
    writer = next_writer(tmp_path / "store.db")
    writer.apply(Changes(domains=[domain("a.com", drop_likely=1.0)]))
    raw = sqlite3.connect(tmp_path / "store.db")
    seen: list[str] = []
    raw.set_trace_callback(seen.append)
    for wanted in (DropQuery(0.0, 9.0, 9.0), DropQuery(0.0, 9.0, 9.0, "UNKNOWN", "com", True)):
        drop_pages.drop_page_ids(raw, wanted, None, 5, 10)
        drop_pages.count_drops(raw, wanted)
    raw.set_trace_callback(None)
    plans = [row[3] for statement in seen for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]
    raw.close()
    writer.close()

    assert len(plans) == 6
    assert {plan.partition(" (")[0] for plan in plans} == {"SEARCH d USING COVERING INDEX domain_drop"}


@pytest.mark.parametrize("cursor", ["", "x", "1.0", "|a.com", "nan|a.com", "inf|a.com", "1.0|", "\ud800|\ud800"])
def test_a_senseless_place_among_the_drops_is_none(cursor: str) -> None:
    """Only what a page named is a place."""
    assert drop_pages.parse_cursor(cursor) is None
