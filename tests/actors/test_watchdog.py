"""The watchdog restarts what hangs, leaves alone what lives, and starts again what supervisord gave up on."""

from __future__ import annotations

import dataclasses
import io
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.watchdog import (
    ANSWER_LIMIT,
    LOOK_EVERY,
    SUPERVISOR_SILENT,
    RpcSupervisor,
    Supervised,
    Watchdog,
    _watch,
    collect_sights,
    listen,
)
from common import config, heartbeat, process_stat, state_dir
from common.clock import now
from common.heartbeat import SILENT_AFTER, Heartbeat
from common.processes.hang import WORKING, HangDetector, Vitals
from common.start_record import StartRecord

ROOT = Path(__file__).resolve().parents[2]
WORKER = Supervised("workers", "checker-fast-0", 100, running=True)
OWN = Supervised("watchdog", "watchdog", 99, running=True)
ASLEEP = Vitals("S", 1.0, 1.0)


def beat(at: float, pid: int = 100, silent_after: float = SILENT_AFTER) -> dict[str, Heartbeat]:
    """The heartbeat file of the worker."""
    return {WORKER.name: Heartbeat(WORKER.name, "checker", pid, "b", at, 0.0, 0, "one", silent_after)}


def test_only_running_processes_are_watched() -> None:
    """What supervisord already starts, stops or gave up on is its business; the watchdog itself is that of `supervise`."""
    stopped = dataclasses.replace(WORKER, running=False)

    assert collect_sights([stopped, OWN], {}, lambda _pid: ASLEEP) == []


def test_a_heartbeat_counts_for_the_process_that_wrote_it() -> None:
    """The file of an earlier process is not one of its successor."""
    (own,) = collect_sights([WORKER], beat(at=5.0, silent_after=100.0), lambda _pid: ASLEEP)
    (other,) = collect_sights([WORKER], beat(at=5.0, pid=77), lambda _pid: ASLEEP)

    assert (own.beat, own.patience) == (5.0, 100.0)
    assert (other.beat, other.patience) == (None, SILENT_AFTER)


def test_a_full_disk_is_no_silence(tmp_path: Path) -> None:
    """A process that beats without room for a new file lives, a new one in its place too; half a heartbeat kills nothing."""
    folder = heartbeat.heartbeat_directory(tmp_path)
    folder.mkdir()
    heartbeat.write_heartbeat(tmp_path, beat(at=1.0)[WORKER.name])
    file = folder / f"{WORKER.name}.json"
    file.with_suffix(".tmp").symlink_to("/dev/full")
    watch, reborn = HangDetector(), dataclasses.replace(WORKER, pid=1_000_000)

    for tick in range(40):
        worker = WORKER if tick < 20 else reborn
        written = beat(at=1e9 + tick, pid=worker.pid)
        heartbeat.write_heartbeat(tmp_path, written[WORKER.name])
        assert heartbeat.read_heartbeats(tmp_path) == written
        if tick % 10 == 0:
            file.write_bytes(file.read_bytes()[:50].ljust(200))
        assert (
            watch.find_hung(collect_sights([worker], heartbeat.read_heartbeats(tmp_path), lambda _pid: ASLEEP), float(tick))
            == []
        )


class FakeSupervisor:
    """Stands in for supervisord; `broken` makes every call fail."""

    def __init__(self) -> None:
        self.killed: list[str] = []
        self.started: list[str] = []
        self.broken = False

    def processes(self) -> list[Supervised]:
        """One worker."""
        if self.broken:
            raise ConnectionRefusedError(111, "Connection refused")
        return [WORKER]

    def kill(self, process: Supervised) -> None:
        """Note it."""
        self.killed.append(process.full_name)

    def start(self, full_name: str) -> None:
        """Note it."""
        if self.broken:
            raise ConnectionRefusedError(111, "Connection refused")
        self.started.append(full_name)


def watchdog(supervisor: FakeSupervisor, step: int = 1) -> Watchdog:
    """A watchdog whose clock moves `step` seconds a look and whose worker sleeps without a sign of life."""
    ticks = iter(range(0, 10_000, step))
    return Watchdog(supervisor, lambda: beat(at=1.0), lambda _pid: ASLEEP, lambda: float(next(ticks)))


def test_looks_lead_to_a_kill() -> None:
    """A process that sleeps instead of working is killed by its full name within four seconds."""
    supervisor = FakeSupervisor()
    subject = watchdog(supervisor)
    for _ in range(5):
        subject.look()

    assert supervisor.killed == ["workers:checker-fast-0"]


def test_a_fatal_program_is_started_again() -> None:
    """What supervisord gave up on is never given up; everything else goes on meanwhile."""
    supervisor = FakeSupervisor()
    subject = watchdog(supervisor)
    subject.handle("PROCESS_STATE_FATAL", {"processname": "control", "groupname": "workers"})
    supervisor.broken = True
    subject.handle("PROCESS_STATE_FATAL", {"processname": "control", "groupname": "workers"})

    assert supervisor.started == ["workers:control"]


