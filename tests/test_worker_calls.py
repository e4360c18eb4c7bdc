"""Tasks of one call over a real bus: asked together, within the slots, and answered one by one whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from common.core.model.evidence import Observation
from common.errors import NotAsked
from common.messages import Result, Task, Tasks
from common.worker_calls import Methods, run_call, split_calls
from tests.worker_scene import FOUND, Scene, at_once, task

CheckBatch = Callable[[Sequence[Task]], Awaitable[list[Observation]]]


def call_of(*numbers: int, call: int = 1, budget_ms: int = 5000) -> tuple[Task, ...]:
    """Tasks of one call."""
    return tuple(replace(task(number, budget_ms), call=call) for number in numbers)


def answers_to(directory: Path, tasks: Sequence[Task], check_batch: CheckBatch | None, slots: int = 9) -> dict[str, str]:
    """What a worker answers to these tasks: a finding, or "returned", by attempt. Its slots are free again then."""

    async def scene() -> list[Result]:
        play = Scene(directory, slots=slots, check_batch=check_batch)
        await play.ready()
        play.send(Tasks(tuple(tasks)))
        await play.until(lambda: len(play.results) == len(tasks) and play.credits[-1].free == slots)
        await play.end()
        return play.results

    results = asyncio.run(scene())
    told = {each.attempt: each.observation.reading.finding if each.observation else "returned" for each in results}
    assert len(told) == len(results)
    return told


def test_the_tasks_of_a_call_are_asked_together_and_answered_each(tmp_path: Path) -> None:
    """The answers are told apart by their order; another call is another one, and a task without a call is asked alone."""
    asked: list[list[str]] = []

    async def check_batch(tasks: Sequence[Task]) -> list[Observation]:
        asked.append([item.domain for item in tasks])
        return [replace(FOUND, server=item.domain) for item in tasks]

    async def scene() -> list[Result]:
        play = Scene(tmp_path, slots=9, check_batch=check_batch)
        await play.ready()
        play.send(Tasks((*call_of(1, 2, 3), task(4), *call_of(5, call=2), *call_of(6, 7, call=3))))
        await play.until(lambda: len(play.results) == 7)
        await play.end()
        return play.results

    results = asyncio.run(scene())
    assert asked == [["name1.com", "name2.com", "name3.com"], ["name5.com"], ["name6.com", "name7.com"]]
    servers = {result.attempt: result.observation.server for result in results if result.observation}
    assert servers == {f"boot.{number}": "" if number == 4 else f"name{number}.com" for number in range(1, 8)}


def test_each_name_of_a_call_takes_a_slot_until_it_is_answered(tmp_path: Path) -> None:
    """The credit says so, and is complete again with the answers."""

    async def scene() -> tuple[int, int, set[int]]:
        release = asyncio.Event()

        async def check_batch(tasks: Sequence[Task]) -> list[Observation]:
            await release.wait()
            return [FOUND] * len(tasks)

        play = Scene(tmp_path, slots=9, check_batch=check_batch)
        await play.ready()
        play.send(Tasks(call_of(1, 2, 3, 4)))
        await play.until(lambda: play.credits[-1].seen == 4)
        during = play.credits[-1].free
        release.set()
        await play.until(lambda: len(play.results) == 4)
        after = play.credits[-1].free
        await play.end()
        return during, after, {credit.slots for credit in play.credits}

    assert asyncio.run(scene()) == (5, 9, {9})


def test_what_of_a_call_is_over_the_slots_is_returned_unasked(tmp_path: Path) -> None:
    """The rest is asked together."""
    asked: list[int] = []

    async def check_batch(tasks: Sequence[Task]) -> list[Observation]:
        asked.append(len(tasks))
        return [FOUND] * len(tasks)

    told = answers_to(tmp_path, (*call_of(1, 2, 3), *call_of(4, 5, call=2)), check_batch, slots=2)
    assert told == {f"boot.{number}": "dns_auth_referral" if number < 3 else "returned" for number in range(1, 6)}
    assert asked == [2]


def test_a_method_that_takes_one_name_gets_the_tasks_of_a_call_one_by_one(tmp_path: Path) -> None:
    """Each is a task like any other."""
    told = answers_to(tmp_path, call_of(1, 2, 3), None)
    assert told == {f"boot.{number}": "dns_auth_referral" for number in (1, 2, 3)}


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_wrong_number_of_answers_is_a_bug_and_proves_nothing(tmp_path: Path, count: int) -> None:
    """Which answer is about which name is not known."""

    async def check_batch(_: Sequence[Task]) -> list[Observation]:
        return [FOUND] * count

    told = answers_to(tmp_path, call_of(1, 2, 3), check_batch)
    assert told == {f"boot.{number}": "dns_bug" for number in (1, 2, 3)}


def test_a_bug_in_a_call_costs_that_call(tmp_path: Path) -> None:
    """The pool goes on."""

    async def check_batch(tasks: Sequence[Task]) -> list[Observation]:
        if len(tasks) == 2:
            raise RuntimeError("a bug")
        return [FOUND] * len(tasks)

    told = answers_to(tmp_path, (*call_of(1, 2), *call_of(3, call=2), task(4)), check_batch)
    assert told == {"boot.1": "dns_bug", "boot.2": "dns_bug", "boot.3": "dns_auth_referral", "boot.4": "dns_auth_referral"}


def test_a_call_that_was_not_made_returns_all_of_its_tasks(tmp_path: Path) -> None:
    """No server is blamed."""

    async def check_batch(_: Sequence[Task]) -> list[Observation]:
        raise NotAsked("no turn")

    told = answers_to(tmp_path, call_of(1, 2), check_batch)
    assert told == {"boot.1": "returned", "boot.2": "returned"}


def test_a_call_ends_with_the_smallest_budget_of_its_tasks(tmp_path: Path) -> None:
    """All of them are without an answer."""

    async def check_batch(_: Sequence[Task]) -> list[Observation]:
        await asyncio.Event().wait()
        raise AssertionError

    told = answers_to(tmp_path, (*call_of(1), *call_of(2, budget_ms=40), *call_of(3)), check_batch)
    assert told == {f"boot.{number}": "dns_timeout" for number in (1, 2, 3)}


def test_a_draining_worker_finishes_its_calls(tmp_path: Path) -> None:
    """Every task of them is answered before it leaves."""

    async def scene() -> list[Result]:
        release = asyncio.Event()

        async def check_batch(tasks: Sequence[Task]) -> list[Observation]:
            await release.wait()
            return [FOUND] * len(tasks)

        play = Scene(tmp_path, check_batch=check_batch)
        await play.ready()
        play.send(Tasks(call_of(1, 2)))
        await play.until(lambda: play.credits[-1].seen == 2)
        play.stopping.set()
        await play.until(lambda: bool(play.byes))
        release.set()
        await play.until(lambda: len(play.results) == 2)
        await play.end()
        return play.results

    assert {(result.attempt, result.returned) for result in asyncio.run(scene())} == {("boot.1", False), ("boot.2", False)}


def test_a_call_that_does_not_end_is_returned_by_a_draining_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its tasks, so that another worker asks them."""
    monkeypatch.setattr("common.worker.DRAIN_WAIT", 0.05)

    async def scene() -> list[Result]:
        async def check_batch(_: Sequence[Task]) -> list[Observation]:
            await asyncio.Event().wait()
            raise AssertionError

        play = Scene(tmp_path, check_batch=check_batch)
        await play.ready()
        play.send(Tasks(call_of(1, 2)))
        await play.until(lambda: play.credits[-1].seen == 2)
        play.stopping.set()
        await play.until(lambda: len(play.results) == 2)
        await play.end()
        return play.results

    assert asyncio.run(scene()) == [Result("boot.1", returned=True), Result("boot.2", returned=True)]


