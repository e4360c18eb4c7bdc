"""What every store promises to its readers."""

from __future__ import annotations

import threading

import pytest

from common.config import Settings
from common.core.model.records import Changes, DomainRow, ProblemRow, TrustRow
from common.errors import StoreError
from common.store.reader import open_reader
from common.store.store_contract import DropQuery, FoundName, Reader, Writer
from tests.store.builders import delivery, domain, event, judgement
from tests.store.conftest import FIRST, KINDS

STATES = ("REGISTERED", "REDEMPTION", "UNKNOWN")
SUFFIXES = ("com", "co.uk", "org.uk", "uk", "xuk", "de")


@pytest.fixture
def names(writer: Writer) -> list[DomainRow]:
    """Sixty watched names over several suffixes and states, and one that is not watched any more."""
    rows = [domain(f"n{n * 7 % 60:02}.{SUFFIXES[n % 6]}", state=STATES[n % 3], drop_likely=float(n)) for n in range(60)]
    writer.apply(Changes(domains=[*rows, domain("gone.com", watched=False, drop_likely=1.0)]))
    return rows


def collect(reader: Reader, limit: int = 7, **filters: str) -> list[str]:
    """All pages together."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = reader.domains(cursor=cursor, limit=limit, **filters)  # type: ignore[arg-type]  # only filters are passed
        assert len(page.rows) <= limit
        found += [each.row.name for each in page.rows]
        cursor = page.cursor
        if cursor is None:
            return found


UK = {"uk", "co.uk", "org.uk"}


@pytest.mark.parametrize("limit", [1, 7, 60, 1000])
@pytest.mark.parametrize(
    ("filters", "suffixes"),
    [
        ({}, set(SUFFIXES)),
        ({"state": "UNKNOWN"}, set(SUFFIXES)),
        ({"tld": "com"}, {"com"}),
        ({"tld": ".CO.UK"}, {"co.uk"}),
        ({"tld": "uk"}, UK),
        ({"tld": "uk", "state": "REDEMPTION"}, UK),
        ({"q": "N1"}, set(SUFFIXES)),
        ({"q": "1.", "tld": "uk"}, UK),
        ({"q": "1", "state": "UNKNOWN", "tld": "org.uk"}, {"org.uk"}),
        ({"q": "%"}, set(SUFFIXES)),
        ({"tld": "zz"}, set()),
        ({"state": "NONSENSE"}, set(SUFFIXES)),
    ],
)
def test_pages_together_are_the_whole_answer(
    reader: Reader, names: list[DomainRow], filters: dict[str, str], suffixes: set[str], limit: int
) -> None:
    """Whatever the filters and the page size, each matching name comes exactly once, in order."""
    expected = [
        row.name
        for row in names
        if row.suffix in suffixes and row.state == filters.get("state", row.state) and filters.get("q", "").lower() in row.name
    ]

    assert collect(reader, limit, **filters) == sorted(expected)


def test_a_page_holds_whole_rows(reader: Reader, names: list[DomainRow]) -> None:
    """Listings and single look-ups give the same row."""
    found = reader.domains(limit=1).rows[0]

    assert found == FoundName(min(names, key=lambda each: each.name), None)
    assert reader.domain(found.row.name) == found
    assert reader.domain("gone.com") == FoundName(domain("gone.com", watched=False, drop_likely=1.0), None)
    assert reader.domain("never.com") is None


@pytest.mark.usefixtures("names")
def test_counts_are_of_watched_names(reader: Reader) -> None:
    """A name that left the list is not counted."""
    assert reader.count_by_state() == dict.fromkeys(STATES, 20)
    assert reader.tlds() == dict.fromkeys(SUFFIXES, 10)


def test_drops_come_soonest_first(reader: Reader, names: list[DomainRow]) -> None:
    """The interval is half open, and only watched names count."""
    assert [each.row.drop_likely for each in reader.drops(DropQuery(1.0, 5.0, 0.0)).rows] == [1.0, 2.0, 3.0, 4.0]
    assert [each.row.drop_likely for each in reader.drops(DropQuery(1.0, 50.0, 0.0), limit=2).rows] == [1.0, 2.0]
    assert len(names) == 60


def test_windows_that_are_over_hide_none_that_is_open(writer: Writer, reader: Reader, names: list[DomainRow]) -> None:
    """However many there are: what is asked for is chosen before it is counted."""
    ends = {0: 900.0, 1: 1000.0, 2: None, 3: 1000.5}
    windows = [domain(f"w{n}.com", drop_likely=100.0 + n, drop_latest=ends.get(n % 50, 999.0)) for n in range(200)]
    writer.apply(Changes(domains=[*windows, domain("left.com", watched=False, drop_likely=100.0, drop_latest=2000.0)]))

    found = reader.drops(DropQuery(100.0, 300.0, 1000.0), limit=7).rows
    assert [each.row.name for each in found] == ["w1.com", "w3.com", "w51.com", "w53.com", "w101.com", "w103.com", "w151.com"]
    assert [each.row.name for each in reader.drops(DropQuery(100.0, 103.0, 1000.0)).rows] == ["w1.com"]
    assert len(names) == 60


def test_events_follow_their_sequence(writer: Writer, reader: Reader) -> None:
    """A subscriber that saw a gap gets what it missed."""
    assert (reader.last_seq(), reader.events()) == (0, [])
    rows = [event(n, "a.com" if n % 2 else "b.com", generation=n) for n in range(1, 9)]
    writer.apply(Changes(events=rows))

    assert reader.events(after=3, limit=2) == rows[3:5]
    assert reader.events(after=8) == []
    assert reader.events(after=-(1 << 90), limit=100_000) == rows
    assert reader.last_seq() == 8


def test_a_record_has_a_name_with_its_newest_events_and_the_entries_that_explain_it(writer: Writer, reader: Reader) -> None:
    """The ledger's newest entry, and the newest at or before the time since when the state holds; none where that is open."""
    times = (1.0, 2.0, 3.0)
    writer.apply(
        Changes(
            domains=[domain("a.com", since=2.0), domain("b.com")],
            events=[event(n, "a.com" if n % 2 else "b.com", generation=n) for n in range(1, 8)],
            ledger=[judgement(name, at) for at in times for name in ("a.com", "b.com")],
        )
    )

    found, undated = reader.domain_record("a.com", events=3), reader.domain_record("b.com")

    assert found is not None
    assert undated is not None
    assert (found.found, [row.seq for row in found.events]) == (reader.domain("a.com"), [7, 5, 3])
    assert found.last_entry is not None
    assert found.state_entry is not None
    assert (found.last_entry.at, found.state_entry.at, found.state_entry.domain) == (3.0, 2.0, "a.com")
    assert undated.last_entry is not None
    assert (undated.last_entry.at, undated.state_entry) == (3.0, None)
    assert reader.domain_record("c.com") is None


