"""`domain-monitor supervise` stays above supervisord: whatever standard output is, and whatever is killed, nothing is left."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from actors.cli import supervise
from actors.cli.supervisord_guard import SupervisordGuard
from common import heartbeat, instance_lock, instances, process_stat, start_record, state_dir
from common.bus import generate_keys
from common.config import load
from common.heartbeat import Heartbeat
from common.log import get_logger
from common.socket_paths import socket_directory
from tests.actors.supervised import STAYS, Lines, Run, gone, rows, running, settings_of
from tests.e2e.site import until
from tests.lab import net

#: Seconds in which everything has to have ended.
ENDED = 15.0

#: Answers /health as control does.
ANSWERS = f"""
import http.server, os, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["CONTROL_PORT"])), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.write(1, b"said by an actor\\n")
{STAYS}"""


def test_standard_output_may_be_a_socket(tmp_path: Path) -> None:
    """As under systemd: everything arrives there, each line as JSON, supervisord's too, and SIGTERM ends it with 0."""
    ours, theirs = socket.socketpair()
    with ours, running(tmp_path, ANSWERS, stdout=theirs, stderr=theirs) as run:
        theirs.close()
        lines = Lines(ours.recv)
        lines.until('"event":"running"')
        run.process.terminate()
        assert run.process.wait(ENDED) == 0
        told = rows(lines.until_end())

    assert {row["message"].partition(":")[0] for row in told if row["event"] == "supervisord"} >= {"spawned", "stopped"}
    assert [row["line"] for row in told if row["event"] == "output"] == ["said by an actor"]
    (running_row,) = [row for row in told if row["event"] == "running"]
    assert running_row["url"].startswith("http://127.0.0.1:")
    assert gone(run.thing())


def test_a_terminal_gets_readable_text_and_the_address(tmp_path: Path) -> None:
    """No JSON, supervisord's lines in our form, and the start ends with where to open the page; Ctrl-C stops it."""
    master, slave = pty.openpty()
    with on_terminal(tmp_path, ANSWERS, slave) as run:
        os.close(slave)
        lines = Lines(lambda size: os.read(master, size))
        lines.until("Domain Monitor is running")
        os.write(master, b"\x03")
        assert run.process.wait(ENDED) == 0
        told = lines.until_end()
    os.close(master)

    (welcome,) = [line for line in told if "Domain Monitor is running" in line]
    assert welcome.startswith("Domain Monitor is running: open http://127.0.0.1:")
    assert welcome.endswith("/ (Ctrl-C stops it)")
    assert "said by an actor" in told
    assert any("INFO" in line.upper() and "supervisord" in line for line in told)
    assert not any(line.startswith("{") for line in told)


def test_a_closed_terminal_ends_everything(tmp_path: Path) -> None:
    """The hang-up is one wish to stop: supervisord and what it started are gone."""
    master, slave = pty.openpty()
    with on_terminal(tmp_path, STAYS, slave) as run:
        os.close(slave)
        pids = [run.supervisord(), run.thing()]
        os.close(master)
        assert run.process.wait(ENDED) == 0

    assert all(map(gone, pids))


