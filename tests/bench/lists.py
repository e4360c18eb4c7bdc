"""What a refresh of a long list costs: `python -m tests.bench.lists --names 1000000`.

A server on this machine has the list, packed and without validators; half of its entries are objects. Three refreshes: every
name is new; the text is the same as before; one name in a hundred is new, another one gone, a third one has another priority.

Printed are CPU seconds and peak memory of the process that reads; CPU seconds that the coordinator's side needs to take the
difference, where each piece is merely decoded; and the longest time that its event loop ran no other task, while the list
was read and while the difference was taken: by the clock, where other work of the machine shows, and by its own CPU time.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

from actors.coordinator.list_reader import main as read_list
from actors.coordinator.list_sources import ListSource
from common import config
from common.config import Settings
from common.core.coordinator.inputs import ListRead, ListSame
from common.core.watchlist.list_names import StoreBatch
from tests.http_thread import reply, serving

#: Names in a batch of the made-up store.
BATCH = 5000
#: Of so many names one is new, one gone and one has another priority in the last refresh.
SHARE = 100
SUFFIXES = ("com", "net", "org", "de", "co.uk")


class Pause(NamedTuple):
    """The longest one, in milliseconds."""

    wall: float = 0.0
    cpu: float = 0.0


class Cost(NamedTuple):
    """One line of the table; seconds, MB, milliseconds."""

    case: str
    reader_cpu: float
    reader_peak: float
    wall: float
    taking_cpu: float
    reading: Pause
    taking: Pause


def name_of(number: int) -> str:
    """A name of usual length; the same for the same number."""
    return f"{number * 2_654_435_761 % 2**32:08x}-shop{number % 97}.{SUFFIXES[number % len(SUFFIXES)]}"


def text_of(start: int, count: int, changed: bool) -> bytes:
    """The JSON of a list."""
    entries: list[object] = []
    for number in range(start, start + count):
        urgent = number % 8 == 1 or (changed and number % SHARE == 0)
        entries.append({"domain": name_of(number), "priority": urgent} if number % 2 or urgent else name_of(number))
    return json.dumps({"domains": entries}).encode()


def store_of(count: int) -> Iterator[StoreBatch]:
    """What a store knows after the first list."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        names = [name_of(number) for number in numbers]
        yield [number + 1 for number in numbers], names, [1] * len(names), [int(number % 8 == 1) for number in numbers]


def reader(count: int, notes: Path) -> int:
    """The process that reads, with a made-up store; leaves a note of its CPU time and its peak memory."""
    code = read_list(lambda _settings: store_of(count))
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    notes.write_text(json.dumps([time.process_time(), int(peak[1]) / 1024 if peak else 0.0]), encoding="ascii")
    return code


class Text:
    """The text of the moment, packed, as a server answers with it."""

    packed = b""

    def __call__(self, handler: BaseHTTPRequestHandler, _number: int) -> None:
        """The list."""
        reply(handler, 200, self.packed, Content_Encoding="gzip")


class Watch:
    """Watches how long the event loop runs no other task."""

    def __init__(self) -> None:
        self._longest = Pause()
        self._task = asyncio.create_task(self._look())

    def lap(self) -> Pause:
        """The longest pause since the last call."""
        found, self._longest = self._longest, Pause()
        return found

    def end(self) -> None:
        """Watch no longer."""
        self._task.cancel()

    async def _look(self) -> None:
        while True:
            wall, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.001)
            late = 1000 * (time.perf_counter() - wall) - 1
            self._longest = Pause(max(self._longest.wall, late), max(self._longest.cpu, 1000 * (time.thread_time() - cpu)))


async def refresh(case: str, source: ListSource, notes: Path) -> Cost:
    """One refresh, from the start of the process to the last piece."""
    watch = Watch()
    started = time.perf_counter()
    found = await source.read()
    assert isinstance(found, ListRead | ListSame), found
    reading, cpu = watch.lap(), time.thread_time()
    if isinstance(found, ListRead):
        added = sum([len(event.part.added) async for event in source.parts()])
        assert added == found.head.added, found.head
    taking_cpu, wall = time.thread_time() - cpu, time.perf_counter() - started
    watch.end()
    reader_cpu, peak = json.loads(notes.read_text(encoding="ascii"))  # noqa: ASYNC240  # nothing else is going on
    return Cost(case, reader_cpu, peak, wall, taking_cpu, reading, watch.lap())


async def measure(settings: Settings, text: Text, count: int, folder: Path) -> list[Cost]:
    """The three refreshes."""
    notes = folder / "notes"
    command = (sys.executable, "-m", "tests.bench.lists", "--reader", str(notes), "--names")
    text.packed = gzip.compress(text_of(0, count, changed=False), 1)
    source = ListSource(settings, (*command, "0"))
    costs = [await refresh("all new", source, notes), await refresh("the same", source, notes)]
    text.packed = gzip.compress(text_of(count // SHARE, count, changed=True), 1)
    costs.append(await refresh("few changes", ListSource(settings, (*command, str(count))), notes))
    return costs


def main(arguments: list[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lists", description=__doc__)
    parser.add_argument("--names", type=int, default=100_000, help="in the list")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--reader", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.reader:
        return reader(options.names, options.reader)
    text = Text()
    with tempfile.TemporaryDirectory() as folder, serving(text) as server:
        os.environ.update(DOMAIN_API_URL=server.url, STATE_DIR=folder)
        costs = asyncio.run(measure(config.load(), text, options.names, Path(folder)))
    if options.json:
        print("\n".join(json.dumps(cost._asdict()) for cost in costs))
        return 0
    print(f"{options.names:,} names; pauses by the clock (by CPU time)")
    print(f"{'':<12}{'reader s':>9}{'peak MB':>9}{'wall s':>9}{'taking s':>9}{'pause reading ms':>19}{'pause taking ms':>19}")
    for cost in costs:
        pauses = "".join(f"{f'{pause.wall:.1f} ({pause.cpu:.1f})':>19}" for pause in (cost.reading, cost.taking))
        print(f"{cost.case:<12}{cost.reader_cpu:>9.1f}{cost.reader_peak:>9.0f}{cost.wall:>9.1f}{cost.taking_cpu:>9.2f}{pauses}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
