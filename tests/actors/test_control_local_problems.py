"""What control sees for itself: the disk, the database's file, and the supervisor."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from actors.control import local_problems
from actors.control.local_problems import LOW, disk_problem
from actors.control.store_readers import StoreReaders
from common.errors import StoreAway, StoreDamaged, StoreError, StoreLost
from common.store import database_file
from common.store.reader import SqliteReader
from tests.actors.control_lab import Lab
from tests.actors.test_control_health import codes, stage
from tests.store.builders import next_writer
from tests.store.paused_leader import settings_of


def with_store(lab: Lab, path: Path) -> None:
    """Let the control process read a real database."""
    lab.control.store = StoreReaders(lambda: SqliteReader(path))


def test_the_file_that_is_looked_at_is_the_highest_generation(tmp_path: Path) -> None:
    """One that is lost is told, and the older one beside it does not count; nor does a directory that cannot be read."""
    store = tmp_path / "x.db"
    next_writer(store).close()
    later = database_file.generation_path(store, 3)
    database_file.note_begun(later)

    found = [*local_problems.database_problems(settings_of(store), None)]
    assert [problem.code for problem in found] == ["store_lost"]
    assert str(later) in found[0].what
    assert f"{later.name}.begun" in found[0].remedy
    store.replace(later)
    assert [*local_problems.database_problems(settings_of(store), None)] == []
    unreadable = [*local_problems.database_problems(replace(settings_of(store), store_url=f"sqlite:///{later}/x.db"), None)]
    assert [problem.code for problem in unreadable] == ["store_unreadable"]


@pytest.mark.parametrize("emptied", [False, True])
def test_a_database_that_is_deleted_is_told_within_a_second(emptied: bool, tmp_path: Path) -> None:
    """Control sees it itself, whatever the coordinator does; with the backup back all is well."""

    async def story(lab: Lab) -> None:
        path = lab.settings.store_path
        next_writer(path).close()
        content = path.read_bytes()
        with_store(lab, path)
        lab.all_beat()
        assert (await lab.get("/health"))[0] == 200
        path.write_bytes(b"") if emptied else path.unlink()
        lab.clock.at += 1.1
        status, health = await lab.get("/health")
        assert (status, codes(health)) == (503, [("store_lost", "")])
        assert database_file.marker_path(path).name in health["problems"][0]["remedy"]
        assert (await lab.get("/ready"))[0] == 503
        assert (await lab.get("/domains"))[0] == 503
        path.write_bytes(content)
        lab.clock.at += 2
        assert (await lab.get("/health"))[0] == 200

    stage(story, tmp_path)


def test_damage_is_remembered_until_the_file_is_another_one(tmp_path: Path) -> None:
    """A read of the damaged pages finds the damage; reads of other pages do not clear it."""

    async def story(lab: Lab) -> None:
        path = lab.settings.store_path
        next_writer(path).close()
        whole = path.read_bytes()
        with closing(sqlite3.connect(path)) as raw:
            page = raw.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'problem'").fetchone()[0]
            size = raw.execute("PRAGMA page_size").fetchone()[0]
        with path.open("r+b") as stream:
            stream.seek((page - 1) * size)
            stream.write(b"\xff" * size)
        with_store(lab, path)
        lab.all_beat()
        assert (await lab.get("/health"))[0] == 200
        assert (await lab.get("/problems"))[0] == 503
        lab.clock.at += 2
        status, health = await lab.get("/health")
        assert (status, codes(health)) == (503, [("store_damaged", "")])
        (tmp_path / "backup.db").write_bytes(whole)
        (tmp_path / "backup.db").replace(path)
        for _ in range(5):
            lab.clock.at += 2
            status, health = await lab.get("/health")
            assert (status, health["problems"]) == (200, [])

    stage(story, tmp_path)


def test_a_database_that_never_came_is_told_after_a_while(tmp_path: Path) -> None:
    """A first start makes it within seconds; later its absence is a problem."""

    async def story(lab: Lab) -> None:
        lab.missing = True
        lab.all_beat()
        assert (await lab.get("/health"))[1]["problems"] == []
        lab.clock.at += 31
        lab.all_beat()
        assert codes((await lab.get("/health"))[1]) == [("store_unreadable", "")]

    stage(story, tmp_path)


@pytest.mark.parametrize(
    ("free", "size", "code"),
    [
        (0, 1 << 40, "disk_full"),
        (LOW - 1, 1 << 40, "disk_low"),
        (LOW, 1 << 40, None),
        (9 << 20, 100 << 20, None),
        (4 << 20, 100 << 20, "disk_low"),
    ],
)
def test_a_disk_is_judged_by_what_is_left(free: int, size: int, code: str | None) -> None:
    """A few hundred megabytes are enough on a large disk, a twentieth on a small one."""
    problem = disk_problem(Path("/state"), free, size)

    assert (problem.code if problem is not None else None) == code
    assert problem is None or problem.unwatched is (code == "disk_full")


def test_a_full_disk_is_seen(tmp_path: Path) -> None:
    """What the kernel says of the directory's file system decides: /proc never has a free block."""
    lab = Lab(tmp_path, STORE_URL="sqlite:////proc/self/x.db")

    assert [problem.code for problem in local_problems.disk_problems(lab.settings)] == ["disk_full"]
    assert [*local_problems.disk_problems(Lab(tmp_path).settings)] == []


