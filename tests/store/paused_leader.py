"""A leader of the embedded store that is stopped in the middle of a transaction: `python -m tests.store.paused_leader DB NAME`.

It takes the next epoch, opens the store, in a copy where that is locked, and begins a transaction. Then it does what it is
told, a word a line: `commit` ends the transaction, `write` makes another, `end` closes the store. With a third argument it dies
by SIGKILL at that step of its copy, or (`late`) waits before it renames it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.config import Settings, load
from common.core.model.records import Changes
from common.errors import StoreError, StoreLocked
from common.processes.leases import TTL
from common.store import database_file, generations
from common.store.fence import read_epoch
from common.store.file_leases import FileLeases
from common.store.lease_contract import Lease
from common.store.store_contract import Writer
from common.store.writer import SqliteWriter, leave_locked, open_writer
from tests.store.builders import domain
from tests.store.lease_scene import take

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("begun", "copied", "renamed", "opened")
LATE = "late"


def settings_of(store: Path) -> Settings:
    """Settings with this database."""
    return load({"STATE_DIR": str(store.parent), "STORE_URL": f"sqlite:///{store}"})


def take_over(store: Path, instance: str) -> Lease:
    """The next lease, after so long that the one before has run out."""
    now = [1000.0]
    leases = FileLeases(store, lambda: read_epoch(store), lambda: now[0])
    leases.find()
    now[0] += TTL
    return take(leases, instance)


def open_taken(store: Path, lease: Lease) -> Writer:
    """The store as the coordinator opens it."""
    settings, epoch = settings_of(store), lease.leader.epoch
    try:
        return open_writer(settings, epoch)
    except StoreLocked:
        assert leave_locked(settings, epoch, lease.renew) is not None
        return open_writer(settings, epoch)


@contextmanager
def paused_leader(store: Path, instance: str) -> Iterator[Leader]:
    """Another process that leads, inside a transaction, and is stopped."""
    leader = Leader(store, instance)
    try:
        assert leader.heard() == "in a transaction"
        leader.process.send_signal(signal.SIGSTOP)
        yield leader
    finally:
        leader.process.kill()
        leader.process.communicate()


class Leader:
    """The other end of the pipes to such a process."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-m", __name__, *map(str, arguments)]
        self.process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def heard(self) -> str:
        """The next line that it said."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, word: str) -> str:
        """Let it go on and do this; what it says then."""
        assert self.process.stdin is not None
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.heard()


def main(store: Path, instance: str, step: str = "") -> None:
    """Lead until told to end."""
    lease = take_over(store, instance)
    die_at(step)
    writer = open_taken(store, lease)
    assert isinstance(writer, SqliteWriter)
    writer.apply(Changes(domains=[domain(f"{instance}.com")]))
    with writer._transaction("write") as connection:
        connection.execute("INSERT INTO meta VALUES('untold', ?)", (instance,))
        answer("in a transaction")
        assert sys.stdin.readline() == "commit\n"
    answer("committed")
    for line in sys.stdin:
        if line == "end\n":
            break
        try:
            writer.apply(Changes(meta={"more": instance}))
            answer("written")
        except StoreError as error:
            answer(type(error).__name__)
    writer.close()
    lease.release()
    answer("ended")


def answer(text: str) -> None:
    """Say a line."""
    print(text, flush=True)


def rename_late(draft: Path, target: Path) -> Path:
    """Rename a file when told so."""
    answer("renaming")
    sys.stdin.readline()
    try:
        return Path(shutil.move(draft, target))
    except OSError as error:
        answer(type(error).__name__)
        raise


def die_at(step: str) -> None:
    """Let this process end by SIGKILL at that step of a copy, or wait there."""

    def dying(work: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
        def work_and_die(*arguments: Any) -> None:
            if after:
                work(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        return work_and_die

    if step == "begun":
        generations.fence.claim_epoch = dying(generations.fence.claim_epoch, after=False)  # type: ignore[assignment]  # this process only
    elif step == "copied":
        generations._write_draft = dying(generations._write_draft, after=True)
    elif step == "renamed":
        Path.rename = dying(Path.rename, after=True)  # type: ignore[method-assign]
    elif step == LATE:
        Path.rename = rename_late  # type: ignore[method-assign]
    elif step == "opened":
        database_file.note_begun = dying(database_file.note_begun, after=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
