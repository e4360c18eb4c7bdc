"""The whole service under measurement: started, watched over its feed, its HTTP interface and /proc, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from common.bus import FeedSubscriber
from tests.bench import numbers
from tests.bench.procfs import Sampler
from tests.bench.roundtrip import RoundTrip
from tests.lab.stack import Stack, StackError

INSTANCE = "lab"  # as `Stack` names it
#: Seconds between two requests for /health while the service starts.
POLL = 0.05
#: Longest answer kept of /status and /metrics, in characters.
KEPT = 6000


class LateError(RuntimeError):
    """Something did not happen in the time it was given."""


class Service:
    """A running service. Times are those of the loop's clock."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession, started: float) -> None:
        self.stack = stack
        self.started = started
        self.ended = asyncio.Event()
        self.statuses: list[tuple[float, dict[str, Any]]] = []
        self.http = session
        self.sampler = Sampler(0)
        self.roundtrip = RoundTrip(stack.directory / "state")
        self._news = asyncio.Event()
        self._feeds: list[FeedSubscriber] = []

    @classmethod
    @asynccontextmanager
    async def run(
        cls, settings: dict[str, str], directory: Path, others: Mapping[str, Callable[[], float]]
    ) -> AsyncIterator[Service]:
        """Start it; what is left of it is gone when the block ends. `others`: CPU clocks of processes beside it."""
        stack = Stack(settings, directory)
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            service = cls(stack, session, loop.time())
            await stack.start(service.ended)
            leader = stack._child.pid if stack._child is not None else 0
            service.sampler.session, service.sampler.others = leader, others
            tasks = [loop.create_task(service.sampler.run()), loop.create_task(service.roundtrip.run())]
            service.listen((f"system.coordinator.{INSTANCE}",), service._status)
            try:
                yield service
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                service.roundtrip.close()
                for feed in service._feeds:
                    feed.close()
                await service._end(leader)

    def listen(self, topics: tuple[str, ...], handler: Callable[[str, dict[str, Any]], None]) -> FeedSubscriber:
        """Subscribe to its feed until it ends."""
        feed = FeedSubscriber(self.stack.feed, topics)
        feed.attach(handler)
        self._feeds.append(feed)
        return feed

    @property
    def status(self) -> dict[str, Any]:
        """The coordinator's last status, empty before the first."""
        return self.statuses[-1][1] if self.statuses else {}

    @property
    def metrics(self) -> dict[str, Any]:
        """What the coordinator counted as of its last status."""
        found = self.status.get("metrics")
        return found if isinstance(found, dict) else {}

    def checks(self) -> float:
        """DNS answers counted so far."""
        return numbers.total(self.metrics, "checks", method="dns")

    async def until(self, what: str, done: Callable[[], bool], seconds: float) -> float:
        """Wait for a status with which `done` is true; the time it came. LateError, or StackError where the service ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not done():
            if self.ended.is_set():
                raise StackError("the service ended by itself")
            left = deadline - loop.time()
            if left <= 0:
                raise LateError(f"{what}: not within {seconds:.0f} s")
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, 1.0)):
                    await self._news.wait()
        return self.statuses[-1][0] if self.statuses else loop.time()

    async def healthy(self, seconds: float) -> float:
        """Wait until /health says 200; seconds since the start. Raises LateError, or StackError where the service ended."""
        loop = asyncio.get_running_loop()
        while loop.time() < self.started + seconds:
            if self.ended.is_set():
                raise StackError("the service ended by itself")
            if await self.stack.health() == 200:
                return loop.time() - self.started
            await asyncio.sleep(POLL)
        raise LateError(f"/health: not 200 within {seconds:.0f} s")

    async def get(self, path: str) -> tuple[int, str, float]:
        """Status, text and seconds of one GET; status 0 where no answer came."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            async with self.http.get(f"{self.stack.url}{path}") as answer:
                return answer.status, await answer.text(), loop.time() - begun
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, "", loop.time() - begun

    async def post(self, path: str) -> int:
        """Status of one POST."""
        async with self.http.post(f"{self.stack.url}{path}") as answer:
            return answer.status

    async def kept(self) -> dict[str, str]:
        """/status and /metrics as they read now."""
        return {path: (await self.get(path))[1][:KEPT] for path in ("/status", "/metrics")}

    def _status(self, _topic: str, payload: dict[str, Any]) -> None:
        status = payload.get("status")
        if isinstance(status, dict):
            self.statuses.append((asyncio.get_running_loop().time(), status))
            self._news.set()

    async def _end(self, leader: int) -> None:
        """Stop it in order; whatever of its session is left after that is killed."""
        with contextlib.suppress(StackError):
            await self.stack.stop()
        self.sampler.find()
        for pid in {leader, *self.sampler._last}:
            with contextlib.suppress(OSError):
                if pid and os.getsid(pid) == leader:
                    os.kill(pid, signal.SIGKILL)


def kill(service: Service, kind: str) -> None:
    """SIGKILL for one process of the service. Raises StackError where there is none."""
    pid = service.sampler.pid(kind)
    if pid is None:
        raise StackError(f"no process {kind}")
    os.kill(pid, signal.SIGKILL)
