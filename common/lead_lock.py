"""The lock that a coordinator holds for as long as it leads over a database: other instances in the same STATE_DIR look at it.

The kernel frees it when the process ends, however that ends. So on one host nobody waits until the lease of a dead leader has
run out by the clock of the server. A leader on another host has no lock here, and a paused one keeps its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from common.store.lease_contract import Leader

_NAME = "lead.lock"
#: Longest note read, in bytes.
_NOTE_LIMIT = 200


@contextlib.contextmanager
def hold_lead(directory: Path, leader: Leader) -> Iterator[None]:
    """Hold the lock in a directory while this process leads; where that is impossible its lease has to run out."""
    held: int | None = None
    with contextlib.suppress(OSError):
        held = os.open(directory / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if held is not None:
            _note_lead(held, leader)
        yield
    finally:
        if held is not None:
            os.close(held)


def has_ended(directory: Path, leader: Leader) -> bool:
    """Whether the process that led in this epoch, in this directory, is certain to lead no more."""
    with contextlib.suppress(OSError):
        looking = os.open(directory / _NAME, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(looking, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return os.pread(looking, _NOTE_LIMIT, 0) == _note_of(leader)
        finally:
            os.close(looking)
    return False


def _note_lead(held: int, leader: Leader) -> None:
    """The note comes after the lock: without the lock it must not be ours."""
    with contextlib.suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(held, 0)
        os.pwrite(held, _note_of(leader), 0)


def _note_of(leader: Leader) -> bytes:
    return f"{leader.epoch} {leader.boot}"[:_NOTE_LIMIT].encode()
