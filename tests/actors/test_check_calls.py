"""The command line check asks in calls too: what the core sends as one call is one call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from actors.checkers.contract import BatchChecker, methods_of
from actors.cli.check import SLOTS, OneShot
from common.clock import now
from common.config import load
from common.core.coordinator.inputs import Tick
from common.core.model.entry import Rank
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.errors import NotAsked
from common.messages import Task

FOUND = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200)
BATCHED = Limit("rdap/batched", 1.0, 1, batch=50)


class SingleChecker:
    """A method that takes one name in a call."""

    method = "rdap"

    async def check(self, _task: Task) -> Observation:
        """The answer."""
        return FOUND

    async def close(self) -> None:
        """There is nothing to close."""


class ManyChecker(SingleChecker):
    """One that takes fifty. `calls` are the names of each call; the first `refusals` calls are not made."""

    batch = 50

    def __init__(self, refusals: int = 0) -> None:
        self.calls: list[list[str]] = []
        self._refusals = refusals

    async def check_batch(self, tasks: Sequence[Task]) -> list[Observation]:
        """The answers."""
        self.calls.append([task.domain for task in tasks])
        if len(self.calls) <= self._refusals:
            raise NotAsked("no turn")
        return [FOUND] * len(tasks)


def queue_names(shot: OneShot, count: int) -> None:
    """Let so many queries wait at one server."""
    for number in range(count):
        query = Query(
            method="rdap",
            pool="intermediate",
            domain=f"n{number}.com",
            suffix="com",
            server="https://rdap.test/",
            limit=BATCHED,
            rank=Rank.URGENT,
            queued=now(),
            budget=5.0,
        )
        shot._core.rooms.rate_limits.queue.add_query(query)


def settle(directory: Path, checker: ManyChecker, count: int, turns: int = 1) -> OneShot:
    """A one-shot check after so many turns of the core, and all calls that they led to."""

    async def run() -> OneShot:
        shot = OneShot(load({"STATE_DIR": str(directory)}), {"rdap": checker})
        shot._announce_workers()
        queue_names(shot, count)
        for _ in range(turns):
            shot._handle(Tick())
            while shot._running:
                await asyncio.wait(shot._running)
        assert shot._broken is None
        return shot

    return asyncio.run(run())


def test_the_names_of_a_call_are_asked_together(tmp_path: Path) -> None:
    """One call of fifty, though fewer single queries may run at once; every lease is answered, and no more is asked."""
    checker = ManyChecker()
    shot = settle(tmp_path, checker, 60)

    assert checker.calls == [[f"n{number}.com" for number in range(50)]]
    assert shot._core.rooms.workers.lease_count() == 0
    assert len(shot._core.rooms.rate_limits.queue) == 10
    assert shot._scene.tasks.keys() == {(f"n{number}.com", "rdap") for number in range(50)}


def test_a_call_that_was_not_made_is_made_again(tmp_path: Path) -> None:
    """Its token came back with it."""
    checker = ManyChecker(refusals=1)
    shot = settle(tmp_path, checker, 3, turns=2)

    assert checker.calls == [["n0.com", "n1.com", "n2.com"]] * 2
    assert shot._core.rooms.workers.lease_count() == 0
    assert len(shot._core.rooms.rate_limits.queue) == 0


def test_slots_are_told_with_the_names_that_run(tmp_path: Path) -> None:
    """A pool has as many more as its calls carry names."""

    async def run() -> tuple[tuple[int, int], ...]:
        shot = OneShot(load({"STATE_DIR": str(tmp_path)}), {"rdap": ManyChecker()})
        before = shot._credit("intermediate")
        shot._announce_workers()
        queue_names(shot, 20)
        shot._handle(Tick())
        during = shot._credit("intermediate")
        other = shot._credit("deep")
        await asyncio.gather(*shot._running)
        return tuple((credit.slots, credit.free) for credit in (before, during, other, shot._credit("intermediate")))

    whole = SLOTS + 50
    assert asyncio.run(run()) == ((whole, whole), (whole, whole - 20), (SLOTS, SLOTS - 20), (whole, whole))


def test_a_method_of_one_name_a_call_has_no_batches() -> None:
    """By what its class offers."""
    single, many = SingleChecker(), ManyChecker()
    assert not isinstance(single, BatchChecker)
    assert isinstance(many, BatchChecker)

    assert methods_of([single]).batch_checks == {}
    assert methods_of([many]).batch_checks == {"rdap": many.check_batch}
    assert methods_of([many]).checks == {"rdap": many.check}
