"""Taking turns: at most so many at once for each of many keys, in the order they came; a key that nobody uses costs nothing.

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
class _Door:
    turns: asyncio.Semaphore
    users: int = 0  # inside and waiting


class Turns:
    """`most` at once for each key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._doors: dict[str, _Door] = {}

    @asynccontextmanager
    async def of(self, key: str, seconds: float) -> AsyncIterator[None]:
        """Wait for a turn, at most so many seconds, and have it inside the block. Raises NotAsked where none came."""
        door = self._doors.get(key)
        if door is None:
            door = self._doors[key] = _Door(asyncio.Semaphore(self._most))
        door.users += 1
        try:
            await _turn(door, key, seconds)
            try:
                yield
            finally:
                door.turns.release()
        finally:
            door.users -= 1
            if not door.users:
                del self._doors[key]


async def _turn(door: _Door, key: str, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await door.turns.acquire()
    except TimeoutError:
        raise NotAsked(f"{key}: not asked, {door.users - 1} other questions to it were under way or waiting") from None
