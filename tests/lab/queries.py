"""Queries by server and name: totals, and a bounded ring with times, so that rates can be checked."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

RING = 200_000
MOST_NAMES = 200_000


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `at` in wall-clock epoch seconds; `how` is the transport, method or query type.

    `source` is the address that it came from, "" where the server does not note it.
    """

    at: float
    server: str
    name: str
    how: str
    source: str = ""


class QueryLog:
    """Everything the servers of the lab were asked."""

    def __init__(self, wall: Callable[[], float], size: int = RING) -> None:
        self._wall = wall
        self._ring: deque[Query] = deque(maxlen=size)
        self.by_server: Counter[str] = Counter()
        self.by_name: Counter[str] = Counter()
        self._asked = asyncio.Event()

    def add(self, server: str, name: str, how: str, source: str = "") -> None:
        """Count one question."""
        self._ring.append(Query(self._wall(), server, name, how, source))
        self.by_server[server] += 1
        self._asked.set()
        if name in self.by_name or len(self.by_name) < MOST_NAMES:
            self.by_name[name] += 1

    def find(self, *, server: str | None = None, name: str | None = None, since: float = 0.0) -> list[Query]:
        """Recent questions, oldest first; `server` is a key or a prefix ending in "/"."""
        return [query for query in self._ring if query.at >= since and _fits(query, server, name)]

    async def wait_for(self, server: str) -> None:
        """Wait until a server was asked something."""
        while not self.by_server[server]:
            self._asked.clear()
            await self._asked.wait()

    def peak(self, server: str, window: float = 1.0) -> int:
        """Most questions to `server` inside any `window` seconds of the ring."""
        times = [query.at for query in self.find(server=server)]
        best = begin = 0
        for end, at in enumerate(times):
            while at - times[begin] >= window:
                begin += 1
            best = max(best, end - begin + 1)
        return best

    def closest(self, server: str) -> float | None:
        """Smallest gap between two questions to `server`, in seconds."""
        times = [query.at for query in self.find(server=server)]
        return min((later - earlier for earlier, later in pairwise(times)), default=None)


def _fits(query: Query, server: str | None, name: str | None) -> bool:
    if name is not None and query.name != name:
        return False
    if server is None:
        return True
    return query.server.startswith(server) if server.endswith("/") else query.server == server
