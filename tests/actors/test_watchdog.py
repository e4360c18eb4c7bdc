"""The watchdog restarts what hangs, leaves alone what lives, and gives up where supervisord gave up."""

from __future__ import annotations

import dataclasses
import io
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.watchdog import Listener, RpcSupervisor, Supervised, Watch, listen
from common import heartbeat
from common.heartbeat import SILENT_AFTER, Heartbeat

ROOT = Path(__file__).resolve().parents[2]
WORKER = Supervised("workers", "checker-fast-0", 100, running=True)
OWN = Supervised("watchdog", "watchdog", 99, running=True)


def beat(at: float, pid: int = 100, silent_after: float = SILENT_AFTER) -> dict[str, Heartbeat]:
    """The heartbeat file of the worker."""
    return {WORKER.name: Heartbeat(WORKER.name, "checker", pid, "b", at, 0.0, 0, "one", silent_after)}


def test_a_process_that_beats_is_left_alone() -> None:
    """As long as the heartbeat moves, whatever its time says."""
    watch = Watch()

    for tick in range(100):
        assert watch.look([WORKER, OWN], beat(at=1000.0 - tick), tick * 5.0) == []


def test_a_silent_process_is_restarted_once() -> None:
    """30 seconds without a change, then the next one gets its own 30 seconds."""
    watch = Watch()
    hung = [tick for tick in range(20) if watch.look([WORKER], beat(at=1.0), tick * 5.0)]

    assert hung == [7, 15]


def test_a_full_disk_is_no_silence(tmp_path: Path) -> None:
    """A process that beats without room for a new file lives, a new one in its place too; half a heartbeat kills nobody."""
    folder = heartbeat.directory(tmp_path)
    folder.mkdir()
    heartbeat.write(tmp_path, beat(at=1.0)[WORKER.name])
    file = folder / f"{WORKER.name}.json"
    file.with_suffix(".tmp").symlink_to("/dev/full")
    watch, reborn = Watch(), dataclasses.replace(WORKER, pid=1_000_000)

    for tick in range(40):
        worker = WORKER if tick < 20 else reborn
        written = beat(at=1e9 + tick * 5.0, pid=worker.pid)
        heartbeat.write(tmp_path, written[WORKER.name])
        assert heartbeat.read_all(tmp_path) == written
        if tick % 10 == 0:
            file.write_bytes(file.read_bytes()[:50].ljust(200))
        assert watch.look([worker], heartbeat.read_all(tmp_path), tick * 5.0) == []


def test_a_process_may_ask_for_more_time() -> None:
    """`silent_after` of the heartbeat counts."""
    watch = Watch()
    hung = [tick for tick in range(30) if watch.look([WORKER], beat(at=1.0, silent_after=100.0), tick * 5.0)]

    assert hung == [21]


def test_a_process_without_a_heartbeat_gets_thirty_seconds() -> None:
    """Also where only the file of an earlier process is left."""
    for files in ({}, beat(at=5.0, pid=77)):
        watch = Watch()
        hung = [tick for tick in range(8) if watch.look([WORKER], files, tick * 5.0)]
        assert hung == [7]


def test_a_new_process_starts_afresh() -> None:
    """A restart by supervisord counts as a sign of life."""
    watch = Watch()
    for tick in range(6):
        watch.look([WORKER], {}, tick * 5.0)
    reborn = dataclasses.replace(WORKER, pid=101)

    assert not any(watch.look([reborn], {}, tick * 5.0) for tick in range(6, 12))


def test_only_running_processes_are_watched() -> None:
    """What supervisord already starts, stops or gave up on is its business; so is the watchdog itself."""
    watch = Watch()
    stopped = dataclasses.replace(WORKER, running=False)

    assert not any(watch.look([stopped, OWN], {}, tick * 5.0) for tick in range(20))


def test_a_pause_of_the_whole_container_kills_nobody() -> None:
    """When the watchdog itself was stopped for long, everybody was."""
    watch = Watch()
    watch.look([WORKER], beat(at=1.0), 0.0)

    assert watch.look([WORKER], beat(at=1.0), 3600.0) == []
    assert watch.look([WORKER], beat(at=2.0), 3605.0) == []