def on_terminal(tmp_path: Path, program: str, slave: int) -> AbstractContextManager[Run]:
    """A run that leads the session of a terminal, and ignores no signal, though these tests may run under nohup."""
    take = (
        "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "signal.signal(signal.SIGINT, signal.SIG_DFL); signal.signal(signal.SIGHUP, signal.SIG_DFL); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    prefix = [sys.executable, "-c", take]
    return running(tmp_path, program, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, prefix=prefix)


@pytest.mark.parametrize("kind", ["closed pipe", "full disk"])
def test_an_output_that_cannot_be_written_stops_nothing(tmp_path: Path, kind: str) -> None:
    """The program works on, and the end is as orderly as ever."""
    if kind == "full disk":
        output = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, output = os.pipe()
        os.close(reading)
    program = STAYS.replace("time.sleep(1000)", "[(print('x' * 100, flush=True), time.sleep(0.01)) for _ in range(100000)]")
    with running(tmp_path, program, stdout=output, stderr=output) as run:
        os.close(output)
        pid = run.thing()
        for _ in range(20):
            time.sleep(0.05)
            assert not gone(pid)
        run.process.terminate()
        assert run.process.wait(ENDED) == 0
    assert gone(pid)


def test_an_output_that_is_not_read_holds_nothing_up(tmp_path: Path) -> None:
    """The program writes more than anything could keep, and gets to its end; the lines that were lost are counted."""
    reading, output = os.pipe()
    wrote = "import sys\n[sys.stdout.write('x' * 999 + chr(10)) for _ in range(12000)]\nsys.stdout.flush()\n"
    with running(tmp_path, f"{wrote}{STAYS}", stdout=output, environ={"LOG_FORMAT": "text"}) as run:
        os.close(output)
        run.thing()
        lines = Lines(lambda size: os.read(reading, size))
        lines.until("log_lines_lost")
        run.process.terminate()
        assert run.process.wait(ENDED) == 0
        lines.until_end()
    os.close(reading)


@pytest.mark.parametrize("stopped", [False, True])
def test_nothing_outlives_supervisord(tmp_path: Path, stopped: bool) -> None:
    """Kill -9 of supervisord: what it started is ended, also what was stopped, and the exit code asks for a new start."""
    with running(tmp_path) as run:
        supervisord, thing = run.supervisord(), run.thing()
        if stopped:
            os.kill(thing, signal.SIGSTOP)
        os.kill(supervisord, signal.SIGKILL)
        assert run.process.wait(ENDED) == 1

    assert gone(thing)


def test_supervisord_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """Kill -9 of `supervise`: supervisord ends at once."""
    with running(tmp_path) as run:
        supervisord = run.supervisord()
        run.thing()
        run.process.kill()
        until(lambda: gone(supervisord), ENDED, "the end of supervisord")


def test_a_stopped_supervisord_goes_on(tmp_path: Path) -> None:
    """SIGSTOP, by mistake or by a debugger that went away, lasts for a moment."""
    with running(tmp_path) as run:
        supervisord = run.supervisord()
        run.thing()
        os.kill(supervisord, signal.SIGSTOP)
        until(lambda: process_stat.process_state(supervisord) != "T", 5, "supervisord goes on")
        run.process.terminate()
        assert run.process.wait(ENDED) == 0


@pytest.mark.parametrize("stale", [False, True])
def test_a_watchdog_that_hangs_is_killed(tmp_path: Path, stale: bool) -> None:
    """Within four looks, a second each; a heartbeat that an earlier run left under the same process id counts for nothing."""
    heartbeat.heartbeat_directory(tmp_path).mkdir()
    with subprocess.Popen(["sleep", "1000"]) as watchdog:
        beat = Heartbeat("watchdog", "watchdog", watchdog.pid, "b", 5.0, 1.0, 0, "one")
        until(
            lambda: process_stat.process_state(watchdog.pid) == "S", 5, "it sleeps"
        )  # before that it is about to run, which is no hang
        if stale:
            heartbeat.write_heartbeat(tmp_path, beat)
        keeper = SupervisordGuard(os.getpid(), tmp_path, get_logger("supervise"), lambda: None)
        heartbeat.write_heartbeat(tmp_path, beat)
        for second in range(5):
            keeper._look(float(second))
        if stale:
            assert watchdog.poll() is None
            watchdog.kill()
        assert watchdog.wait(5) == -signal.SIGKILL


def test_a_watchdog_that_does_not_come_back_means_that_supervisord_hangs(tmp_path: Path) -> None:
    """Half a minute after its last process, supervisord is killed; a pause of our own is no such time."""
    heartbeat.heartbeat_directory(tmp_path).mkdir()
    with subprocess.Popen(["sleep", "1000"]) as supervisord:
        keeper = SupervisordGuard(supervisord.pid, tmp_path, get_logger("supervise"), lambda: None)
        heartbeat.write_heartbeat(tmp_path, Heartbeat("watchdog", "watchdog", 1, "b", 5.0, 1.0, 0, "one"))
        moments = [*range(10), 3600, *range(3601, 3629)]
        for moment in moments:
            keeper._look(float(moment))
        assert supervisord.poll() is None
        for moment in range(3629, 3640):
            keeper._look(float(moment))
        assert supervisord.wait(5) == -signal.SIGKILL


def test_a_loop_that_hangs_ends_itself_and_everything(tmp_path: Path) -> None:
    """With an exit code that asks for a new start: nothing else can end process 1 of a container."""
    code = (
        "import sys, threading; from pathlib import Path;"
        "from actors.cli.supervisord_guard import SignalPipe, SupervisordGuard, start_supervisord;"
        "from common.log import get_logger; pid = start_supervisord(['-c', 'import time; time.sleep(1000)'], {}, 1);"
        "print(pid, flush=True); hang = threading.Event().wait;"
        "sys.exit(SupervisordGuard(pid, Path(sys.argv[1]), get_logger('supervise'), hang).run(SignalPipe()))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=supervise.PLACES[0], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        supervisord = int(run.stdout.readline())
        try:
            assert run.wait(ENDED) == 1
        finally:
            os.kill(supervisord, signal.SIGKILL)
            run.kill()


def test_a_supervisord_that_reaps_no_child_hangs(tmp_path: Path) -> None:
    """A watchdog that ended and is still in the process table does not come back either."""
    heartbeat.heartbeat_directory(tmp_path).mkdir()
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '1000']).pid, flush=True); time.sleep(1000)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as supervisord:
        assert supervisord.stdout is not None
        watchdog = int(supervisord.stdout.readline())
        keeper = SupervisordGuard(supervisord.pid, tmp_path, get_logger("supervise"), lambda: None)
        heartbeat.write_heartbeat(tmp_path, Heartbeat("watchdog", "watchdog", watchdog, "b", 5.0, 1.0, 0, "one"))
        os.kill(watchdog, signal.SIGKILL)
        until(lambda: process_stat.process_state(watchdog) == "Z", 5, "a zombie")
        for moment in range(40):
            keeper._look(float(moment))
        killed = keeper._killed
        supervisord.kill()
    assert killed


