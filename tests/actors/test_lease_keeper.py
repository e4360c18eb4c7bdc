"""A lease is renewed for as long as the loop turns, and no longer."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from actors.coordinator import lease_keeper
from actors.coordinator.lease_keeper import LeaseKeeper
from common import config, log, state_dir
from common.clock import now
from common.errors import LeaseLost, StoreAway, StoreError
from common.messages import Promise
from common.process import Runtime
from common.store.lease_contract import Leader


class Scripted:
    """A lease whose renewals go as a test says; `renewed` counts them."""

    leader = Leader("one", "b", 7, "bus", "feed")

    def __init__(self) -> None:
        self.renewed = 0
        self.released = 0
        self.trouble: StoreError | None = None
        self.lasts = False  # a renewal that failed has not ended it yet
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def is_valid(self) -> bool:
        """Whether the last renewal went well, or the one before it still counts."""
        return self.lasts or self.trouble is None

    def renew(self) -> None:
        """As the test says."""
        self.renewed += 1
        self._loop.call_soon_threadsafe(self._changed.set)
        if self.trouble is not None:
            raise self.trouble

    def release(self) -> None:
        """Count it."""
        self.released += 1

    async def until(self, renewals: int) -> None:
        """Wait for so many renewals."""
        async with asyncio.timeout(10):
            while self.renewed < renewals:
                self._changed.clear()
                await self._changed.wait()


Story = Callable[[LeaseKeeper, Scripted], Awaitable[None]]
Play = Callable[[Story], str]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a story with a keeper that is a hundred times faster; returns what was logged."""
    monkeypatch.setattr(lease_keeper, "RENEW_EVERY", 0.015)
    monkeypatch.setattr(lease_keeper, "RETRY_EVERY", 0.005)
    monkeypatch.setattr(lease_keeper, "LOOP_SILENT", 0.1)
    monkeypatch.setattr(lease_keeper, "START_SILENT", 0.6)
    settings = config.load({"STATE_DIR": str(tmp_path), "LOG_FORMAT": "json"})
    state_dir.create_directories(settings)
    said = io.StringIO()
    log.setup(settings, "coordinator", said)

    def run(story: Story) -> str:
        async def main() -> None:
            lease = Scripted()
            with closing(LeaseKeeper(Runtime("coordinator", settings, asyncio.Event()), lease)) as keeper:
                await story(keeper, lease)
            assert lease.released == 1

        asyncio.run(main())
        return said.getvalue()

    return run


def test_a_loop_that_hangs_loses_its_lease_and_one_that_turns_keeps_it(play: Play, tmp_path: Path) -> None:
    """Without a beat there is no renewal; with the next one they go on."""

    async def story(keeper: LeaseKeeper, lease: Scripted) -> None:
        keeper.end_start()
        for wanted in (1, 2, 3):
            keeper.beat()
            await lease.until(wanted)
        await asyncio.sleep(0.15)
        stopped_at = lease.renewed
        await asyncio.sleep(0.1)
        assert lease.renewed == stopped_at
        keeper.beat()
        await lease.until(stopped_at + 1)

    assert "lease" not in play(story)
    assert [*tmp_path.rglob("heartbeats/coordinator.json")]


def test_a_start_may_be_silent_for_longer(play: Play) -> None:
    """A state of a million names is taken over in steps of seconds; a start that hangs loses the lease, too."""

    async def story(_keeper: LeaseKeeper, lease: Scripted) -> None:
        await asyncio.sleep(0.3)
        assert lease.renewed > 5
        await asyncio.sleep(0.5)
        stopped_at = lease.renewed
        await asyncio.sleep(0.1)
        assert lease.renewed == stopped_at

    play(story)


def test_a_renewal_that_fails_is_tried_again_and_told_once(play: Play) -> None:
    """As while the disk does not answer: that is no loss."""

    async def story(keeper: LeaseKeeper, lease: Scripted) -> None:
        keeper.beat()
        lease.trouble = StoreError("no answer")
        await lease.until(3)
        assert not keeper.is_valid()
        lease.trouble = None
        assert keeper.is_valid()
        await lease.until(lease.renewed + 1)
        keeper.require()
        keeper.verify()

    assert play(story).count("lease_not_renewed") == 1


def test_a_lease_that_is_lost_is_told_in_the_loop(play: Play) -> None:
    """To those that follow already and to one that comes later; it is not renewed again."""

    async def story(keeper: LeaseKeeper, lease: Scripted) -> None:
        told: asyncio.Queue[StoreError] = asyncio.Queue()
        keeper.follow(told.put_nowait)
        lease.trouble = LeaseLost("two leads")
        keeper.beat()
        assert await asyncio.wait_for(told.get(), 10) is lease.trouble
        keeper.follow(told.put_nowait)
        assert told.get_nowait() is lease.trouble
        with pytest.raises(LeaseLost, match="two leads"):
            keeper.require()
        assert lease.renewed == 1

    play(story)


