"""Live data: the last status of each shard's coordinator from the feed, and new events for the clients of the event stream.

The feed only wakes us up; events themselves are read from the store, so a message lost on the feed loses no event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from actors.control.http_problems import Problem
from actors.control.store_readers import StoreReaders
from common.core.coordinator.merged_status import ShardStatus, merge_statuses
from common.core.model.records import EventRow

#: Feed topics that matter here.
TOPICS = ("system.coordinator.", "state.", "available.")
#: Most clients of the event stream, and most events waiting for one of them.
MOST_CLIENTS, QUEUE = 100, 1000
#: Seconds between looks at the store without a wake-up, and shortest time between two looks.
LOOK_EVERY, LOOK_GAP = 3.0, 0.1
#: Events read at once.
PAGE = 500


@dataclass(eq=False)
class StreamClient:
    """A client of the event stream. `events` ends with None; `slow`: it did not keep up and was let go."""

    events: asyncio.Queue[EventRow | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    slow: bool = False

    def offer(self, event: EventRow | None) -> None:
        """Queue one event; a full queue ends the stream, which can be resumed by its last id."""
        try:
            self.events.put_nowait(event)
        except asyncio.QueueFull:
            self.slow = True

    def end(self) -> None:
        """End the stream, whatever still waits."""
        while not self.events.empty():
            self.events.get_nowait()
        self.offer(None)


class LiveFeed:
    """Keeps the status of each shard and hands new events to the clients. `now` gives epoch seconds."""

    def __init__(self, records: StoreReaders, now: Callable[[], float], shards: int = 1) -> None:
        self._records = records
        self._now = now
        self._heard: list[tuple[float, dict[str, Any]] | None] = [None] * shards  # when, and what
        self._clients: set[StreamClient] = set()
        self._wake = asyncio.Event()
        self._last: int | None = None
        self._closed = False

    def take_message(self, topic: str, payload: dict[str, Any], shard: int = 0) -> None:
        """Take one message of the coordinator that leads a shard."""
        if not topic.startswith("system.coordinator."):
            self._wake.set()
            return
        status = payload.get("status")
        if isinstance(status, dict):
            self._heard[shard] = self._now(), status

    def latest_statuses(self) -> list[ShardStatus | None]:
        """The last status of each shard, that of the instance that leads it; None where none was heard."""
        moment = self._now()
        return [None if heard is None else ShardStatus(max(0.0, moment - heard[0]), heard[1]) for heard in self._heard]

    def latest_status(self) -> ShardStatus | None:
        """The last status of all shards together, as old as the oldest; None where none was heard."""
        statuses = self.latest_statuses()
        heard = [status for status in statuses if status is not None]
        if len(statuses) == 1 or not heard:
            return statuses[0]
        return ShardStatus(max(status.age for status in heard), merge_statuses(statuses))

    @property
    def client_count(self) -> int:
        """How many clients follow the stream."""
        return len(self._clients)

    async def join(self) -> StreamClient:
        """Follow new events. Raises Problem 503 where there is no room or no store."""
        if self._closed or len(self._clients) >= MOST_CLIENTS:
            raise Problem(503, f"{MOST_CLIENTS} clients follow the stream already.", headers={"Retry-After": "10"})
        client = StreamClient()
        self._clients.add(client)
        try:
            # Before the client reads what it missed: what comes after this position reaches its queue.
            if self._last is None:
                self._last = await self._records.read(lambda reader: reader.last_seq())
        except BaseException:
            self.leave(client)
            raise
        return client

    def leave(self, client: StreamClient) -> None:
        """Stop following."""
        self._clients.discard(client)
        if not self._clients:
            self._last = None

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for client in list(self._clients):
            client.end()

    async def relay_events(self) -> None:
        """Read new events whenever the feed says so, and every few seconds in case a message was lost. Runs until cancelled."""
        while True:
            await asyncio.sleep(LOOK_GAP)
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass  # time to look without being told
            self._wake.clear()
            try:
                await self._relay_new_events()
            except Problem:
                continue  # no store at the moment; clients keep waiting

    async def _relay_new_events(self) -> None:
        while self._clients and self._last is not None:
            after = self._last
            events = await self._records.read(lambda reader, after=after: reader.events(after=after, limit=PAGE))  # type: ignore[misc]  # a bound default
            if self._last != after:
                return  # all clients left meanwhile, and a new one began elsewhere
            for event in events:
                for client in self._clients:
                    client.offer(event)
            if events:
                self._last = events[-1].seq
            if len(events) < PAGE:
                return
