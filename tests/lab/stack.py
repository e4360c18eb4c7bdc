"""Runs the real product, all processes of it, as a child: started, asked for its health, stopped as an operator would."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from tests.lab import net

ROOT = Path(__file__).resolve().parents[2]
#: INSTANCE_ID of a stack that is alone.
INSTANCE = "lab"
_STOP_SECONDS = 60.0
_POLL = 0.2
_KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "VIRTUAL_ENV", "CI")


class StackError(RuntimeError):
    """The product did not start, or ended by itself."""


def bare_environment() -> dict[str, str]:
    """What every run of the product gets of the caller's environment, none of it a setting."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "DOMAIN_MONITOR_ENV_FILE": ""}  # nor what stands in `.env`


class Stack:
    """One run of `domain-monitor supervise`. Nothing of the caller's own settings leaks into it.

    Several share a state where `environment` names the same STATE_DIR and another INSTANCE_ID for each.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self.directory = directory
        self.log_file = directory / "stack.log"
        self.control_port = net.free_port()
        feed = net.free_port()
        self.feed = f"tcp://{net.HOST}:{feed}"
        self._environment = {
            **bare_environment(),
            "STATE_DIR": str(directory / "state"),
            "INSTANCE_ID": INSTANCE,
            "PUBLICATIONS": "none",
            **environment,
            "CONTROL_HOST": net.HOST,
            "CONTROL_PORT": str(self.control_port),
            "FEED_ENDPOINT": self.feed,
            "LOG_FORMAT": "json",
        }
        self._child: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[int] | None = None

    @property
    def state_dir(self) -> Path:
        """STATE_DIR."""
        return Path(self._environment["STATE_DIR"])

    @property
    def pid(self) -> int:
        """Process id of `supervise`, of the last start."""
        assert self._child is not None
        return self._child.pid

    @property
    def instance_dir(self) -> Path:
        """What the instance keeps for itself in its state: heartbeats, sockets."""
        return self.state_dir / "instances" / self._environment["INSTANCE_ID"]

    @property
    def url(self) -> str:
        """Base URL of the product's control interface."""
        return f"http://{net.HOST}:{self.control_port}"

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.returncode is None

    async def start(self, ended: asyncio.Event) -> None:
        """Start it; the log of all its processes goes to `log_file`. `ended` is set when it is gone, for whatever reason."""
        with self.log_file.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "actors.cli.main", "supervise"),  # of this tree: an installed script may be another
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=ROOT,
                start_new_session=True,  # Ctrl-C is ours to handle: the stack is stopped in order
            )
        self._watcher = asyncio.create_task(self._child.wait())
        self._watcher.add_done_callback(lambda _: ended.set())

    async def health(self) -> int:
        """HTTP status of /health, 0 where nothing answers."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(f"{self.url}/health") as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    async def wait_healthy(self, seconds: float, stop: asyncio.Event) -> None:
        """Until /health says 200. Raises StackError when it ends before, does not get there in time, or `stop` is set."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        status = 0
        while loop.time() < deadline:
            if self._child is None or self._child.returncode is not None:
                raise StackError(f"the stack ended by itself with status {self._child.returncode if self._child else None}")
            if stop.is_set():
                raise StackError("interrupted before it was healthy")
            status = await self.health()
            if status == 200:
                return
            await asyncio.sleep(_POLL)
        raise StackError(f"not healthy after {seconds:.0f} s: /health says {status or 'nothing'}")

    async def stop(self) -> list[str]:
        """SIGTERM, and wait: what was not clean about it, in sentences."""
        child = self._child
        if child is None:
            return []
        if child.returncode is not None:
            return [f"the stack had ended by itself with status {child.returncode}"]
        child.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await child.wait()
        except TimeoutError:
            os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
            return [f"it did not stop within {_STOP_SECONDS:.0f} s of SIGTERM"]
        trouble = [] if child.returncode == 0 else [f"it stopped with status {child.returncode}"]
        return trouble + [f"process {pid} was left behind" for pid in self._left_behind()]

    def crashes(self) -> list[str]:
        """Names of the crash dumps it wrote: a process that crashed and came back is not a healthy one."""
        return sorted(path.name for path in (self.state_dir / "crashes").glob("*"))

    def _left_behind(self) -> list[int]:
        beats = (self.instance_dir / "heartbeats").glob("*.json")
        return [pid for pid in map(_pid_of, beats) if pid and _alive(pid)]

    def log_tail(self, lines: int = 25) -> list[str]:
        """The end of its log."""
        if not self.log_file.exists():
            return []
        return self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]


async def until_standing_by(stack: Stack) -> None:
    """Until its coordinator follows another one, and every other process has begun its work."""
    pools = [f'"pool":"{pool}","methods"' for pool in ("fast", "intermediate", "deep")]
    ready = [f'"event":"{event}"' for event in ("instance_follows", "feed_listening", "listening")] + pools
    while not all(words in stack.log_file.read_text(encoding="utf-8") for words in ready):  # noqa: ASYNC110  # a file
        await asyncio.sleep(_POLL)


def _pid_of(heartbeat: Path) -> int:
    try:
        return int(json.loads(heartbeat.read_bytes())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
