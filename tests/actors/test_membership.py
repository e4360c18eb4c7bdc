"""An instance announces itself for as long as its coordinator runs, and not under the name of another one that lives."""

from __future__ import annotations

import asyncio
import gc
import io
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actors.coordinator import membership
from actors.coordinator.membership import HOST_LIMIT, IN_FLIGHT, Claim, Membership, describe_member
from common import config, instances, log, state_dir, version
from common.errors import InstanceTaken, StoreError
from common.heartbeat import Heartbeat, heartbeat_directory, write_heartbeat
from common.instances import FORGOTTEN_AFTER
from common.leader_file import write_leader
from common.process import Runtime
from common.store.lease_contract import Leader
from common.store.member_contract import GONE_AFTER, Holder, Member, Roster, SeenMember, Shown, ShownShard

HELD = Holder("other", "host-b", 1000.0)
RENEWED = HELD._replace(seen_at=1000.0 + IN_FLIGHT + 0.1)
SENTENCE = "INSTANCE_ID 'one' is in use by another instance on host-b: set another one for this instance"


class Scripted:
    """Announcements that are answered as a test says; `told` has what was called."""

    def __init__(self) -> None:
        self.answer: Holder | StoreError | None = None
        self.announced: list[Member] = []
        self.told: list[object] = []
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def announce(self, member: Member) -> Holder | None:
        """As the test says."""
        self.announced.append(member)
        self._loop.call_soon_threadsafe(self._changed.set)
        if isinstance(self.answer, StoreError):
            raise self.answer
        return self.answer

    def withdraw(self, member: Member) -> None:
        """Note it; where announcements fail this fails too."""
        self.told.append(("withdraw", member.name, member.incarnation))
        if isinstance(self.answer, StoreError):
            raise self.answer

    def forget(self, age: float) -> None:
        """Note it."""
        self.told.append(("forget", age))

    def close(self) -> None:
        """Note it."""
        self.told.append("close")

    async def until(self, count: int) -> None:
        """Wait for so many more announcements."""
        count += len(self.announced)
        async with asyncio.timeout(10):
            while len(self.announced) < count:
                self._changed.clear()
                await self._changed.wait()


