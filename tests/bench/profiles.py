"""Where the time of a process goes, by py-spy from outside: shares of its busy samples by function, the function's own time.

Waiting in `select` is told apart from working there only roughly.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

#: Functions and their shares, the largest first.
Profile = list[tuple[str, float]]
#: Samples a second, and how many functions are kept and worth a line in a table.
RATE, MOST, ROWS = 200, 25, 12
#: Threads that wait, for work or for a process, which look busy from outside.
WAITING = frozenset({"futures/thread.py:_worker", "asyncio/unix_events.py:ThreadedChildWatcher._do_waitpid"})
_FRAME = re.compile(r"^(?P<name>.+) \((?P<file>[^()]*?)(?::\d+)?\)$")


def program() -> str | None:
    """py-spy beside this interpreter or on the PATH; None where it is not installed (pip install py-spy)."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


async def record(pid: int, seconds: int, folder: Path) -> Profile:
    """Watch a process for some seconds: functions and their shares, the largest first; none where it cannot be watched."""
    found = program()
    if found is None:
        return []
    file = folder / f"{pid}.stacks"
    command = [found, "record", "--pid", str(pid), "--duration", str(seconds), "--rate", str(RATE), "--format", "raw"]
    process = await asyncio.create_subprocess_exec(
        *command, "--output", str(file), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    await process.wait()
    return shares(file.read_text(encoding="utf-8")) if file.exists() else []


def shares(stacks: str) -> Profile:
    """Collapsed stacks (`outer;inner count`, a line each) as shares of the innermost functions, written file:function."""
    own: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        place = _place(stack.rpartition(";")[2])
        if count.isdigit() and stack and place not in WAITING:
            own[place] += int(count)
    samples = sum(own.values())
    return [(place, round(count / samples, 4)) for place, count in own.most_common(MOST)]


def text(profile: Profile) -> str:
    """Some lines for people."""
    return "\n".join(f"{100 * share:5.1f} %  {place}" for place, share in profile)


def table(runs: Mapping[str, Mapping[str, Profile]]) -> str:
    """Profiles by run and process as Markdown tables, one for each process, the runs side by side."""
    kinds = list(dict.fromkeys(kind for run in runs.values() for kind in run))
    return "\n\n".join(_table(kind, {name: run[kind] for name, run in runs.items() if kind in run}) for kind in kinds)


def _table(kind: str, runs: Mapping[str, Profile]) -> str:
    lines = [f"| {kind}: {f' | % | {kind}: '.join(runs)} | % |", f"|{'---|' * (2 * len(runs))}"]
    for row in zip_longest(*(profile[:ROWS] for profile in runs.values())):
        cells = (f"`{found[0]}` | {100 * found[1]:.1f}" if found else " | " for found in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _place(frame: str) -> str:
    match = _FRAME.match(frame)
    if match is None:
        return frame
    parts = Path(match["file"]).parts
    inside = next((number for number, part in enumerate(parts) if part in {"site-packages", "actors", "common"}), None)
    short = parts[-2:] if inside is None else parts[inside + (parts[inside] == "site-packages") :]
    return f"{'/'.join(short)}:{match['name']}"
