"""The command line: what starts what, and how trouble is told."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.cli import health, process_health, supervise
from actors.cli.main import build_parser, main
from common import state_dir
from common.clock import now
from common.config import load
from common.errors import ConfigError
from common.heartbeat import Heartbeat, write_heartbeat
from tests.http_thread import reply, serving
from tests.lab import net

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the console script as a process."""
    return subprocess.run(
        [sys.executable, "-m", "actors.cli.main", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["checker"], ["checker", "--pool", "x"], ["notifier", "--number", "-1"], ["check"]]
)
def test_bad_usage_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code of every usage error is 2, with one line of help."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: domain-monitor" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "monitor.example:5550", "tcp://*:5550"])
def test_a_checker_needs_an_address_for_its_coordinator(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where compose fills in nothing."""
    with pytest.raises(SystemExit) as caught:
        main(["checker", "--pool", "fast", "--coordinator", text])

    assert caught.value.code == 2
    assert "tcp://HOST:PORT" in capsys.readouterr().err


def test_a_checker_elsewhere_says_what_it_lacks() -> None:
    """In one sentence each, before anything starts; several addresses may be given in two ways."""
    found = command("checker", "--pool", "fast", "--coordinator", "tcp://a:1,tcp://b:1", "--coordinator", "tcp://c:1")

    assert found.returncode == 2
    assert [line.split(":")[1] for line in found.stderr.splitlines()] == [" EGRESS_ID", " BUS_SECRET_KEY", " BUS_SERVER_KEY"]


def test_a_whole_stack_has_its_own_coordinator(tmp_path: Path) -> None:
    """One that names another is refused: none of its own checkers would work for it."""
    keys = {"BUS_SECRET_KEY": "k" * 40, "BUS_SERVER_KEY": "k" * 40, "EGRESS_ID": "x"}
    found = command("supervise", COORDINATOR="tcp://a:1", STATE_DIR=str(tmp_path), **keys)

    assert found.returncode == 2
    assert found.stderr.startswith("domain-monitor: COORDINATOR: ")


def test_processes_without_control_are_healthy_by_their_heartbeats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a restart can help they are not; one that does not reach its coordinator waits for it."""
    settings = load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "here"})
    state_dir.create_directories(settings)
    assert process_health.run(settings) == 1
    assert capsys.readouterr().out == "unhealthy: no process is there\n"

    beat = Heartbeat("checker-fast-0", "checker", 1, "b", now(), now(), 0, "here")
    write_heartbeat(settings.instance_dir, beat)
    write_heartbeat(settings.instance_dir, replace(beat, process="checker-deep-0", trouble="No key.", trouble_since=1.8e9))
    assert process_health.run(settings) == 0
    shown = "healthy: checker-deep-0, checker-fast-0\n- checker-deep-0: No key. Since 2027-01-15T08:00:00.000Z.\n"
    assert capsys.readouterr().out == shown

    write_heartbeat(settings.instance_dir, replace(beat, at=now() - 60))
    assert process_health.run(settings) == 1
    assert capsys.readouterr().out == "unhealthy: silent: checker-fast-0\n"


def test_every_command_explains_itself() -> None:
    """`--help` names every command, and each has a sentence."""
    text = build_parser().format_help()

    actors = ("coordinator", "checker", "notifier", "publications", "feed", "control", "watchdog", "proxy", "supervise")
    for name in (*actors, "check", "sources", "judge", "tail", "keys", "health"):
        assert re.search(rf"^    {name}\b", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["coordinator", "control", "health", "proxy", "supervise", "watchdog"])
