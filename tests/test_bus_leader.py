"""What connects to the bus follows the instance that leads: over real sockets, with one leader after another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.control.coordinators import Coordinators
from common import leader_file, state_dir
from common.bus import CoordinatorBus, FeedSubscriber, InboxSender, LeaderWatch, PublicFeed, WorkerBus, leader_addresses
from common.bus.leader_watch import LOOK_EVERY
from common.codec import decode_upward
from common.config import Settings, load
from common.core.model.evidence import Observation
from common.messages import VERSION, Command, Credit, Results, Task, Tasks
from common.process import Runtime
from common.shard_settings import settings_of_shard
from common.socket_paths import socket_directory
from common.store.lease_contract import Addresses
from common.worker import run_checkers
from common.worker_calls import Methods
from tests.leader_scene import lead_bus, tell_leader
from tests.worker_scene import FOUND, WORKER, task

CREDIT = Credit(VERSION, "fast-0@h", "b1", "fast", "default", ("dns",), 4, 4, 0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an instance of its own."""
    found = load({"STATE_DIR": str(tmp_path), "FEED_ENDPOINT": f"ipc://{tmp_path}/feed", "INSTANCE_ID": "test"})
    state_dir.create_directories(found)
    return found


class Led:
    """A leader's bus, and what arrives there."""

    def __init__(self, settings: Settings, epoch: int) -> None:
        self.bus = lead_bus(settings, epoch)
        self.heard: list[Any] = []
        self.news = asyncio.Condition()
        self.bus.attach(self._received, lambda _: self._tell(), lambda _: None)

    def _received(self, frame: bytes, _mark: str) -> None:
        self.heard.append(decode_upward(frame))
        self._tell()

    def _tell(self) -> None:
        asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        async with self.news:
            self.news.notify_all()

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> None:
        """Wait for something that a message brings about."""
        async with asyncio.timeout(seconds), self.news:
            await self.news.wait_for(condition)

    def results(self) -> list[str]:
        """The attempts that were answered here."""
        return [result.attempt for message in self.heard if isinstance(message, Results) for result in message.results]


async def with_worker(
    settings: Settings, check: Callable[[Task], Awaitable[Observation]], story: Callable[[Runtime], Awaitable[None]]
) -> None:
    """A worker beside a story."""
    runtime = Runtime("checker-fast-0", settings, asyncio.Event())
    work = asyncio.create_task(run_checkers(runtime, "fast", 0, Methods(checks={"dns": check}, batch_checks={}), 4))
    try:
        await story(runtime)
    finally:
        runtime.stopping.set()
        await work


def test_a_worker_moves_to_the_next_leader_with_what_it_works_on(settings: Settings) -> None:
    """Within a second it announces itself there, under the same name and boot; answers for the earlier one are not lost."""
    ready = asyncio.Event()

    async def check(_: Task) -> Observation:
        await ready.wait()
        return FOUND

    async def story(runtime: Runtime) -> None:
        first = Led(settings, 1)
        await first.until(lambda: first.heard)
        await first.until(lambda: first.bus.send(WORKER, runtime.boot, Tasks((task(70),))))
        await first.until(lambda: any(message.seen == 70 for message in first.heard))
        second = Led(settings, 2)
        await second.until(lambda: second.heard, seconds=1.0)
        credit = second.heard[0]
        assert (credit.worker, credit.boot, credit.seen, credit.free) == (WORKER, runtime.boot, 0, 3)
        ready.set()
        await second.until(lambda: second.results() == ["boot.70"])
        await second.until(lambda: second.bus.send(WORKER, runtime.boot, Tasks((task(3),))))
        await second.until(lambda: second.results() == ["boot.70", "boot.3"])
        assert first.results() == []
        first.bus.close()
        second.bus.close()

    asyncio.run(with_worker(settings, check, story))


def test_answers_wait_for_the_next_leader(settings: Settings) -> None:
    """The earlier one is gone and the next one not there yet."""
    began, ready = asyncio.Event(), asyncio.Event()

    async def check(_: Task) -> Observation:
        began.set()
        await ready.wait()
        return FOUND

    async def story(runtime: Runtime) -> None:
        first = Led(settings, 1)
        await first.until(lambda: first.heard)
        await first.until(lambda: first.bus.send(WORKER, runtime.boot, Tasks((task(1),))))
        await began.wait()
        first.bus.close()
        tell_leader(settings, 2)
        await asyncio.sleep(LOOK_EVERY * 2)  # until the worker has moved to where nothing listens
        ready.set()
        second = Led(settings, 2)
        await second.until(lambda: second.results() == ["boot.1"])
        second.bus.close()

    asyncio.run(with_worker(settings, check, story))


def test_commands_and_the_inner_feed_follow_the_leader(settings: Settings) -> None:
    """As control uses them."""

    async def story() -> None:
        watch = LeaderWatch(settings)
        inbox, feed = InboxSender(settings, watch.addresses), FeedSubscriber(watch.addresses.feed)
        told: list[dict[str, Any]] = []
        feed.attach(lambda _topic, payload: told.append(payload))

        def follow(addresses: Addresses) -> None:
            inbox.move(addresses)
            feed.move(addresses.feed)

        watch.attach(follow)
        for epoch in (1, 2):
            led = Led(settings, epoch)
            async with asyncio.timeout(10):
                while {"epoch": epoch} not in told or Command("refresh") not in led.heard:
                    led.bus.feed.publish("state.a.com", {"epoch": epoch})
                    inbox.send(Command("refresh"))
                    await asyncio.sleep(0.02)
            led.bus.close()
        watch.close()
        inbox.close()
        feed.close()

    asyncio.run(story())


