"""The coordinator of a shard waits for the name of its instance, ends when another one has it, and hands its shard over."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actors.coordinator import shard_watch
from actors.coordinator.shard_watch import STRANGE, ShardWatch, to_view
from common import config, log, state_dir
from common.errors import InstanceTaken, StoreError
from common.process import Runtime
from common.processes.balance import STEP, View
from common.shard_settings import settings_of_shard
from common.store.file_members import FileMembers
from common.store.member_contract import KEPT_FOR, Member, Roster, SeenMember, Shown
from common.store.shard_view import ShardView

NOW = 5000.0
MINE = Member("one", "mine", "e", "1", 1.0, Shown(host="here"))
OTHER = Member("one", "other", "e", "1", 1.0, Shown(host="host-b"))
TWO = Member("two", "two", "e", "1", 1.0, Shown())


def seen(*members: Member, leaders: tuple[str, ...] = ("one", "one"), age: float = 1.0) -> ShardView:
    """A view with these announcements."""
    return ShardView(Roster(tuple(SeenMember(member, NOW - age) for member in members), NOW), leaders)


class Scripted:
    """Views as a test says; `looks` counts them."""

    def __init__(self) -> None:
        self.view: ShardView | StoreError = seen()
        self.looks = 0
        self.closed = False
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def read(self) -> ShardView:
        """What the test says; taken before the look counts, since the test goes on to the next view once it does."""
        view = self.view
        self.looks += 1
        self._loop.call_soon_threadsafe(self._changed.set)
        if isinstance(view, StoreError):
            raise view
        return view

    def close(self) -> None:
        """Note it."""
        self.closed = True

    async def until(self, count: int) -> None:
        """Wait for so many more looks, and what comes of all but the last one."""
        count += self.looks
        async with asyncio.timeout(10):
            while self.looks < count:
                self._changed.clear()
                await self._changed.wait()


Story = Callable[[ShardWatch, Scripted, Runtime], Awaitable[None]]
Play = Callable[..., str]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a story with the watch of a shard that looks a hundred times as often; returns what was logged."""
    monkeypatch.setattr(shard_watch, "LOOK_EVERY", 0.01)
    environ = {"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one", "LOG_FORMAT": "json"}
    environ |= {"STORE_URL": "postgresql://db.example/x", "SHARDS": "2"}
    said = io.StringIO()

    def run(story: Story, shard: int = 1) -> str:
        settings = settings_of_shard(config.load(environ), shard)
        state_dir.create_directories(settings)
        log.setup(settings, "coordinator-1", said)
        FileMembers(settings.instance_dir).announce(MINE)

        async def main() -> None:
            views = Scripted()
            watch = ShardWatch(Runtime("coordinator-1", settings, asyncio.Event()), views)
            async with asyncio.timeout(20):
                await story(watch, views, watch._runtime)
            watch.close()
            assert views.closed

        asyncio.run(main())
        return said.getvalue()

    return run


def test_instances_that_stop_or_are_not_heard_lead_nothing() -> None:
    """By the clock of the database; a time in the future is no sign of life for long."""
    stopping = Member("two", "two", "e", "1", 1.0, Shown(stopping=True))
    assert to_view(seen(MINE, stopping)) == View(frozenset({"one"}), ("one", "one"))
    assert to_view(seen(MINE, age=KEPT_FOR)).members == {"one"}
    assert to_view(seen(MINE, age=KEPT_FOR + 0.1)).members == frozenset()
    assert to_view(seen(MINE, age=-KEPT_FOR - 0.1)).members == frozenset()


def test_a_shard_waits_until_its_instance_is_announced(play: Play) -> None:
    """By the coordinator of the first shard, from our own directory."""

    async def story(watch: ShardWatch, views: Scripted, _runtime: Runtime) -> None:
        joining = asyncio.create_task(watch.join())
        await views.until(3)
        assert not joining.done()
        views.view = seen(TWO)
        await views.until(2)
        assert not joining.done()
        views.view = seen(TWO, MINE)
        await joining

    assert "InstanceTaken" not in play(story)


