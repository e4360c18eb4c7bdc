"""Heartbeats: a small file per process in `Settings.instance_dir`/heartbeats, from its work loop, for watchdog and control.

A file and not a message: it can be read when the bus, the coordinator or the process itself hangs.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from common import small_files

#: Seconds of silence after which a process counts as hung.
SILENT_AFTER = 30.0
#: Largest file read, in bytes, and most files.
FILE_LIMIT, COUNT_LIMIT = 4096, 1000


class Heartbeat(Struct, frozen=True):
    """The last sign of life of one process. Times in epoch seconds."""

    process: str
    actor: str
    pid: int
    boot: str
    at: float
    started_at: float
    restarts: int
    instance: str
    silent_after: float = SILENT_AFTER  # seconds
    waiting_until: float | None = None  # it failed too often in a row and does not work before
    failed_at: float = 0.0  # when a run in this process failed last; 0 where none did
    failed: str = ""  # the kind of error, and its text where it is one of ours
    trouble: str = ""  # what keeps it from working although it runs
    trouble_since: float = 0.0
    rss_bytes: int = 0  # memory in use; 0 where the system does not tell
    cpu_seconds: float = 0.0  # used since the process was started
    stopping: bool = False  # it was told to stop

    def silent(self, now: float) -> bool:
        """Whether this process has been quiet for too long."""
        return now - self.at > self.silent_after


def resource_usage() -> tuple[int, float]:
    """Resident memory of this process in bytes, and the processor time it has used, in seconds (proc_pid_statm(5))."""
    spent = os.times()
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        pages = 0
    return pages * os.sysconf("SC_PAGE_SIZE"), spent.user + spent.system


def heartbeat_directory(instance_dir: Path) -> Path:
    """Where heartbeats are kept."""
    return instance_dir / "heartbeats"


def write_heartbeat(instance_dir: Path, heartbeat: Heartbeat) -> None:
    """Replace the heartbeat of one process at once: a reader never sees half a file. Raises OSError.

    Where there is no room for a new file the old one is written over in its place: a full disk must not look like a silence.
    """
    small_files.replace_file(_path(instance_dir, heartbeat.process), msgspec.json.encode(heartbeat))


def read_heartbeat(instance_dir: Path, process: str) -> Heartbeat | None:
    """The heartbeat of one process."""
    return _read(_path(instance_dir, process))


def remove_heartbeat(instance_dir: Path, process: str) -> None:
    """Forget a process that ended as it should."""
    with contextlib.suppress(OSError):
        _path(instance_dir, process).unlink()


def read_heartbeats(instance_dir: Path) -> dict[str, Heartbeat]:
    """The heartbeats by process; a file that is no heartbeat is left out."""
    found = {}
    with contextlib.suppress(OSError):
        for path in sorted(heartbeat_directory(instance_dir).glob("*.json"))[:COUNT_LIMIT]:
            heartbeat = _read(path)
            if heartbeat is not None:
                found[heartbeat.process] = heartbeat
    return found


def _path(instance_dir: Path, process: str) -> Path:
    return heartbeat_directory(instance_dir) / f"{process}.json"


def _read(path: Path) -> Heartbeat | None:
    try:
        return msgspec.json.decode(small_files.read_bounded(path, FILE_LIMIT), type=Heartbeat)
    except (OSError, ValueError, RecursionError):
        return None
