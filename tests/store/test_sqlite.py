"""What is special to SQLite: the file, its lock, its damage, its speed, and the death of the writer."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.core.model.records import Changes
from common.errors import StoreError
from common.store.reader import SqliteReader
from common.store.sqlite import translate_errors
from common.store.store_contract import FoundName
from common.store.writer import SqliteWriter
from tests.store.builders import delivery, domain, event, judgement, next_writer

#: Writes transactions of a state, an event, a delivery and a judgement until it is killed; prints each number that returned.
CHILD = """
import sys
from pathlib import Path
from common.core.model.records import (Changes)
from tests.store.builders import delivery, domain, event, judgement, next_writer

writer = next_writer(Path(sys.argv[1]))
start = writer.load().next_seq
for n in range(start, start + 100_000):
    name = f"n{n % 50}.com"
    item = event(n, name, generation=n)
    state = domain(name, generation=n, detail=bytes(4000))
    kept = judgement(name, float(n))
    writer.apply(Changes(domains=[state], events=[item], deliveries=[delivery(item.id)], ledger=[kept]))
    print(n, flush=True)
"""
#: Counts, in one statement and so in one state, what is there without its counterpart.
TORN = """
    SELECT (SELECT count(*) FROM event LEFT JOIN delivery USING (id) WHERE delivery.id IS NULL)
         + (SELECT count(*) FROM delivery LEFT JOIN event USING (id) WHERE event.id IS NULL)
         + (SELECT count(*) FROM event LEFT JOIN ledger ON ledger.at = event.seq WHERE ledger.at IS NULL)
         + (SELECT count(*) FROM ledger LEFT JOIN event ON ledger.at = event.seq WHERE event.seq IS NULL)
         + (SELECT count(*) FROM domain d WHERE generation <> (SELECT max(generation) FROM event WHERE event.domain = d.name))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database will be."""
    return tmp_path / "deep" / "store with ?#%.db"


def killed_writer(path: Path, after: int) -> int:
    """Let a child write and kill it once `after` transactions have returned; the last number it acknowledged."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child, child.stdout as lines:
        acknowledged = [next(lines) for _ in range(after)]
        child.send_signal(signal.SIGKILL)
        acknowledged += list(lines)
    return int([line for line in acknowledged if line.endswith(b"\n")][-1])


def test_a_killed_writer_loses_nothing_that_it_acknowledged(path: Path) -> None:
    """Over several kills in the middle of commits, every returned transaction is there, whole, and readers never see half."""
    for after in (1, 40, 120, 7):
        last = killed_writer(path, after)
        reader = SqliteReader(path)
        assert reader.last_seq() >= last
        reader.close()
        writer = next_writer(path)
        loaded = writer.load()
        events, pending = loaded.next_seq - 1, sum(1 for _ in loaded.deliveries)
        writer.close()
        raw = sqlite3.connect(path)
        torn, problems = raw.execute(TORN).fetchone()[0], raw.execute("PRAGMA integrity_check").fetchone()[0]
        raw.close()

        assert events >= last
        assert pending == events
        assert (torn, problems) == (0, "ok")


def test_readers_see_whole_transactions_while_a_process_writes(path: Path) -> None:
    """At no moment is there a state without its event, or an event without its delivery."""
    next_writer(path).close()
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child, child.stdout as lines:
        next(lines)
        raw = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        torn = [raw.execute(TORN).fetchone()[0] for _ in range(100)]
        raw.close()
        child.kill()

    assert set(torn) == {0}


def test_a_reader_that_leaves_last_keeps_the_log(path: Path) -> None:
    """After a killed writer the commits are still in the log; a reader that opens and closes must not throw them away."""
    last = killed_writer(path, 5)
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size
    for _ in range(2):
        reader = SqliteReader(path)
        assert reader.last_seq() >= last
        reader.close()

    assert log.stat().st_size == size


def test_a_closed_store_is_one_file_that_can_be_copied(path: Path) -> None:
    """Closing moves the log into the file, also while a reader is connected."""
    writer = next_writer(path)
    writer.apply(Changes(domains=[domain("a.com")]))
    reader = SqliteReader(path)
    writer.close()
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    again = SqliteReader(copy)

    assert again.domain("a.com") == reader.domain("a.com") == FoundName(domain("a.com"), None)
    reader.close()
    again.close()


