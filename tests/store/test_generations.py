"""A leader that was stopped in the middle of a transaction: the next one goes on in a copy of the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from common.clock import monotonic
from common.core.model.records import Changes
from common.errors import LeaseLost, StoreError, StoreFull, StoreLocked, StoreLost
from common.store import fence, generations
from common.store.database_file import current_path, generation_of, generation_path, is_lost, marker_path
from common.store.fence import read_epoch
from common.store.reader import SqliteReader
from common.store.sqlite import BUSY_MS
from common.store.store_contract import Reader, Writer
from common.store.writer import SqliteWriter, leave_locked, open_writer
from tests.store.builders import domain, next_writer
from tests.store.paused_leader import LATE, STEPS, Leader, open_taken, paused_leader, settings_of, take_over
from tests.store.test_file_leases import files_limited_to


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The file that the settings name, with one name in it."""
    path = tmp_path / "state" / "x [1].db"
    writer = next_writer(path)
    writer.apply(Changes(domains=[domain("first.com")]))
    writer.close()
    return path


def names(store: Reader) -> list[str]:
    """Every name."""
    return [found.row.name for found in store.domains().rows]


def write(writer: Writer, name: str) -> None:
    """Commit one more name."""
    writer.apply(Changes(domains=[domain(name)]))


def files(store: Path) -> list[str]:
    """What each file of the database adds to its name, without those of the leases and of SQLite."""
    found = (path.name.removeprefix(store.name) for path in store.parent.iterdir())
    return sorted(name for name in found if not name.endswith(("-wal", "-shm")) and ".lease-" not in name)


def test_the_next_leader_goes_on_in_a_copy_and_what_the_stopped_one_commits_is_never_seen(store: Path) -> None:
    """Within seconds, with all that was committed; a reader moves over by itself. The other one follows when it goes on."""
    with paused_leader(store, "one") as one, closing(SqliteReader(store)) as reader:
        assert names(reader) == ["first.com", "one.com"]
        lease, began = take_over(store, "two"), monotonic()
        writer = open_taken(store, lease)
        assert monotonic() - began < 4.0
        write(writer, "two.com")
        seen = ["first.com", "one.com", "two.com"]
        assert names(reader) == seen
        assert one.tell("commit") == "committed"
        assert one.tell("write") == one.tell("write") == "LeaseLost"
        assert names(reader) == seen
        with closing(SqliteReader(store)) as other:
            assert names(other) == seen
            assert other.meta("untold") is None
        assert one.tell("end") == "ended"
        write(writer, "more.com")
        writer.close()
        lease.release()

    epoch = lease.leader.epoch
    assert current_path(store) == generation_path(store, epoch)
    assert read_epoch(store) == epoch
    for path in (store, current_path(store)):
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_it_may_happen_again_and_what_no_process_holds_any_more_is_deleted(store: Path) -> None:
    """Each stopped process keeps its own generation, and nothing else, for as long as it lives."""
    with paused_leader(store, "one") as one, paused_leader(store, "two") as two:
        writer = open_taken(store, take_over(store, "three"))
        first, second = read_epoch(store) - 1, read_epoch(store)
        assert len(next(iter(writer.load().names)).names) == 3
        writer.prune(0.0)
        kept = ["", ".begun", f".g{first}", f".g{first}.begun", f".g{second}", f".g{second}.begun"]
        assert files(store) == kept
        assert two.tell("commit") == "committed"
        writer.prune(0.0)
        assert files(store) == kept
        assert two.tell("end") == "ended"
        writer.prune(0.0)
        assert files(store) == [*kept[:2], *kept[4:]]
        one.process.kill()
        one.process.wait()
        writer.prune(0.0)
        assert files(store) == kept[4:]
        assert {path.name for path in store.parent.glob("*-wal")} == {f"{store.name}.g{second}-wal"}
        writer.close()


@pytest.mark.parametrize("step", STEPS)
def test_a_copy_that_ends_anywhere_leaves_all_that_was_committed(store: Path, step: str) -> None:
    """By kill -9: what is half done is no database, and is deleted by a later leader."""
    with paused_leader(store, "one"):
        dead = Leader(store, "dead", step)
        assert dead.process.wait() == -9
        dead.process.communicate()
        epoch = read_epoch(store) if step in ("renamed", "opened") else 0
        assert (
            files(store)
            == {
                "begun": ["", ".begun", ".draft-3"],
                "copied": ["", ".begun", ".draft-3"],
                "renamed": ["", ".begun", ".g3"],
                "opened": ["", ".begun", ".g3", ".g3.begun"],
            }[step]
        )
        assert epoch in (0, 3)
        lease = take_over(store, "three")
        writer = open_taken(store, lease)
        with closing(SqliteReader(store)) as reader:
            assert names(reader) == ["first.com", "one.com"]
            write(writer, "three.com")
            assert len(names(reader)) == 3
        writer.prune(0.0)
        now = generation_of(store, current_path(store))
        assert files(store) == ["", ".begun", f".g{now}", f".g{now}.begun"]
        assert now == (epoch or 4)
        writer.close()
        lease.release()


