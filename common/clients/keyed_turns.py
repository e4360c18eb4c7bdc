"""A semaphore for each of many keys, in the order of arrival; a key without users takes no memory.

The pool of the HTTP library can count connections to each host, too, but goes through every host that is waited for each time
one is free again: with a thousand slow registries that would cost more than the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.errors import NotAsked


@dataclass(slots=True)
class _Entry:
    turns: asyncio.Semaphore
    users: int = 0  # inside and waiting


class KeyedSemaphore:
    """At most `most` holders at once for each key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[str, _Entry] = {}

    @asynccontextmanager
    async def acquire(self, key: str, seconds: float) -> AsyncIterator[None]:
        """Hold the semaphore of `key` inside the block. Raises NotAsked where that takes longer than `seconds`."""
        door = self._entries.get(key)
        if door is None:
            door = self._entries[key] = _Entry(asyncio.Semaphore(self._most))
        door.users += 1
        try:
            await _acquire_within(door, key, seconds)
            try:
                yield
            finally:
                door.turns.release()
        finally:
            door.users -= 1
            if not door.users:
                del self._entries[key]


async def _acquire_within(door: _Entry, key: str, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await door.turns.acquire()
    except TimeoutError:
        raise NotAsked(f"{key}: not asked, {door.users - 1} other questions to it were under way or waiting") from None