def test_the_second_signal_ends_at_once(tmp_path: Path) -> None:
    """A program that does not stop has forty seconds, unless the wish comes again; twice at once is one wish."""
    deaf = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{STAYS}"
    with running(tmp_path, deaf) as run:
        thing = run.thing()
        run.process.terminate()
        run.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            run.process.wait(1.5)
        run.process.terminate()
        assert run.process.wait(ENDED) == 1
    assert gone(thing)


def test_orphans_are_buried(tmp_path: Path) -> None:
    """As process 1 of a container it waits for what others left behind: no zombie stays."""
    program = "import subprocess\nsubprocess.run(['sh', '-c', 'sleep 0.2 & echo $! > orphan'])\n" + STAYS
    with running(tmp_path, program) as run:
        run.thing()
        orphan = int((tmp_path / "orphan").read_text())
        until(lambda: process_stat.process_state(orphan) == "", 10, "no zombie")


def refused(tmp_path: Path, **environ: str) -> str:
    """The one line of a start that is refused before anything starts."""
    with running(tmp_path, environ=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        said, trouble = run.process.communicate(timeout=ENDED)
    assert (run.process.returncode, said) == (2, b"")
    assert not (tmp_path / "supervisord.pid").exists()
    (line,) = trouble.decode().splitlines()
    return line


@pytest.mark.parametrize("name", ["CONTROL_PORT", "FEED_ENDPOINT"])
def test_an_address_in_use_is_one_sentence(tmp_path: Path, name: str) -> None:
    """Told before anything starts, with the setting that changes it."""
    with socket.create_server((net.HOST, 0)) as server:
        port = server.getsockname()[1]
        said = refused(tmp_path, **{name: str(port) if name == "CONTROL_PORT" else f"tcp://*:{port}"})

    host = net.HOST if name == "CONTROL_PORT" else "*"
    assert said == f"domain-monitor: {name}: {host}:{port} is in use by another program; set {name} or stop it"


def test_an_instance_that_runs_already_is_one_sentence(tmp_path: Path) -> None:
    """The second run of one INSTANCE_ID is refused and told what to set; a lock that is held for a moment refuses nothing."""
    settings = load({"STATE_DIR": str(tmp_path / "state"), "INSTANCE_ID": "one"})
    held = supervise.lock_instance(settings)
    said = refused(tmp_path, INSTANCE_ID="one")
    threading.Timer(supervise.LOCK_LIMIT / 3, os.close, [held]).start()
    os.close(supervise.lock_instance(settings))

    holder = f"process {os.getpid()} of {os.uname().nodename}"
    remedy = "set INSTANCE_ID to another name or stop it"
    assert said == f"domain-monitor: INSTANCE_ID: one is in use in {tmp_path}/state by {holder}; {remedy}"


def test_instances_of_other_names_share_a_state(tmp_path: Path) -> None:
    """Both run, each with its own sockets; the one that is stopped leaves no heartbeat and no lock behind."""
    state = str(tmp_path / "state")
    runs = [running(tmp_path / name, environ={"STATE_DIR": state, "INSTANCE_ID": name}) for name in ("one", "two")]
    with runs[0] as one, runs[1] as two:
        one.thing()
        two.thing()
        other = load({"STATE_DIR": state, "INSTANCE_ID": "two"})
        heartbeat.write_heartbeat(other.instance_dir, Heartbeat("thing", "thing", two.thing(), "b", 1.0, 1.0, 0, "two"))
        assert [instance.name for instance in instances.list_instances(other.state_dir)] == ["two"]
        assert instances.is_running(other.state_dir, "two")
        two.process.terminate()
        assert two.process.wait(ENDED) == 0
        assert one.process.poll() is None

    assert instances.list_instances(other.state_dir) == []
    assert not instances.is_running(other.state_dir, "two")


def test_what_earlier_versions_kept_is_cleared_away(tmp_path: Path) -> None:
    """Heartbeats and records that stood directly in STATE_DIR; one that still runs there is told, as it would write too."""
    settings = load({"STATE_DIR": str(tmp_path / "state")})
    state_dir.create_directories(settings)
    for folder in (heartbeat.heartbeat_directory(settings.state_dir), start_record.record_directory(settings.state_dir)):
        folder.mkdir()
        (folder / "control.json").write_text("{}", encoding="utf-8")
    (settings.state_dir / "rdap_bootstrap.json").touch()
    sockets = socket_directory(settings.state_dir)
    for name in ("supervisor.sock", "supervisord.pid"):
        (sockets / name).touch()
    held = instance_lock.take_lock(sockets)
    assert held is not None
    said = refused(tmp_path)
    assert said.endswith("state is in use by an earlier version, which does not share it; set STATE_DIR or stop it")
    assert sorted(path.name for path in settings.state_dir.iterdir()) == sorted(
        ["crashes", "heartbeats", "instances", "rdap_bootstrap.json", "run", "starts"]
    )
    os.close(held)
    supervise.remove_old_layout(settings)

    left = sorted(path.name for path in settings.state_dir.iterdir())
    assert left == ["crashes", "instances", "rdap_bootstrap.json", "run"]
    assert list(sockets.iterdir()) == []
    supervise.remove_old_layout(settings)


def test_a_start_waits_for_an_earlier_run_that_is_ending(tmp_path: Path) -> None:
    """After kill -9 the processes need a moment to notice: that is no reason to refuse the next start."""
    settings = load({**settings_of(tmp_path), "STATE_DIR": str(tmp_path / "state")})
    state_dir.create_directories(settings)
    code = (
        "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
        "print('bound', flush=True); time.sleep(1.5)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(settings.control_port)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        heartbeat.write_heartbeat(settings.instance_dir, Heartbeat("control", "control", holder.pid, "b", 1.0, 1.0, 0, "one"))
        assert list(supervise.ports_in_use(settings))
        supervise.await_free_ports(settings)
        holder.kill()

    assert list(supervise.ports_in_use(settings)) == []


def test_a_smaller_pool_leaves_no_silent_members(tmp_path: Path) -> None:
    """Heartbeats and records of processes that will not be started vanish at the start; all others stay."""
    settings = load({"STATE_DIR": str(tmp_path), "FAST_CHECKERS": "2", "NOTIFIERS": "1"})
    state_dir.create_directories(settings)
    names = ["checker-fast-0", "checker-fast-1", "checker-fast-2", "checker-fast-11", "notifier-1", "control", "coordinator"]
    names.append("coordinator-1")
    for name in names:
        heartbeat.write_heartbeat(settings.instance_dir, Heartbeat(name, name, 1, "b", 1.0, 1.0, 0, "one"))
        (start_record.record_directory(settings.instance_dir) / f"{name}.json").write_text("{}")
    supervise.clear_heartbeats(settings)

    left = ["checker-fast-0", "checker-fast-1", "control", "coordinator"]
    assert sorted(heartbeat.read_heartbeats(settings.instance_dir)) == left
    assert sorted(path.stem for path in start_record.record_directory(settings.instance_dir).iterdir()) == left


def test_fewer_shards_leave_no_silent_coordinators(tmp_path: Path) -> None:
    """Those of the shards there are stay, and with them a worker of each pool for each."""
    settings = load({"STATE_DIR": str(tmp_path), "SHARDS": "3", "STORE_URL": "postgresql://db.example/x"})
    state_dir.create_directories(settings)
    for name in ("coordinator", "coordinator-1", "coordinator-2", "coordinator-3", "notifier-2", "notifier-3"):
        heartbeat.write_heartbeat(settings.instance_dir, Heartbeat(name, name, 1, "b", 1.0, 1.0, 0, "one"))
    supervise.clear_heartbeats(settings)
    left = ["coordinator", "coordinator-1", "coordinator-2", "notifier-2"]
    assert sorted(heartbeat.read_heartbeats(settings.instance_dir)) == left


def test_the_ports_of_all_shards_have_to_be_free(tmp_path: Path) -> None:
    """Three for each, from that of BUS_ENDPOINT on."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        environ = {"STATE_DIR": str(tmp_path), "STORE_URL": "postgresql://db.example/x", "CONTROL_PORT": str(net.free_port())}
        bus = {"BUS_ENDPOINT": f"tcp://127.0.0.1:{port - 4}", "BUS_SECRET_KEY": generate_keys().secret}
        environ |= {**bus, "FEED_ENDPOINT": f"tcp://127.0.0.1:{net.free_port()}"}
        assert list(supervise.ports_in_use(load({**environ, "SHARDS": "1"}))) == []
        [found] = supervise.ports_in_use(load({**environ, "SHARDS": "2"}))
        assert found.startswith(f"BUS_ENDPOINT: 127.0.0.1:{port} ")


def test_a_stop_that_was_asked_for_leaves_no_heartbeat(tmp_path: Path) -> None:
    """Nor the record of a process that did not end in order: its next start would count that as a death."""
    settings = load({"STATE_DIR": str(tmp_path)})
    state_dir.create_directories(settings)
    heartbeat.write_heartbeat(settings.instance_dir, Heartbeat("control", "control", 1, "b", 1.0, 1.0, 0, "one"))
    for name in ("control", "notifier-0"):
        (start_record.record_directory(settings.instance_dir) / f"{name}.json").write_text("{}", encoding="utf-8")
    supervise.forget_processes(settings)

    assert heartbeat.read_heartbeats(settings.instance_dir) == {}
    assert [path.stem for path in start_record.record_directory(settings.instance_dir).iterdir()] == ["notifier-0"]


def test_the_form_of_the_log_is_decided_once(tmp_path: Path) -> None:
    """The processes write into a pipe and cannot know: they are told, and LOG_FORMAT wins over the terminal."""
    settings = load({"STATE_DIR": str(tmp_path)})
    assert supervise.build_environment(settings)["LOG_FORMAT"] == "json"
    assert supervise.build_environment(load({"STATE_DIR": str(tmp_path), "LOG_FORMAT": "text"}))["LOG_FORMAT"] == "text"
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as stream:  # noqa: PTH123  # a descriptor
        assert supervise.choose_log_format(settings, stream) == "text"
    os.close(master)