def test_an_instance_that_is_never_announced_is_not_waited_for(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first coordinator may be broken, and the name is free."""
    monkeypatch.setattr(shard_watch, "UNANNOUNCED", 0.1)
    play(lambda watch, _views, _runtime: watch.join())


def test_a_shard_waits_while_another_instance_has_the_name(play: Play) -> None:
    """Its heartbeat says so once that one is certain to live, and recovers when it is gone; a stop ends the wait."""

    async def story(watch: ShardWatch, views: Scripted, runtime: Runtime) -> None:
        views.view = seen(OTHER)
        joining = asyncio.create_task(watch.join())
        await views.until(3)
        assert (joining.done(), runtime.failed) == (False, "")
        views.view = seen(OTHER, age=-2.0)
        await views.until(3)
        assert runtime.failed.startswith("InstanceTaken: INSTANCE_ID 'one' is in use by another instance on host-b")
        assert runtime.waiting_until is not None
        views.view = seen(MINE)
        await joining
        assert (runtime.failed, runtime.waiting_until) == ("", None)
        views.view = seen(OTHER)
        joining = asyncio.create_task(watch.join())
        await views.until(2)
        runtime.stopping.set()
        await joining

    play(story)


def test_a_database_that_is_away_is_for_the_coordinator_to_tell(play: Play) -> None:
    """It is said once in the log, and nothing is waited for."""

    async def story(watch: ShardWatch, views: Scripted, _runtime: Runtime) -> None:
        views.view = StoreError("no answer")
        await watch.join()
        await watch.join()
        assert watch.may_take(0.0)

    assert play(story).count("shards_unreadable") == 1


def test_a_shard_ends_its_run_when_another_instance_has_the_name(play: Play) -> None:
    """Not at the first look: a new run of our own is noted just after it is announced. Nor for one that is not announced."""

    async def story(watch: ShardWatch, views: Scripted, _runtime: Runtime) -> None:
        views.view = seen(MINE)
        running = asyncio.create_task(watch.run(asyncio.Event().wait()))  # type: ignore[arg-type]  # its result is of no account
        await views.until(2)
        for _ in range(2):
            views.view = seen(OTHER)
            await views.until(STRANGE - 1)
            views.view = seen()
            await views.until(2)
        assert not running.done()
        views.view = seen(OTHER)
        with pytest.raises(InstanceTaken, match="in use by another instance on host-b"):
            await running

    play(story)


def test_the_first_shard_leaves_the_name_to_its_membership(play: Play) -> None:
    """Which has announced it."""

    async def story(watch: ShardWatch, views: Scripted, _runtime: Runtime) -> None:
        views.view = seen(OTHER)
        done = asyncio.Event()
        running = asyncio.create_task(watch.run(done.wait()))  # type: ignore[arg-type]  # its result is of no account
        await views.until(STRANGE + 2)
        assert not running.done()
        done.set()
        await running

    play(story, shard=0)


def test_a_failure_of_the_work_is_that_of_the_run(play: Play) -> None:
    """And ends the looks."""

    async def fail() -> None:
        raise StoreError("broken")

    async def story(watch: ShardWatch, _views: Scripted, _runtime: Runtime) -> None:
        with pytest.raises(StoreError, match="broken"):
            await watch.run(fail())

    play(story)


def test_a_shard_that_is_led_is_handed_over_when_that_is_due(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said once; not while this coordinator stands by. Afterwards it leaves the shard to others for a while."""
    monkeypatch.setattr("common.processes.balance.SETTLED", 0.1)
    monkeypatch.setattr("common.processes.balance.LEADING", 0.1)

    async def story(watch: ShardWatch, views: Scripted, _runtime: Runtime) -> None:
        views.view = seen(MINE, TWO)
        running = asyncio.create_task(watch.run(asyncio.Event().wait()))  # type: ignore[arg-type]  # its result is of no account
        await views.until(30)
        assert not watch.hand_over.is_set()
        watch.begin_leading()
        await watch.hand_over.wait()
        await views.until(3)
        watch.end_leading()
        views.view = seen(MINE, TWO, leaders=("one", ""))
        await views.until(2)
        assert not watch.may_take(0.0)
        watch.begin_leading()
        assert not watch.hand_over.is_set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert play(story).count("shard_handed_over") == 1


def test_a_shard_that_was_lost_may_be_taken_in_its_turn(play: Play) -> None:
    """Only one that was handed over is left to others."""

    async def story(watch: ShardWatch, views: Scripted, _runtime: Runtime) -> None:
        views.view = seen(MINE, TWO, leaders=("one", ""))
        await watch.join()
        watch.begin_leading()
        watch.end_leading()
        free = asyncio.get_running_loop().time()
        assert not watch.may_take(free)
        assert watch.may_take(free - STEP - 0.1)

    play(story)
