"""A start that takes long is no silence."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from actors.coordinator.beating import run_with_heartbeat
from common import config, heartbeat, state_dir
from common.process import Runtime


def test_a_store_that_takes_long_to_open_does_not_look_dead(tmp_path: Path) -> None:
    """Signs of life go on while a thread works, and its result comes back."""
    settings = config.load({"STATE_DIR": str(tmp_path)})
    state_dir.create_directories(settings)

    def work() -> int:
        seen = set()
        for _ in range(1000):  # bounded: without signs of life this ends, and fails
            found = heartbeat.read_heartbeats(settings.instance_dir).get("coordinator")
            seen.add(found.at if found is not None else None)
            if len(seen - {None}) == 2:
                break
            threading.Event().wait(0.02)
        return len(seen - {None})

    async def main() -> int:
        with ThreadPoolExecutor(1) as threads:
            return await run_with_heartbeat(Runtime("coordinator", settings, asyncio.Event()).beat, threads, work)

    assert asyncio.run(main()) == 2


def test_what_goes_wrong_in_the_thread_is_told(tmp_path: Path) -> None:
    """A store that cannot be opened ends the start with its own error."""
    settings = config.load({"STATE_DIR": str(tmp_path)})
    state_dir.create_directories(settings)

    async def main() -> None:
        with ThreadPoolExecutor(1) as threads:
            await run_with_heartbeat(Runtime("coordinator", settings, asyncio.Event()).beat, threads, lambda: int("no number"))

    with pytest.raises(ValueError, match="no number"):
        asyncio.run(main())
