"""What the kernel says of a process: /proc/PID (proc_pid_stat(5), proc_pid_schedstat). None on systems without it."""

from __future__ import annotations

import os
from pathlib import Path

from common.processes.hang import Vitals

#: Most bytes of /proc/PID/stat: the name of the program is cut by the kernel.
_LIMIT = 4096


def read_vitals(pid: int) -> Vitals | None:
    """State and times of a process; None where it is gone or the kernel does not say."""
    fields = _stat(pid)
    if fields is None:
        return None
    ticks = int(fields[11]) + int(fields[12])
    return Vitals(fields[0], ticks / os.sysconf("SC_CLK_TCK"), _delayed(pid))


def parent_pid(pid: int) -> int:
    """The parent of a process; 0 where it is not known."""
    fields = _stat(pid)
    return int(fields[1]) if fields is not None else 0


def process_state(pid: int) -> str:
    """The state of a process as one letter; "" where it is not known."""
    fields = _stat(pid)
    return fields[0] if fields is not None else ""


def _stat(pid: int) -> list[str] | None:
    """The fields after the name, from the state on."""
    try:
        with Path(f"/proc/{pid}/stat").open("rb") as stream:
            row = stream.read(_LIMIT)
    except OSError:
        return None
    fields = row.rpartition(b")")[2].decode("ascii", "replace").split()
    return fields if len(fields) > 12 else None


def _delayed(pid: int) -> float | None:
    """Seconds that the threads of a process waited for a CPU, taken together."""
    total, known = 0, False
    try:
        for thread in os.scandir(f"/proc/{pid}/task"):
            with Path(thread.path, "schedstat").open("rb") as stream:
                total += int(stream.read(_LIMIT).split()[1])
                known = True
    except (OSError, ValueError, IndexError):
        pass  # a thread that ended meanwhile, or a kernel without these figures
    return total / 1e9 if known else None