Story = Callable[[Membership, Scripted, Runtime], Awaitable[None]]
Play = Callable[[Story], tuple[str, list[object]]]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a story with a membership that is a hundred times faster; returns what was logged and told."""
    monkeypatch.setattr(membership, "ANNOUNCE_EVERY", 0.05)
    monkeypatch.setattr(membership, "RETRY_EVERY", 0.01)
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one", "LOG_FORMAT": "json"})
    state_dir.create_directories(settings)
    said = io.StringIO()
    log.setup(settings, "coordinator", said)

    def run(story: Story) -> tuple[str, list[object]]:
        async def main() -> list[object]:
            members = Scripted()
            runtime = Runtime("coordinator", settings, asyncio.Event())
            opened = Membership(runtime, members, "mine")
            try:
                await asyncio.wait_for(story(opened, members, runtime), 20)
            finally:
                opened.close()
            return members.told

        told = asyncio.run(main())
        return said.getvalue(), told

    return run


async def work_until_stopped(runtime: Runtime) -> None:
    """What a coordinator does."""
    await runtime.stopping.wait()


def test_an_announcement_of_a_dead_instance_is_told_from_a_living_one() -> None:
    """Only the second is renewed; what a process sent just before it died may arrive a moment later."""
    claim = Claim()
    assert claim.is_new
    assert not claim.is_alive(HELD)
    assert not claim.is_new
    assert not claim.is_alive(HELD._replace(seen_at=HELD.seen_at + IN_FLIGHT))
    assert claim.is_alive(RENEWED)
    assert claim.is_alive(RENEWED), "it stays certain"
    claim.clear()
    assert claim.is_new
    assert not claim.is_alive(RENEWED)


def test_an_instance_is_announced_until_it_is_stopped(play: Play) -> None:
    """Again and again; its announcement is taken back then, and only the one that leads forgets others."""

    async def story(opened: Membership, members: Scripted, runtime: Runtime) -> None:
        await opened.join()
        assert len(members.announced) == 1
        working = asyncio.create_task(opened.run(work_until_stopped(runtime)))
        await members.until(3)
        assert members.told == []
        heartbeat_directory(runtime.settings.instance_dir).mkdir(exist_ok=True)
        runtime.beat()
        for instance in ("two", "one"):
            write_leader(runtime.settings.instance_dir, Leader(instance, "b", 3, "bus", "feed"))
            await members.until(2)
            assert bool(members.told) is (instance == "one")
        runtime.stopping.set()
        await working

    said, told = play(story)
    assert set(told[:-2]) == {("forget", FORGOTTEN_AFTER)}
    assert told[-2:] == [("withdraw", "one", "mine"), "close"]
    assert "instance_" not in said


def test_the_work_that_fails_ends_the_run_and_leaves_the_announcement(play: Play) -> None:
    """The next run of this process goes on with it; it grows old where there is none."""

    async def fail() -> None:
        raise ValueError("x")

    async def story(opened: Membership, _members: Scripted, _runtime: Runtime) -> None:
        await opened.join()
        with pytest.raises(ValueError, match="x"):
            await opened.run(fail())

    assert play(story)[1] == ["close"]


def test_a_name_that_an_earlier_run_has_is_waited_for(play: Play) -> None:
    """Nothing is wrong meanwhile: it is not renewed, and free after a while."""

    async def story(opened: Membership, members: Scripted, runtime: Runtime) -> None:
        members.answer = HELD
        joining = asyncio.create_task(opened.join())
        await members.until(3)
        assert (joining.done(), runtime.waiting_until, runtime.failed) == (False, None, "")
        members.answer = None
        await joining
        await members.until(2)

    said, _ = play(story)
    assert said.count("instance_waits") == 1
    assert "instance_taken" not in said


def test_a_name_that_another_instance_has_is_refused_in_one_sentence(play: Play) -> None:
    """In the log once and in the heartbeat; this one works as soon as the other has gone, or ends when it is stopped."""

    async def story(opened: Membership, members: Scripted, runtime: Runtime) -> None:
        members.answer = HELD
        joining = asyncio.create_task(opened.join())
        await members.until(2)
        members.answer = RENEWED
        await members.until(3)
        assert runtime.waiting_until is not None
        assert runtime.failed == f"InstanceTaken: {SENTENCE}"
        members.answer = None
        await joining
        assert runtime.waiting_until is None

    said, _ = play(story)
    assert said.count("instance_taken") == 1
    assert SENTENCE in said

    async def stopped(opened: Membership, members: Scripted, runtime: Runtime) -> None:
        members.answer = HELD
        joining = asyncio.create_task(opened.join())
        await members.until(2)
        runtime.stopping.set()
        await joining
        await opened.run(work_until_stopped(runtime))

    play(stopped)


def test_an_instance_that_lost_its_name_while_it_was_paused_ends_its_run(play: Play) -> None:
    """Not before the other one is certain to live; its work is cancelled."""

    async def story(opened: Membership, members: Scripted, _runtime: Runtime) -> None:
        await opened.join()
        work = asyncio.Event()

        async def endless() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.05)  # as for a lease that is given back
                work.set()

        working = asyncio.create_task(opened.run(endless()))
        for answer in (HELD, None, RENEWED):  # one that died, and was followed by ours, says nothing of a later one
            members.answer = answer
            await members.until(4)
            assert not working.done()
        members.answer = RENEWED._replace(seen_at=RENEWED.seen_at + 5.0)
        with pytest.raises(InstanceTaken, match=SENTENCE):
            await asyncio.wait_for(working, 10)
        assert work.is_set()
        ended_at = len(members.announced)
        await asyncio.sleep(0.1)
        assert len(members.announced) == ended_at
        members.answer = None

    assert play(story)[1] == ["close"]


def test_a_run_that_ends_before_it_has_joined_takes_nothing_back(play: Play) -> None:
    """Nothing was announced, and nothing waits."""

    async def story(_opened: Membership, _members: Scripted, _runtime: Runtime) -> None:
        return

    assert play(story)[1] == ["close"]


def test_a_name_that_is_lost_after_the_work_has_ended_is_no_error(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing left to end."""

    async def story(opened: Membership, members: Scripted, runtime: Runtime) -> None:
        await opened.join()
        runtime.stopping.set()
        await opened.run(work_until_stopped(runtime))
        members.answer = HELD
        await members.until(2)
        members.answer = RENEWED
        while not opened._taken.done():  # noqa: ASYNC110  # a thread says so
            await asyncio.sleep(0.01)

    assert play(story)[1][-1] == "close"
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_a_store_that_is_away_is_told_once_and_keeps_no_coordinator_from_its_work(play: Play) -> None:
    """It has its own ways to wait for the store. What cannot be taken back grows old."""

    async def story(opened: Membership, members: Scripted, runtime: Runtime) -> None:
        members.answer = StoreError("no answer")
        await opened.join()
        working = asyncio.create_task(opened.run(work_until_stopped(runtime)))
        await members.until(4)
        members.answer = None
        await members.until(2)
        members.answer = StoreError("no answer again")
        await members.until(3)
        runtime.stopping.set()
        await working

    said, told = play(story)
    assert said.count("instance_not_announced") == 2
    assert told == [("withdraw", "one", "mine"), "close"]


