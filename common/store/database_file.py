"""Which file is the database, and whether it is still the one it was.

The file of the highest generation is: the one that the settings name is generation 0, and a copy that epoch 7 made, because a
process that was stopped holds a lock of the file before, is `<database>.g7` (`common.store.generations`). No file ever takes
the place of another, so a generation is never older than what was there when it was made.

A file that is deleted, moved or replaced stays open: writes would go on into a file that has no name, and the next start would
begin with an empty one. So a marker beside the database says that there was one, and its inode that it is still the same.
"""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from common.errors import LeaseLost, StoreError, StoreLost

#: What the marker's name adds to that of the database.
SUFFIX = ".begun"
_TEXT = "Domain Monitor has written the database beside this file. Delete this file only to begin anew without that database.\n"
_GENERATION = re.compile(r"(?:\.g([1-9][0-9]{0,17}))?")


class Identity(NamedTuple):
    """Which file it is."""

    device: int
    inode: int


def current_path(store: Path) -> Path:
    """The database of a store, given the file that the settings name. Raises StoreError where the directory cannot be read.

    A generation whose marker is there, and its file not, is the database too: it was lost.
    """
    found = {0}
    for generation, path in generation_files(store, ("", SUFFIX)):
        with suppress(FileNotFoundError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and (status.st_size or path.name.endswith(SUFFIX)):
                found.add(generation)
    return generation_path(store, max(found))


def generation_path(store: Path, generation: int) -> Path:
    """The file of one generation."""
    return store.with_name(f"{store.name}.g{generation}") if generation else store


def generation_of(store: Path, path: Path) -> int:
    """Which generation a file of the store is."""
    return _parse_generation(path.name.removeprefix(store.name)) or 0


def generation_files(store: Path, suffixes: tuple[str, ...]) -> list[tuple[int, Path]]:
    """The files of all generations whose name ends with one of these. Raises StoreError."""
    found = []
    try:
        for path in store.parent.iterdir():
            rest = path.name.removeprefix(store.name)
            for suffix in suffixes if path.name.startswith(store.name) else ():
                generation = _parse_generation(rest.removesuffix(suffix)) if rest.endswith(suffix) else None
                if generation is not None:
                    found.append((generation, path))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"{store}: its directory cannot be read: {error.strerror or error}") from error
    return found


def require_newest(store: Path, path: Path) -> None:
    """Raise LeaseLost where another instance has gone on in a copy of this file."""
    if (newer := newer_path(store, path)) is not None:
        raise LeaseLost(f"another instance leads, and has gone on in {newer}")


def newer_path(store: Path, path: Path) -> Path | None:
    """The database, where it is of a higher generation than this file."""
    current = current_path(store)
    return current if generation_of(store, current) > generation_of(store, path) else None


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


def _parse_generation(rest: str) -> int | None:
    """The generation that the rest of a name stands for, None for any other name."""
    found = _GENERATION.fullmatch(rest)
    return None if found is None else int(found[1] or 0)