def test_deliveries_page_newest_first(writer: Writer, reader: Reader) -> None:
    """Each state can be paged on its own."""
    rows = [delivery(f"d{n}", state="parked" if n % 2 else "pending") for n in range(10)]
    writer.apply(Changes(deliveries=rows))
    first = reader.deliveries(state="parked", limit=3)
    second = reader.deliveries(state="parked", limit=3, cursor=first.cursor)

    assert [row.id for row in first.rows + second.rows] == ["d9", "d7", "d5", "d3", "d1"]
    assert second.cursor is None
    assert [row.id for row in reader.deliveries(limit=4).rows] == ["d9", "d8", "d7", "d6"]
    assert reader.delivery_counts() == {"parked": 5, "pending": 5}
    assert reader.delivery("d3") == rows[3]


@pytest.mark.parametrize("new_settings", [*KINDS, FIRST], indirect=True)
def test_problems_keep_the_order_of_the_list(writer: Writer, reader: Reader) -> None:
    """Every entry that cannot be monitored can be looked at."""
    rows = [ProblemRow(f"entry {n}", "bad", "why") for n in range(5)]
    writer.apply(Changes(problems=rows))
    first = reader.problems(limit=3)
    second = reader.problems(limit=3, cursor=first.cursor)

    assert first.rows + second.rows == rows
    assert second.cursor is None
    assert reader.problem_count() == 5


@pytest.mark.parametrize("cursor", ["", "x", "-1", "9" * 40, "²", "\ud800", "1.5", "\x00"])
def test_a_made_up_cursor_does_no_harm(writer: Writer, reader: Reader, cursor: str) -> None:
    """Any text is taken; the worst that happens is an empty page."""
    writer.apply(Changes(domains=[domain("a.com")], deliveries=[delivery("d")], problems=[ProblemRow("a", "c", "r")]))

    assert len(reader.domains(cursor=cursor, q="a").rows) <= 1
    assert len(reader.deliveries(cursor=cursor).rows) <= 1
    assert len(reader.problems(cursor=cursor).rows) <= 1
    assert reader.domain(cursor) is None


def test_a_reader_sees_each_commit(writer: Writer, reader: Reader) -> None:
    """What a writer has returned from is visible at once."""
    for n in range(20):
        writer.apply(Changes(meta={"n": str(n)}))
        assert reader.meta("n") == str(n)


def test_threads_may_share_a_reader_while_the_writer_works(writer: Writer, reader: Reader) -> None:
    """No thread fails, and state and event are never seen apart."""
    trouble: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            before = reader.last_seq()
            found = reader.domain("a.com")
            if found is not None and found.row.generation < before:
                trouble.append(f"generation {found.row.generation} after event {before}")

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(1, 200):
        writer.apply(Changes(domains=[domain("a.com", generation=n)], events=[event(n, "a.com", generation=n)]))
    stop.set()
    for thread in threads:
        thread.join()

    assert trouble == []


def test_no_store_yet_is_a_clear_error(settings: Settings) -> None:
    """The error names the process that makes the store."""
    with pytest.raises(StoreError, match="coordinator makes it"):
        open_reader(settings)


def test_a_closed_reader_says_so(reader: Reader) -> None:
    """Closing twice is harmless, using it afterwards is an error of ours."""
    reader.close()
    reader.close()
    with pytest.raises(StoreError, match="closed"):
        reader.last_seq()
    with pytest.raises(StoreError, match="closed"):
        next(reader.names())


def test_the_trust_in_servers_can_be_read(writer: Writer, reader: Reader) -> None:
    """As it was written last."""
    row = TrustRow("rdap", "rdap.example", "com", 1.0, 2.0, 3.0, 4.0, "it lies")
    assert reader.trust() == []
    writer.apply(Changes(trust=[row, TrustRow("dns", "com", "com")]))
    writer.apply(Changes(trust=[TrustRow("dns", "com", "com", 9.0)]))

    assert sorted(reader.trust(), key=lambda found: found.method) == [TrustRow("dns", "com", "com", 9.0), row]
