"""Whether the process that led in a directory has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from msgspec import structs

from common.lead_lock import has_ended, hold_lead
from common.store.lease_contract import Leader

LEADER = Leader("one", "boot", 4, "ipc://bus", "ipc://feed")
_LEAD = """
import sys, time
from pathlib import Path
from common.lead_lock import hold_lead
from common.store.lease_contract import Leader
with hold_lead(Path(sys.argv[1]), Leader("one", "boot", 4, "ipc://bus", "ipc://feed")):
    print("leads", flush=True)
    time.sleep(60)
"""


def test_a_leader_that_was_killed_has_ended(tmp_path: Path) -> None:
    """Not while it runs or is stopped, and no other run than that one."""
    with subprocess.Popen([sys.executable, "-c", _LEAD, str(tmp_path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"leads\n"
        assert not has_ended(tmp_path, LEADER)
        os.kill(child.pid, signal.SIGSTOP)
        assert not has_ended(tmp_path, LEADER)
        child.kill()
        child.wait()
    assert has_ended(tmp_path, LEADER)
    assert not has_ended(tmp_path, structs.replace(LEADER, boot="another"))
    assert not has_ended(tmp_path, structs.replace(LEADER, epoch=5))


def test_a_leader_that_stands_by_again_has_ended(tmp_path: Path) -> None:
    """The same process may lead again, in a later epoch."""
    with hold_lead(tmp_path, LEADER):
        assert not has_ended(tmp_path, LEADER)
    assert has_ended(tmp_path, LEADER)
    with hold_lead(tmp_path, structs.replace(LEADER, epoch=5)):
        assert not has_ended(tmp_path, LEADER)


def test_what_cannot_be_seen_has_not_ended(tmp_path: Path) -> None:
    """A leader on another host has no directory here; one whose disk is full, or that may not write, has no note."""
    assert not has_ended(tmp_path / "elsewhere", LEADER)
    with hold_lead(tmp_path / "elsewhere", LEADER):
        pass
    assert not has_ended(tmp_path / "elsewhere", LEADER)
    with hold_lead(tmp_path, LEADER):
        (tmp_path / "lead.lock").write_bytes(b"x" * 10_000)
    assert not has_ended(tmp_path, LEADER)