def test_what_is_announced_is_what_the_directory_of_the_instance_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ages count back from the moment, times of a clock that was set back are now; the name of the host is bounded."""
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one", "EGRESS_ID": "north"})
    host = os.uname().nodename
    bare = describe_member(settings, "i", None, 500.0)
    assert bare == Member("one", "i", "north", version.current(), 500.0, Shown(host=host))
    heartbeat_directory(settings.instance_dir).mkdir(parents=True)
    for process, at in (("coordinator", 96.0), ("control", 99.0)):
        write_heartbeat(settings.instance_dir, Heartbeat(process, process, 7, "b", at, at - 90.0, 0, "one", stopping=True))
    write_leader(settings.instance_dir, Leader("two", "b", 3, "bus", "feed"))
    found = instances.read_instance(settings.instance_dir)
    member = describe_member(settings, "i", found, 100.0)
    shown = Shown(host, 2, True, "two", 3, heard_ago=1.0, coordinator_ago=4.0, coordinator_started_at=6.0)
    assert member == Member("one", "i", "north", version.current(), 6.0, shown)
    early = describe_member(settings, "i", found, 50.0).shown
    assert (early.heard_ago, early.coordinator_ago) == (0.0, 0.0)
    assert found is not None
    alone = describe_member(settings, "i", found._replace(coordinators={}, leaders={}), 100.0).shown
    assert alone == Shown(host, 2, True, heard_ago=1.0)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("s", "x" * 999, "r", "v", "m")))
    assert len(describe_member(settings, "i", None, 0.0).shown.host) == HOST_LIMIT


def test_an_instance_announces_what_it_sees_of_each_shard(tmp_path: Path) -> None:
    """Which leader it knows, and its own coordinator; nothing of shards that are not there."""
    url = "postgresql://db.example/dm"
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one", "SHARDS": "3", "STORE_URL": url})
    heartbeat_directory(settings.instance_dir).mkdir(parents=True)
    for process in ("coordinator", "coordinator-1", "coordinator-5"):
        write_heartbeat(settings.instance_dir, Heartbeat(process, process, 7, "b", 96.0, 6.0, 0, "one"))
    for shard, epoch in ((0, 3), (2, 8), (5, 9)):
        write_leader(settings.instance_dir, Leader(f"leader-{shard}", "b", epoch, "bus", "feed"), shard)
    shown = describe_member(settings, "i", instances.read_instance(settings.instance_dir), 100.0).shown
    assert (shown.leader, shown.epoch, shown.coordinator_ago) == ("leader-0", 3, 4.0)
    assert shown.shards == (
        ShownShard(1, coordinator_ago=4.0, coordinator_started_at=6.0),
        ShownShard(2, "leader-2", 8),
    )


def test_the_other_instances_of_a_shared_store_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the beginning, and anew between two announcements; while the store cannot be read those that were known last."""
    monkeypatch.setattr(membership, "LOOK_EVERY", 0.01)
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one"})
    state_dir.create_directories(settings)

    class Shared(Scripted):
        def __init__(self) -> None:
            super().__init__()
            self.names = ("one", "two")
            self.away = False
            self.looks = 0

        def roster(self) -> Roster:
            self.looks += 1
            if self.away:
                raise StoreError("away")
            seen = (SeenMember(Member(name, "", "", "", 0.0, Shown()), 1000.0) for name in self.names)
            return Roster((*seen, SeenMember(Member("old", "", "", "", 0.0, Shown()), 1000.0 - GONE_AFTER - 1)), 1000.0)

    async def main() -> None:
        members = Shared()
        opened = Membership(Runtime("coordinator", settings, asyncio.Event()), members, "mine")
        assert opened.others is None
        await opened.join()
        assert opened.others == {"two"}
        members.names = ("one", "two", "three")
        while opened.others != {"two", "three"}:  # noqa: ASYNC110  # in a thread
            await asyncio.sleep(0.01)
        members.away = True
        looks = members.looks
        while members.looks < looks + 3:  # noqa: ASYNC110  # in a thread
            await asyncio.sleep(0.01)
        assert opened.others == {"two", "three"}
        assert len(members.announced) == 1
        opened.close()

    asyncio.run(main())