def test_a_server_that_is_away_ends_a_run_only_when_the_lease_has_run_out(play: Play) -> None:
    """Until then renewals are tried again; afterwards none is, not even by what wants to be certain."""

    async def story(keeper: LeaseKeeper, lease: Scripted) -> None:
        told: asyncio.Queue[StoreError] = asyncio.Queue()
        keeper.follow(told.put_nowait)
        lease.trouble, lease.lasts = StoreAway("no server"), True
        keeper.beat()
        await lease.until(3)
        keeper.require()
        assert told.empty()
        lease.lasts = False
        keeper.beat()
        assert await asyncio.wait_for(told.get(), 10) is lease.trouble
        renewed = lease.renewed
        with pytest.raises(StoreAway, match="no server"):
            keeper.verify()
        assert lease.renewed == renewed

    assert play(story).count("lease_not_renewed") == 1


def promise(epoch: int = 7, boot: str = "b") -> Promise:
    """What another instance promises."""
    return Promise("two", epoch, boot, now())


async def run_out(keeper: LeaseKeeper, lease: Scripted) -> None:
    """Let the server be away until the lease has run out and renewals have failed."""
    lease.trouble = StoreAway("the server is away")
    await lease.until(lease.renewed + 3)
    await asyncio.sleep(0)
    keeper.beat()


def test_a_leader_without_others_goes_on_while_the_server_is_away(play: Play) -> None:
    """Its lease ran out, and no other instance can take it; what waits for the server is ended again and again."""

    async def story(keeper: LeaseKeeper, lease: Scripted) -> None:
        lost, ended = [], []
        keeper.follow(lost.append, lambda: ended.append(True))
        keeper._others = lambda: ()
        assert not keeper.may_spool(), "the start needs the store"
        keeper.end_start()
        assert keeper.may_spool()
        assert keeper.is_valid()
        await run_out(keeper, lease)
        assert (keeper.is_valid(), keeper.is_certain(), keeper.may_spool(), lost) == (False, True, True, [])
        assert ended
        keeper.verify()
        keeper.beat()
        lease.trouble = None
        await lease.until(lease.renewed + 2)
        assert (keeper.is_valid(), keeper.is_certain()) == (True, True)
        lease.trouble = LeaseLost("another leads")
        await lease.until(lease.renewed + 1)
        while not lost:  # noqa: ASYNC110  # a callback of the loop
            await asyncio.sleep(0.01)
        assert isinstance(lost[0], LeaseLost)

    play(story)


def test_a_lease_that_ran_out_for_another_reason_is_not_as_good_as_valid(play: Play) -> None:
    """A process that was paused knows nothing of the server; nor one whose last renewal that failed is long ago."""

    async def story(keeper: LeaseKeeper, lease: Scripted) -> None:
        keeper._others = lambda: ()
        keeper.end_start()
        lease.trouble = StoreError("damaged")
        await lease.until(lease.renewed + 2)
        assert not keeper.is_certain()
        assert not keeper.may_spool()
        await run_out(keeper, lease)
        assert keeper.is_certain()
        assert keeper._away_at is not None
        keeper._away_at -= lease_keeper.KNOWN_AWAY
        assert not keeper.is_certain()

    play(story)


def test_a_leader_goes_on_for_as_long_as_every_other_instance_promises(play: Play) -> None:
    """Without a promise, or with one to another leader, the lease is lost as it ran out."""

    async def story(keeper: LeaseKeeper, lease: Scripted) -> None:
        lost: list[StoreError] = []
        keeper.follow(lost.append)
        keeper._others = lambda: ("two",)
        keeper.end_start()
        for other in (promise(epoch=6), promise(boot="x")):
            keeper.note_promise(other)
            assert not keeper.may_spool()
        keeper.note_promise(promise())
        assert keeper.may_spool()
        await run_out(keeper, lease)
        assert keeper.is_certain()
        assert lost == []
        keeper._others = lambda: ("two", "three")
        while not lost:  # a callback of the loop
            keeper.beat()
            await asyncio.sleep(0.01)
        with pytest.raises(StoreAway):
            keeper.require()
        with pytest.raises(StoreAway):
            keeper.verify()

    play(story)


def test_a_leader_that_knows_nothing_of_others_stops_with_its_lease(play: Play) -> None:
    """As long as the announcements were not read."""

    async def story(keeper: LeaseKeeper, lease: Scripted) -> None:
        lost: list[StoreError] = []
        keeper.follow(lost.append)
        keeper.end_start()
        lease.trouble = StoreAway("the server is away")
        while not lost:  # a callback of the loop
            keeper.beat()
            await asyncio.sleep(0.01)
        assert not keeper.is_certain()

    play(story)
