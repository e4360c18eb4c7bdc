"""Load on the interface: pages and names, twenty requests a second, and how long each took."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from tests.bench import numbers
from tests.bench.service import Service

#: Requests a second, half of them pages of /domains, half single names; and names a page has.
RATE, PAGE = 20, 100


class Load:
    """Asks until cancelled. `seconds` by kind; `answers` has the last answer about each name; `failed` what was not 200."""

    def __init__(self, service: Service, names: list[str]) -> None:
        self.seconds: dict[str, list[float]] = {"page": [], "name": []}
        self.answers: dict[str, dict[str, Any]] = {}
        self.failed = 0
        self._service = service
        self._names = names
        self._rng = random.Random(5)
        self._cursor = ""

    async def run(self) -> None:
        """Start a request every twentieth of a second, whether or not the one before has been answered."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            begun, number = loop.time(), 0
            while True:
                group.create_task(self._page() if number % 2 else self._name())
                number += 1
                await asyncio.sleep(max(0.0, begun + number / RATE - loop.time()))

    def p(self, kind: str, share: float) -> float:
        """A quantile of the latencies in seconds."""
        return numbers.of_values(self.seconds[kind], share)

    async def _page(self) -> None:
        after = f"&cursor={self._cursor}" if self._cursor else ""
        status, text, seconds = await self._service.get(f"/domains?limit={PAGE}{after}")
        self._note("page", status, seconds)
        if status == 200:
            self._cursor = json.loads(text)["cursor"] or ""

    async def _name(self) -> None:
        name = self._rng.choice(self._names)
        status, text, seconds = await self._service.get(f"/domain/{name}")
        self._note("name", status, seconds)
        if status == 200:
            self.answers[name] = json.loads(text)

    def _note(self, kind: str, status: int, seconds: float) -> None:
        self.seconds[kind].append(seconds)
        self.failed += status != 200
