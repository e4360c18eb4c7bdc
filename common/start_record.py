"""Keeps the record of the starts of each process, so that its pauses survive it and the whole stack.

It is a small file in `Settings.instance_dir`/starts.
"""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path

import msgspec

from common import config, heartbeat, process_tree, small_files
from common.clock import now
from common.processes import restarts
from common.processes.restarts import Starts

#: Largest record read, in bytes.
FILE_LIMIT = 4096


def record_directory(instance_dir: Path) -> Path:
    """Where the records are kept."""
    return instance_dir / "starts"


class StartRecord:
    """The record of this process. A record that cannot be written is kept in memory: a full disk must not stop an actor.

    Outside of a supervisor nothing is written: a process that was started by hand is not restarted by anything.
    """

    def __init__(self, instance_dir: Path, process: str, rng: random.Random) -> None:
        self._path = record_directory(instance_dir) / f"{process}.json" if config.inherited("SUPERVISOR_ENABLED") else None
        self._rng = rng
        before, beat = self._read(), heartbeat.read_heartbeat(instance_dir, process)
        #: Why the process before this one failed, and when, where its last sign of life was in a pause.
        self.previous_failure = (
            (beat.failed, beat.failed_at) if beat is not None and beat.waiting_until is not None else ("", 0.0)
        )
        # Without `supervise` above it, the supervisor's own life is that of the stack.
        stack = config.inherited("SUPERVISE_STACK") or str(os.getppid())
        self.record = restarts.record_start(before, stack, now(), beat.at if beat else 0.0, self._spread())
        self._write()

    def record_failure(self, ran: float) -> None:
        """A run of so many seconds failed; `record.until` is when the next one may begin."""
        self.record = restarts.record_failure(self.record, now(), ran, self._spread())
        self._write()

    def record_restart(self) -> None:
        """The next run in this process begins."""
        self.record = restarts.record_next_run(self.record)
        self._write()

    def record_stop(self, ran: float) -> None:
        """The process ends because it was asked to, or with its supervisor: that is no reason to forget a pause."""
        self.record = restarts.record_stop(self.record, ran, asked=not process_tree.is_orphaned())
        self._write()

    def seconds_to_wait(self) -> float:
        """Seconds until the next run may begin."""
        return max(0.0, self.record.until - now())

    def _spread(self) -> float:
        return self._rng.uniform(-1.0, 1.0)

    def _read(self) -> Starts | None:
        if self._path is None:
            return None
        try:
            return msgspec.json.decode(small_files.read_bounded(self._path, FILE_LIMIT), type=Starts)
        except (OSError, ValueError, RecursionError):
            return None

    def _write(self) -> None:
        if self._path is not None:
            with contextlib.suppress(OSError):
                small_files.replace_file(self._path, msgspec.json.encode(self.record))