@pytest.mark.parametrize("call", [1, 2])
def test_a_lease_that_is_lost_during_the_copy_ends_it(store: Path, call: int) -> None:
    """At the first piece or after the last: there is no generation, and no draft."""
    calls: list[int] = []

    def require_lease() -> None:
        calls.append(1)
        if len(calls) == call:
            raise LeaseLost("another")

    with paused_leader(store, "one"):
        lease = take_over(store, "two")
        with pytest.raises(LeaseLost, match="another"):
            leave_locked(settings_of(store), lease.leader.epoch, require_lease)
        assert files(store) == ["", ".begun"]
        assert len(calls) == call
        lease.release()


def test_a_disk_without_room_for_a_copy_is_left_as_it_was(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not filled up, and where it fills meanwhile the draft goes."""
    with paused_leader(store, "one"):
        lease = take_over(store, "two")
        settings, epoch = settings_of(store), lease.leader.epoch
        monkeypatch.setattr(generations, "RESERVE", 1 << 60)
        with pytest.raises(StoreFull, match="no room for a copy"):
            leave_locked(settings, epoch, lease.renew)
        monkeypatch.undo()
        with files_limited_to(20_000), pytest.raises(StoreError):
            leave_locked(settings, epoch, lambda: None)
        assert files(store) == ["", ".begun"]
        writer = open_taken(store, lease)
        write(writer, "two.com")
        writer.close()
        lease.release()


def test_a_leader_that_goes_on_during_the_copy_loses_nothing(store: Path) -> None:
    """What it commits before the copy has become the database is in the database: the copy is given up."""
    with paused_leader(store, "one") as one:
        lease = take_over(store, "two")
        said: list[str] = []

        def require_lease() -> None:
            if not said:
                said.append(one.tell("commit"))

        with pytest.raises(StoreLocked, match="gone on"):
            leave_locked(settings_of(store), lease.leader.epoch, require_lease)
        assert said == ["committed"]
        assert files(store) == ["", ".begun"]
        writer = open_taken(store, lease)
        with closing(SqliteReader(store)) as reader:
            assert reader.meta("untold") == "one"
        assert one.tell("write") == "LeaseLost"
        writer.close()
        lease.release()


def test_a_lock_of_a_process_that_never_led_is_waited_for(store: Path) -> None:
    """As that of a tool: its change is not to be lost."""
    lease = take_over(store, "one")
    with closing(sqlite3.connect(store, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked):
            open_writer(settings_of(store), lease.leader.epoch)
        assert leave_locked(settings_of(store), lease.leader.epoch, lease.renew) is None
    open_writer(settings_of(store), lease.leader.epoch).close()
    assert files(store) == ["", ".begun"]


def test_a_leader_stopped_before_its_rename_does_not_bring_back_the_past(store: Path) -> None:
    """The one that held the lock has died, and a third leads in the file before: its commits stay."""
    with paused_leader(store, "one") as one:
        late = Leader(store, "late", LATE)
        try:
            assert late.heard() == "renaming"
            one.process.kill()
            one.process.wait()
            writer = open_taken(store, take_over(store, "three"))
            write(writer, "three.com")
            assert late.tell("rename") == "FileNotFoundError"
            write(writer, "more.com")
            assert current_path(store) == store
            with closing(SqliteReader(store)) as reader:
                assert names(reader) == ["first.com", "more.com", "one.com", "three.com"]
            writer.close()
        finally:
            late.process.kill()
            late.process.communicate()


def test_what_is_in_the_way_of_a_copy(store: Path) -> None:
    """What a draft left is written over; a generation of this epoch, which may be locked too, never is."""
    with paused_leader(store, "one"):
        lease = take_over(store, "two")
        settings, epoch = settings_of(store), lease.leader.epoch
        store.with_name(f"{store.name}.draft-{epoch}").write_bytes(b"no database" * 1000)
        writer = open_taken(store, lease)
        write(writer, "two.com")
        assert isinstance(writer, SqliteWriter)
        assert writer._connection is not None
        assert writer._connection.execute("PRAGMA busy_timeout").fetchone()[0] == BUSY_MS
        assert leave_locked(settings, epoch, lease.renew) is None
        with closing(SqliteReader(store)) as reader:
            assert names(reader) == ["first.com", "one.com", "two.com"]
        writer.close()
        lease.release()


def test_a_copy_that_comes_too_late_is_not_opened(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that was stopped between its copy and its opening finds a later generation, whenever that comes."""
    with closing(sqlite3.connect(store)) as raw, closing(sqlite3.connect(generation_path(store, 9))) as copy:
        raw.backup(copy)
    with pytest.raises(LeaseLost):
        SqliteWriter(store, 1)
    current_path(store).unlink()

    def claim_late(*arguments: int) -> None:
        generation_path(store, 9).write_bytes(b"another")
        claim(*arguments)  # type: ignore[arg-type]

    claim = fence.claim_epoch
    monkeypatch.setattr(fence, "claim_epoch", claim_late)
    with pytest.raises(LeaseLost, match=r"\.g9"):
        SqliteWriter(store, 2)


def test_a_generation_can_be_opened_by_its_own_epoch_alone(store: Path) -> None:
    """Its number stands in it before it has its name; any other epoch that was written there is over."""
    with paused_leader(store, "one"):
        lease = take_over(store, "two")
        open_taken(store, lease).close()
        open_writer(settings_of(store), 3).close()
        next_writer(store).close()
        for epoch in (3, 4):
            with pytest.raises(LeaseLost):
                open_writer(settings_of(store), epoch)
        lease.release()


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")], ids=["deleted", "emptied"])
def test_a_generation_that_is_lost_does_not_bring_back_an_older_one(store: Path, lose: Callable[[Path], object]) -> None:
    """Neither for who has it open nor at a start; without its marker the older one counts again."""
    with paused_leader(store, "one"):
        lease = take_over(store, "two")
        writer, reader = open_taken(store, lease), SqliteReader(store)
        path = current_path(store)
        lose(path)
        with pytest.raises(StoreLost, match=r"\.g3"):
            writer.verify()
        with pytest.raises(StoreLost, match=r"\.g3"):
            reader.last_seq()
        writer.close()
        reader.close()
        lease.release()
    for kind in (next_writer, SqliteReader):
        with pytest.raises(StoreLost, match=rf"gone.*{marker_path(path).name}".replace("[", r"\[").replace("]", r"\]")):
            kind(store)
    assert is_lost(path)
    marker_path(path).unlink()
    with closing(SqliteReader(store)) as again:
        assert names(again) == ["first.com", "one.com"]


def test_names_that_are_no_generation_never_count(store: Path) -> None:
    """Drafts, logs, directories, what is empty, numbers of another form, and files of another database."""
    for name in ("g0", "g07", "gx", "g7-wal", "draft-7", "draft-7-wal", "g7.begun.bak", "G7"):
        store.with_name(f"{store.name}.{name}").write_bytes(b"x")
    store.with_name("x 1.db.g7").write_bytes(b"x")
    generation_path(store, 5).write_bytes(b"")
    generation_path(store, 6).mkdir()

    assert current_path(store) == store
    assert current_path(store.with_name("none") / "x.db") == store.with_name("none") / "x.db"
    generation_path(store, 10).write_bytes(b"x")
    generation_path(store, 9).write_bytes(b"x")
    assert current_path(store) == generation_path(store, 10)


def test_a_directory_that_cannot_be_read_says_nothing_of_generations(tmp_path: Path) -> None:
    """Rather than an older file count as the database."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be read"):
        current_path(tmp_path / "file" / "x.db")


def test_a_long_reading_ends_as_it_began(store: Path) -> None:
    """Names that are read while the database moves on are those of the moment at which the reading began."""
    with paused_leader(store, "one"), closing(SqliteReader(store)) as reader:
        reading = reader.names()
        with closing(SqliteReader(store)) as other:
            assert len(names(other)) == 2
        lease = take_over(store, "two")
        writer = open_taken(store, lease)
        write(writer, "two.com")
        assert len(next(reading)[1]) in (2, 3)
        writer.close()
        lease.release()


def test_a_lease_whose_holder_lives_is_remembered(store: Path) -> None:
    """Its file stays through later epochs, and goes after it."""
    first = take_over(store, "one")
    for name in ("two", "three"):
        take_over(store, name).release()
    lease_of = [path.name.rpartition("-")[2] for path in store.parent.glob("*.lease-*")]
    assert sorted(lease_of) == ["2", "3", "4"]
    first.release()
    take_over(store, "four").release()
    assert sorted(path.name.rpartition("-")[2] for path in store.parent.glob("*.lease-*")) == ["4", "5"]