def test_a_reader_cannot_write(path: Path) -> None:
    """The connection of a reader refuses every change."""
    next_writer(path).close()
    reader = SqliteReader(path)
    with pytest.raises(StoreError):
        reader._all("DELETE FROM meta")
    reader.close()


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_named_with_a_remedy(path: Path, content: bytes) -> None:
    """Neither the writer nor a reader starts on it."""
    path.parent.mkdir()
    path.write_bytes(content)
    for kind in (next_writer, next_writer, SqliteReader):
        with pytest.raises(StoreError, match=r"damaged.*backup"):
            kind(path)


def test_damage_that_shows_later_is_an_error_of_the_store(path: Path) -> None:
    """Pages that rot behind the first ones fail the start or the first look at them, not the interpreter."""
    writer = next_writer(path)
    rows = [domain(f"n{n}.com", detail=bytes(3000)) for n in range(200)]
    writer.apply(Changes(domains=rows))
    writer.close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) // 2))
    again = next_writer(path)
    with pytest.raises(StoreError, match="damaged"):
        again.details([row.id for row in rows])
    again.close()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with pytest.raises(StoreError, match="damaged"):
        next_writer(path)


def test_an_empty_file_is_no_state_yet(path: Path) -> None:
    """A reader that comes between creation and migration is told to come again; the writer takes the file over."""
    path.parent.mkdir()
    path.touch()
    with pytest.raises(StoreError, match="coordinator"):
        SqliteReader(path)
    next_writer(path).close()
    SqliteReader(path).close()


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    """Going back a version needs a decision by a person."""
    next_writer(path).close()
    raw = sqlite3.connect(path)
    with raw:
        raw.execute("UPDATE meta SET value = '999' WHERE key = 'store.schema'")
    raw.close()
    for kind in (next_writer, SqliteReader):
        with pytest.raises(StoreError, match=r"newer.*999"):
            kind(path)


def test_a_long_body_is_packed_and_a_damaged_one_comes_as_it_is(path: Path) -> None:
    """An entry takes less room than its text; a damaged one is handed on, to be reported by its reader."""
    writer = next_writer(path)
    writer.apply(Changes(ledger=[judgement("a.com", body=b"the same words again " * 500)]))
    reader = SqliteReader(path)
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT length(body) FROM ledger").fetchone()[0] < 500
    assert len(reader.ledger("a.com")[0].body) == 10_500

    with raw:
        raw.execute("UPDATE ledger SET body = x'ffff'")
    raw.close()
    assert reader.ledger("a.com")[0].body == b"\xff\xff"
    reader.close()
    writer.close()


def test_a_full_disk_fails_the_transaction_and_nothing_else(path: Path) -> None:
    """When there is room again the writer goes on."""
    writer = next_writer(path)
    writer.apply(Changes(domains=[domain("a.com")]))
    assert writer._connection is not None
    pages = writer._connection.execute("PRAGMA page_count").fetchone()[0]
    writer._connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall()
    with pytest.raises(StoreError, match="disk is full"):
        writer.apply(Changes(domains=[domain("b.com", detail=bytes(1_000_000))]))
    writer._connection.execute("PRAGMA max_page_count = 1000000").fetchall()
    writer.apply(Changes(domains=[domain("c.com")]))

    assert sorted(name for batch in writer.load().names for name in batch.names) == ["a.com", "c.com"]
    writer.close()


@contextmanager
def no_file_may_grow() -> Iterator[None]:
    """Writes fail, as they do on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_start_that_failed_leaves_nothing_locked(path: Path) -> None:
    """On a full disk, or by whatever mistake of ours: once there is room the same process can start again."""

    def broken() -> float:
        raise ZeroDivisionError

    with no_file_may_grow(), pytest.raises(StoreError, match="cannot open the state"):
        SqliteWriter(path, 99)
    with pytest.raises(ZeroDivisionError):
        next_writer(path, now=broken)
    next_writer(path).close()
    with no_file_may_grow(), pytest.raises(StoreError, match="cannot open the state"):
        SqliteWriter(path, 99)
    next_writer(path).close()


def test_a_full_disk_is_told_as_one_where_sqlite_has_other_words(path: Path) -> None:
    """It says "disk I/O error" where there is no room to open a log; where there is room, that is what it was."""
    full = Path("/proc/self")  # its file system never has a free block
    for folder, told in ((full, "the disk is full"), (path.parent.parent, "disk I/O error")):
        with pytest.raises(StoreError, match=told), translate_errors(folder / "x.db", "open the state"):
            raise sqlite3.OperationalError("disk I/O error")


def test_details_do_not_wait_for_a_transaction(path: Path) -> None:
    """While a commit is under way they are read as the last one left them, and so is the state at a start."""
    writer = next_writer(path)
    writer.apply(Changes(domains=[domain("a.com", id=1, detail=b"before")]))
    with writer._transaction("write") as connection:
        connection.execute("UPDATE detail SET body = x'00'")
        assert writer.details([1]) == {1: b"before"}
        assert [batch.names for batch in writer.load().names] == [["a.com"]]
    assert writer.details([1]) == {1: b"\0"}
    writer.close()


def test_an_unreachable_directory_is_an_error_of_the_store(tmp_path: Path) -> None:
    """The text names the path."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/x\.db"):
        next_writer(tmp_path / "file" / "x.db")


