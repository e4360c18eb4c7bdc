"""An actor below a supervisor: it ends with it, its starts are counted, and rapid cycling is slowed. Real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from common import heartbeat, start_record, state_dir
from common.config import load
from common.heartbeat import Heartbeat
from common.processes.restarts import Starts
from tests.actors.supervised import gone
from tests.e2e.site import until

ROOT = Path(__file__).resolve().parents[1]
NAME = "notifier-0"

#: An actor; its argument says what `main` does.
ACTOR = """
import asyncio, sys, time
from common import (process)
from common.config import (load)
from common.errors import (ConfigError)

async def main(runtime):
    what = sys.argv[1]
    if what == "config":
        raise ConfigError(["BUDGETS_FILE: no JSON"])
    if what == "hang":
        runtime.beat()
        time.sleep(1000)
    while not runtime.stopping.is_set():
        runtime.beat()
        await runtime.rest(0.2)
    if what == "drain":
        await asyncio.sleep(3)

sys.exit(process.run_actor("notifier-0", main, load()))
"""

#: A supervisor that starts the actor and is there until it is killed.
SUPERVISOR = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]]).wait()"


@contextmanager
def started(tmp_path: Path, what: str, *, between: list[str] | None = None, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """The actor as a child process, `between` us and it another one."""
    settings = {"STATE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), **environ}
    command = [sys.executable, "-c", *(between or []), ACTOR, what]
    with subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def own_directory(tmp_path: Path) -> Path:
    """What belongs to the one instance that runs here."""
    return load({"STATE_DIR": str(tmp_path)}).instance_dir


def beat_of(tmp_path: Path, but: int = 0) -> Heartbeat:
    """The first heartbeat of a process other than `but`."""

    def found() -> Heartbeat | None:
        beat = heartbeat.read_heartbeat(own_directory(tmp_path), NAME)
        return beat if beat is not None and beat.pid != but else None

    beat = until(found, 20, "a heartbeat", 0.02)
    assert beat is not None
    return beat


def record(tmp_path: Path) -> Starts:
    """What is kept of the starts."""
    return msgspec.json.decode(
        (start_record.record_directory(own_directory(tmp_path)) / f"{NAME}.json").read_bytes(), type=Starts
    )


@pytest.mark.parametrize("what", ["work", "hang"])
def test_an_actor_ends_with_its_supervisor(tmp_path: Path, what: str) -> None:
    """Kill -9 of the supervisor ends it within seconds, also where its event loop hangs."""
    with started(tmp_path, what, between=[SUPERVISOR], SUPERVISOR_ENABLED="1") as supervisor:
        pid = beat_of(tmp_path).pid
        time.sleep(1.0)
        assert not gone(pid)
        supervisor.kill()
        until(lambda: gone(pid), 6, "the end of the actor")


def test_an_actor_whose_supervisor_was_gone_before_it_looked_ends(tmp_path: Path) -> None:
    """It knows its supervisor by the process id it was given, not by its present parent."""
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    with started(tmp_path, "work", SUPERVISOR_ENABLED="1", SUPERVISORD_PID=str(ended.pid)) as actor:
        assert actor.wait(10) in {0, -signal.SIGTERM}, "in order, or before it could"


def test_a_pause_outlives_the_supervisor(tmp_path: Path) -> None:
    """A process that waits and ends with its supervisor, by kill -9, waits on at the next start."""
    kept = Starts(stack="one", failures=9, until=time.time() + 250.0)
    start_record.record_directory(own_directory(tmp_path)).mkdir(parents=True)
    (start_record.record_directory(own_directory(tmp_path)) / f"{NAME}.json").write_bytes(msgspec.json.encode(kept))
    with started(tmp_path, "work", between=[SUPERVISOR], SUPERVISOR_ENABLED="1") as supervisor:
        pid = beat_of(tmp_path).pid
        time.sleep(1.0)
        supervisor.kill()
        until(lambda: gone(pid), 6, "the end of the actor")

    assert record(tmp_path).until == kept.until


def test_an_actor_that_was_started_by_hand_outlives_its_shell(tmp_path: Path) -> None:
    """No supervisor, nothing to end with, and nothing kept of its starts."""
    with started(tmp_path, "work", between=[SUPERVISOR]) as shell:
        pid = beat_of(tmp_path).pid
        shell.kill()
        shell.wait()
        time.sleep(1.5)
        assert not gone(pid)
        os.kill(pid, signal.SIGKILL)
    assert list(start_record.record_directory(own_directory(tmp_path)).iterdir()) == []


def test_starts_by_the_supervisor_are_restarts(tmp_path: Path) -> None:
    """Seven kills show as 7 in the heartbeat, and each successor works at once."""
    seen, pid = [], 0
    for _ in range(8):
        with started(tmp_path, "work", SUPERVISOR_ENABLED="1", SUPERVISE_STACK="one"):
            beat = beat_of(tmp_path, but=pid)
            pid = beat.pid
            seen.append((beat.restarts, beat.waiting_until))

    assert seen == [(restarts, None) for restarts in range(8)]


def test_a_wrong_setting_slows_the_next_starts(tmp_path: Path) -> None:
    """Exit code 2 each time, after a pause that grows and is kept in the state; it is seen and said, and can be ended."""
    for failures in (1, 2):
        with started(tmp_path, "config", SUPERVISOR_ENABLED="1") as actor:
            assert actor.wait(20) == 2
        assert record(tmp_path).failures == failures
    kept = msgspec.structs.replace(record(tmp_path), until=time.time() + 250.0)
    (start_record.record_directory(own_directory(tmp_path)) / f"{NAME}.json").write_bytes(msgspec.json.encode(kept))

    with started(tmp_path, "config", SUPERVISOR_ENABLED="1") as actor:
        beat = until(
            lambda: (found := beat_of(tmp_path)).waiting_until and found.pid == actor.pid and found,
            20,
            "a heartbeat that says so",
        )
        actor.terminate()
        said, _ = actor.communicate(timeout=10)
        assert actor.returncode == 0
    assert beat.waiting_until == pytest.approx(kept.until)
    assert beat.failed == "ConfigError: a setting is wrong: BUDGETS_FILE", "said by the process before, kept while it waits"
    rows = [json.loads(line) for line in said.splitlines()]
    (delayed,) = [row for row in rows if row["event"] == "start_delayed"]
    assert delayed["seconds"] == pytest.approx(250.0, abs=10.0)
    assert delayed["failures"] == 2
    assert record(tmp_path).until == 0.0, "the operator stopped it: the next start is at once"


def test_a_full_disk_keeps_no_record_and_stops_nothing(tmp_path: Path) -> None:
    """The record is then in memory alone."""
    state_dir.create_directories(load({"STATE_DIR": str(tmp_path)}))
    (start_record.record_directory(own_directory(tmp_path)) / f"{NAME}.tmp").symlink_to("/dev/full")
    with started(tmp_path, "work", SUPERVISOR_ENABLED="1") as actor:
        beat_of(tmp_path)
        actor.terminate()
        assert actor.wait(10) == 0


def test_an_actor_that_drains_is_seen_to_live(tmp_path: Path) -> None:
    """A stop by hand may take half a minute: heartbeats go on, so nothing takes it for hung."""
    settings = {**os.environ, "STATE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", ACTOR, "drain"], env=settings, stdout=subprocess.DEVNULL) as actor:
        first = beat_of(tmp_path)
        assert not first.stopping
        time.sleep(0.6)
        actor.terminate()
        until(
            lambda: (beat := beat_of(tmp_path)).stopping and beat.at > first.at + 1.5,
            5,
            "a later heartbeat",
        )
        assert actor.wait(10) == 0
