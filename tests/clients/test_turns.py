"""Turns at many doors."""

from __future__ import annotations

import asyncio

from common.clients.turns import Turns


def test_turns_are_bounded_for_each_key_and_in_order() -> None:
    """Two at once for a key, first come first served, others not held up, and one who gives up leaves his place."""

    async def story() -> None:
        turns, release = Turns(2), asyncio.Event()
        inside: list[str] = []

        async def use(key: str, name: str) -> None:
            async with turns.of(key):
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
        assert not turns._doors

    asyncio.run(story())