# -- without a bus ---------------------------------------------------------------------------------------------------------


def test_neighbours_of_one_call_and_method_are_asked_together() -> None:
    """Where the method takes several names."""
    other = tuple(replace(item, method="rdap") for item in call_of(3, 4))
    tasks = (*call_of(1, 2), *other, task(5), task(6), *call_of(7, 8, call=2))

    assert split_calls(tasks, {"dns", "rdap"}) == [tasks[:2], tasks[2:4], (tasks[4],), (tasks[5],), tasks[6:]]
    assert split_calls(tasks, {"rdap"}) == [(tasks[0],), (tasks[1],), tasks[2:4], *((each,) for each in tasks[4:])]
    assert split_calls((), {"dns"}) == []


def test_a_registrar_is_named_by_its_kind_in_a_finding() -> None:
    """Findings are of all registrars together; the server is a host, whatever the task names."""
    asked = replace(task(1, 10), method="registrar:any", server="https://api.any.test/v1")

    async def never(_: Task) -> Observation:
        await asyncio.Event().wait()
        raise AssertionError

    (result,) = asyncio.run(run_call((asked,), Methods(checks={"registrar:any": never})))
    assert result.observation is not None
    assert (result.observation.method, result.observation.reading.finding) == ("registrar:any", "registrar_timeout")
    assert (result.observation.server, result.observation.duration_ms) == ("api.any.test", 10.0)
    assert result.observation.reading.reason == "no answer within 10 ms"


def test_tasks_of_a_method_that_is_not_there_are_returned() -> None:
    """The coordinator may be ahead of the credit that it has."""
    methods = Methods(checks={"rdap": at_once})

    assert asyncio.run(run_call((task(1),), methods)) == [Result("boot.1", returned=True)]
