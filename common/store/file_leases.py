"""Leases of instances that share a directory: files beside the database, `<database>.lease-<epoch>`.

The holder of the highest epoch leads. Its file is locked (flock) for as long as its process lives, so a lock that is free says
at once that it is gone; one that is held by a process that was stopped says nothing, so the holder writes a new record into
the file again and again. Taking an epoch is a link to a complete, locked file: only one can make a name, and no other ever sees
half a record. Containers of one machine share locks. Network file systems are not supported: they may not.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from common.clock import monotonic
from common.config import Settings
from common.errors import LeaseLost, StoreError, StoreFull
from common.processes.leases import RenewalWatch, valid_until
from common.store.fence import read_epoch
from common.store.lease_contract import Addresses, Leader, Lease, Leases

#: Bytes of a record, filled up with blanks: it is written over in its place, which needs no room on a full disk.
RECORD = 2048
#: Looks at a file that is locked and cannot be read: its holder writes at that moment, or it is damaged.
LOOKS = 3
_INFIX, _DRAFT = ".lease-", ".lease-draft-"
_EPOCH = re.compile(r"[1-9][0-9]{0,17}")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Record(Struct, frozen=True):
    """What a lease file holds."""

    leader: Leader
    renewed_at: float  # of this machine's steady clock: differs with each renewal
    released: bool = False


class Sight(NamedTuple):
    """The highest epoch that there is, 0 for none, and its record; None where that can be read no more, or not yet."""

    epoch: int
    record: Record | None
    free: bool  # whether any instance may take the next epoch
    content: bytes = b""


def held_epochs(database: Path) -> set[int]:
    """The epochs whose holder lives, as far as that can be told: it may be stopped, and may lead no more. Raises StoreError."""
    with _explained(database):
        return {epoch for epoch, path in _lease_files(database) if _is_held(path)}


def open_leases(settings: Settings) -> Leases:
    """The leases of the store that the settings name, those of one shard."""
    if not settings.store_in_file:
        from common.store.postgres.lease_row import PostgresLeases  # noqa: PLC0415  # most instances need no psycopg

        return PostgresLeases(settings.store_url, shard=settings.shard)
    path = settings.store_path
    return FileLeases(path, lambda: read_epoch(path))


class FileLeases:
    """The leases of one database (see `lease_contract.Leases`).

    `stored_epoch` gives the last one that wrote it, 0 for none; `clock` seconds of a steady clock.
    """

    def __init__(self, database: Path, stored_epoch: Callable[[], int], clock: Callable[[], float] = monotonic) -> None:
        self._database = database
        self._clock = clock
        self._stored_epoch = stored_epoch
        self._watch = RenewalWatch()
        self._guard = threading.Lock()

    def find(self) -> Leader | None:
        """The leader. Raises StoreError where its record cannot be read, and its process lives."""
        with self._guard, _explained(self._database):
            sight = self._look()
        if sight.free:
            return None
        if sight.record is None:
            raise StoreError(f"{_lease_path(self._database, sight.epoch)} is locked by the instance that leads, and damaged")
        return sight.record.leader

    def take(self, instance: str, boot: str, addresses: Callable[[int], Addresses]) -> Lease | None:
        """Take the next epoch: above every one that a file here, or the database, knows."""
        with self._guard, _explained(self._database):
            self._database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            stored = self._stored_epoch()  # before the files: an epoch that is in the database has, or had, one
            began, sight = self._clock(), self._look()
            if not sight.free:
                return None
            epoch = max(sight.epoch, stored) + 1
            leader = Leader(instance, boot, epoch, *addresses(epoch))
            held = self._link_draft(epoch, Record(leader, began))
            if held is None:
                return None
            if not self._stands(epoch, sight):
                _lease_path(self._database, epoch).unlink(missing_ok=True)
                os.close(held)
                return None
            self._tidy_up(epoch)
            return FileLease(self._database, held, leader, began, self._clock)

    def close(self) -> None:
        """Nothing is kept open."""

    def _look(self) -> Sight:
        """Look at the file of the highest epoch; again where its holder was just writing, or followed by another."""
        for _ in range(LOOKS):
            epoch = _highest_epoch(self._database)
            if not epoch:
                return Sight(0, None, free=True)
            began = self._clock()
            with suppress(FileNotFoundError):
                content, locked = _read(_lease_path(self._database, epoch))
                run_out = self._watch.note((epoch, content), began, self._clock())
                record = _decode(content, epoch)
                if not locked or run_out or record is not None:
                    free = not locked or run_out or (record is not None and record.released)
                    return Sight(epoch, record, free, content)
        return Sight(epoch, None, free=False)

    def _stands(self, epoch: int, sight: Sight) -> bool:
        """Whether the file that was just made gives the lead.

        Not where others took later epochs meanwhile, and tidied up, so that its name was free again. Nor where the lease before
        was renewed: its holder writes a record first and then looks for a higher epoch, so at least one of both sees the other.
        """
        try:
            if _highest_epoch(self._database) != epoch:
                return False
            return not sight.epoch or _read(_lease_path(self._database, sight.epoch))[0] == sight.content
        except FileNotFoundError:
            return True  # without its file the lease before cannot be renewed
        except (OSError, StoreError):
            return False

    def _link_draft(self, epoch: int, record: Record) -> int | None:
        """A new lease file, complete and locked, as a file descriptor; None where another instance has made it."""
        draft = self._database.with_name(f"{self._database.name}{_DRAFT}{secrets.token_hex(8)}")
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write(file, record)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.link(draft, _lease_path(self._database, epoch))
        except BaseException as error:
            os.close(file)
            if isinstance(error, FileExistsError | FileNotFoundError | BlockingIOError):
                return None  # another was faster, and may have tidied up
            raise
        finally:
            with suppress(OSError):
                draft.unlink()
        return file

    def _tidy_up(self, epoch: int) -> None:
        """Remove the files of earlier epochs, and drafts whose process is gone, as far as that is possible.

        The last one stays: a look at the directory that is under way may miss the new one, and would find none at all. One
        whose process lives stays too: it says that this process may still have the database open (`held_epochs`).
        """
        for older, path in _lease_files(self._database):
            if older < epoch - 1 and not _is_held(path):
                with suppress(OSError):
                    path.unlink()
        for draft in self._database.parent.glob(f"{_escaped(self._database.name)}{_DRAFT}*"):
            with suppress(OSError, StoreError):
                file = _open_regular(draft)
                try:
                    if _try_lock(file, fcntl.LOCK_EX):
                        draft.unlink()
                finally:
                    os.close(file)


class FileLease:
    """A lease that was taken (see `lease_contract.Lease`). Its methods may be called from any thread."""

    def __init__(self, database: Path, held: int, leader: Leader, began: float, clock: Callable[[], float]) -> None:
        self.leader = leader
        self._database = database
        self._path = _lease_path(database, leader.epoch)
        self._held = held
        self._clock = clock
        self._until = valid_until(began)
        self._lost = ""  # why nothing may be written any more
        self._guard = threading.Lock()

    def is_valid(self) -> bool:
        """Whether it is certain that the lease has not run out."""
        return not self._lost and self._clock() < self._until

    def renew(self) -> None:
        """Write a new record, then look whether this is still the highest epoch."""
        with self._guard, _explained(self._path):
            if not self._lost:
                began = self._clock()
                _write(self._held, Record(self.leader, began))
                self._lost = self._find_loss()
            if self._lost:
                raise LeaseLost(self._lost)
            self._until = valid_until(began)

    def release(self) -> None:
        """Say so in the file, and let go of its lock."""
        with self._guard:
            if self._held >= 0:
                with suppress(StoreError, OSError):
                    _write(self._held, Record(self.leader, self._clock(), released=True))
                os.close(self._held)
                self._held = -1
                self._lost = self._lost or f"the lease of epoch {self.leader.epoch} was released"

    def _find_loss(self) -> str:
        """Why this lease is none any more, "" where it is one."""
        highest = _highest_epoch(self._database)
        if highest > self.leader.epoch:
            other = "another instance"
            with suppress(OSError, StoreError):
                if (record := _decode(_read(_lease_path(self._database, highest))[0], highest)) is not None:
                    other = f"instance {record.leader.instance!r}"
            return f"{other} leads since epoch {highest}, this one had epoch {self.leader.epoch}"
        try:
            found = os.lstat(self._path)
        except FileNotFoundError:
            return f"{self._path} was deleted"
        own = os.fstat(self._held)
        return "" if (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino) else f"{self._path} was replaced"


def _lease_path(database: Path, epoch: int) -> Path:
    return database.with_name(f"{database.name}{_INFIX}{epoch}")


def _lease_files(database: Path) -> Iterator[tuple[int, Path]]:
    prefix = database.name + _INFIX
    with suppress(FileNotFoundError):
        for path in database.parent.iterdir():
            if path.name.startswith(prefix) and _EPOCH.fullmatch(number := path.name[len(prefix) :]):
                yield int(number), path


def _highest_epoch(database: Path) -> int:
    return max((epoch for epoch, _ in _lease_files(database)), default=0)


def _escaped(name: str) -> str:
    """A name for `glob`, in which it stands for itself."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _read(path: Path) -> tuple[bytes, bool]:
    """What a lease file holds, and whether it is locked. Raises OSError; StoreError for what is no file."""
    file = _open_regular(path)
    try:
        return os.pread(file, RECORD, 0), not _try_lock(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def _is_held(path: Path) -> bool:
    """Whether a process holds this lease, or it cannot be told."""
    try:
        return _read(path)[1]
    except FileNotFoundError:
        return False
    except (OSError, StoreError):
        return True


def _open_regular(path: Path) -> int:
    """A file, open to read. Raises OSError; StoreError for what is no regular file."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise StoreError(f"{path} is no file: remove it")
    return file


def _try_lock(file: int, kind: int) -> bool:
    """Whether a lock of this kind can be had; the file is to be closed at once, which gives it back."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(file: int, record: Record) -> None:
    content = msgspec.json.encode(record).ljust(RECORD)
    if len(content) > RECORD:
        raise StoreError("the name or an address of this instance is too long for a lease")
    if os.pwrite(file, content, 0) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _decode(content: bytes, epoch: int) -> Record | None:
    """The record of this epoch; None for anything else."""
    with suppress(ValueError, RecursionError):
        record = msgspec.json.decode(content, type=Record)
        return record if record.leader.epoch == epoch else None
    return None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn every error of the system into a StoreError that names the file and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(f"{path}: cannot write the lease: the disk is full") from error
        hint = f"{path.parent} has to be a local directory that this user may write, with links and locks"
        raise StoreError(f"{path}: cannot use the leases beside it: {error.strerror or error}; {hint}") from error
