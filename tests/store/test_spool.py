"""The file that keeps transactions while the database is away: what a crash or a disk does to it, and any other bytes."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies

from common.core.model.records import Changes, DeliveryRow, StateChange
from common.errors import StoreDamaged, StoreError, StoreFull
from common.store import spool
from common.store.spool import Header, Record, Spool, find_left, find_spools, frame_of, is_torn, next_frame, to_bytes
from tests.store.builders import domain

HEADER = Header(spool.VERSION, "identity", 7, "boot", "one")


def reader(data: bytes) -> Callable[[int], bytes]:
    """Reads bytes from their beginning on."""
    at = 0

    def read(count: int) -> bytes:
        nonlocal at
        found = data[at : at + count]
        at += count
        return found

    return read


def frames_of(data: bytes) -> list[bytes]:
    """The contents of all whole frames."""
    read, checksum, found = reader(data), 0, []
    while (frame := next_frame(read, checksum)) is not None:
        checksum = frame.checksum
        found.append(frame.content)
    return found


def written(contents: list[bytes]) -> bytes:
    """Frames one after the other."""
    data, checksum = b"", 0
    for content in contents:
        frame = frame_of(content, checksum)
        data, checksum = data + to_bytes(frame), frame.checksum
    return data


def record(number: int) -> Record:
    """A transaction with something of each kind of field."""
    changes = Changes(
        states=[StateChange([1, 2], "REGISTERED", 5.0, 0.5)],
        domains=[domain(f"n{number}.com", detail=b"\x00detail")],
        looks=[(3, b"\x00" * 40)],
        addresses=[(1, "192.0.2.1")],
        deliveries=[DeliveryRow("id", "notice", "a.com", 1, b"{}", done_at=2.0)],
        meta={"key": "text"},
    )
    return Record(number, 1_800_000_000.0 + number, changes)


def read_all(opened: Spool) -> list[Record]:
    """All records that were not passed yet."""
    found = []
    while (each := opened.peek()) is not None:
        found.append(each)
        opened.skip()
    return found


def spooled(directory: Path, numbers: range) -> Path:
    """A file with these records, as a run that was killed leaves it."""
    made = Spool.create(directory, HEADER)
    for number in numbers:
        made.append(record(number))
    made.close()
    return made.path


@given(strategies.lists(strategies.binary(max_size=50), max_size=6))
def test_what_is_framed_is_read(contents: list[bytes]) -> None:
    """In order, and nothing else."""
    assert frames_of(written(contents)) == contents


@given(strategies.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    """Whatever they are, reading ends."""
    frames_of(data)
    is_torn(reader(data), len(data))


@given(strategies.lists(strategies.binary(max_size=30), min_size=1, max_size=5), strategies.data())
def test_a_frame_that_is_cut_is_none_and_those_before_stay(contents: list[bytes], data: strategies.DataObject) -> None:
    """A crash in the middle of the last write takes that one away, and looks like what it is."""
    whole = written(contents)
    before = len(written(contents[:-1]))
    cut = data.draw(strategies.integers(before, len(whole) - 1))
    assert frames_of(whole[:cut]) == contents[:-1]
    assert is_torn(reader(whole[before:cut]), cut - before)


@given(strategies.lists(strategies.binary(min_size=1, max_size=30), min_size=1, max_size=5), strategies.data())
def test_a_bit_that_is_turned_ends_the_reading(contents: list[bytes], data: strategies.DataObject) -> None:
    """Wherever it is, nothing behind it is taken, and nothing before it is lost."""
    whole = bytearray(written(contents))
    place = data.draw(strategies.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(strategies.integers(0, 7))
    found = frames_of(bytes(whole))
    assert found == contents[: len(found)]
    assert len(written(contents[: len(found)])) <= place


def test_a_frame_stands_only_where_it_was_written() -> None:
    """The same bytes behind another frame are none: what an earlier write left behind the end is never taken."""
    first, second = frame_of(b"one", 0), frame_of(b"two", frame_of(b"one", 0).checksum)
    assert frames_of(to_bytes(first) + to_bytes(second)) == [b"one", b"two"]
    assert frames_of(to_bytes(second)) == []
    assert frames_of(to_bytes(first) + to_bytes(first)) == [b"one"]


def test_a_frame_of_an_absurd_length_is_none() -> None:
    """Nothing is read for it."""
    asked = []

    def read(count: int) -> bytes:
        asked.append(count)
        return b"\xff" * count

    assert next_frame(read, 0) is None
    assert asked == [8]


def test_records_are_read_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    """By the run that writes them while it goes on, and by the next one; nothing of them is lost."""
    made = Spool.create(tmp_path, HEADER)
    assert (made.waiting, made.since, made.peek()) == (0, None, None)
    made.append(record(4))
    made.append(record(5))
    assert (made.waiting, made.since) == (2, record(4).at)
    assert made.peek() == made.peek() == record(4)
    made.skip()
    made.append(record(6))
    assert read_all(made) == [record(5), record(6)]
    assert (made.waiting, made.since) == (0, record(4).at)
    made.close()
    opened = Spool.open(made.path)
    assert (opened.header, opened.waiting, opened.since, opened.damaged) == (HEADER, 3, record(4).at, False)
    assert read_all(opened) == [record(4), record(5), record(6)]
    opened.remove()
    opened.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_for_this_user_alone_and_of_one_run(tmp_path: Path) -> None:
    """Evidence and callbacks are in it; and two writers of one file would spoil it."""
    path = spooled(tmp_path, range(1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(StoreError, match="exists"):
        Spool.create(tmp_path, HEADER)
    assert path.exists()


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 60])
def test_a_record_that_a_crash_cut_is_passed_over(cut: int, tmp_path: Path) -> None:
    """It was never told; those before it were."""
    path = spooled(tmp_path, range(3))
    whole = path.stat().st_size
    path.unlink()
    two = spooled(tmp_path, range(2)).stat().st_size
    (tmp_path / "spool-7").unlink()
    spooled(tmp_path, range(3))
    assert two + cut < whole
    os.truncate(path, two + cut)
    opened = Spool.open(path)
    assert (opened.waiting, opened.damaged) == (2, False)
    assert read_all(opened) == [record(0), record(1)]


def test_a_file_that_is_damaged_in_the_middle_says_so(tmp_path: Path) -> None:
    """What is before it is read; that there was more is no secret, and nothing is cut off."""
    path = spooled(tmp_path, range(3))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    opened = Spool.open(path)
    assert (opened.waiting, opened.damaged) == (1, True)
    assert path.stat().st_size == len(data)


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 100, b"no spool at all", to_bytes(frame_of(b"\x93", 0)), to_bytes(frame_of(b"\xc0", 0))]
)
def test_a_file_without_a_header_is_damaged(data: bytes, tmp_path: Path) -> None:
    """Nothing of it can be used."""
    (tmp_path / "spool-7").write_bytes(data)
    with pytest.raises(StoreDamaged, match="damaged"):
        Spool.open(tmp_path / "spool-7")


def test_a_file_of_another_layout_is_refused(tmp_path: Path) -> None:
    """It is not guessed at."""
    Spool.create(tmp_path, Header(2, "identity", 7, "boot", "one")).close()
    with pytest.raises(StoreError, match="another version"):
        Spool.open(tmp_path / "spool-7")


def test_a_record_that_is_gone_while_it_is_needed_is_damage(tmp_path: Path) -> None:
    """Also one that is whole and no record."""
    made = Spool.create(tmp_path, HEADER)
    made.append(record(0))
    os.truncate(made.path, made.path.stat().st_size - 1)
    with pytest.raises(StoreDamaged, match="not there"):
        made.peek()
    header = to_bytes(frame_of(made.path.read_bytes()[8 : made._read_to], 0))
    made.path.write_bytes(header + to_bytes(frame_of(b"\x01", frame_of(header[8:], 0).checksum)))
    opened = Spool.open(made.path)
    assert (opened.waiting, opened.since) == (1, None)
    with pytest.raises(StoreDamaged, match="not a message"):
        opened.peek()


def test_a_file_has_a_largest_size(tmp_path: Path) -> None:
    """What does not fit is refused, and what fits is taken still."""
    made = Spool.create(tmp_path, HEADER, limit=1000)
    made.append(record(0))
    with pytest.raises(StoreFull, match="limit"):
        made.append(Record(1, 0.0, Changes(meta={"key": "x" * 1000})))
    made.append(Record(1, 0.0, Changes(meta={"key": "x"})))
    assert [each.number for each in read_all(made)] == [0, 1]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk half a record stays: the next one stands in its place, and is read."""
    made = Spool.create(tmp_path, HEADER)
    made.append(record(0))
    real, tried = os.pwrite, []

    def fill(file: int, data: bytes, at: int) -> int:
        tried.append(at)
        if len(tried) == 1:
            return real(file, bytes(data)[:20], at)
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "pwrite", fill)
    size = made.path.stat().st_size
    with pytest.raises(StoreFull, match="spool-7"):
        made.append(record(1))
    assert made.path.stat().st_size == size
    monkeypatch.undo()
    assert made.waiting == 1
    made.append(record(2))
    made.close()
    assert [each.number for each in read_all(Spool.open(made.path))] == [0, 2]


