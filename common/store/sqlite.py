"""SQLite as every part of the store uses it: how the file is opened, and what its errors mean.

The write-ahead log with `synchronous=FULL` makes a returned commit survive a power cut. Releases of SQLite before 3.51.3 can
damage a file in this mode when several connections write or checkpoint (https://sqlite.org/wal.html#walresetbug), hence
the rule that one connection writes, that of the instance that leads, and that readers open the file read-only.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import StoreDamaged, StoreError, StoreFull, StoreLocked
from common.store.database_file import SUFFIX
from common.store.schema import OLDEST_SQLITE

#: How long a connection waits for a lock of SQLite, in milliseconds.
BUSY_MS = 15_000
#: How long the first transaction of a new leader waits for one that an earlier leader has begun, in milliseconds.
TAKEOVER_MS = 2_000
#: What the file of the write-ahead log is cut back to after a checkpoint, in bytes.
WAL_LIMIT = 64 << 20
#: After so many pages of 4 KiB a commit moves the log into the file: rarely enough that a page written often is moved once.
CHECKPOINT = 8000
#: What SQLite needs on the disk to open a log: the first piece of its -shm, in bytes.
SMALLEST_FILE = 32 << 10
_DAMAGED = ("malformed", "not a database", "corrupt")

ENGINE = f"SQLite {sqlite3.sqlite_version}"


def connect_writer(path: Path, wait_ms: int = BUSY_MS) -> sqlite3.Connection:
    """A connection that writes, in autocommit mode, and waits so long for a lock. The caller holds the lease."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=wait_ms / 1000)
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"journal_size_limit = {WAL_LIMIT}",
            f"wal_autocheckpoint = {CHECKPOINT}",
            "cache_size = -32768",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write: neither rows nor, when it closes, a checkpoint."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cache_size = -4096")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def require_version() -> None:
    """Raise StoreError for an SQLite that is too old."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise StoreError(f"{ENGINE} is too old, at least {oldest} is needed")


@contextmanager
def translate_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn every error of SQLite into a StoreError that names the file and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(path, doing, str(error)) from error
    except (OverflowError, UnicodeError) as error:
        raise StoreError(f"{path}: cannot {doing}: a value does not fit: {error}") from error


def _explained(path: Path, doing: str, text: str) -> StoreError:
    if any(word in text for word in _DAMAGED):
        away = f"move it away together with its -wal, -shm and {SUFFIX} to start anew"
        return StoreDamaged(f"{path} is damaged ({text}): restore a backup, or {away}")
    if "disk is full" in text or ("disk I/O error" in text and _is_full(path.parent)):
        return StoreFull(f"{path}: cannot {doing}: the disk is full")
    if "is locked" in text:
        return StoreLocked(
            f"{path}: cannot {doing}: another process, which may be stopped or hang, holds a lock of the file ({text})"
        )
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"{path}: cannot {doing}: {text}; check that this user may write to {path.parent}")
    return StoreError(f"{path}: cannot {doing}: {text}")


def _is_full(folder: Path) -> bool:
    """Whether there is no room for the smallest file of SQLite's; without it a log cannot even be opened ("disk I/O error")."""
    with suppress(OSError):
        room = os.statvfs(folder)
        return room.f_bavail * room.f_frsize < SMALLEST_FILE
    return False
