"""The frame around every actor: restart, pause, heartbeat, crash dump, polite and impolite end. Real processes and signals."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from common import heartbeat, sentry, state_dir
from common.config import load
from common.errors import ConfigError, StoreError
from common.heartbeat import Heartbeat
from common.process import Runtime, run_actor
from common.socket_paths import socket_directory

ROOT = Path(__file__).resolve().parents[1]

#: A child with one actor. Its argument names what `main` does.
CHILD = """
import asyncio, os, signal, sys, time
from common import (process)
from common.config import (load)

runs = 0

async def main(runtime):
    global runs
    runs += 1
    runtime.beat()
    what = sys.argv[1]
    if what == "crash" and runs == 1:
        raise RuntimeError("boom hunter2222")
    if what == "return" and runs == 1:
        return
    print("ready", runs, runtime.restarts, runtime.boot, flush=True)
    await runtime.stopping.wait()
    if what == "hang":
        time.sleep(60)
    if what == "fail":
        raise RuntimeError("while stopping")

sys.exit(process.run_actor("checker-fast-0", main, load(), drain_limit=0.3))
"""


def child(tmp_path: Path, what: str) -> tuple[int, list[str]]:
    """Run the child until it is ready, tell it to stop, and wait: exit code and lines."""
    environ = {**os.environ, "STATE_DIR": str(tmp_path), "API_AUTH_TOKEN": "hunter2222", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, what], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as started:
        assert started.stdout is not None
        seen = []
        for line in started.stdout:
            seen.append(line)
            if line.startswith("ready"):
                started.send_signal(signal.SIGTERM)
        return started.wait(), seen


def own_directory(tmp_path: Path) -> Path:
    """What belongs to the one instance that runs here."""
    return load({"STATE_DIR": str(tmp_path)}).instance_dir


def events(lines: list[str]) -> list[str]:
    """The events of the log lines among `lines`."""
    return [json.loads(line)["event"] for line in lines if line.startswith("{")]


def test_an_actor_stops_when_asked(tmp_path: Path) -> None:
    """SIGTERM ends it with 0, and its heartbeat goes with it."""
    code, lines = child(tmp_path, "stop")

    assert code == 0
    assert events(lines) == ["started", "stopping", "stopped"]
    assert heartbeat.read_heartbeats(own_directory(tmp_path)) == {}


def test_a_crash_starts_the_actor_again(tmp_path: Path) -> None:
    """The second start has a new boot id, and the first left a dump without secrets."""
    code, lines = child(tmp_path, "crash")

    assert code == 0
    assert events(lines) == ["started", "crashed", "started", "stopping", "stopped"]
    assert [line.split()[1:3] for line in lines if line.startswith("ready")] == [["2", "1"]]
    (dump,) = state_dir.crash_directory(tmp_path).iterdir()
    text = dump.read_text(encoding="utf-8")
    assert "RuntimeError: boom ***" in text
    assert "Python 3." in text
    assert "hunter2222" not in text + "".join(lines)
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600


def test_an_actor_that_just_ends_is_started_again(tmp_path: Path) -> None:
    """It was not told to: a loop that ends by mistake is a crash."""
    code, lines = child(tmp_path, "return")

    assert code == 0
    assert "crashed" in events(lines)
    assert "ready 2" in "".join(lines)


def test_an_actor_that_does_not_stop_is_ended(tmp_path: Path) -> None:
    """Even a hung event loop cannot keep the process: exit code 1, and the heartbeat stays as evidence."""
    code, lines = child(tmp_path, "hang")

    assert code == 1
    assert events(lines)[-1] == "stop_overdue"
    assert "checker-fast-0" in heartbeat.read_heartbeats(own_directory(tmp_path))


def test_a_failure_while_stopping_is_not_lost(tmp_path: Path) -> None:
    """It is logged and dumped, and the exit code says so."""
    code, lines = child(tmp_path, "fail")

    assert code == 1
    assert "while stopping" in "".join(lines)
    assert len(list(state_dir.crash_directory(tmp_path).iterdir())) == 1


def test_a_wrong_setting_is_not_tried_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ConfigError ends the process with 2 and names every problem."""

    async def main(_runtime: Runtime) -> None:
        raise ConfigError(["BUDGETS_FILE: no JSON", "CANARIES_FILE: no JSON"])

    assert run_actor("control", main, load({"STATE_DIR": str(tmp_path)})) == 2
    problems = [json.loads(line).get("problem") for line in capsys.readouterr().out.splitlines()]
    assert problems[-2:] == ["BUDGETS_FILE: no JSON", "CANARIES_FILE: no JSON"]


def test_tasks_left_behind_end_with_their_actor(tmp_path: Path) -> None:
    """What a failed run started does not go on beside the next one."""
    left: list[asyncio.Task[None]] = []

    async def forever() -> None:
        await asyncio.Event().wait()

    async def main(runtime: Runtime) -> None:
        if left:
            os.kill(os.getpid(), signal.SIGTERM)
            await runtime.stopping.wait()
            return
        left.append(asyncio.get_running_loop().create_task(forever()))
        raise RuntimeError("gone")

    assert run_actor("control", main, load({"STATE_DIR": str(tmp_path)}), rng=random.Random(1)) == 0
    assert left[0].cancelled()