def test_a_file_that_cannot_be_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next try makes it."""

    def fail(_file: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(StoreError, match="cannot be written"):
        Spool.create(tmp_path, HEADER)
    assert find_spools(tmp_path) == []
    with pytest.raises(StoreError):
        Spool.create(tmp_path / "nowhere", HEADER)
    with pytest.raises(StoreError):
        Spool.open(tmp_path / "nowhere")


def test_a_text_that_cannot_be_stored_is_an_error_of_the_store(tmp_path: Path) -> None:
    """A lone surrogate, as no database takes it either."""
    made = Spool.create(tmp_path, HEADER)
    with pytest.raises(StoreError, match="encoded"):
        made.append(Record(1, 0.0, Changes(meta={"key": "\ud800"})))
    assert made.waiting == 0


def test_files_are_found_by_their_epoch_and_those_set_aside_apart(tmp_path: Path) -> None:
    """The oldest first; what is not ours is left alone."""
    for epoch in (10, 9):
        Spool.create(tmp_path, Header(spool.VERSION, "identity", epoch, "boot", "one")).close()
    (tmp_path / "spool-x").touch()
    (tmp_path / "member.json").touch()
    assert [path.name for path in find_spools(tmp_path)] == ["spool-9", "spool-10"]
    assert find_left(tmp_path) == []
    aside = Spool.open(tmp_path / "spool-9").leave()
    assert find_left(tmp_path) == [aside] == [tmp_path / "spool-9.left"]
    assert [path.name for path in find_spools(tmp_path)] == ["spool-10"]
    assert find_spools(tmp_path / "nowhere") == find_left(tmp_path / "nowhere") == []
