"""The command line among other programs: readers that leave, odd locales, names that come from elsewhere, the number 1."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actors.cli.main import build_parser
from actors.cli.name_arguments import collect_names
from common.errors import ListError
from common.suffixes import load_suffixes
from tests.lab import net

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "actors.cli.main")
#: Names that are no names are judged without a network.
INVALID = tuple(f"münchen {number}" for number in range(2000))


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of ours but where the state is, and no env file."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "STATE_DIR": str(folder), "DOMAIN_MONITOR_ENV_FILE": "", **more}


def lines_of(folder: Path, count: int) -> Path:
    """A file with so many lines for `judge`."""
    row = {"id": 1, "domain": "münchen.de", "method": "whois", "server": "whois.denic.de", "answer": {"text": "Status: free"}}
    path = folder / "in.jsonl"
    path.write_text(f"{json.dumps(row)}\n" * count, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "name",
    [*("check", "check --json", "judge", "--help", "check --help", "--version", "judge --fuse"), "registrars", "sources"],
)
def test_a_reader_that_leaves_is_no_error(name: str, tmp_path: Path) -> None:
    """`domain-monitor ... | head -1`: no traceback, no complaint of the interpreter, exit code 0."""
    (tmp_path / "budgets.json").write_text('{"registrar/*": {"rate": 0}}', encoding="utf-8")  # nothing is asked
    environ = environment(
        tmp_path, BUDGETS_FILE=str(tmp_path / "budgets.json"), CLOUDFLARE_ACCOUNT_ID="me", CLOUDFLARE_API_TOKEN="token-1"
    )
    arguments = {
        "check": ["check", *INVALID],
        "registrars": ["check", "--methods", "registrar", *(f"n{number}.com" for number in range(2000))],
        "check --json": ["check", "--json", *INVALID],
        "judge": ["judge", str(lines_of(tmp_path, 5000))],
        "judge --fuse": ["judge", str(lines_of(tmp_path, 5000)), "--fuse"],
    }.get(name, name.split())
    reading, writing = os.pipe()
    with subprocess.Popen([*PROGRAM, *arguments], cwd=tmp_path, env=environ, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        os.close(reading)
        assert process.stderr is not None
        err = process.stderr.read()
        code = process.wait(60)

    assert (code, err) == (0, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("name", ["keys", "health", "check x..y"])
def test_an_output_that_takes_nothing_is_one_sentence(name: str, unbuffered: str, tmp_path: Path) -> None:
    """`domain-monitor ... > file` on a full disk: exit code 1 and no traceback."""
    environ = environment(tmp_path, PYTHONUNBUFFERED=unbuffered, CONTROL_PORT=str(net.free_port()))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *name.split()], cwd=tmp_path, env=environ, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )

    assert (done.returncode, done.stderr) == (1, b"domain-monitor: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:strict", "LC_ALL": "POSIX"},
    ],
)
def test_any_locale_can_take_what_is_printed(locale: dict[str, str], tmp_path: Path) -> None:
    """What its encoding lacks comes out as an escape."""
    names = tmp_path / "names"
    names.write_text("münchen x.de\n\U0001f600\n", encoding="utf-8")
    done = subprocess.run(
        [*PROGRAM, "check", "--file", str(names)],
        cwd=tmp_path,
        env=environment(tmp_path, **locale),
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (3, b"")
    assert b"INVALID" in done.stdout
    assert b"nchen x.de" in done.stdout


def test_names_come_from_arguments_files_and_standard_input(tmp_path: Path) -> None:
    """In the form of the domain list, each once; blank lines and comments are skipped."""
    (tmp_path / "names").write_text("a b.com\n# note\n\nc d.com !\n", encoding="utf-8")
    done = subprocess.run(
        [*PROGRAM, "check", "--json", "x y.com", "-", "--file", str(tmp_path / "names")],
        input=b'{"domains": ["e f.com", {"domain": "g h.com"}]}',
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        check=False,
    )

    assert [json.loads(line)["domain"] for line in done.stdout.splitlines()] == [
        "x y.com",
        "a b.com",
        "c d.com",
        "e f.com",
        "g h.com",
    ]
    assert (done.returncode, done.stderr) == (3, b"")


def test_names_that_cannot_be_read_are_bad_usage(tmp_path: Path) -> None:
    """A file that is missing, broken or empty, and no names at all: exit code 2 and a sentence."""
    (tmp_path / "broken").write_text('{"domains": [', encoding="utf-8")
    (tmp_path / "empty").write_text("# nothing\n", encoding="utf-8")
    suffix_of = load_suffixes()
    for name, words in (("missing", "No such file"), ("broken", "ends too early"), ("empty", "no name in what was given")):
        with pytest.raises(ListError, match=words):
            collect_names([], [str(tmp_path / name)], suffix_of)
    done = subprocess.run(
        [*PROGRAM, "check", "--file", "missing"], cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, b"domain-monitor: missing: No such file or directory\n")


@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(more: dict[str, str], coloured: bool, tmp_path: Path) -> None:
    """NO_COLOR (https://no-color.org) and terminals that have no colours."""
    ours, theirs = pty.openpty()
    environ = environment(tmp_path, **{"TERM": "xterm", **more})
    with subprocess.Popen([*PROGRAM, "check", "a b.com"], cwd=tmp_path, env=environ, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            said += piece
        process.wait(60)
    os.close(ours)

    assert b"INVALID" in said
    assert (b"\x1b[" in said) is coloured


@pytest.mark.parametrize("arguments", [("tail",), ("judge",)])
def test_the_first_process_of_a_container_ends_at_sigterm(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """The kernel drops a signal without a handler for the process with the number 1, so each tool has one."""
    environ = environment(tmp_path, FEED_ENDPOINT=f"tcp://127.0.0.1:{net.free_port()}")
    with subprocess.Popen(
        [*PROGRAM, *arguments], cwd=tmp_path, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stderr is not None
            if arguments == ("tail",):
                process.stderr.readline()
            _wait_until_caught(process.pid)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()

    assert (process.returncode, err) == (0 if arguments == ("tail",) else 143, b"")


def _wait_until_caught(pid: int) -> None:
    """Until the process has a handler for SIGTERM, as the kernel tells (proc(5), SigCgt)."""
    while True:
        rows = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines() if ":" in line
        )
        if int(rows["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1:
            return


def test_the_help_lists_tools_first_and_the_actors_apart() -> None:
    """A user who reads it wants to check a name, not to start a coordinator."""
    tools, _, actors = build_parser().format_help().partition("run by supervise")

    assert all(f"\n    {name}" in tools for name in ("supervise", "check", "judge", "replay", "calibration", "tail", "health"))
    assert all(f"\n    {name}" in actors for name in ("coordinator", "checker", "notifier", "control", "watchdog"))
    assert not any(f"\n    {name} " in tools for name in ("coordinator", "checker", "notifier", "control", "watchdog"))


@pytest.mark.parametrize("arguments", [("health",), ("check", "a b.com"), ("replay", "a.com"), ("calibration",), ("tail",)])
def test_every_command_reads_the_env_file(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """The same settings for all of them: a wrong one in `.env` is told by each."""
    (tmp_path / ".env").write_text('CHECK_INTERVAL="never" # comment\n', encoding="utf-8")
    environ = environment(tmp_path)
    del environ["DOMAIN_MONITOR_ENV_FILE"]
    done = subprocess.run([*PROGRAM, *arguments], cwd=tmp_path, env=environ, capture_output=True, check=False, timeout=60)

    assert done.returncode == 2
    assert done.stderr.startswith(b"domain-monitor: CHECK_INTERVAL: must be a number of seconds")
