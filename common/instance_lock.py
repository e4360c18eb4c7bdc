"""The lock of an instance: its `supervise` holds it for as long as it runs.

It keeps a second run of the same instance from starting, and the directory of a paused instance from being cleared away. It is
a file in that directory: instances in several containers share this directory, and no process ids.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

_NAME = "supervise.lock"
#: Longest note about the owner read, in bytes.
_NOTE_LIMIT = 120


def take_lock(directory: Path) -> int | None:
    """Take the lock in a directory; returns a descriptor to close, None where it is held or gone. Raises OSError."""
    path = directory / _NAME
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    with contextlib.suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The directory may have been cleared away between the two calls: such a lock keeps nothing out.
        if os.path.samestat(os.fstat(held), path.stat()):
            return held
    os.close(held)
    return None


def is_lock_held(directory: Path) -> bool:
    """Whether the lock in a directory is held; not where there is none."""
    try:
        looking = os.open(directory / _NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(looking, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(looking)
    return False


def has_lock(directory: Path) -> bool:
    """Whether there is a lock in a directory, held or not."""
    return (directory / _NAME).exists()


def write_owner(held: int) -> None:
    """Note in a lock that this process holds it; on a full disk it says nothing."""
    with contextlib.suppress(OSError):
        os.ftruncate(held, 0)
        os.pwrite(held, f"process {os.getpid()} of {os.uname().nodename}".encode(), 0)


def read_owner(directory: Path) -> str:
    """The note of the process that holds the lock."""
    with contextlib.suppress(OSError), (directory / _NAME).open("rb") as stream:
        note = stream.read(_NOTE_LIMIT).decode("ascii", "replace")
        if note and note.isprintable():
            return note
    return "another process"


def remove_lock(directory: Path) -> None:
    """Remove the file of a lock that is held by this process."""
    with contextlib.suppress(OSError):
        (directory / _NAME).unlink()
