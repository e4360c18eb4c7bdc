"""`domain-monitor supervise` as a process, over a supervisord.conf of a few lines instead of the whole service."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from common import process_stat
from tests.e2e.site import until
from tests.lab import net

ROOT = Path(__file__).resolve().parents[2]

_CONF = """
[supervisord]
nodaemon=true
silent=true
logfile=/dev/fd/1
logfile_maxbytes=0
loglevel=info
pidfile={state}/supervisord.pid
[unix_http_server]
file={state}/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:thing]
command={python} {script}
startsecs=0
autorestart=true
stopwaitsecs=40
redirect_stderr=true
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
"""

#: What the one program does unless a test says more: it tells that it is there, and stays.
STAYS = "import os, pathlib, time\npathlib.Path('thing.pid').write_text(str(os.getpid()))\ntime.sleep(1000)\n"


class Run:
    """One run in a directory of its own."""

    def __init__(self, directory: Path, process: subprocess.Popen[bytes]) -> None:
        self.directory = directory
        self.process = process

    def supervisord(self) -> int:
        """Process id of supervisord, waiting for it."""
        return self._pid(self.directory / "supervisord.pid")

    def thing(self) -> int:
        """Process id of the one program, waiting for it."""
        return self._pid(self.directory / "thing.pid")

    def _pid(self, path: Path) -> int:
        return until(lambda: path.exists() and int(path.read_text() or "0"), 20, f"{path.name}", 0.05)


@contextmanager
def running(directory: Path, program: str = STAYS, *, environ: Mapping[str, str] | None = None, **popen: Any) -> Iterator[Run]:
    """Start it, and leave nothing of it behind."""
    directory.mkdir(exist_ok=True)
    (directory / "thing.py").write_text(program, encoding="utf-8")
    conf = directory / "conf"
    conf.write_text(_CONF.format(state=directory, python=sys.executable, script=directory / "thing.py"), encoding="utf-8")
    arguments = [sys.executable, "-m", "actors.cli.main", "supervise", "--config", str(conf)]
    popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, **popen}
    prefix = popen.pop("prefix", [])
    settings = {**settings_of(directory), **(environ or {})}
    with subprocess.Popen([*prefix, *arguments], env={**os.environ, **settings}, cwd=directory, **popen) as process:
        run = Run(directory, process)
        try:
            yield run
        finally:
            process.kill()
            for name in ("supervisord.pid", "thing.pid"):
                with suppress(OSError, ValueError):
                    os.kill(int((directory / name).read_text()), signal.SIGKILL)


def settings_of(directory: Path) -> dict[str, str]:
    """Settings of a run that meets no other one on this machine."""
    return {
        "PYTHONPATH": str(ROOT),
        "STATE_DIR": str(directory / "state"),
        "CONTROL_PORT": str(net.free_port()),
        "FEED_ENDPOINT": f"tcp://{net.HOST}:{net.free_port()}",
    }


def gone(pid: int) -> bool:
    """Whether a process has ended, buried or not."""
    return process_stat.process_state(pid) in {"", "Z"}


class Lines:
    """Collects what comes from a descriptor, in a thread, until its end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._text = b""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):
            while chunk := self._read(65_536):
                self._text += chunk

    def all(self) -> list[str]:
        """Every whole line so far."""
        return self._text.decode().splitlines()

    def until(self, text: str) -> None:
        """Until a line holds this text."""
        until(lambda: any(text in line for line in self.all()), 25, text, 0.05)

    def until_end(self) -> list[str]:
        """Every line, once the other side has closed."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.all()


def rows(lines: list[str]) -> list[dict[str, Any]]:
    """Lines of JSON; a line that is none fails the test."""
    return [json.loads(line) for line in lines]
