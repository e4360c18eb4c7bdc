"""Turns at many doors."""

from __future__ import annotations

import asyncio

import pytest

from common.clients.keyed_turns import KeyedSemaphore
from common.errors import NotAsked


def test_turns_are_bounded_for_each_key_and_in_order() -> None:
    """Two at once for a key, first come first served, others not held up, and a task that gives up leaves its place."""

    async def story() -> None:
        turns, release = KeyedSemaphore(2), asyncio.Event()
        inside: list[str] = []

        async def use(key: str, name: str) -> None:
            async with turns.acquire(key, 60):
                inside.append(name)
                await release.wait()

        tasks = [asyncio.create_task(use("a", f"a{number}")) for number in range(5)]
        tasks.append(asyncio.create_task(use("b", "b0")))
        for _ in range(3):
            await asyncio.sleep(0)
        assert inside == ["a0", "a1", "b0"]

        tasks[2].cancel()
        release.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert inside == ["a0", "a1", "b0", "a3", "a4"]
        assert not turns._entries

    asyncio.run(story())


def test_a_turn_that_does_not_come_is_told_and_leaves_its_place() -> None:
    """A task that waited in vain was not inside; the next enters once there is room, and an error inside gives it back."""

    async def story() -> None:
        turns = KeyedSemaphore(1)
        async with turns.acquire("a", 60):
            with pytest.raises(NotAsked, match="a: not asked"):
                async with turns.acquire("a", 0.01):
                    raise AssertionError
            waiting = asyncio.create_task(turns.acquire("a", 60).__aenter__())
        await waiting
        assert len(turns._entries) == 1

        with pytest.raises(KeyError):
            async with turns.acquire("b", 60):
                raise KeyError
        async with turns.acquire("b", 0.01):
            pass
        assert list(turns._entries) == ["a"]

    asyncio.run(story())
