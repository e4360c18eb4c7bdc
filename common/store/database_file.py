"""Whether the database is still the file it was.

A file that is deleted, moved or replaced stays open: writes would go on into a file that has no name, and the next start would
begin with an empty one. So a marker beside the database says that there was one, and its inode that it is still the same.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from common.errors import StoreLost

#: What the marker's name adds to that of the database.
SUFFIX = ".begun"
_TEXT = "Domain Monitor has written the database beside this file. Delete this file only to begin anew without that database.\n"


class Identity(NamedTuple):
    """Which file it is."""

    device: int
    inode: int


def marker_path(database: Path) -> Path:
    """The file that says that there was a database."""
    return database.with_name(database.name + SUFFIX)


def note_begun(database: Path) -> None:
    """Note that there is a database. Without room for the note its loss could not be told, which is no reason to stop."""
    with suppress(OSError):
        if not marker_path(database).exists():
            marker_path(database).write_text(_TEXT, encoding="utf-8")


def identify(database: Path) -> Identity | None:
    """Which file is there; None where there is none, or an empty one."""
    try:
        status = database.stat()
    except OSError:
        return None
    return Identity(status.st_dev, status.st_ino) if status.st_size else None


def is_lost(database: Path) -> bool:
    """Whether there was a database, and there is none."""
    return identify(database) is None and marker_path(database).exists()


def require_kept(database: Path) -> None:
    """Raise StoreLost where there was a database, and there is none."""
    if is_lost(database):
        raise StoreLost(f"{database} is gone, or empty, and it was there before: {remedy(database)}")


def require_begun(database: Path, *, begun: bool) -> None:
    """Raise StoreLost where there was a state, and the file that is there now holds none."""
    if not begun and marker_path(database).exists():
        raise StoreLost(f"{database} is another file, without the state that was there before: {remedy(database)}")


def require_same(database: Path, opened: Identity | None) -> None:
    """Raise StoreLost where the database is not the file that was opened."""
    if opened is not None and (found := identify(database)) != opened:
        what = "was deleted, moved or emptied" if found is None else "was replaced by another file"
        raise StoreLost(f"{database} {what} while it was in use; what was written last may be lost: {remedy(database)}")


def remedy(database: Path) -> str:
    """What to do about a lost database."""
    return f"restore it from a backup, or delete {marker_path(database)} to begin anew without what it knew"
