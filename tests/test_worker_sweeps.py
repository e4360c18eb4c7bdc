"""Sweeps at a worker, over a real bus: places of their own, trouble, a drain, and answers that wait for a coordinator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from common.bus import CoordinatorBus
from common.codec import decode_upward
from common.core.model.evidence import Observation, unknown_reading
from common.messages import (
    MAX_BATCH,
    MAX_SWEEP,
    MOST_COUNTED,
    Credit,
    Result,
    Results,
    Sweep,
    SweepDetails,
    SweepResult,
    Task,
    Tasks,
)
from common.worker_sweeps import SweepFindings, make_answer
from tests.worker_scene import FOUND, WORKER, Scene, task


def sweep_of(number: int, labels: str = "a\nb", count: int = 2, budget_ms: int = 5000) -> Sweep:
    """A sweep of a few names."""
    return Sweep(f"boot.{number}", number, "com", labels, count, budget_ms=budget_ms)


FINDINGS = SweepFindings(server="com", codes=bytes([1, 2]), served=bytes(2))


def waiting_for(release: asyncio.Event) -> Callable[[Sequence[str]], Awaitable[SweepFindings]]:
    """Sweeps that end when they may."""

    async def sweep(_: Sequence[str]) -> SweepFindings:
        await release.wait()
        return FINDINGS

    return sweep


async def told_to_stop(play: Scene) -> None:
    """One sweep is under way when the worker gets SIGTERM."""
    await play.ready()
    play.send(sweep_of(1))
    await play.until(lambda: play.credits[-1].sweeps == 1)
    play.stopping.set()


def test_a_sweep_is_answered_with_fresh_credit_beside_single_tasks(tmp_path: Path) -> None:
    """Names arrive whole; sweeps have places of their own and take none from tasks."""

    async def scene() -> tuple[Credit, list[SweepResult], list[Result]]:
        release = asyncio.Event()
        play = Scene(tmp_path, sweep=waiting_for(release))
        await play.ready()
        play.send(sweep_of(1))
        play.send(Tasks((task(2),)))
        await play.until(lambda: bool(play.results))
        during = play.credits[-1]
        release.set()
        await play.until(lambda: bool(play.swept))
        await play.end()
        assert play.sweeper is not None
        assert play.sweeper.asked == [["a.com", "b.com"]]
        return during, play.swept, play.results

    told, swept, results = asyncio.run(scene())
    assert (results[0].attempt, results[0].returned) == ("boot.2", False)
    assert [(item.attempt, item.codes, item.returned) for item in swept] == [("boot.1", b"\x01\x02", False)]
    assert [told.sweeps, swept[0].credit.sweeps] == [1, 2]
    assert (swept[0].credit.worker, swept[0].credit.free, swept[0].credit.seen) == (WORKER, 4, 2)


def test_sweeps_over_the_places_are_handed_back(tmp_path: Path) -> None:
    """Two run, the third comes back untried; a worker that cannot sweep hands every one back and announces no place."""

    async def scene(*, able: bool) -> tuple[list[SweepResult], list[Credit]]:
        play = Scene(tmp_path, sweep=waiting_for(asyncio.Event()) if able else None)
        await play.ready()
        for number in (1, 2, 3):
            play.send(sweep_of(number))
        await play.until(lambda: len(play.swept) == (1 if able else 3))
        play.work.cancel()
        await asyncio.wait((play.work,))
        play.bus.close()
        return play.swept, play.credits

    swept, _ = asyncio.run(scene(able=True))
    assert [(item.attempt, item.returned, item.credit.sweeps) for item in swept] == [("boot.3", True, 0)]
    swept, told = asyncio.run(scene(able=False))
    assert all(item.returned for item in swept)
    assert {credit.sweeps for credit in told} == {0}


def test_trouble_of_a_sweep_is_an_answer(tmp_path: Path) -> None:
    """A bug is reported and told, silence ends, and what is no sweep is put aside; the next one runs."""

    async def scene() -> tuple[dict[str, str], Path]:
        async def sweep(names: Sequence[str]) -> SweepFindings:
            if names == ["bug.com"]:
                raise RuntimeError("a bug")
            if names == ["late.com"]:
                raise TimeoutError
            return FINDINGS

        play = Scene(tmp_path, sweep=sweep)
        await play.ready()
        play.send(sweep_of(1, "bug", 1))
        play.send(sweep_of(2, "late", 1))
        await play.until(lambda: len(play.swept) == 2)
        for labels, count in (("a\nb", 3), ("a\n", 2), ("a\nb.c", 2), ("a\n" + "b" * 64, 2), ("a\n\xe9", 2)):
            play.send(sweep_of(3, labels, count))
        play.send(sweep_of(4))
        await play.until(lambda: len(play.swept) == 3)
        await play.end()
        return {item.attempt: item.trouble.reading.finding if item.trouble else "" for item in play.swept}, tmp_path

    told, folder = asyncio.run(scene())
    assert told == {"boot.1": "dns_bug", "boot.2": "dns_timeout", "boot.4": ""}
    assert "a bug" in "".join(path.read_text() for path in folder.rglob("*") if path.is_file() and "crash" in str(path))


def test_a_draining_worker_finishes_its_sweeps(tmp_path: Path) -> None:
    """SIGTERM lets a sweep end; one that comes later is handed back."""

    async def scene() -> list[SweepResult]:
        release = asyncio.Event()
        play = Scene(tmp_path, sweep=waiting_for(release))
        await told_to_stop(play)
        await play.until(lambda: bool(play.byes))
        play.send(sweep_of(2))
        await play.until(lambda: len(play.swept) == 1)
        release.set()
        await play.until(lambda: len(play.swept) == 2)
        await play.end()
        return play.swept

    assert [(item.attempt, item.returned, item.credit.sweeps) for item in asyncio.run(scene())] == [
        ("boot.2", True, 0),
        ("boot.1", False, 0),
    ]


def test_a_sweep_that_does_not_end_is_handed_back_by_a_drain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time for running work what is left goes back to the coordinator."""
    monkeypatch.setattr("common.worker.DRAIN_WAIT", 0.05)

    async def scene() -> list[SweepResult]:
        play = Scene(tmp_path, sweep=waiting_for(asyncio.Event()))
        await told_to_stop(play)
        await play.until(lambda: bool(play.swept))
        await play.end()
        return play.swept

    assert [(item.attempt, item.returned) for item in asyncio.run(scene())] == [("boot.1", True)]


