"""Transactions that are kept in a file of this host while the server of the database is away, until they can be written there.

A file is of one epoch, and only ever grows. Each of its frames has length, checksum and content; the checksum is of those
before it too, so a frame stands where it was written. What a crash left of the last frame was never told, and is passed over. A
transaction counts as written once it is on the disk. Its number is the one that it would have had in the database, which
notes the last number with each transaction: so it is known there which of the file were written, whenever a run ended.
"""

from __future__ import annotations

import errno
import os
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from struct import Struct as Layout
from typing import NamedTuple, Self

from msgspec import Struct

from common.codec import decoder, encode
from common.core.model.records import Changes
from common.errors import MessageError, StoreDamaged, StoreError, StoreFull

#: Most bytes of a file, and of one frame in it.
LIMIT, FRAME_LIMIT = 256 << 20, 64 << 20
#: What a file of this layout begins with.
VERSION = 1
_HEAD = Layout(">II")
_NAME = re.compile(r"spool-([0-9]{1,18})")
#: What is added to the name of a file that cannot be written to the database.
LEFT = ".left"


class Header(Struct, frozen=True, array_like=True):
    """Which database the transactions are for, and of which lead they are."""

    version: int
    store: str  # identity of the database
    epoch: int
    boot: str
    instance: str


class Record(Struct, frozen=True, array_like=True):
    """A transaction: its number among those of its epoch, when it was spooled (epoch seconds), and what it writes."""

    number: int
    at: float
    changes: Changes


class Frame(NamedTuple):
    """The content of a frame, its checksum, and its length in the file."""

    content: bytes
    checksum: int
    length: int


_decode_header: Callable[[bytes], Header] = decoder(Header)
_decode_record: Callable[[bytes], Record] = decoder(Record, FRAME_LIMIT)


def frame_of(content: bytes, before: int) -> Frame:
    """The frame of a content, where the frame before has that checksum (0: there is none)."""
    return Frame(content, _sum(len(content), content, before), _HEAD.size + len(content))


def to_bytes(frame: Frame) -> bytes:
    """How a frame lies in the file."""
    return _HEAD.pack(len(frame.content), frame.checksum) + frame.content


def next_frame(read: Callable[[int], bytes], before: int) -> Frame | None:
    """The frame that comes next; None where there is none, or not the whole of it. `read` gives at most so many bytes."""
    head = read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, checksum = _HEAD.unpack(head)
    if length > FRAME_LIMIT:
        return None
    content = read(length)
    if len(content) < length or _sum(length, content, before) != checksum:
        return None
    return Frame(content, checksum, _HEAD.size + length)


def is_torn(read: Callable[[int], bytes], left: int) -> bool:
    """Whether the last `left` bytes may be what a crash left of one frame: they end before it does, or with it."""
    head = read(_HEAD.size)
    return len(head) < _HEAD.size or left <= _HEAD.size + min(_HEAD.unpack(head)[0], FRAME_LIMIT)


def _sum(length: int, content: bytes, before: int) -> int:
    return zlib.crc32(content, zlib.crc32(length.to_bytes(4, "big"), before))


