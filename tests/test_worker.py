"""The worker loop over a real bus: slots, credit, late coordinators, and a drain that loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from common import state
from common.bus import CoordinatorBus
from common.codec import decode_upward
from common.config import load
from common.core.evidence import Observation, Outcome, Reading
from common.messages import Bye, ByeAck, Credit, Result, Results, Task, Tasks
from common.process import Runtime
from common.worker import run_checkers

FOUND = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated"))
WORKER = "fast-0@test"


def task(number: int, budget_ms: int = 5000) -> Task:
    """One DNS question."""
    return Task(f"boot.{number}", number, "dns", f"name{number}.com", "com", budget_ms=budget_ms)


class Scene:
    """One worker and a bus on which a test plays the coordinator."""

    def __init__(self, tmp_path: Path, check: Callable[[Task], Awaitable[Observation]], slots: int = 4) -> None:
        config = load({"STATE_DIR": str(tmp_path), "FEED_ENDPOINT": f"ipc://{tmp_path}/feed", "INSTANCE_ID": "test"})
        state.prepare(config)
        self.stopping = asyncio.Event()
        self.runtime = Runtime("checker-fast-0", config, self.stopping)
        self.bus = CoordinatorBus(config)
        self.results: list[Result] = []
        self.credits: list[Credit] = []
        self.byes: list[Bye] = []
        self.news = asyncio.Condition()
        self.bus.attach(self._received, lambda _: None, lambda _: None)
        self.work = asyncio.get_running_loop().create_task(run_checkers(self.runtime, "fast", 0, {"dns": check}, slots))

    def _received(self, frame: bytes) -> None:
        message = decode_upward(frame)
        if isinstance(message, Credit):
            self.credits.append(message)
        elif isinstance(message, Results):
            self.credits.append(message.credit)
            self.results.extend(message.results)
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

    async def end(self) -> None:
        """Stop the worker and close."""
        self.stopping.set()
        await asyncio.wait_for(self.work, 10)
        self.bus.close()


def test_results_come_back_with_credit_and_the_last_sequence_seen(tmp_path: Path) -> None:
    """Every task is answered once; the credit says what is free again."""

    async def scene() -> tuple[list[Result], Credit]:
        async def check(_: Task) -> Observation:
            return FOUND

        play = Scene(tmp_path, check)
        await play.until(lambda: bool(play.credits))
        play.bus.send(WORKER, play.runtime.boot, Tasks(tuple(task(number) for number in (1, 2, 3))))
        await play.until(lambda: len(play.results) == 3 and play.credits[-1].free == 4)
        await play.end()
        return play.results, play.credits[-1]

    results, credit = asyncio.run(scene())
    assert sorted(result.attempt for result in results) == ["boot.1", "boot.2", "boot.3"]
    assert all(result.observation == FOUND for result in results)
    assert credit.seen == 3


def test_what_is_over_the_slots_is_handed_back_unasked(tmp_path: Path) -> None:
    """The worker enforces its own limit, whatever the coordinator believed."""

    async def scene() -> list[Result]:
        release = asyncio.Event()

        async def check(_: Task) -> Observation:
            await release.wait()
            return FOUND

        play = Scene(tmp_path, check, slots=2)
        await play.until(lambda: bool(play.credits))
        play.bus.send(WORKER, play.runtime.boot, Tasks(tuple(task(number) for number in (1, 2, 3))))
        await play.until(lambda: bool(play.results))
        early = list(play.results)
        release.set()
        await play.until(lambda: len(play.results) == 3)
        await play.end()
        return early

    assert asyncio.run(scene()) == [Result("boot.3", returned=True)]


def test_a_check_that_takes_too_long_or_breaks_is_an_observation(tmp_path: Path) -> None:
    """Neither silence nor a bug in one method costs more than that check."""

    async def scene() -> dict[str, str]:
        async def check(asked: Task) -> Observation:
            if asked.seq == 1:
                await asyncio.Event().wait()
            raise RuntimeError("a bug")

        play = Scene(tmp_path, check)
        await play.until(lambda: bool(play.credits))
        play.bus.send(WORKER, play.runtime.boot, Tasks((task(1, budget_ms=50), task(2))))
        await play.until(lambda: len(play.results) == 2)
        await play.end()
        return {result.attempt: result.observation.reading.finding for result in play.results if result.observation}

    assert asyncio.run(scene()) == {"boot.1": "dns_timeout", "boot.2": "dns_bug"}


def test_a_draining_worker_finishes_what_it_has_and_says_goodbye(tmp_path: Path) -> None:
    """SIGTERM loses nothing that was already handed over."""

    async def scene() -> tuple[list[Result], list[Bye]]:
        release = asyncio.Event()

        async def check(_: Task) -> Observation:
            await release.wait()
            return FOUND

        play = Scene(tmp_path, check)
        await play.until(lambda: bool(play.credits))
        play.bus.send(WORKER, play.runtime.boot, Tasks((task(1),)))
        await play.until(lambda: play.credits[-1].seen == 1 or len(play.credits) > 1)
        play.stopping.set()
        await play.until(lambda: bool(play.byes))
        release.set()
        await play.until(lambda: bool(play.results))
        await play.end()
        return play.results, play.byes

    results, byes = asyncio.run(scene())
    assert [(result.attempt, result.returned) for result in results] == [("boot.1", False)]
    assert byes[0].worker == WORKER
