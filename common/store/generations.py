"""Going on in a copy where a process that was stopped holds the database's lock: the generations of the embedded store.

SQLite's lock belongs to a process, and one that is stopped (SIGSTOP, `docker pause`) in the middle of a transaction keeps it
for as long as it lives. The instance that takes over can read all that was committed, in WAL mode, but cannot write. It copies
the database into a file of its own, a new generation (`database_file.current_path`), and leaves the old one, with its log, to
the process that holds it: so that one may go on at any moment and harms nothing.

What it still commits lands in a file that is read no more and is lost, on purpose: it was never told. A coordinator acts on a
commit only after that has returned, and verifies its lease before (`actors.coordinator.host`); the new leader decides anew
what was lost, under the same ids. Where it goes on before the copy has become the database, the copy is given up and nothing
is lost. Between that look and the rename lies a moment (microseconds) in which a reader may see what is lost after it.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path

from common.errors import StoreDamaged, StoreError, StoreFull, StoreLocked
from common.store import database_file, fence, schema
from common.store.database_file import current_path, generation_files, generation_of, generation_path
from common.store.file_leases import held_epochs
from common.store.sqlite import connect_reader, translate_errors

#: Pages copied between two looks at the lease: 16 MiB.
PIECE = 4096
#: Bytes that have to be left on the disk beside a copy, for its log.
RESERVE = 64 << 20
#: What SQLite keeps beside a file, and the marker.
_BESIDE = ("", "-wal", "-shm", "-journal", database_file.SUFFIX)
_DRAFT = ".draft-"
_EPOCH = re.compile(r"([1-9][0-9]{0,17})(?:-wal|-shm|-journal)?")
_CONTENT = ("SELECT type, name, rootpage, sql FROM sqlite_schema", "PRAGMA page_count")


def copy_locked(store: Path, epoch: int, require_lease: Callable[[], None]) -> Path | None:
    """Make the generation of this epoch of a store whose lock cannot be had (see `common.store.writer.leave_locked`)."""
    source, draft, copy = current_path(store), _draft_path(store, epoch), generation_path(store, epoch)
    if source == copy or not any(earlier < epoch for earlier in held_epochs(store)):
        return None
    try:
        _remove_draft(draft)
        with translate_errors(source, "copy the state"), closing(connect_reader(source)) as reading:
            reading.execute("BEGIN")
            seen = _number(reading, "PRAGMA data_version")
            _require_room(reading, store.parent)
            _write_draft(reading, draft, epoch, require_lease)
            reading.execute("ROLLBACK")
            require_lease()
            if _number(reading, "PRAGMA data_version") != seen:
                raise StoreLocked(f"{source}: the process that held a lock of the file has gone on")
            with _explained(draft):
                draft.rename(copy)
                _sync(store.parent)
    finally:
        _remove_draft(draft)
    return copy


def remove_drafts(store: Path, epoch: int) -> None:
    """Delete the drafts of earlier epochs, before the database is chosen and opened in this one. Raises StoreError.

    A leader that was stopped right before its rename must not bring back, hours later, what the database was before this epoch
    wrote it. It verified its lease after its draft was complete: so the draft is there, and is deleted, or is a generation.
    """
    prefix = _draft_path(store, "").name
    with _explained(store.parent):
        for path in list(store.parent.iterdir()):
            found = _EPOCH.fullmatch(path.name.removeprefix(prefix)) if path.name.startswith(prefix) else None
            if found and int(found[1]) < epoch:
                path.unlink(missing_ok=True)


def remove_older(store: Path, current: Path) -> None:
    """Delete earlier generations that no process holds any more, as far as that is possible. Raises StoreError.

    A generation was written in the epochs from its own up to the one of the next generation: while a holder of one of these
    lives, it may be in the middle of a transaction there.
    """
    held = held_epochs(store)
    own = generation_of(store, current)
    files: dict[int, list[Path]] = {own: []}
    for generation, path in generation_files(store, _BESIDE):
        files.setdefault(generation, []).append(path)
    for generation, following in pairwise(sorted(files)):
        if following <= own and not any(generation <= holder < following for holder in held):
            _delete(files[generation])


def _write_draft(reading: sqlite3.Connection, draft: Path, epoch: int, require_lease: Callable[[], None]) -> None:
    """A complete copy of what is read, in the state in which this epoch writes it, durable."""
    with translate_errors(draft, "copy the state"), closing(sqlite3.connect(draft, isolation_level=None)) as writing:
        reading.backup(writing, pages=PIECE, progress=lambda *_: require_lease())
        # A write that failed is told by SQLite. A look at all pages (quick_check) would refuse damage that the original has
        # too, and with which the service went on.
        for content in _CONTENT:
            if writing.execute(content).fetchall() != reading.execute(content).fetchall():
                raise StoreDamaged(f"{draft} is no true copy of the database")
        with fence.transaction(writing):
            schema.migrate(writing)
            fence.claim_epoch(writing, epoch)
        blocked, *_ = writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if blocked:
            raise StoreError(f"{draft}: its log could not be moved into the file")
    with _explained(draft):
        _sync(draft)


def _require_room(reading: sqlite3.Connection, folder: Path) -> None:
    needed = _number(reading, "PRAGMA page_count") * _number(reading, "PRAGMA page_size") + RESERVE
    with _explained(folder):
        room = os.statvfs(folder)
    if room.f_bavail * room.f_frsize < needed:
        raise StoreFull(f"{folder}: there is no room for a copy of the database, which takes {needed >> 20} MiB")


def _draft_path(store: Path, epoch: int | str) -> Path:
    return store.with_name(f"{store.name}{_DRAFT}{epoch}")


def _remove_draft(draft: Path) -> None:
    _delete(draft.with_name(draft.name + suffix) for suffix in _BESIDE)


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()


def _sync(path: Path) -> None:
    """Let what was written of a file, or of the names in a directory, survive a power cut. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: cannot copy the state: {error.strerror or error}") from error
