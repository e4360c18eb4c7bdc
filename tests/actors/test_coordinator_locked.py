"""A coordinator that takes over while a stopped leader holds the database's lock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from actors.coordinator.lease_keeper import LeaseKeeper
from actors.coordinator.main import leave_locked_store, open_store
from common import config, state_dir
from common.errors import LeaseLost, StoreLocked
from common.process import Runtime
from common.store import generations
from common.store.database_file import current_path
from tests.store.paused_leader import paused_leader, take_over

Story = Callable[[Runtime, LeaseKeeper, ThreadPoolExecutor], Awaitable[None]]
LOCKED = StoreLocked("locked")


def play(tmp_path: Path, story: Story) -> None:
    """A coordinator that has the lease after that of a process that was stopped in a transaction."""
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "two"})
    state_dir.create_directories(settings)

    async def main() -> None:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        with ThreadPoolExecutor(1) as threads, closing(LeaseKeeper(runtime, take_over(settings.store_path, "two"))) as keeper:
            await asyncio.wait_for(story(runtime, keeper, threads), 30)

    with paused_leader(settings.store_path, "one"):
        asyncio.run(main())


def test_one_without_room_for_a_copy_waits_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no crash; as soon as there is room the coordinator goes on in the copy."""

    async def story(runtime: Runtime, keeper: LeaseKeeper, threads: ThreadPoolExecutor) -> None:
        monkeypatch.setattr(generations, "RESERVE", 1 << 60)
        opening = asyncio.create_task(open_store(runtime, keeper, threads))
        while runtime.waiting_until is None:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.01)
        assert runtime.failed.startswith("StoreLocked")
        assert "no room for a copy" in runtime.failed
        monkeypatch.undo()
        with closing(await opening) as store:
            assert store.engine.endswith(".db.g2")
            assert runtime.waiting_until is None

    play(tmp_path, story)


def test_one_that_is_told_to_stop_makes_no_copy(tmp_path: Path) -> None:
    """It would take long, for nothing."""

    async def story(runtime: Runtime, keeper: LeaseKeeper, threads: ThreadPoolExecutor) -> None:
        runtime.stopping.set()
        await leave_locked_store(runtime, keeper, threads, LOCKED)
        assert current_path(runtime.settings.store_path) == runtime.settings.store_path
        with pytest.raises(StoreLocked):
            await open_store(runtime, keeper, threads)

    play(tmp_path, story)


def test_one_that_loses_its_lease_makes_no_copy(tmp_path: Path) -> None:
    """The next one does."""

    async def story(runtime: Runtime, keeper: LeaseKeeper, threads: ThreadPoolExecutor) -> None:
        take_over(runtime.settings.store_path, "three").release()
        with pytest.raises(LeaseLost, match="three"):
            await leave_locked_store(runtime, keeper, threads, LOCKED)
        assert current_path(runtime.settings.store_path) == runtime.settings.store_path

    play(tmp_path, story)
