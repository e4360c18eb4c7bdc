"""The reader of publications: which of them concern the watch list, when each is due, and one reading after the other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from actors.publications.certificate_watch import CertificateWatch
from actors.publications.part_sender import PartSender
from actors.publications.publication_reader import PublicationReader
from actors.publications.reading_record import ReadingRecord
from actors.publications.reading_round import ReadingRound
from actors.publications.watched_names import load_suffixes_watched
from common.clock import monotonic, now
from common.config import Settings
from common.core.model.publication import Publication
from common.core.publications.catalogue import concerns, publications_for, zone_file_publication
from common.core.publications.next_reading import next_reading_at
from common.core.publications.places import NO_PLACE, Place, move_publication
from common.errors import StoreError
from common.operator_files import load_places
from common.process import Runtime

#: Seconds between two looks at what is due, and at which suffixes are watched; and after which a store that is away is tried.
LOOK_EVERY, SUFFIXES_EVERY, STORE_EVERY = 1.0, 60.0, 5.0


async def main(runtime: Runtime) -> None:
    """Read until `runtime.stopping`. Raises ConfigError where PUBLICATIONS or PUBLICATIONS_FILE is wrong."""
    places = load_places(runtime.settings)
    sender, reader = PartSender(runtime.settings), PublicationReader(runtime.settings)
    try:
        sender.attach()
        round_ = ReadingRound(runtime, runtime.settings.state_dir / "publications", sender, reader)
        async with _watching(runtime, sender):
            await _Readings(runtime, places, round_).run()
    finally:
        sender.close()
        await reader.close()


@asynccontextmanager
async def _watching(runtime: Runtime, sender: PartSender) -> AsyncIterator[None]:
    """Watch certificates meanwhile, where CERTSTREAM_URL says where they are."""
    url = runtime.settings.certstream_url
    tasks = [] if url is None else [asyncio.create_task(CertificateWatch(runtime, url, sender).run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            await asyncio.wait((task,))


def choose_publications(settings: Settings, suffixes: Collection[str]) -> list[Publication]:
    """The publications that PUBLICATIONS lets be read, and that concern these suffixes."""
    chosen = settings.publications
    found = publications_for(suffixes, chosen.also, chosen.never)
    found = [row for row in found if chosen.default or row.name in chosen.also]
    return found if settings.czds_folder is None else [*found, *find_zone_files(settings.czds_folder, suffixes)]


def find_zone_files(folder: Path, suffixes: Collection[str]) -> list[Publication]:
    """The zone files of a folder that concern these suffixes, one for each zone, by name. None where it cannot be read."""
    found: dict[str, Publication] = {}
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            row = zone_file_publication(path.name)
            if row is not None and any(concerns(row, suffix) for suffix in suffixes):
                found.setdefault(row.name, replace(row, url=str(path)))
    return list(found.values())


class _Readings:
    """Reads what is due. `stopping` gives up the reading that is under way: it holds nothing that is not read again."""

    def __init__(self, runtime: Runtime, places: dict[str, Place], round_: ReadingRound) -> None:
        self._runtime = runtime
        self._places = places
        self._round = round_
        self._rng = random.Random()  # noqa: S311  # spreads readings over time
        self._rows: list[Publication] = []
        self._due: dict[str, float] = {}
        self._look_at = 0.0  # monotonic seconds

    async def run(self) -> None:
        """One publication after the other, while this instance is the one that reads."""
        while not self._runtime.stopping.is_set():
            self._runtime.beat()
            row = None
            if self._round.sender.reads_here():
                await self._look_at_suffixes()
                row = next((row for row in self._rows if self._due[row.name] <= now()), None)
            if row is None:
                await self._runtime.rest(LOOK_EVERY)
            else:
                await self._read(row)

    async def _look_at_suffixes(self) -> None:
        """Learn now and then which publications concern what is watched."""
        if monotonic() < self._look_at:
            return
        try:
            suffixes = await asyncio.to_thread(load_suffixes_watched, self._runtime.settings)
        except StoreError:
            self._look_at = monotonic() + STORE_EVERY  # it is not there yet, or away: the coordinator says so
            return
        self._look_at = monotonic() + (SUFFIXES_EVERY if suffixes else STORE_EVERY)  # a new state has no names yet
        found = choose_publications(self._runtime.settings, suffixes)
        self._rows = [move_publication(row, self._places.get(row.name, NO_PLACE)) for row in found]
        for row in self._rows:
            if row.name not in self._due:
                self._plan(row, self._round.last_record(row))

    def _plan(self, row: Publication, record: ReadingRecord) -> None:
        last = record.last_reading()
        due = next_reading_at(row, last, now(), self._rng.random())
        self._due[row.name] = due if last is not None else min(due, now() + row.every)

    async def _read(self, row: Publication) -> None:
        """Read a publication while the heart beats: that takes as long as its server likes, within its bounds."""
        task = asyncio.create_task(self._round.read(row, self._places.get(row.name, NO_PLACE)))
        stopped = asyncio.create_task(self._runtime.stopping.wait())
        try:
            while not task.done() and not stopped.done():
                await asyncio.wait((task, stopped), timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
                self._runtime.beat()
            if task.done():
                self._plan(row, task.result())
        except StoreError:
            self._due[row.name] = now() + STORE_EVERY
        finally:
            task.cancel()
            stopped.cancel()
            await asyncio.wait((task, stopped))
