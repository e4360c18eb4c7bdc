"""What leaves a coordinator whose lease ran out: nothing, before it is certain that no other instance leads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

from actors.coordinator.host import Host
from actors.coordinator.lease_keeper import LeaseKeeper
from common import config, state_dir
from common.bus import FeedSubscriber, leader_addresses
from common.config import Settings
from common.core.builtin.operator_limits import LIMITS
from common.core.model.effects import Commit, Effect, Publish
from common.core.model.records import Changes
from common.core.registries.back_ends import divide_limit
from common.core.shards.layout import Layout
from common.errors import LeaseLost, StoreError
from common.process import Runtime
from common.store.file_leases import FileLease
from tests.actors.leading import leading

RDAP = "rdap.verisign.com"
Story = Callable[[Host, FileLease, asyncio.Queue[int]], Awaitable[None]]


def play(tmp_path: Path, story: Story) -> None:
    """A host with a lease, and the numbers that reach a reader of its feed."""
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one"})
    state_dir.create_directories(settings)

    async def main() -> None:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        with ThreadPoolExecutor(1) as threads, leading(runtime) as (store, keeper):
            host = await Host.start(runtime, store, threads, keeper)
            host._bus.attach(lambda _data, _mark: None, lambda _: None, lambda _: None)
            told: asyncio.Queue[int] = asyncio.Queue()
            reader = FeedSubscriber(leader_addresses(settings, 1).feed, ("state.",))
            reader.attach(lambda _topic, payload: told.put_nowait(payload["n"]))
            while not host._bus.feed.has_subscriber("state.a"):  # noqa: ASYNC110  # its subscription comes in its own time
                await asyncio.sleep(0.01)
            try:
                await asyncio.wait_for(story(host, lease_of(keeper), told), 20)
            finally:
                reader.close()
                host._bus.close()
                host._stalls.close()
                host._calls.close()

    asyncio.run(main())


def lease_of(keeper: LeaseKeeper) -> FileLease:
    """The lease that is kept."""
    assert isinstance(keeper._lease, FileLease)
    return keeper._lease


def publish(number: int) -> list[Any]:
    """An effect that leaves the process."""
    return [Publish("state.a", lambda: {"n": number})]


def following_lease(settings: Settings) -> Path:
    """The file of the next epoch."""
    return settings.store_path.with_name(f"{settings.store_path.name}.lease-2")


def test_a_lease_that_ran_out_is_verified_before_anything_leaves(tmp_path: Path) -> None:
    """Without another instance the effect is carried out, and the lease is good again."""

    async def story(host: Host, lease: FileLease, told: asyncio.Queue[int]) -> None:
        lease._until = 0.0
        host._perform(publish(1))
        assert lease.is_valid()
        assert await told.get() == 1
        assert not host._failed.done()

    play(tmp_path, story)


def test_nothing_leaves_where_another_leads(tmp_path: Path) -> None:
    """The run ends: what the core believes to have said was not said."""

    async def story(host: Host, lease: FileLease, told: asyncio.Queue[int]) -> None:
        following_lease(host._runtime.settings).touch()
        lease._until = 0.0
        host._perform(publish(1))
        assert isinstance(host._failed.exception(), LeaseLost)
        host._perform(publish(2))
        assert told.empty()

    play(tmp_path, story)


def test_nothing_leaves_where_it_is_not_known_which_leads(tmp_path: Path) -> None:
    """As while the disk of the leases does not answer."""

    async def story(host: Host, lease: FileLease, told: asyncio.Queue[int]) -> None:
        held, lease._held = lease._held, -1
        lease._until = 0.0
        host._perform(publish(1))
        lease._held = held
        assert type(host._failed.exception()) is StoreError
        assert told.empty()

    play(tmp_path, story)


def test_no_effect_of_any_kind_is_carried_out_where_another_leads(tmp_path: Path) -> None:
    """Neither a message to a worker or a subscriber, nor a transaction, nor a line in the log."""

    async def story(host: Host, lease: FileLease, told: asyncio.Queue[int]) -> None:
        done: list[Any] = []
        kinds = get_args(Effect.__value__) if hasattr(Effect, "__value__") else get_args(Effect)
        assert set(host._actions) == set(kinds)
        host._actions = dict.fromkeys(kinds, done.append)
        following_lease(host._runtime.settings).touch()
        lease._until = 0.0
        for kind in kinds:
            host._perform([object.__new__(kind)])
        assert isinstance(host._failed.exception(), LeaseLost)
        assert done == []
        assert told.empty()

    play(tmp_path, story)


def test_what_follows_from_a_commit_is_not_carried_out_where_another_leads(tmp_path: Path) -> None:
    """The commit itself may succeed, in a file that the other has left: it is lost, so nothing may be told of it."""

    async def story(host: Host, lease: FileLease, told: asyncio.Queue[int]) -> None:
        host._core.handle = lambda _event, _now: publish(1)  # type: ignore[method-assign]
        following_lease(host._runtime.settings).touch()
        lease._until = 0.0
        await host._calls.commit(Commit(Changes(meta={"key": "committed"})))
        assert isinstance(host._failed.exception(), LeaseLost)
        assert told.empty()
        assert host._store.load().meta["key"] == "committed"

    play(tmp_path, story)


def test_a_host_that_is_to_hand_over_drains_and_ends(tmp_path: Path) -> None:
    """As at a stop; the process itself goes on. The core knows the layout and its shard."""
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one", "DOMAIN_LIST_FILE": str(tmp_path / "none.txt")})
    state_dir.create_directories(settings)

    async def main() -> None:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        hand_over = asyncio.Event()
        with ThreadPoolExecutor(1) as threads, leading(runtime) as (store, keeper):
            host = await Host.start(runtime, store, threads, keeper, Layout(3, ("com",)))
            assert host._core.rooms.registries.limit_of("rdap", RDAP, "com") == divide_limit(LIMITS["rdap/verisign"], 3)
            running = asyncio.create_task(host.run(hand_over))
            await asyncio.sleep(0.1)
            assert not running.done()
            hand_over.set()
            await asyncio.wait_for(running, 20)
            assert not runtime.stopping.is_set()
            assert host._core.is_settled()

    asyncio.run(main())