def test_answers_wait_for_a_coordinator_in_their_order(tmp_path: Path) -> None:
    """Without a coordinator answers are kept, and a sweep keeps its place until its answer is out."""

    async def scene() -> tuple[list[str], list[int]]:
        release = asyncio.Event()

        async def check(_: Task) -> Observation:
            await release.wait()
            return FOUND

        play = Scene(tmp_path, check, sweep=waiting_for(release))
        await play.ready()
        play.send(Tasks((task(1),)))
        play.send(sweep_of(2))
        play.send(Tasks((task(3),)))
        await play.until(lambda: play.credits[-1].seen == 3)
        play.bus.close()
        release.set()
        order: list[str] = []
        free: list[int] = []
        again = asyncio.Event()

        def received(frame: bytes, _mark: str) -> None:
            message = decode_upward(frame)
            if isinstance(message, Results):
                order.extend(result.attempt for result in message.results)
            elif isinstance(message, SweepResult):
                order.append(message.attempt)
                free.append(message.credit.sweeps)
            if len(order) == 3:
                again.set()

        play.bus = CoordinatorBus(play.runtime.settings, 1)
        play.bus.attach(received, lambda _: None, lambda _: None)
        await asyncio.wait_for(again.wait(), 20)
        await play.end()
        return order, free

    order, free = asyncio.run(scene())
    assert order == ["boot.1", "boot.2", "boot.3"]
    assert free == [2]


def test_the_largest_sweep_and_its_answer_travel(tmp_path: Path) -> None:
    """4096 names of 63 letters go out in one message, and as many bytes come back."""
    labels = "\n".join(f"{number:063d}" for number in range(MAX_SWEEP))

    async def scene() -> SweepResult:
        async def sweep(names: Sequence[str]) -> SweepFindings:
            return SweepFindings(codes=bytes(len(names)), served=bytes(len(names)))

        play = Scene(tmp_path, sweep=sweep)
        await play.ready()
        play.send(sweep_of(1, labels, MAX_SWEEP))
        await play.until(lambda: bool(play.swept))
        await play.end()
        return play.swept[0]

    assert len(asyncio.run(scene()).codes) == MAX_SWEEP


def test_a_sweep_with_more_stories_than_a_message_holds_is_answered_whole(tmp_path: Path) -> None:
    """A sweep of odd answers, as large as they may be, comes in messages within bounds, the end last, and frees its place."""
    labels = "\n".join(["a"] * MAX_SWEEP)
    largest = Observation(
        "dns", unknown_reading("dns_servfail", "x" * 300), server="s" * 253, excerpt="\u00e9" * 2000, digest="d" * 64
    )

    async def scene() -> tuple[list[SweepDetails], list[SweepResult]]:
        async def sweep(names: Sequence[str]) -> SweepFindings:
            size = len(names)
            return SweepFindings(codes=bytes([3] * size), served=bytes(size), observations=dict.fromkeys(range(size), largest))

        play = Scene(tmp_path, sweep=sweep)
        await play.ready()
        play.send(sweep_of(1, labels, MAX_SWEEP))
        await play.until(lambda: bool(play.swept))
        await play.end()
        return play.stories, play.swept

    stories, swept = asyncio.run(scene())

    assert len(stories) == MAX_SWEEP // MAX_BATCH - 1
    assert sorted(place for message in [*stories, *swept] for place in message.observations) == list(range(MAX_SWEEP))
    assert (len(swept), swept[0].credit.sweeps) == (1, 2)


def test_an_answer_tells_what_a_sweep_met_on_its_way() -> None:
    """Bounded, as all that a message carries."""
    found = replace(FINDINGS, asked=10**9, lost=10**9, truncated=10**9, delay_ms=12.5)
    answer = make_answer(sweep_of(1), found, 1.0)

    assert (answer.asked, answer.lost, answer.truncated, answer.delay_ms) == (*[MOST_COUNTED] * 3, 12.5)
    assert make_answer(sweep_of(1), FINDINGS, 1.0).asked == 0
