"""Where the coordinator's knowledge comes from: the domain list and the RDAP bootstrap, each read by a process of its own."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from actors.coordinator.list_child import ReaderProcess
from actors.coordinator.list_frames import Ask, End, Failed, Piece, Read, Refreshed, Same
from common.clients.bootstrap_copy import SHORTEST_INTERVAL, load_kept_bases, next_attempt_at
from common.clients.list_text import MOST_TIMES_LONGER, NO_VERSION, list_source_name
from common.clock import now
from common.config import Settings
from common.core.coordinator.inputs import ListChunkRead, ListFailed, ListRead, ListSame, Measure, Measured
from common.core.registries.directory import Bases, Directory
from common.core.shards.layout import ONE_SHARD, Layout
from common.core.telemetry.declared_counters import status_class
from common.core.watchlist.list_diff import ListChunk, ListSummary
from common.errors import ListError
from common.log import Logger, get_logger
from common.process import Runtime

#: Seconds between two looks whether the bootstrap is due; how often it is fetched is decided there.
BOOTSTRAP_LOOK = 600.0
#: Seconds by which each shard begins with that after the one before it.
SHARD_PAUSE = 10.0
#: How the process that reads the list is started.
READER = (sys.executable, "-m", "actors.coordinator.list_reader")
#: How the process that fetches the bootstrap is started, and seconds that it may take.
FETCHER = (sys.executable, "-m", "actors.coordinator.bootstrap_reader")
FETCH_LIMIT = 90.0
#: Seconds that it may take until the list is read and compared, and from one piece of the difference to the next.
READ_LIMIT, PIECE_LIMIT = 900.0, 60.0
#: How an error names the status that the list's server answered with.
_STATUS = re.compile(r"\bHTTP ([1-5][0-9]{2})\b")
SENSELESS = "the process that reads it sent something else than it should"


class ListSource:
    """The domain list, read by a process of its own: `read` it, then go through its `parts` or `leave` it.

    One task uses it. `close` ends the process; it has to be called after an early stop.
    """

    def __init__(
        self,
        settings: Settings,
        command: Sequence[str] = READER,
        read_limit: float = READ_LIMIT,
        layout: Layout = ONE_SHARD,
    ) -> None:
        self._shard, self._layout = settings.shard, layout
        self.source = list_source_name(settings)
        self._command = command
        self._read_limit = read_limit * min(layout.shards, MOST_TIMES_LONGER)
        self._log = get_logger("coordinator")
        self._seen = NO_VERSION
        self._child: ReaderProcess | None = None
        self._read: Read | None = None

    async def read(self) -> ListRead | ListSame | ListFailed:
        """Read the list and compare it with the store. What an earlier call read is left."""
        try:
            await self.close()
            self._child = await ReaderProcess.start(self._command, self._log, "list-reader")
            await self._child.request_list(Ask(self._seen, self._shard, self._layout))
            frame = await self._child.next_frame(self._read_limit)
            match frame:
                case Read():
                    self._read = frame
                    return ListRead(frame.head, self.source)
                case Same():
                    self._seen = frame.seen
                    await self._child.await_end()
                    return ListSame(self.source)
                case Failed():
                    await self._child.await_end()
                    return self._failed(frame.text)
                case _:
                    return self._failed(self._text(ListError(SENSELESS)))
        except ListError as error:
            return self._failed(self._text(error))
        finally:
            if self._read is None:
                await self.close()

    async def parts(self) -> AsyncIterator[ListChunkRead]:
        """What taking the list changes. Whoever stops before the end gets the whole list again the next time.

        Raises ListError when the process that read it is gone.
        """
        read, child = self._read, self._child
        if read is None or child is None:
            raise ListError("no list was read")
        self.forget()  # half a difference belongs to no list
        try:
            await child.allow_pieces()
            announced = _Announced(read.head)
            while not isinstance(frame := await child.next_frame(PIECE_LIMIT), End):
                part = announced.checked(frame)
                yield ListChunkRead(part)
                await asyncio.sleep(0)  # several small pieces can be there at once
            announced.end()
            self._seen = read.seen
            await child.await_end()
        except ListError as error:
            raise ListError(self._text(error)) from None
        finally:
            await self.close()

    async def leave(self) -> None:
        """Put the list that was read away: it has to be seen again."""
        self.forget()
        await self.close()

    def forget(self) -> None:
        """Read the whole list next time, even if it has not changed."""
        self._seen = NO_VERSION

    async def close(self) -> None:
        """End the process that reads, if there is one."""
        child, self._child, self._read = self._child, None, None
        if child is not None:
            await child.close()

    def _failed(self, text: str) -> ListFailed:
        """Ask without conditions next time: they may be what a server stumbles over. The digest still tells the same text."""
        self._seen = msgspec.structs.replace(self._seen, etag="", last_modified="")
        return ListFailed(text, self.source)

    def _text(self, error: ListError) -> str:
        return f"{self.source}: {error}"


class _Announced:
    """What is still to come of a difference. Raises ListError where it is another one."""

    def __init__(self, head: ListSummary) -> None:
        self._added, self._removed, self._changed = head.added, head.removed, head.names

    def checked(self, frame: Any) -> ListChunk:
        """The piece in a frame."""
        if not isinstance(frame, Piece):
            raise ListError(SENSELESS)
        self._added -= len(frame.part.added)
        self._removed -= len(frame.part.removed)
        self._changed -= len(frame.part.priorities)
        if min(self._added, self._removed, self._changed) < 0:
            raise ListError(SENSELESS)
        return frame.part

    def end(self) -> None:
        """That was all."""
        if self._added or self._removed:
            raise ListError(SENSELESS)


def note_list_call(measure: Callable[[Measured], None], event: ListRead | ListSame | ListFailed, seconds: float) -> None:
    """Count a call of the domain list's interface, by what its error says of the status; `none` where it says nothing."""
    answered = _STATUS.search(event.text) if isinstance(event, ListFailed) else None
    status = int(answered[1]) if answered else (0 if isinstance(event, ListFailed) else 200)
    measure(Measured(Measure.COUNT, "upstream_requests", labels={"api": "list", "status": status_class(status)}))
    measure(Measured(Measure.TIMER, "upstream_request_seconds", seconds, {"api": "list"}))


