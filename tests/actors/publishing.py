"""The reader of publications over a real bus and a real store, with lists from a server that does what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from actors.publications.main import main
from actors.publications.reading_record import ReadingRecord, read_record, write_record
from common import state_dir
from common.codec import decode_upward
from common.config import Settings, load
from common.core.model.records import Changes, NewName
from common.messages import PublicationPart, PublicationStatus, Upward
from common.process import Runtime
from tests.leader_scene import lead_bus, tell_leader
from tests.store.builders import open_next


class Publishing:
    """A running reader: what the coordinator was told, and the means to wait for more."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.told: list[Upward] = []
        self._news = asyncio.Event()
        self.lead(1)

    def lead(self, epoch: int) -> None:
        """A coordinator begins to lead; the one before has closed its bus."""
        self.bus = lead_bus(self.settings, epoch)
        self.bus.attach(self.received, lambda _: None, lambda _: None)

    def received(self, frame: bytes, _mark: str) -> None:
        """A message in the inbox."""
        self.told.append(decode_upward(frame))
        self._news.set()

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> Any:
        """Until a condition holds, looked at with each message."""
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
            return found

    async def statuses(self, count: int = 1) -> list[PublicationStatus]:
        """The first so many statuses, once they are there."""
        await self.until(lambda: len(self._of(PublicationStatus)) >= count)
        return self._of(PublicationStatus)

    def parts(self) -> list[PublicationPart]:
        """Every part so far."""
        return self._of(PublicationPart)

    def listed(self) -> list[str]:
        """Every name that was told so far."""
        return [listed.name for part in self.parts() for listed in part.names]

    def record(self, publication: str) -> ReadingRecord:
        """What is kept of a publication."""
        return read_record(self.settings.state_dir / "publications", publication)

    def watch(self, names: Iterable[str]) -> None:
        """Put further names into the store."""
        store_names(self.settings, names)

    def _of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.told if isinstance(message, kind)]


def store_names(settings: Settings, names: Iterable[str]) -> None:
    """Watch these names, after those that are there."""
    store = open_next(settings)
    try:
        first = store.load().next_id
        rows = [NewName(first + place, name, name.partition(".")[2], False) for place, name in enumerate(names)]
        store.apply(Changes(new=rows))
    finally:
        store.close()


@asynccontextmanager
async def publishing(
    folder: Path, names: Iterable[str] | None, places: dict[str, Any], *, leader: str = "one", **environ: str
) -> AsyncIterator[Publishing]:
    """A reader of the publications in `places`, which are due at once, beside the coordinator of the instance `leader`.

    Without `names` there is no store yet.
    """
    (folder / "places.json").write_text(json.dumps(places))
    settings = load(
        {
            "STATE_DIR": str(folder),
            "INSTANCE_ID": "one",
            "FEED_ENDPOINT": f"ipc://{folder}/feed",
            "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "PUBLICATIONS": ",".join(places) or "none",
            "PUBLICATIONS_FILE": str(folder / "places.json"),
            **environ,
        }
    )
    state_dir.create_directories(settings)
    if names is not None:
        store_names(settings, names)
    for name in places:
        write_record(folder / "publications", name, ReadingRecord(checked_at=1.0))
    scene = Publishing(settings)
    tell_leader(settings, 1, leader)
    runtime = Runtime("publications", settings, asyncio.Event())
    work = asyncio.get_running_loop().create_task(main(runtime))
    try:
        yield scene
    finally:
        runtime.stopping.set()
        async with asyncio.timeout(10):
            await work
        scene.bus.close()
