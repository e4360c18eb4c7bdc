"""The worker loop over a real bus: slots, credit, checks that break, and a drain that loses nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from common.codec import encode
from common.core.model.evidence import Observation, Outcome, Reading
from common.errors import NotAsked
from common.messages import Bye, Credit, Result, Task, Tasks
from common.worker import OUTBOX
from tests.worker_scene import FOUND, WORKER, Scene, task


def test_results_come_back_with_credit_and_the_last_sequence_seen(tmp_path: Path) -> None:
    """Every task is answered once; the credit says what is free again."""

    async def scene() -> tuple[list[Result], Credit]:
        play = Scene(tmp_path)
        await play.ready()
        play.send(Tasks(tuple(task(number) for number in (1, 2, 3))))
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
        await play.ready()
        play.send(Tasks(tuple(task(number) for number in (1, 2, 3))))
        await play.until(lambda: bool(play.results))
        early = list(play.results)
        release.set()
        await play.until(lambda: len(play.results) == 3)
        await play.end()
        return early

    assert asyncio.run(scene()) == [Result("boot.3", returned=True)]


def test_what_had_no_turn_at_its_server_is_handed_back(tmp_path: Path) -> None:
    """The coordinator takes its token back and asks again; no server is blamed for what it never saw."""

    async def scene() -> list[Result]:
        async def check(_: Task) -> Observation:
            raise NotAsked("rdap.example: not asked")

        play = Scene(tmp_path, check)
        await play.ready()
        play.send(Tasks((task(1),)))
        await play.until(lambda: bool(play.results))
        await play.end()
        return play.results

    assert asyncio.run(scene()) == [Result("boot.1", returned=True)]


def test_a_check_that_takes_too_long_or_breaks_is_an_observation(tmp_path: Path) -> None:
    """Neither silence nor a bug in one method costs more than that check."""

    async def scene() -> dict[str, str]:
        async def check(asked: Task) -> Observation:
            if asked.seq == 1:
                await asyncio.Event().wait()
            raise RuntimeError("a bug")

        play = Scene(tmp_path, check)
        await play.ready()
        play.send(Tasks((task(1, budget_ms=50), task(2))))
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
        await play.ready()
        play.send(Tasks((task(1),)))
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


def test_an_answer_that_cannot_be_encoded_does_not_stop_the_others(tmp_path: Path) -> None:
    """It is reported and dropped; its lease runs out."""
    broken = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "\ud800"))

    async def scene() -> list[str]:
        async def check(asked: Task) -> Observation:
            return broken if asked.seq == 2 else FOUND

        play = Scene(tmp_path, check)
        await play.ready()
        play.send(Tasks(tuple(task(number) for number in (1, 2, 3))))
        await play.until(lambda: len(play.results) == 2)
        await play.end()
        return [result.attempt for result in play.results]

    assert asyncio.run(scene()) == ["boot.1", "boot.3"]
    assert OUTBOX * len(encode(FOUND)) < 4 << 20
