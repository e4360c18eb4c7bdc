"""The processes of one instance as this machine sees them, whatever namespace they are in: found by their environment."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from common.shard_settings import coordinator_name

_ACTOR = re.compile(r"actors\.cli\.main\0([a-z]+)(?:\0--pool\0([a-z]+))?(?:\0--(?:number|shard)\0([0-9]+))?")


def find_processes(instance: str, state_dir: Path) -> dict[str, int]:
    """Process ids by name ("coordinator", "checker-fast-0", "supervise", "other-<id>"), of those that belong to an instance."""
    marks = {f"INSTANCE_ID={instance}".encode(), f"STATE_DIR={state_dir}".encode()}
    found: dict[str, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if marks <= set((entry / "environ").read_bytes().split(b"\0")):
                    command = (entry / "cmdline").read_bytes().decode(errors="replace")
                    if command:  # a process that has ended and was not waited for has none
                        found[_name_of(command, int(entry.name))] = int(entry.name)
    return found


def _name_of(command: str, pid: int) -> str:
    if "actors.cli.supervisord" in command:
        return "supervisord"
    if command.startswith(("unshare\0", "ip\0", "sh\0")):
        return f"shell-{pid}"
    if (match := _ACTOR.search(command)) is None:
        return f"other-{pid}"
    actor, pool, number = match.groups()
    if actor == "coordinator":
        return coordinator_name(int(number or 0))
    name = f"checker-{pool}" if actor == "checker" else str(actor)
    return f"{name}-{number or 0}" if actor in {"checker", "notifier"} else name


def signal_all(pids: dict[str, int], number: int) -> None:
    """Send a signal to all of them, the one at the root first; what has ended meanwhile is no matter."""
    roots = [pids[name] for name in ("supervise", "supervisord") if name in pids]
    for pid in [*roots, *(pid for pid in pids.values() if pid not in roots)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal, or is gone."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"T", "t", "Z", "X"}
    return True
