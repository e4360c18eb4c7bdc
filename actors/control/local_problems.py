"""What the control process sees for itself: the disk, the database, and the supervisor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from common.config import Settings
from common.core.telemetry.problems import Problem
from common.errors import StoreAway, StoreDamaged, StoreError, StoreLost
from common.shard_settings import settings_of_shard, shard_directory
from common.store import database_file
from common.store.spool import find_left

#: Free bytes below which nothing of use can be written, and below which the disk is nearly full: the log of the database takes
#: up to 64 MiB, and a large list as much. A small disk is nearly full where less than this share of it is free.
FULL, LOW, LOW_SHARE = 1 << 20, 256 << 20, 0.05
#: Seconds that the coordinator has to tell of a full disk, or of a database server that is away, itself: what both see is one
#: problem, with one line in the log. A server that is restarted is back before that.
TOLD_AFTER = 5.0
#: Seconds for which a database may be missing: the coordinator makes it at the first start.
FIRST_START = 30.0
_BACKUP = "Stop the service and restore the database from a backup"


def disk_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the disks of the state. To be called in a thread."""
    folders = (settings.state_dir, settings.store_path.parent) if settings.store_in_file else (settings.state_dir,)
    for folder in dict.fromkeys(folders):
        try:
            room = os.statvfs(folder)
        except OSError:
            continue  # a directory that is gone takes the database with it
        no_files = room.f_files > 0 and room.f_favail == 0
        problem = disk_problem(folder, 0 if no_files else room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize)
        if problem is not None:
            yield problem
            return


def disk_problem(folder: Path, free: int, size: int) -> Problem | None:
    """What is wrong with a disk that has so many bytes free, of `size`."""
    if free < FULL:
        return Problem(
            "disk_full", f"The disk of {folder} is full.", "Make room on it; writing goes on by itself.",
            unwatched=True, after=TOLD_AFTER,
        )  # fmt: skip
    if free < min(LOW, size * LOW_SHARE):
        return Problem("disk_low", f"The disk of {folder} has {free >> 20} MiB left.", "Make room on it before it is full.")
    return None


def database_problems(settings: Settings, error: StoreError | None) -> Iterator[Problem]:
    """What is wrong with the database, given how the last look at it failed (None: it did not)."""
    return _file_problems(settings.store_path, error) if settings.store_in_file else _server_problems(error)


def _file_problems(store: Path, error: StoreError | None) -> Iterator[Problem]:
    path = store
    try:
        path = database_file.current_path(store)
    except StoreError as unreadable:
        error = error or unreadable
    if database_file.is_lost(path):
        error = StoreLost(f"{path} is gone, or empty, and it was there before")
    if isinstance(error, StoreLost):
        remedy = f"{_BACKUP}, or delete {database_file.marker_path(path)} to begin anew without what it knew."
        yield Problem("store_lost", f"{error}.", remedy, restart_helps=True, unwatched=True)
    elif isinstance(error, StoreDamaged):
        remedy = f"{_BACKUP}, or move it away together with its -wal, -shm and {database_file.SUFFIX} to begin anew."
        yield Problem("store_damaged", f"{path} is damaged.", remedy, restart_helps=True, unwatched=True)
    elif error is not None:
        remedy = "See the coordinator's log: it makes the database at its first start."
        yield Problem("store_unreadable", f"{error}.", remedy, restart_helps=True, unwatched=True, after=FIRST_START)


def spool_problems(settings: Settings) -> Iterator[Problem]:
    """Transactions that this instance keeps, and will not write by itself. To be called in a thread."""
    directories = (shard_directory(settings_of_shard(settings, shard)) for shard in range(settings.shards))
    own = settings.instance_dir
    if left := [str(path.relative_to(own)) for directory in directories for path in find_left(directory)]:
        yield Problem(
            "spool_left",
            f"What was decided here while the database was away is not in it: {', '.join(left[:3])} in "
            f"{own}. Its notices were sent as far as the receiver took them.",
            "See the coordinator's log for the reason. Keep the files for as long as their notices matter, then delete them.",
        )


def away_problem(text: str, after: float = 0.0) -> Problem:
    """The problem of a database server that is away, which no restart of ours brings back."""
    remedy = "Start the PostgreSQL server of STORE_URL, or mend the way to it; work goes on by itself within seconds."
    return Problem("store_away", f"{text.rstrip('.?')}.", remedy, unwatched=True, after=after)


def _server_problems(error: StoreError | None) -> Iterator[Problem]:
    if isinstance(error, StoreAway):
        yield away_problem(str(error), TOLD_AFTER)
    elif isinstance(error, StoreLost):
        yield Problem("store_lost", f"{error}.", f"{_BACKUP}.", restart_helps=True, unwatched=True)
    elif isinstance(error, StoreDamaged):
        yield Problem("store_damaged", f"{error}.", f"{_BACKUP}.", restart_helps=True, unwatched=True)
    elif error is not None:
        remedy = (
            "See that the PostgreSQL server of STORE_URL runs and lets this user in; its tables are made at the first start."
        )
        yield Problem("store_unreadable", f"{error}.", remedy, restart_helps=True, unwatched=True, after=FIRST_START)


class SupervisorWatch:
    """Whether the supervisor that started us is still there: without one nothing is started again."""

    def __init__(self, *, supervised: bool) -> None:
        self._parent = os.getppid() if supervised else None

    def problems(self) -> Iterator[Problem]:
        """The problem, if there is one."""
        if self._parent is not None and os.getppid() != self._parent:
            yield Problem(
                "supervisor_gone", "The supervisor has ended: what stops is not started again.",
                "Stop what is left and start the service anew.", restart_helps=True,
            )  # fmt: skip