def test_a_substring_search_is_bounded_and_complete(path: Path) -> None:
    """Each page looks at few names; the pages together look at all, over several suffixes too."""
    writer = next_writer(path)
    suffixes = ("com", "co.uk", "org.uk")
    rows = [domain(f"n{n:03}.{suffixes[n % 3]}", state=("A", "B")[n % 2]) for n in range(200)]
    writer.apply(Changes(domains=rows))
    reader = SqliteReader(path, scan_limit=9)
    for filters in ({"q": "7"}, {"q": "7", "tld": "uk"}, {"q": "1", "state": "A"}, {"q": "9", "tld": "uk", "state": "B"}):
        found: list[str] = []
        cursor: str | None = None
        pages = 0
        while pages == 0 or cursor is not None:
            page = reader.domains(cursor=cursor, limit=2, **filters)  # type: ignore[arg-type]  # only filters are passed
            found += [each.row.name for each in page.rows]
            cursor, pages = page.cursor, pages + 1

        assert pages > 5
        assert found == sorted(
            row.name
            for row in rows
            if filters["q"] in row.name
            and row.name.endswith(filters.get("tld", ""))
            and filters.get("state", row.state) == row.state
        )
    reader.close()
    writer.close()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("n FROM delivery WHERE state = 'pending' AND n > 5 ORDER BY n LIMIT 5", "delivery_state"),
        ("n FROM delivery WHERE lane = 'result' AND done_at < 5 AND state = 'done' ORDER BY done_at", "delivery_done"),
        ("name FROM domain WHERE watched = 1 AND drop_likely > 1 AND drop_likely < 2 ORDER BY drop_likely", "domain_drop"),
        ("name FROM domain WHERE watched = 1 AND drop_likely > 1 AND drop_latest > 3 ORDER BY drop_likely", "domain_drop"),
        ("seq FROM event WHERE occurred_at < 5 AND seq < 9 ORDER BY occurred_at LIMIT 5", "event_time"),
        ("seq FROM event WHERE domain = 'a.com' ORDER BY seq DESC LIMIT 5", "sqlite_autoindex_event_1"),
        ("body FROM ledger WHERE domain = 'a.com' AND at <= 5 ORDER BY seq DESC LIMIT 5", "ledger_domain"),
        ("seq FROM ledger WHERE domain = 'a.com' ORDER BY seq DESC LIMIT 1 OFFSET 200", "ledger_domain"),
        ("seq FROM ledger WHERE at < 5 ORDER BY at LIMIT 5", "ledger_time"),
    ],
)
def test_queries_use_their_index(path: Path, query: str, index: str) -> None:
    """What is asked often never walks a whole table."""
    next_writer(path).close()
    raw = sqlite3.connect(path)
    plan = " ".join(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN SELECT {query}"))
    raw.close()

    assert f"INDEX {index}" in plan
    assert "SCAN" not in plan


def test_the_state_is_private(path: Path) -> None:
    """No other user of the machine reads the directory that the writer makes."""
    next_writer(path).close()

    assert path.parent.stat().st_mode & 0o077 == 0
    assert os.access(path, os.R_OK)


def test_a_restart_with_the_outbox_full_is_quick_enough_to_test(path: Path) -> None:
    """Twenty thousand waiting notices are all loaded again, with their bytes."""
    writer = next_writer(path)
    rows = [delivery(f"id{n}", order=n, body=b"x" * 200) for n in range(20_000)]
    writer.apply(Changes(deliveries=rows, events=[event(1, "a.com")]))
    writer.close()
    again = next_writer(path)

    assert sum(len(row.body) for row in again.load().deliveries) == 200 * len(rows)
    again.close()
