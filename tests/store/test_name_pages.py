"""The two ways to a page of names give the same pages, however the names are spread and however little one look may cost."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from common.config import Settings
from common.core.model.records import Changes, DomainRow
from common.store import name_pages
from tests.store.builders import bounded_reader, domain, open_next
from tests.store.conftest import ALL_KINDS, empty_store

SUFFIXES = ("com",) * 80 + ("co.uk",) * 10 + ("org.uk",) * 8 + ("de", "xcom")
STATES = ("REGISTERED",) * 90 + ("UNKNOWN",) * 9 + ("REDEMPTION",)
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"state": "REGISTERED"},
    {"state": "UNKNOWN"},
    {"state": "REDEMPTION"},
    {"tld": "com"},
    {"tld": "uk"},
    {"tld": "de"},
    {"tld": "com", "state": "UNKNOWN"},
    {"tld": "uk", "state": "REGISTERED"},
    {"q": "7"},
    {"q": "com", "state": "UNKNOWN"},
    {"q": "1", "tld": "de"},
    {"q": "never"},
)


@pytest.fixture(scope="module", params=ALL_KINDS)
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, list[DomainRow]]]:
    """Two thousand names, mostly alike, and some unwatched."""
    chance = random.Random(1)
    rows = []
    for number in range(2000):
        name = f"{chance.choice('abcdef')}{chance.randrange(10**6)}-{number}.{chance.choice(SUFFIXES)}"
        # Names of one state lie together here and there, as after half a sweep.
        state = "UNKNOWN" if name.startswith("b") else chance.choice(STATES)
        rows.append(domain(name, id=number, state=state, watched=number % 5 != 0))
    settings = empty_store(request, request.param, tmp_path_factory.mktemp("listing") / "state")
    writer = open_next(settings)
    writer.apply(Changes(domains=rows))
    yield settings, rows
    writer.close()


@pytest.mark.parametrize("scan_limit", [1, 60, 3000, 50_000])
@pytest.mark.parametrize("limit", [3, 100, 5000])
def test_the_pages_together_are_the_names_that_match(
    stored: tuple[Settings, list[DomainRow]], monkeypatch: pytest.MonkeyPatch, scan_limit: int, limit: int
) -> None:
    """Each exactly once and in order, for every filter."""
    monkeypatch.setattr(name_pages, "LEAST", 5)  # both kinds bound a walk by it
    settings, rows = stored
    reader = bounded_reader(settings, scan_limit)
    for filters in FILTERS if scan_limit > 1 else FILTERS[-2:]:  # a page for each name
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = reader.domains(cursor=cursor, limit=limit, **filters)  # type: ignore[arg-type]  # only filters are passed
            assert len(page.rows) <= limit
            found += [each.row.name for each in page.rows]
            assert cursor is None or page.cursor is None or page.cursor > cursor
            if page.cursor is None:
                break
            cursor = page.cursor

        assert found == sorted(row.name for row in rows if row.watched and matches(row, **filters)), filters
    reader.close()


def matches(row: DomainRow, state: str = "", tld: str = "", q: str = "") -> bool:
    """What the filters mean."""
    return state in {"", row.state} and (not tld or f".{row.suffix}".endswith(f".{tld}")) and q in row.name


def test_few_names_are_sorted_and_many_are_walked(stored: tuple[Settings, list[DomainRow]]) -> None:
    """What is rare comes whole at once; what is frequent fills its page; text that is in no name ends after a bounded look."""
    reader = bounded_reader(stored[0], 500)
    redemption = reader.domains(state="REDEMPTION", limit=100)
    registered = reader.domains(state="REGISTERED", limit=5)
    nothing = reader.domains(q="never")

    assert redemption.cursor is None
    assert redemption.rows
    assert len(registered.rows) == 5
    assert (nothing.rows, nothing.cursor is not None) == ([], True)
    reader.close()
