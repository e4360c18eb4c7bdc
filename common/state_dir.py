"""Prepares STATE_DIR and keeps crash dumps in it.

Instances share STATE_DIR: the database, what was fetched, crash dumps, the sockets of the leader. What belongs to one of them
alone is below `Settings.instance_dir`.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import stat
import tempfile
import traceback
from pathlib import Path

from common import heartbeat, start_record
from common.clock import iso
from common.config import Settings
from common.errors import ConfigError
from common.secret_scrubber import Scrubber
from common.socket_paths import socket_directory

#: Crash dumps kept, the newest ones, and the most characters of one.
CRASHES_KEPT, CRASH_LIMIT = 20, 200_000

_PACKAGES = ("domain-monitor", "aiohttp", "dnspython", "msgspec", "pyzmq", "supervisor")


def create_directories(settings: Settings) -> None:
    """Make the directories of the state, readable by this user only. Raises ConfigError."""
    state, own = settings.state_dir, settings.instance_dir
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (
            crash_directory(state),
            socket_directory(state),
            own.parent,
            own,
            heartbeat.heartbeat_directory(own),
            start_record.record_directory(own),
            socket_directory(own),
        ):
            directory.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=state):
            pass
        for directory in (socket_directory(state), socket_directory(own)):
            _make_private(directory)
    except OSError as error:
        raise ConfigError([f"STATE_DIR: {state} must be a directory this user can write: {error.strerror or error}"]) from error


def crash_directory(state_dir: Path) -> Path:
    """Where crash dumps are kept."""
    return state_dir / "crashes"


def dump_crash(settings: Settings, process: str, error: BaseException, now: float) -> Path | None:
    """Write traceback and versions, without secrets, and drop the oldest dumps. None where the disk refuses."""
    lines = [
        f"{process} of {settings.instance_id} at {iso(now)}",
        f"Python {platform.python_version()} on {platform.platform()}",
    ]
    lines += [f"{name} {_version(name)}" for name in _PACKAGES]
    text = "\n".join(lines) + "\n\n" + "".join(traceback.format_exception(error))[-CRASH_LIMIT:]
    directory = crash_directory(settings.state_dir)
    path = directory / f"{iso(now).replace(':', '')}-{settings.instance_id}-{process}.txt"
    try:
        path.write_text(Scrubber(settings.secrets()).text(text), encoding="utf-8", errors="backslashreplace")
        kept = sorted(directory.glob("*.txt"))
    except OSError:
        return None
    for old in kept[:-CRASHES_KEPT]:
        with contextlib.suppress(OSError):
            old.unlink()
    return path


def _make_private(directory: Path) -> None:
    # Under the system's temporary directory another user may have made it first.
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(0, f"{directory} belongs to another user")
    directory.chmod(0o700)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