class FakeSupervisor:
    """Stands in for supervisord; `broken` makes every call fail."""

    def __init__(self) -> None:
        self.killed: list[str] = []
        self.stopped = False
        self.broken = False

    def processes(self) -> list[Supervised]:
        """One worker."""
        if self.broken:
            raise ConnectionRefusedError(111, "Connection refused")
        return [WORKER]

    def kill(self, process: Supervised) -> None:
        """Note it."""
        self.killed.append(process.full_name)

    def stop(self) -> None:
        """Note it."""
        self.stopped = True


def listener(supervisor: FakeSupervisor) -> Listener:
    """A listener whose clock moves five seconds a tick and whose worker is silent."""
    ticks = iter(range(0, 10_000, 5))
    return Listener(supervisor, lambda: beat(at=1.0), lambda: float(next(ticks)))


def test_ticks_lead_to_a_kill() -> None:
    """A silent process is killed by its full name."""
    supervisor = FakeSupervisor()
    subject = listener(supervisor)
    for _ in range(8):
        subject.handle("TICK_5", {})

    assert supervisor.killed == ["workers:checker-fast-0"]


def test_a_fatal_program_stops_everything() -> None:
    """A container that cannot do its work must not look healthy."""
    supervisor = FakeSupervisor()
    listener(supervisor).handle("PROCESS_STATE_FATAL", {"processname": "coordinator"})

    assert supervisor.stopped


def test_an_unreachable_supervisor_is_survived() -> None:
    """The next tick tries again."""
    supervisor = FakeSupervisor()
    subject = listener(supervisor)
    supervisor.broken = True
    subject.handle("TICK_5", {})
    supervisor.broken = False
    for _ in range(8):
        subject.handle("TICK_5", {})

    assert supervisor.killed


def test_the_event_protocol_is_spoken() -> None:
    """READY, one event, RESULT; then again until the pipe closes."""
    payload = b"processname:control groupname:workers from_state:BACKOFF"
    source = io.BytesIO(
        b"ver:3.0 server:supervisor serial:1 pool:watchdog poolserial:1 eventname:TICK_5 len:15\nwhen:1800000000"
        + f"ver:3.0 eventname:PROCESS_STATE_FATAL len:{len(payload)}\n".encode()
        + payload
    )
    sink = io.BytesIO()
    seen = []
    listen(lambda event, values: seen.append((event, dict(values))), source, sink)

    assert seen == [
        ("TICK_5", {"when": "1800000000"}),
        ("PROCESS_STATE_FATAL", {"processname": "control", "groupname": "workers", "from_state": "BACKOFF"}),
    ]
    assert sink.getvalue() == b"READY\nRESULT 2\nOKREADY\nRESULT 2\nOKREADY\n"


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    """Whatever comes through the pipe, the listener ends with it and raises nothing."""
    listen(lambda _event, _values: None, io.BytesIO(data), io.BytesIO())


#: A process that beats once and hangs, for a real supervisord.
HANGING = """
import os, sys, time
from pathlib import Path
from common import heartbeat
heartbeat.write(Path(sys.argv[1]), heartbeat.Heartbeat("control", "control", os.getpid(), "b", 1.0, 1.0, 0, "one"))
time.sleep(60)
"""

CONFIG = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={state}/pid
[unix_http_server]
file={state}/s
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:control]
command={command}
startsecs=0
autorestart=true
"""


@pytest.fixture
def supervised() -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A real supervisord with one process that beats once."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        base = Path(name)
        heartbeat.directory(base).mkdir()
        command = shlex.join([sys.executable, str(base / "hanging.py"), name])
        (base / "hanging.py").write_text(HANGING, encoding="utf-8")
        (base / "conf").write_text(CONFIG.format(state=name, command=command), encoding="utf-8")
        arguments = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(base / "conf")]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(arguments, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            yield base, process
            process.send_signal(signal.SIGTERM)


def test_a_real_supervisor_restarts_what_the_watchdog_kills(supervised: tuple[Path, subprocess.Popen[str]]) -> None:
    """The unix socket, the names and the kill work against supervisord itself."""
    base, process = supervised
    assert process.stdout is not None
    wait_for(process, "success: control")
    supervisor = RpcSupervisor(f"unix://{base}/s")
    (before,) = supervisor.processes()
    supervisor.kill(before)
    wait_for(process, "exited: control (terminated by SIGKILL")
    wait_for(process, "success: control")
    (after,) = supervisor.processes()

    assert (before.full_name, before.running) == ("control:control", True)
    assert (after.full_name, after.running) == ("control:control", True)
    assert after.pid != before.pid


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read supervisord's own log until it says so."""
    assert process.stdout is not None
    assert any(text in line for line in process.stdout)
