"""CPU time and memory of the service's processes, read from /proc (proc_pid_stat(5), proc_pid_smaps_rollup)."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
#: Seconds between two looks at CPU time, at the list of processes, and at memory.
EVERY, SEARCH, WEIGH = 0.1, 0.5, 2.0

#: The kind of the short-lived processes that read the list and the bootstrap registries beside the coordinator.
READERS = "readers"


def kind_of(arguments: list[str]) -> str:
    """Which process of the service a command line starts: "coordinator", "fast", ..., or "supervisor" for what starts them."""
    if "checker" in arguments and "--pool" in arguments:
        return arguments[arguments.index("--pool") + 1]
    if any(word.endswith("_reader") for word in arguments):
        return READERS
    known = [word for word in arguments if word in {"coordinator", "control", "feed", "notifier", "publications", "watchdog"}]
    return known[0] if known else "supervisor"


def members(session: int) -> Iterator[tuple[int, str]]:
    """Processes of a session, with their kind."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                if os.getsid(int(path.name)) == session:
                    words = (path / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                    if any(words):
                        yield int(path.name), kind_of(words)


def cpu(pid: int) -> float:
    """CPU seconds that a process used so far, user and system, without its children; 0 for one that is gone."""
    try:
        row = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(row[11]) + int(row[12])) / TICKS


def memory(pid: int) -> dict[str, int]:
    """Bytes: `pss` (shared pages divided among the processes that share them), `rss`, and `peak`, the highest `rss` so far."""
    found = {"pss": 0, "rss": 0, "peak": 0}
    for file, fields in (("smaps_rollup", {"Pss:": "pss", "Rss:": "rss"}), ("status", {"VmHWM:": "peak"})):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace").splitlines():
                words = line.split()
                if len(words) > 1 and words[0] in fields:
                    found[fields[words[0]]] = int(words[1]) * 1024
    return found


@dataclass
class Sampler:
    """Follows the processes of one session, and others besides. Times of the loop's clock, CPU in seconds, memory in bytes.

    CPU times add up over restarts: what a process used that is gone now is kept. `others` are further clocks, by name.
    """

    session: int
    others: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    trace: list[tuple[float, dict[str, float]]] = field(default_factory=list)  # CPU seconds by kind until then
    peak_pss: int = 0
    _used: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _last: dict[int, tuple[str, float]] = field(default_factory=dict)

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        search = weigh = 0.0
        while True:
            now = loop.time()
            if now >= search:
                self.find()
                search = now + SEARCH
            self.look(now)
            if now >= weigh:
                self.peak_pss = max(self.peak_pss, sum(row["pss"] for row in self.weights().values()))
                weigh = now + WEIGH
            await asyncio.sleep(EVERY)

    def find(self) -> None:
        """Find the processes of the session."""
        for pid, kind in members(self.session):
            if self._last.get(pid, ("supervisor", 0.0))[0] == "supervisor":  # it may have been caught before its exec
                self._last[pid] = (kind, self._last.get(pid, ("", 0.0))[1])

    def look(self, now: float) -> None:
        """Add what was used since the last look."""
        for pid, (kind, before) in list(self._last.items()):
            used = cpu(pid)
            if used < before or not _there(pid):
                del self._last[pid]
                continue
            self._used[kind] += used - before
            self._last[pid] = (kind, used)
        self.trace.append((now, {**self._used, **{name: clock() for name, clock in self.others.items()}}))

    def at(self, moment: float) -> dict[str, float]:
        """CPU seconds by kind as of the last look before a moment."""
        return next((used for at, used in reversed(self.trace) if at <= moment), {})

    def between(self, begin: float, end: float) -> dict[str, float]:
        """CPU seconds by kind used between two moments."""
        before, after = self.at(begin), self.at(end)
        return {kind: used - before.get(kind, 0.0) for kind, used in after.items()}

    def weights(self) -> dict[str, dict[str, int]]:
        """Memory by kind; several processes of one kind are added."""
        found: dict[str, dict[str, int]] = {}
        for pid, (kind, _) in list(self._last.items()):
            row = found.setdefault(kind, {"pss": 0, "rss": 0, "peak": 0})
            for name, value in memory(pid).items():
                row[name] += value
        return found

    def pid(self, kind: str) -> int | None:
        """A process of this kind."""
        self.find()
        return next((pid for pid, (its, _) in self._last.items() if its == kind and _there(pid)), None)


def _there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