def test_an_unreachable_supervisor_is_survived() -> None:
    """The next look tries again; one that never answers is told by the seconds it is silent."""
    supervisor = FakeSupervisor()
    subject = watchdog(supervisor)
    assert subject.look() == 0.0
    supervisor.broken = True
    silences = [subject.look() for _ in range(30)]
    supervisor.broken = False

    assert silences == [float(second) for second in range(1, 31)]
    assert silences[-1] > SUPERVISOR_SILENT
    assert [subject.look() for _ in range(5)] == [0.0] * 5
    assert supervisor.killed


def test_waiting_for_supervisord_is_no_silence_of_our_own(tmp_path: Path) -> None:
    """It beats before each look too, and a look ends before `supervise` takes the watchdog for one that hangs."""
    settings = config.load({"STATE_DIR": str(tmp_path)})
    state_dir.create_directories(settings)
    ages: list[float] = []

    class Waiting(threading.Event):
        """Ends after three looks; remembers when the last pause was over."""

        over = 0.0

        def wait(self, timeout: float | None = None) -> bool:
            """No pause."""
            assert timeout == LOOK_EVERY
            self.over = now()
            if len(ages) == 3:
                self.set()
            return self.is_set()

    class Dog(Watchdog):
        """Notes how old the heartbeat is where a look begins."""

        def look(self) -> float:
            """One look, as long as supervisord may take to answer."""
            beat = heartbeat.read_heartbeat(settings.instance_dir, OWN.name)
            assert beat is not None
            ages.append(beat.at - ending.over)
            return 0.0

    ending = Waiting()
    _watch(settings, Dog(FakeSupervisor(), dict), StartRecord(settings.instance_dir, OWN.name, random.Random(1)), ending)

    assert len(ages) == 3
    assert min(ages) >= 0.0
    assert WORKING.idle > ANSWER_LIMIT


def test_a_pause_of_the_machine_is_no_silence_of_supervisord() -> None:
    """After an hour without a look it has its time to answer again."""
    supervisor = FakeSupervisor()
    subject = watchdog(supervisor, step=3600)
    subject.look()
    supervisor.broken = True

    assert subject.look() == 0.0


def test_the_kernel_tells_what_a_process_does() -> None:
    """Stopped, asleep, computing, and whose child it is; nothing of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        until(lambda: process_stat.process_state(child.pid) == "S")
        assert process_stat.parent_pid(child.pid) == os.getpid()
        child.send_signal(signal.SIGSTOP)
        until(lambda: process_stat.process_state(child.pid) == "T")
        seen = process_stat.read_vitals(child.pid)
        assert seen is not None
        assert 0.0 < seen.cpu < 10.0
        child.kill()
    before = process_stat.read_vitals(os.getpid())
    sum(range(5_000_000))
    after = process_stat.read_vitals(os.getpid())

    assert before is not None
    assert after is not None
    assert after.cpu > before.cpu
    assert process_stat.read_vitals(child.pid) is None
    assert (process_stat.parent_pid(child.pid), process_stat.process_state(child.pid)) == (0, "")


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition, so many seconds at most."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


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
from common import (heartbeat)
heartbeat.write_heartbeat(Path(sys.argv[1]), heartbeat.Heartbeat("control", "control", os.getpid(), "b", 1.0, 1.0, 0, "one"))
while os.path.exists(sys.argv[1] + "/busy"):
    pass
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
        heartbeat.heartbeat_directory(base).mkdir()
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


@pytest.mark.parametrize("busy", [False, True])
def test_a_real_process_that_hangs_is_replaced(supervised: tuple[Path, subprocess.Popen[str]], busy: bool) -> None:
    """Asleep, or computing for ever, after one heartbeat: seen by what the kernel says, killed, started again."""
    base, process = supervised
    if busy:
        (base / "busy").touch()
    wait_for(process, "success: control")
    until(lambda: heartbeat.read_heartbeat(base, "control"))
    supervisor = RpcSupervisor(f"unix://{base}/s")
    (before,) = supervisor.processes()
    dog = Watchdog(supervisor, lambda: heartbeat.read_heartbeats(base))
    began = time.monotonic()

    def replaced() -> bool:
        dog.look()
        time.sleep(0.5)
        (now,) = supervisor.processes()
        return now.running and now.pid != before.pid

    until(replaced, 60.0)
    # On a busy machine four CPU-seconds take as long as they take: that is the point of counting them.
    assert 2.0 < time.monotonic() - began < (60.0 if busy else 10.0)


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read supervisord's own log until it says so."""
    assert process.stdout is not None
    assert any(text in line for line in process.stdout)
