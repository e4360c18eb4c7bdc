"""One worker on a real bus, for tests that play its coordinator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from common import state_dir
from common.bus import CoordinatorBus
from common.codec import decode_upward
from common.config import load
from common.core.model.evidence import Observation, Outcome, Reading
from common.messages import Bye, ByeAck, Credit, Result, Results, Sweep, SweepDetails, SweepResult, Task, Tasks
from common.process import Runtime
from common.worker import run_checkers
from common.worker_calls import Methods
from common.worker_sweeps import SweepFindings

FOUND = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated"))
WORKER = "fast-0@test"


def task(number: int, budget_ms: int = 5000) -> Task:
    """One DNS question."""
    return Task(f"boot.{number}", number, "dns", f"name{number}.com", "com", budget_ms=budget_ms)


async def at_once(_: Task) -> Observation:
    """A check that is done as soon as it begins."""
    return FOUND


class FakeSweeper:
    """A method that sweeps as a test says, in two places. `asked` are the names of each sweep."""

    method, sweeps = "dns", 2

    def __init__(self, answer: Callable[[Sequence[str]], Awaitable[SweepFindings]]) -> None:
        self._answer = answer
        self.asked: list[Sequence[str]] = []

    async def sweep(self, _suffix: str, names: Sequence[str], _seconds: float, *, pace: float | None = None) -> SweepFindings:
        """What the test says to these names."""
        assert pace is None
        self.asked.append(names)
        return await self._answer(names)


class Scene:
    """One worker and a bus on which a test plays the coordinator; `sweep` runs in two places."""

    def __init__(
        self,
        tmp_path: Path,
        check: Callable[[Task], Awaitable[Observation]] = at_once,
        slots: int = 4,
        sweep: Callable[[Sequence[str]], Awaitable[SweepFindings]] | None = None,
        check_batch: Callable[[Sequence[Task]], Awaitable[list[Observation]]] | None = None,
    ) -> None:
        config = load({"STATE_DIR": str(tmp_path), "FEED_ENDPOINT": f"ipc://{tmp_path}/feed", "INSTANCE_ID": "test"})
        state_dir.create_directories(config)
        self.stopping = asyncio.Event()
        self.runtime = Runtime("checker-fast-0", config, self.stopping)
        self.bus = CoordinatorBus(config, 1)
        self.results: list[Result] = []
        self.swept: list[SweepResult] = []
        self.stories: list[SweepDetails] = []
        self.credits: list[Credit] = []
        self.byes: list[Bye] = []
        self.news = asyncio.Condition()
        self.bus.attach(self._received, lambda _: None, lambda _: None)
        self.sweeper = FakeSweeper(sweep) if sweep else None
        methods = Methods(checks={"dns": check}, batch_checks={"dns": check_batch} if check_batch else {})
        self.work = asyncio.get_running_loop().create_task(run_checkers(self.runtime, "fast", 0, methods, slots, self.sweeper))

    def _received(self, frame: bytes, _mark: str) -> None:
        message = decode_upward(frame)
        if isinstance(message, Credit):
            self.credits.append(message)
        elif isinstance(message, Results):
            self.credits.append(message.credit)
            self.results.extend(message.results)
        elif isinstance(message, SweepResult):
            self.credits.append(message.credit)
            self.swept.append(message)
        elif isinstance(message, SweepDetails):
            assert message.attempt not in {item.attempt for item in self.swept}, "a story after the end of its sweep"
            self.stories.append(message)
        elif isinstance(message, Bye):
            self.byes.append(message)
            self.bus.send(message.worker, message.boot, ByeAck(self.credits[-1].seen))
        asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        async with self.news:
            self.news.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(condition)

    async def ready(self) -> None:
        """Wait for the worker."""
        await self.until(lambda: bool(self.credits))

    def send(self, message: Tasks | Sweep) -> None:
        """Send to the worker."""
        assert self.bus.send(WORKER, self.runtime.boot, message)

    async def end(self) -> None:
        """Stop the worker and close."""
        self.stopping.set()
        await asyncio.wait_for(self.work, 10)
        self.bus.close()
