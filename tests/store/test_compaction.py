"""What an opened store forgets, what it never forgets, and that it gives back the room."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.core.model.records import Changes, NewName
from common.store import compaction
from common.store.reader import SqliteReader
from common.store.store_contract import DAY, KEEP_NAMES
from common.store.writer import SqliteWriter
from tests.store.builders import block, delivery, domain, loaded_names, next_writer

NOW = 1000 * DAY
LONG_AGO = NOW - KEEP_NAMES - 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "store.db"


def opened(path: Path) -> SqliteWriter:
    """A start at NOW."""
    return next_writer(path, now=lambda: NOW)


def names(writer: SqliteWriter) -> list[str]:
    """All names, watched or not, by id."""
    return [line[1] for line in loaded_names(writer.load())]


def test_a_name_that_left_the_list_is_forgotten_a_month_after_its_last_check(path: Path) -> None:
    """Looked at by a visit or by a sweep; one that was never looked at goes at the next start."""
    gone = {"watched": False, "checked_at": LONG_AGO, "detail": b"x"}
    writer = opened(path)
    writer.apply(
        Changes(
            domains=[
                domain("watched.com", id=0, checked_at=LONG_AGO),
                domain("old.com", id=1, **gone),
                domain("visited.com", id=2, watched=False, checked_at=NOW - KEEP_NAMES + 1),
                domain("swept.com", id=3, **gone),
                domain("swept-long-ago.com", id=4, **gone),
                domain("never.com", id=5, watched=False),
                domain("far.com", id=1000, watched=False, checked_at=5.0),
            ],
            looks=[
                (0, block({3: {"checked_at": NOW - DAY}, 4: {"checked_at": LONG_AGO}})),
                (3, block({1000 % 256: {"checked_at": LONG_AGO}})),
            ],
        )
    )
    writer.close()
    again = opened(path)

    assert names(again) == ["watched.com", "visited.com", "swept.com"]
    assert again.details([*range(6)]) == {3: b"x"}
    assert [number for number, _ in again.load().looks] == [0]
    again.close()


def test_a_name_with_a_callback_due_or_an_event_is_remembered(path: Path) -> None:
    """A callback that waits keeps its name; an event keeps it for ever, or its number would be told again for another event."""
    writer = opened(path)
    writer.apply(
        Changes(
            domains=[
                domain(name, watched=False, generation=name == "told.com") for name in ("told.com", "owed.com", "done.com")
            ],
            deliveries=[
                delivery("1", lane="result", domain="owed.com"),
                delivery("2", lane="result", domain="done.com", state="done", done_at=1.0),
            ],
        )
    )
    writer.close()
    again = opened(path)

    assert set(names(again)) == {"told.com", "owed.com"}
    again.close()


def test_an_id_is_never_given_again(path: Path) -> None:
    """Also when the name with the highest one was forgotten, and over any number of starts."""
    writer = opened(path)
    writer.apply(Changes(domains=[domain("a.com", id=0), domain("b.com", id=41, watched=False)]))
    writer.close()
    for _ in range(3):
        writer = opened(path)
        assert (names(writer), writer.load().next_id, writer.load().meta) == (["a.com"], 42, {})
        writer.close()
    writer = opened(path)
    writer.apply(Changes(new=[NewName(50, "c.com", "com", False)]))
    assert writer.load().next_id == 51
    writer.close()


def test_a_start_forgets_in_batches_and_not_without_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left over goes at the next start."""
    monkeypatch.setattr(compaction, "BATCH", 10)
    monkeypatch.setattr(compaction, "MOST", 30)
    writer = opened(path)
    writer.apply(Changes(domains=[domain(f"n{n}.com", id=n, watched=False) for n in range(45)]))
    writer.close()
    left = []
    for _ in range(3):
        writer = opened(path)
        left.append(len(names(writer)))
        writer.close()

    assert left == [15, 0, 0]


def test_a_file_that_is_mostly_empty_becomes_small(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room of forgotten names goes back to the disk, while a reader looks on."""
    monkeypatch.setattr(compaction, "UNUSED", 1 << 20)
    writer = opened(path)
    rows = [domain(f"n{n}.com", id=n, watched=n % 10 == 0, detail=bytes(3000)) for n in range(2000)]
    writer.apply(Changes(domains=rows))
    writer.close()
    before = path.stat().st_size
    reader = SqliteReader(path)
    again = opened(path)

    assert len(names(again)) == 200
    assert again.details([0, 10]) == {0: bytes(3000), 10: bytes(3000)}
    assert len(reader.domains(limit=1000).rows) == 200
    reader.close()
    again.close()
    assert path.stat().st_size < before / 4


def test_the_log_is_empty_after_a_start(path: Path) -> None:
    """What a killed writer left in the log is moved into the file before any caller waits for it."""
    writer = opened(path)
    writer.apply(Changes(domains=[domain(f"n{n}.com", id=n) for n in range(1000)]))
    log = path.with_name(path.name + "-wal")
    image = {kind: kind.read_bytes() for kind in (path, log)}
    writer.close()
    for kind, content in image.items():
        kind.write_bytes(content)
    assert log.stat().st_size > 100_000
    again = opened(path)

    assert len(names(again)) == 1000
    assert log.stat().st_size == 0
    again.close()