def test_a_heartbeat_names_its_process_and_time(tmp_path: Path) -> None:
    """It is written at once and then at most every second; a full disk is no reason to fail."""
    settings = load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one"})
    state_dir.create_directories(settings)
    runtime = Runtime("checker-fast-0", settings, asyncio.Event(), restarts=3)
    runtime.beat()
    first = heartbeat.read_heartbeats(settings.instance_dir)["checker-fast-0"]
    runtime.beat()

    assert (first.process, first.actor, first.pid, first.boot) == ("checker-fast-0", "checker", os.getpid(), runtime.boot)
    assert (first.restarts, first.instance, first.silent_after) == (3, "one", 30.0)
    assert heartbeat.read_heartbeats(settings.instance_dir)["checker-fast-0"] == first, "written twice within a second"

    for path in heartbeat.heartbeat_directory(settings.instance_dir).iterdir():
        path.unlink()
    heartbeat.heartbeat_directory(settings.instance_dir).rmdir()
    Runtime("control", settings, asyncio.Event()).beat()
    assert heartbeat.read_heartbeats(settings.instance_dir) == {}


def test_a_heartbeat_says_why_the_run_before_failed(tmp_path: Path) -> None:
    """Our own words about it, and of an error that may quote anything its kind alone; while it waits and after."""
    seen: list[Heartbeat] = []
    errors = [StoreError("the state is gone"), KeyError("secret.com")]

    async def main(runtime: Runtime) -> None:
        seen.append(heartbeat.read_heartbeats(own_directory(tmp_path))["control"])
        if errors:
            raise errors.pop(0)
        os.kill(os.getpid(), signal.SIGTERM)
        await runtime.stopping.wait()

    assert run_actor("control", main, load({"STATE_DIR": str(tmp_path)}), rng=random.Random(1)) == 0
    assert [beat.failed for beat in seen] == ["", "StoreError: the state is gone", "KeyError"]
    assert seen[0].failed_at == 0.0
    assert seen[0].started_at < seen[1].failed_at < seen[1].started_at < seen[2].failed_at


def test_files_that_are_no_heartbeats_are_left_out(tmp_path: Path) -> None:
    """Half a file, other JSON and binary rubbish do not disturb the reader."""
    heartbeat.heartbeat_directory(tmp_path).mkdir()
    for number, content in enumerate((b"", b"{}", b"[1]", b"\xff\x00", b'{"process":', b"[" * 5000)):
        (heartbeat.heartbeat_directory(tmp_path) / f"{number}.json").write_bytes(content)
    good = Heartbeat("control", "control", 1, "b", 5.0, 1.0, 0, "one")
    heartbeat.write_heartbeat(tmp_path, good)

    assert heartbeat.read_heartbeats(tmp_path) == {"control": good}
    assert not good.silent(35.0)
    assert good.silent(35.1)


def test_only_the_newest_crashes_are_kept(tmp_path: Path) -> None:
    """A loop of crashes cannot fill the disk."""
    settings = load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one"})
    state_dir.create_directories(settings)
    for number in range(state_dir.CRASHES_KEPT + 5):
        state_dir.dump_crash(settings, "control", RuntimeError("x" * 1_000_000), 1_800_000_000.0 + number)

    kept = sorted(path.name for path in state_dir.crash_directory(tmp_path).iterdir())
    assert len(kept) == state_dir.CRASHES_KEPT
    assert kept[-1] == "2027-01-15T080024.000Z-one-control.txt"
    assert all(path.stat().st_size < state_dir.CRASH_LIMIT + 10_000 for path in state_dir.crash_directory(tmp_path).iterdir())


def test_the_state_is_private(tmp_path: Path) -> None:
    """No other user of the host reads state or talks to sockets."""
    settings = load({"STATE_DIR": str(tmp_path / "new" / "state")})
    state_dir.create_directories(settings)

    for directory in (settings.state_dir, settings.instance_dir):
        for private in (directory, socket_directory(directory)):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_state_that_cannot_be_written_is_a_clear_problem(tmp_path: Path) -> None:
    """The sentence names STATE_DIR."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"^STATE_DIR: .*file/state must be a directory this user can write"):
        state_dir.create_directories(load({"STATE_DIR": str(tmp_path / "file" / "state")}))


def test_sockets_never_go_into_a_directory_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that was there first is not followed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setattr("tempfile.tempdir", short)
        settings = load({"STATE_DIR": str(tmp_path / ("x" * 90))})
        (tmp_path / "elsewhere").mkdir()
        Path(settings.bus_endpoint.removeprefix("ipc://")).parent.symlink_to(tmp_path / "elsewhere")

        with pytest.raises(ConfigError, match="belongs to another user"):
            state_dir.create_directories(settings)


def test_sentry_gets_no_secret() -> None:
    """Local variables and request bodies are off, and every text of an event is scrubbed."""
    settings = load({"SENTRY_DSN": "https://key-cccc@sentry.example/1", "API_AUTH_TOKEN": "hunter2222"})
    options = sentry.sentry_options(settings)
    event = {
        "exception": {"values": [{"value": "bad hunter2222 at https://u:pw-x@h/x?q-x"}]},
        "request": {"headers": {"Authorization": "Bearer hunter2222"}},
        "breadcrumbs": {"values": [{"data": {"url": "https://h/?q-x"}}]},
        "logentry": {"params": ("hunter2222",)},
    }

    assert options["include_local_variables"] is False
    assert options["send_default_pii"] is False
    assert options["max_request_body_size"] == "never"
    for hook in ("before_send", "before_breadcrumb"):
        text = str(options[hook](event, {}))
        assert not any(secret in text for secret in ("hunter2222", "pw-x", "q-x", "key-cccc"))


def test_sentry_is_not_imported_without_a_dsn() -> None:
    """What is unset costs nothing."""
    code = """if True:
        import sys
        from common import (config, process, sentry)
        sentry.start_reporting(config.load({}), "control")
        sys.exit("sentry_sdk" in sys.modules)
    """

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