def test_a_database_server_has_no_disk_of_ours(tmp_path: Path) -> None:
    """Its URL names no file here: the disk of the state directory counts, and nothing else."""
    lab = Lab(tmp_path, STORE_URL="postgresql://user@db/x")

    assert [*local_problems.disk_problems(lab.settings)] == []
    assert [*local_problems.database_problems(lab.settings, None)] == []


def test_transactions_that_will_not_be_written_are_told(tmp_path: Path) -> None:
    """Files that were set aside; those that wait are written by themselves."""
    settings = Lab(tmp_path, INSTANCE_ID="here").settings
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    (settings.instance_dir / "spool-7").touch()
    assert [*local_problems.spool_problems(settings)] == []
    (settings.instance_dir / "spool-7").rename(settings.instance_dir / "spool-7.left")
    (left,) = local_problems.spool_problems(settings)
    assert (left.code, left.unwatched, left.restart_helps) == ("spool_left", False, False)
    assert "spool-7.left" in left.what


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (StoreLost("it is gone"), "store_lost", "backup"),
        (StoreDamaged("it is damaged"), "store_damaged", "backup"),
        (StoreError("it cannot be used"), "store_unreadable", "server of STORE_URL"),
        (StoreAway("it cannot be reached"), "store_away", "server of STORE_URL"),
    ],
)
def test_what_is_wrong_with_a_database_server_is_told(tmp_path: Path, error: StoreError, code: str, remedy: str) -> None:
    """With what the last look said, and a remedy that names no file."""
    (problem,) = local_problems.database_problems(Lab(tmp_path, STORE_URL="postgresql://user@db/x").settings, error)

    assert (problem.code, problem.unwatched) == (code, True)
    assert str(error) in problem.what
    assert remedy in problem.remedy
    assert ".db" not in problem.remedy


def test_a_supervisor_that_has_ended_is_told(tmp_path: Path) -> None:
    """A process whose parent is not the one of its start has lost it; one that was never supervised has none to lose."""
    script = tmp_path / "child.py"
    script.write_text(
        "import os, sys, time\n"
        "from actors.control.local_problems import SupervisorWatch\n"
        "watched, free = SupervisorWatch(supervised=True), SupervisorWatch(supervised=False)\n"
        "before = len([*watched.problems()])\n"
        "parent = os.getppid()\n"
        "print('ready', flush=True)\n"
        "while os.getppid() == parent: time.sleep(0.01)\n"
        "print(before, [p.code for p in watched.problems()], [*free.problems()], flush=True)\n",
        encoding="utf-8",
    )
    starter = "import subprocess, sys; subprocess.Popen([sys.executable, sys.argv[1]]); sys.stdin.read()"
    root = Path(__file__).resolve().parents[2]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, "-c", starter, str(script)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ, cwd=root,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        parent.kill()
        assert parent.stdout.readline() == "0 ['supervisor_gone'] []\n"
