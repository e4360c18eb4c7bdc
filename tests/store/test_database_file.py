"""A database that is deleted, moved or replaced under the running process, and one that is gone at a start."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from common.core.model.records import Changes
from common.errors import StoreDamaged, StoreError, StoreFull, StoreLocked, StoreLost
from common.store.database_file import is_lost, marker_path
from common.store.reader import SqliteReader
from common.store.sqlite import translate_errors
from tests.store.builders import domain, next_writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "state" / "x.db"


def replace(path: Path) -> None:
    """Another database is moved into its place, with a log of its own."""
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
    other.replace(path)
    path.with_name(path.name + "-wal").write_bytes(b"the log of the other one")


GOING: list[Callable[[Path], object]] = [
    lambda path: path.unlink(),
    lambda path: path.rename(path.with_name("moved.db")),
    lambda path: path.write_bytes(b""),
    lambda path: shutil.rmtree(path.parent),
    replace,
]


@pytest.mark.parametrize("go", GOING, ids=["deleted", "moved", "emptied", "directory deleted", "replaced"])
def test_a_database_that_vanishes_is_an_error_at_once(path: Path, go: Callable[[Path], object]) -> None:
    """Neither a write nor a look goes on into a file that has no name any more."""
    writer = next_writer(path)
    writer.apply(Changes(domains=[domain("a.com")]))
    reader = SqliteReader(path)
    go(path)

    with pytest.raises(StoreLost, match=r"x\.db was"):
        writer.verify()
    with pytest.raises(StoreLost, match="backup"):
        writer.apply(Changes(domains=[domain("b.com")]))
    with pytest.raises(StoreLost):
        reader.last_seq()
    writer.close()
    reader.close()


def test_the_log_of_the_file_in_its_place_is_left_alone(path: Path) -> None:
    """Closing what was replaced deletes nothing that belongs to the new one."""
    writer = next_writer(path)
    writer.apply(Changes(domains=[domain("a.com")]))
    replace(path)
    with pytest.raises(StoreLost):
        writer.verify()
    writer.close()

    assert path.with_name(path.name + "-wal").read_bytes() == b"the log of the other one"


def test_a_start_does_not_begin_anew_in_place_of_what_was_lost(path: Path) -> None:
    """It says what is gone and how to go on; with the backup back, or the marker deleted, it starts."""
    writer = next_writer(path)
    writer.apply(Changes(domains=[domain("a.com")]))
    writer.close()
    backup = path.with_name("backup.db")
    shutil.move(path, backup)

    for kind in (next_writer, next_writer, SqliteReader):
        with pytest.raises(StoreLost, match=rf"gone.*backup.*{marker_path(path).name}"):
            kind(path)
    assert is_lost(path)
    assert not path.exists()

    shutil.copy(backup, path)
    again = next_writer(path)
    assert [batch.names for batch in again.load().names] == [["a.com"]]
    again.close()

    path.unlink()
    marker_path(path).unlink()
    anew = next_writer(path)
    assert [batch.names for batch in anew.load().names] == []
    anew.close()


def test_a_foreign_database_in_its_place_is_lost_too(path: Path) -> None:
    """An empty or a foreign one is no state: no table of ours comes into it."""
    next_writer(path).close()
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.commit()

    with pytest.raises(StoreLost, match=rf"another file.*backup.*{marker_path(path).name}"):
        next_writer(path)
    with closing(sqlite3.connect(path)) as other:
        assert [name for (name,) in other.execute("SELECT name FROM sqlite_master")] == ["theirs"]
    marker_path(path).unlink()
    next_writer(path).close()


def test_a_database_of_an_earlier_version_gets_its_marker(path: Path) -> None:
    """What began before there were markers is told as lost too, from its next start on."""
    next_writer(path).close()
    marker_path(path).unlink()
    next_writer(path).close()
    path.unlink()

    with pytest.raises(StoreLost):
        next_writer(path)


def test_a_database_that_stays_is_the_same_through_all_that_is_done_to_it(path: Path) -> None:
    """Commits, checkpoints and clearing up never look like a loss."""
    writer = next_writer(path)
    for number in range(5):
        writer.apply(Changes(domains=[domain(f"n{number}.com", detail=bytes(100_000))]))
        assert writer._connection is not None
        writer._connection.execute("VACUUM")
        writer._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        writer.verify()
    writer.close()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database disk image is malformed", StoreDamaged),
        ("file is not a database", StoreDamaged),
        ("database or disk is full", StoreFull),
        ("database is locked", StoreLocked),
        ("no such table: x", StoreError),
    ],
)
def test_what_sqlite_says_has_its_own_kind(path: Path, text: str, kind: type[StoreError]) -> None:
    """Damage, a full disk and a lock are told apart from the rest: after the last two the same write may do."""
    with pytest.raises(StoreError) as caught, translate_errors(path, "write"):
        raise sqlite3.DatabaseError(text)

    assert type(caught.value) is kind