class Spool:
    """One file. Records are read in the order in which they were added. For one thread at a time.

    `waiting`: records that were not read and passed yet; `since`: when the first of all was spooled, in epoch seconds, None
    without one; `damaged`: behind the last whole frame there is more than a crash leaves of one.
    """

    def __init__(self, path: Path, header: Header, file: int, limit: int = LIMIT) -> None:
        self.path = path
        self.header = header
        self.waiting = 0
        self.since: float | None = None
        self.damaged = False
        self._file = file
        self._limit = limit
        self._checksum = self._read_checksum = 0
        self._end = self._read_to = 0

    @classmethod
    def create(cls, directory: Path, header: Header, limit: int = LIMIT) -> Self:
        """A new file, on the disk with its header. Raises StoreFull where there is no room, StoreError."""
        path = directory / f"spool-{header.epoch}"
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _explain(path, error) from None
        made = cls(path, header, file, limit)
        try:
            made._append(encode(header))
            _sync_directory(directory)
        except BaseException:
            made.remove()
            raise
        made._pass_frame()
        return made

    @classmethod
    def open(cls, path: Path) -> Self:
        """A file that an earlier run left, to be read up to its last whole record. Raises StoreDamaged, StoreError."""
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _explain(path, error) from None
        try:
            opened = cls(path, _read_header(path, file), file)
            opened._find_end()
        except BaseException:
            os.close(file)
            raise
        return opened

    def append(self, record: Record) -> None:
        """Add a record, and see it on the disk. Raises StoreFull where there is no room for it, StoreError."""
        try:
            content = encode(record)
        except MessageError as error:
            raise StoreError(f"{self.path}: {error}") from None
        self._append(content)
        self.waiting += 1
        self.since = record.at if self.since is None else self.since

    def peek(self) -> Record | None:
        """The next record; None after the last one. Raises StoreDamaged where it cannot be read any more."""
        if not self.waiting:
            return None
        try:
            frame = next_frame(self._reader(self._read_to), self._read_checksum)
            record = None if frame is None else _decode_record(frame.content)
        except (OSError, MessageError) as error:
            raise StoreDamaged(f"{self.path} is damaged: {error}") from None
        if record is None:
            raise StoreDamaged(f"{self.path} is damaged: a record that was written is not there")
        return record

    def skip(self) -> None:
        """Pass the record that `peek` gave: it is written."""
        self._pass_frame()
        self.waiting -= 1

    def close(self) -> None:
        """Close the file, which stays. Calling it twice is harmless."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def remove(self) -> None:
        """Delete the file: nothing in it is needed any more."""
        self.close()
        with suppress(OSError):
            self.path.unlink()
            _sync_directory(self.path.parent)

    def leave(self) -> Path:
        """Set the file aside; its new name."""
        self.close()
        return set_aside(self.path)

    def _append(self, content: bytes) -> None:
        frame = frame_of(content, self._checksum)
        if len(content) > FRAME_LIMIT or self._end + frame.length > self._limit:
            raise StoreFull(f"{self.path} has reached its limit of {self._limit >> 20} MiB")
        try:
            _write_at(self._file, to_bytes(frame), self._end)
            os.fdatasync(self._file)
        except OSError as error:
            with suppress(OSError):  # else the rest of it would lie behind the next one, which cuts nothing off
                os.ftruncate(self._file, self._end)
            raise _explain(self.path, error) from None
        self._end, self._checksum = self._end + frame.length, frame.checksum

    def _pass_frame(self) -> None:
        frame = next_frame(self._reader(self._read_to), self._read_checksum)
        if frame is not None:
            self._read_to, self._read_checksum = self._read_to + frame.length, frame.checksum

    def _find_end(self) -> None:
        """Count the whole records, and look what is behind them."""
        self._pass_frame()
        at, checksum = self._read_to, self._read_checksum
        while (frame := next_frame(self._reader(at), checksum)) is not None:
            if self.since is None:
                with suppress(MessageError):
                    self.since = _decode_record(frame.content).at
            at, checksum, self.waiting = at + frame.length, frame.checksum, self.waiting + 1
        self._end, self._checksum = at, checksum
        self.damaged = not is_torn(self._reader(at), os.fstat(self._file).st_size - at)

    def _reader(self, at: int) -> Callable[[int], bytes]:
        def read(count: int) -> bytes:
            nonlocal at
            found = os.pread(self._file, count, at)
            at += len(found)
            return found

        return read


def set_aside(path: Path) -> Path:
    """Give a file another name, under which it is found and not tried again; that name."""
    aside = path.with_name(path.name + LEFT)
    with suppress(OSError):
        path.replace(aside)
    return aside


def find_spools(directory: Path) -> list[Path]:
    """The files that earlier runs left there, the oldest epoch first."""
    with suppress(OSError):
        found = ((_NAME.fullmatch(path.name), path) for path in directory.iterdir())
        return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]
    return []


def find_left(directory: Path) -> list[Path]:
    """The files there that were set aside."""
    with suppress(OSError):
        return sorted(path for path in directory.iterdir() if path.name.endswith(LEFT) and path.name.startswith("spool-"))
    return []


def _read_header(path: Path, file: int) -> Header:
    try:
        frame = next_frame(lambda count: os.read(file, count), 0)
        header = None if frame is None else _decode_header(frame.content)
    except (OSError, MessageError) as error:
        raise StoreDamaged(f"{path} is damaged: {error}") from None
    if header is None:
        raise StoreDamaged(f"{path} is damaged: it has no header")
    if header.version != VERSION:
        raise StoreError(f"{path} was written by another version of Domain Monitor")
    return header


def _write_at(file: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written


def _sync_directory(directory: Path) -> None:
    """See the name of a new file, or that it is gone, on the disk."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _explain(path: Path, error: OSError) -> StoreError:
    text = f"{path} cannot be written: {error.strerror or error}"
    return StoreFull(text) if error.errno in {errno.ENOSPC, errno.EDQUOT} else StoreError(text)
