"""A process ends with its supervisor: what is left behind would go on asking, posting and holding the state.

Only where a supervisor started it: a process that was started by hand outlives its shell.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

from common import clock, config, log

#: Seconds between two looks at the parent.
LOOK_EVERY = 0.5
#: Seconds that a process without its supervisor has to end in order.
ORPHAN_LIMIT = 3.0
#: prctl(2)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_ORPHANED = threading.Event()


def is_orphaned() -> bool:
    """Whether this process ends because its supervisor is gone."""
    return _ORPHANED.is_set()


def end_with_supervisor(process: str) -> None:
    """Start a thread that stops this process in order once its supervisor is gone, and at once if it does not obey."""
    if not config.inherited("SUPERVISOR_ENABLED"):
        return
    told = config.inherited("SUPERVISORD_PID")  # it may have died before we could ask for our parent
    parent = int(told) if told.isdecimal() else os.getppid()
    threading.Thread(target=_watch, args=(process, parent), name="lineage", daemon=True).start()


def _watch(process: str, parent: int) -> None:
    while os.getppid() == parent:
        clock.pause(LOOK_EVERY)
    _ORPHANED.set()
    log.get_logger(process).error("supervisor_gone", supervisor=parent, remedy="ending, as it has nothing to restart it")
    os.kill(os.getpid(), signal.SIGTERM)
    clock.pause(ORPHAN_LIMIT)
    os._exit(1)  # the event loop hangs, or a thread does


def signal_at_parents_end(number: int) -> None:
    """Have the kernel send us a signal when our parent ends (Linux; elsewhere its closed pipe has to do)."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends, so that none gets out of sight (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def child_pids(pid: int) -> list[int]:
    """The children of a process; empty where the kernel does not say."""
    with contextlib.suppress(OSError, ValueError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return []


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