async def refresh_directory(runtime: Runtime, directory: Directory) -> AsyncIterator[Directory]:
    """Have the RDAP bootstrap fetched when it is due; yields the directory when it changed. A failure keeps the last copy.

    Where there are shards, each begins a little later than the one before it: the first one fetches the copy for all.
    """
    settings = runtime.settings
    known = load_kept_bases(settings) if settings.shards > 1 else None
    due_at = next_attempt_at(settings)
    await asyncio.sleep(SHARD_PAUSE * settings.shard)
    while True:
        if now() >= due_at:
            told = await fetch_bootstrap(runtime.log)
            due_at = told.next_at
            if told.error:
                runtime.log.warning("bootstrap_kept", reason=told.error)
            found = load_kept_bases(settings) if told.changed or settings.shards > 1 else None
            if found is not None and (told.changed or found != known):
                known = found
                yield _replace_bases(directory, found, runtime.log)
        await asyncio.sleep(BOOTSTRAP_LOOK)


def _replace_bases(directory: Directory, found: Bases, log: Logger) -> Directory:
    try:
        directory.replace_fetched(found)
    except ValueError as error:
        log.warning("bootstrap_kept", reason=str(error))
    else:
        log.info("bootstrap_taken", suffixes=len(found))
    return directory


async def fetch_bootstrap(log: Logger, command: Sequence[str] = FETCHER) -> Refreshed:
    """One attempt, by a process of its own. Where that fails it counts as made, for the server may have been asked."""
    child = None
    error = SENSELESS
    try:
        child = await ReaderProcess.start(command, log, "bootstrap-reader")
        frame = await child.next_frame(FETCH_LIMIT)
        await child.await_end()
        if isinstance(frame, Refreshed):
            return frame
    except ListError as failure:
        error = str(failure)
    finally:
        if child is not None:
            await child.close()
    return Refreshed(changed=False, next_at=now() + SHORTEST_INTERVAL, error=f"RDAP bootstrap not taken: {error}")
