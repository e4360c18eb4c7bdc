"""One instance of the product as real processes: started, asked, killed, stopped by a signal, ended as an operator would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from common import leader_file
from common.peers import ProxiedPeer
from common.proxy_header import encode_header
from common.shard_settings import coordinator_name
from common.socket_paths import control_socket
from common.store.lease_contract import Leader
from tests.cluster import wrong_clock
from tests.cluster.hosts import Host
from tests.cluster.processes import find_processes, is_stopped, signal_all
from tests.cluster.records import Epoch
from tests.lab.stack import ROOT, bare_environment

_STOP_SECONDS, _ASK_SECONDS = 60.0, 3.0
_CALLER = encode_header(ProxiedPeer(ip_address("127.0.0.1"), 4711, local=True), ("127.0.0.1", 8000))


class Line(NamedTuple):
    """One line of the log. `at` in epoch seconds."""

    at: float
    event: str
    fields: dict[str, Any]


class Instance:
    """One run after the other of `domain-monitor supervise` under one INSTANCE_ID."""

    def __init__(
        self, name: str, environment: Mapping[str, str], directory: Path, host: Host, disk: Path | None = None
    ) -> None:
        self.name = name
        self.host = host
        self.log_file = directory / f"{name}.log"
        self.environment = {**bare_environment(), **environment, "INSTANCE_ID": name, "LOG_FORMAT": "json"}
        self.state_dir = Path(self.environment["STATE_DIR"])
        self.disk = disk or self.state_dir  # where others find what its processes see as STATE_DIR
        self.directory = self.disk / "instances" / name
        self.lines: list[Line] = []
        self.paused = False
        self._read = 0
        self._offset = 0.0
        self._child: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.returncode is None

    async def start(self, offset: float = 0.0) -> None:
        """Start it, at once; its log goes on in the same file. `offset`: by how many seconds its time of day is off."""
        self.read_log()
        self._offset = offset
        with self.log_file.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *self.host.prefix,
                *(sys.executable, "-m", "actors.cli.main", "supervise"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self.environment, **wrong_clock.environment_of(offset, self.log_file.parent)},
                cwd=ROOT,
                start_new_session=True,
            )

    async def processes(self) -> dict[str, int]:
        """Process ids of this machine by name."""
        return await asyncio.to_thread(find_processes, self.name, self.state_dir)

    async def signal(self, process: str, number: int) -> int:
        """Send a signal to one process; its id, 0 where it is not there."""
        pid = (await self.processes()).get(process, 0)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pid

    async def kill(self) -> None:
        """Kill -9 of all its processes at once, as `docker kill` does."""
        while pids := await self.processes():
            signal_all(pids, signal.SIGKILL)
            await asyncio.sleep(0.02)
        self.paused = False
        if self._child is not None:
            await self._child.wait()

    async def pause(self) -> None:
        """Stop all its processes, as `docker pause` does."""
        self.paused = True
        while running := {name: pid for name, pid in (await self.processes()).items() if not is_stopped(pid)}:
            signal_all(running, signal.SIGSTOP)
            await asyncio.sleep(0.01)

    async def resume(self) -> None:
        """Let all of them go on."""
        signal_all(await self.processes(), signal.SIGCONT)
        self.paused = False

    async def stop(self) -> list[str]:
        """SIGTERM, and wait: what was not clean about it, in sentences."""
        if not self.running or self._child is None:
            return []
        await self.resume()
        await self.signal("supervise", signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._child.wait()
        except TimeoutError:
            await self.kill()
            return [f"{self.name} did not stop within {_STOP_SECONDS:.0f} s of SIGTERM"]
        trouble = [] if self._child.returncode == 0 else [f"{self.name} stopped with status {self._child.returncode}"]
        return trouble + [f"{self.name} left process {name} behind" for name in await self.processes()]

    # what it says

    async def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        """GET of its control interface through its unix socket: status and JSON object; status 0 where nothing answers."""
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                reader, writer = await asyncio.open_unix_connection(control_socket(self.directory))
                with contextlib.closing(writer):
                    writer.write(_CALLER + f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            return int(head.split()[1]), json.loads(body)
        except (OSError, TimeoutError, ValueError, IndexError):
            return 0, {}

    def leader(self, shard: int = 0) -> Leader | None:
        """The leader of a shard as its coordinator has told its other processes."""
        return leader_file.read_leader(self.directory, shard)

    def read_log(self) -> list[Line]:
        """The lines that came since the last call; all of them are in `lines`."""
        if not self.log_file.exists():
            return []
        with self.log_file.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        fresh = [_parse_line(line, self._offset) for line in whole.splitlines()]
        self.lines += fresh
        return fresh

    def epochs(self) -> Iterator[Epoch]:
        """Every time that it began to lead."""
        for line in self.lines:
            if line.event == "instance_leads":
                shard = int(line.fields["actor"].removeprefix("coordinator").lstrip("-") or 0)
                yield Epoch(line.at, self.name, int(line.fields["epoch"]), shard)

    def says_it_leads(self, shard: int = 0) -> bool:
        """Whether its coordinator of a shard has begun to lead, and not said since that it follows or has no lease."""
        for line in reversed(self.lines):
            if line.fields.get("actor") != coordinator_name(shard):
                continue
            if line.event in {"instance_leads", "instance_follows", "lease_lost", "shard_handed_over", "started"}:
                return line.event == "instance_leads"
        return False


def _parse_line(line: bytes, offset: float) -> Line:
    try:
        fields = json.loads(line)
        at = datetime.fromisoformat(fields["ts"]).timestamp() - offset
        return Line(at, fields["event"], fields)
    except (ValueError, KeyError, TypeError):
        return Line(0.0, "no_json", {"text": line.decode(errors="replace")[:500]})