def test_subscribers_of_the_public_feed_do_not_notice_another_leader(settings: Settings) -> None:
    """What they want is subscribed there for them, once for each time it is wanted, and dropped with them."""

    async def story() -> None:
        first = Led(settings, 1)
        public = PublicFeed(settings)
        public.attach()
        told: list[int] = []
        reader = FeedSubscriber(public.endpoint, ("state.", "available."))
        reader.attach(lambda _topic, payload: told.append(payload["epoch"]))
        second = None
        async with asyncio.timeout(10):
            for epoch in (1, 2):
                led = first if epoch == 1 else (second := Led(settings, 2))
                while not led.bus.feed.has_subscriber("state.a.com") or not led.bus.feed.has_subscriber("available.a.com"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert not led.bus.feed.has_subscriber("result.a.com")
                led.bus.feed.publish("state.a.com", {"epoch": epoch})
                while epoch not in told:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            reader.close()
            assert second is not None
            while second.bus.feed.has_subscriber("state.a.com"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        public.close()
        first.bus.close()
        second.bus.close()

    asyncio.run(story())


def test_the_public_feed_passes_on_what_the_leaders_of_all_shards_say(settings: Settings) -> None:
    """What its subscribers want is wanted of each of them, also of one that leads anew."""

    async def story() -> None:
        divided = replace(settings, shards=3)
        shards = [settings_of_shard(divided, shard) for shard in range(3)]
        leaders = [Led(shard, 1) for shard in shards[:2]]  # the third comes later
        public = PublicFeed(divided)
        public.attach()
        told: list[int] = []
        reader = FeedSubscriber(public.endpoint, ("state.",))
        reader.attach(lambda _topic, payload: told.append(payload["shard"]))
        async with asyncio.timeout(10):
            for shard, epoch in ((0, 1), (1, 1), (2, 1), (1, 2)):
                if (shard, epoch) in {(2, 1), (1, 2)}:
                    leaders.append(Led(shards[shard], epoch))
                led = leaders[shard if epoch == 1 else 3]
                while not led.bus.feed.has_subscriber("state.a.com"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert not led.bus.feed.has_subscriber("result.a.com")
                led.bus.feed.publish("state.a.com", {"shard": shard})
                while not told:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert [told.pop()] == [shard]
            reader.close()
            for led in (leaders[0], leaders[2], leaders[3]):
                while led.bus.feed.has_subscriber("state.a.com"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        public.close()
        for led in leaders:
            led.bus.close()

    asyncio.run(story())


def test_control_hears_each_shard_and_sends_to_its_leader(settings: Settings) -> None:
    """A message comes with the shard whose leader said it; a shard that is not there takes nothing."""

    async def story() -> None:
        divided = replace(settings, shards=2)
        coordinators = Coordinators(divided)
        told: list[tuple[str, int]] = []
        coordinators.attach(lambda topic, _payload, shard: told.append((topic, shard)))
        leaders = [Led(settings_of_shard(divided, shard), 1 + shard) for shard in range(2)]
        async with asyncio.timeout(10):
            for shard, led in enumerate(leaders):
                while (f"state.{shard}.com", shard) not in told:
                    led.bus.feed.publish(f"state.{shard}.com", {})
                    await asyncio.sleep(0.01)
                while not coordinators.send(Command("check", f"{shard}.com"), shard):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                await led.until(lambda led=led, shard=shard: led.heard == [Command("check", f"{shard}.com")])  # type: ignore[misc]  # a bound default
            assert not coordinators.send(Command("refresh"), 2)
        coordinators.close()
        for led in leaders:
            led.bus.close()

    asyncio.run(story())


def test_the_file_is_looked_at_when_it_changes_and_may_hold_anything(settings: Settings) -> None:
    """A leader that is told again moves nothing, garbage changes nothing, and what comes after it counts."""

    async def story() -> list[Addresses]:
        tell_leader(settings, 4)
        watch = LeaderWatch(settings)
        assert watch.addresses == leader_addresses(settings, 4)
        moves: list[Addresses] = []
        moved = asyncio.Event()
        watch.attach(lambda addresses: (moves.append(addresses), moved.set()))
        tell_leader(settings, 4)
        await asyncio.sleep(LOOK_EVERY * 1.5)
        (settings.instance_dir / "leader.json").write_bytes(b"[" * 10_000)
        await asyncio.sleep(LOOK_EVERY * 1.5)
        assert moves == []
        tell_leader(settings, 5)
        async with asyncio.timeout(1.0):
            await moved.wait()
        watch.close()
        return moves

    assert asyncio.run(story()) == [leader_addresses(settings, 5)]


def test_without_a_leader_bus_endpoint_counts(settings: Settings) -> None:
    """A worker whose instance has no coordinator, as on another host, finds the one that leads there."""

    async def story() -> None:
        assert leader_file.read_leader(settings.instance_dir) is None
        worker = WorkerBus(settings, "fast-0@h", "b1")
        bus = CoordinatorBus(settings, 3)
        heard = asyncio.Event()
        bus.attach(lambda _data, _mark: heard.set(), lambda _: None, lambda _: None)
        async with asyncio.timeout(10):
            while not worker.send(CREDIT):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await heard.wait()
        worker.close()
        bus.close()

    asyncio.run(story())


def test_sockets_of_earlier_leaders_are_removed(settings: Settings) -> None:
    """Theirs alone: not those of later ones, nor anything else in the directory."""
    directory = socket_directory(settings.state_dir)
    names = ["bus-1-tasks", "bus-1-inbox", "inner-feed-1", "bus-3-tasks", "bus-x-tasks", "supervisor.sock", "inner-feed-2.old"]
    for name in names:
        (directory / name).touch()
    CoordinatorBus(settings, 2).close()

    left = {path.name for path in directory.iterdir()}
    assert left >= set(names[3:])
    assert not left & set(names[:3])