def test_all_wrong_settings_are_listed(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is started, it checks its settings first: exit code 2 and one line for each problem."""
    monkeypatch.setenv("CHECK_INTERVAL", "never")
    monkeypatch.setenv("CONTROL_PORT", "http")

    assert main([name]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["CHECK_INTERVAL", "CONTROL_PORT"]


def test_the_environment_of_supervisord_is_complete(tmp_path: Path) -> None:
    """Every variable that supervisord.conf uses has a value, whatever was set."""
    conf = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    conf.read(ROOT / "supervisord.conf", encoding="utf-8")
    environ = supervise.build_environment(load({"STATE_DIR": str(tmp_path), "DEEP_CHECKERS": "3"}))
    text = (ROOT / "supervisord.conf").read_text(encoding="utf-8")

    used = {part.split(")")[0] for part in text.split("%(ENV_")[1:]}
    assert used <= set(environ)
    assert (environ["DEEP_CHECKERS"], environ["FAST_CHECKERS"], environ["STATE_DIR"]) == ("3", "1", str(tmp_path))
    assert environ["MORE_SHARDS"] == "0"


def test_supervisord_starts_a_coordinator_for_each_shard() -> None:
    """And a worker of each pool for each; coordinators stop together, after the workers."""
    environ = supervise.build_environment(load({"SHARDS": "4", "STORE_URL": "postgresql://db/x", "FAST_CHECKERS": "6"}))
    assert (environ["MORE_SHARDS"], environ["FAST_CHECKERS"], environ["NOTIFIERS"]) == ("3", "6", "4")
    conf = configparser.RawConfigParser()
    conf.read(ROOT / "supervisord.conf", encoding="utf-8")
    group, workers = conf["group:coordinators"], conf["group:workers"]
    assert group["programs"] == "coordinator,coordinator-shard"
    assert int(group["priority"]) < int(workers["priority"])


def test_a_shard_that_is_not_there_has_no_coordinator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The setting is named."""
    monkeypatch.setenv("SHARDS", "2")
    monkeypatch.setenv("STORE_URL", "postgresql://db.example/x")
    assert main(["coordinator", "--shard", "2"]) == 2
    assert "SHARDS: 2, so there is no shard 2, the first one is 0" in capsys.readouterr().err


def test_every_program_drains_and_comes_back() -> None:
    """No program is left with supervisord's defaults, which kill after ten seconds, or is ever given up."""
    conf = configparser.RawConfigParser()
    conf.read(ROOT / "supervisord.conf", encoding="utf-8")
    programs = [name for name in conf.sections() if name.startswith("program:")]

    assert len(programs) == 9
    for name in programs:
        row = conf[name]
        assert (row["stopwaitsecs"], row["startretries"], row["autorestart"]) == ("40", "1000000", "true")
        assert (row["stopasgroup"], row["killasgroup"]) == ("true", "true")
    assert conf["unix_http_server"]["chmod"] == "0700"
    assert "inet_http_server" not in conf.sections()
    assert conf["eventlistener:watchdog"]["events"] == "PROCESS_STATE_FATAL"


def test_supervisord_conf_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder's own file wins over the project's; a missing one that was named is a problem."""
    monkeypatch.chdir(tmp_path)
    assert supervise.find_config(None) == ROOT / "supervisord.conf"
    (tmp_path / "supervisord.conf").write_text("", encoding="utf-8")
    assert supervise.find_config(None) == tmp_path / "supervisord.conf"
    with pytest.raises(ConfigError, match=r"other\.conf"):
        supervise.find_config("other.conf")


def test_supervise_starts_supervisord(tmp_path: Path) -> None:
    """The real program starts with the settings of the environment over those of the env file."""
    (tmp_path / "env").write_text("EGRESS_ID=file\nINSTANCE_ID=file\n", encoding="utf-8")
    (tmp_path / "conf").write_text(
        "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=%(ENV_STATE_DIR)s/pid\n"
        "[eventlistener:once]\nevents=TICK_5\nstartsecs=0\nautorestart=false\nstderr_logfile=/dev/fd/2\nstderr_logfile_maxbytes=0\n"
        "stdout_logfile=NONE\n"
        'command=/bin/sh -c "echo $EGRESS_ID $INSTANCE_ID $NOTIFIERS $STATE_DIR >&2; kill -TERM $PPID"\n',
        encoding="utf-8",
    )
    state = tmp_path / "state"
    done = command(
        "supervise",
        "--config",
        str(tmp_path / "conf"),
        "--env-file",
        str(tmp_path / "env"),
        EGRESS_ID="shell",
        STATE_DIR=str(state),
        CONTROL_PORT=str(net.free_port()),
        FEED_ENDPOINT=f"tcp://{net.HOST}:{net.free_port()}",
    )

    assert f"shell file 1 {state}" in done.stdout
    assert done.returncode == 0
    assert oct(state.stat().st_mode)[-3:] == "700"


def test_a_state_that_cannot_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    """Exit code 2 and a sentence with the variable."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = command("supervise", STATE_DIR=str(tmp_path / "file" / "state"))

    assert done.returncode == 2
    assert done.stderr.startswith("domain-monitor: STATE_DIR: ")


def test_the_command_line_starts_fast() -> None:
    """Nothing heavy is imported before it is needed."""
    code = "import sys, actors.cli.main; print(sorted({'aiohttp', 'zmq', 'dns', 'requests', 'sentry_sdk'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@contextmanager
def control(status: int, body: bytes) -> Iterator[int]:
    """A control process that answers every request the same way; gives its port."""
    with serving(lambda handler, _number: reply(handler, status, body)) as server:
        yield server.server_port


@pytest.mark.parametrize(
    ("status", "body", "code", "line"),
    [
        (200, b'{"status":"ok"}', 0, "healthy: 200 ok"),
        (
            503,
            b'{"status":"unhealthy","problems":[{"what":"It is silent.","since":1800000000.0,"remedy":"See its log."},{}, 7]}',
            1,
            "unhealthy: 503 unhealthy\n- It is silent. Since 2027-01-15T08:00:00.000Z. See its log.\n- {}\n- 7",
        ),
        (
            200,
            b'{"status":"degraded","problems":[{"what":"No\\nroute.","since":1e300,"remedy":"Mend it."}]}',
            0,
            "healthy: 200 degraded\n- No\\nroute. Mend it.",
        ),
        (
            200,
            b'{"status":"ok","instances":[{"instance":"a","role":"leader","status":"ok"},{"instance":"b\\n","role":"x"}, 7]}',
            0,
            "healthy: 200 ok\ninstances: a (leader, ok), b\\n (x, None)",
        ),
        (200, b'{"status":"ok","instances":[{"instance":"a","role":"leader","status":"ok"}]}', 0, "healthy: 200 ok"),
        (200, b'{"status":"ok","instances":{"a":1,"b":2}}', 0, "healthy: 200 ok"),
        (
            200,
            b'{"instances":[{"instance":"a","role":"leader","leads":[0,2]},{"instance":"b","role":"x","leads":[]}]}',
            0,
            "healthy: 200\ninstances: a (leader of shards 0, 2, None), b (x, None)",
        ),
        (503, b'{"status":"x","problems":[]}', 1, "unhealthy: 503 x"),
        (503, b'{"detail":"Too many connections."}', 1, "unhealthy: 503 Too many connections."),
        (503, b"<html>", 1, "unhealthy: 503"),
        (200, b"\xff" * 100_000, 0, "healthy: 200"),
    ],
)
def test_health_is_a_line_for_each_problem_and_an_exit_code(
    status: int, body: bytes, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a container's HEALTHCHECK: what a restart cannot help is healthy. 0.0.0.0 is asked on loopback."""
    with control(status, body) as port:
        settings = load({"CONTROL_HOST": "0.0.0.0", "CONTROL_PORT": str(port)})

        assert health.run(settings) == code
        assert capsys.readouterr().out == f"{line}\n"


def test_health_without_a_control_process_is_bad(capsys: pytest.CaptureFixture[str]) -> None:
    """No answer is as bad as a bad one."""
    with control(200, b"") as port:
        pass

    assert health.run(load({"CONTROL_PORT": str(port)})) == 1
    assert capsys.readouterr().out.startswith(f"unhealthy: no answer from 127.0.0.1:{port}")
