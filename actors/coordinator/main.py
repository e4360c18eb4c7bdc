"""The coordinator process: it stands by while another instance leads, and leads while it has the lease.

Anything that fails while it leads ends the run; the restart loop starts again from the store, where the truth is. A lease that
is lost is no failure, nor is a database server that is away: the process stands by again, and looks for the server.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial

from actors.coordinator.beating import run_with_heartbeat
from actors.coordinator.host import Host
from actors.coordinator.lease_keeper import LeaseKeeper
from actors.coordinator.membership import Membership
from actors.coordinator.shard_watch import ShardWatch
from actors.coordinator.spools import log_spools, replay_spools
from actors.coordinator.standby import AWAY_LOOK, Standby
from common.clock import monotonic, now
from common.core.registries.back_ends import group_suffixes
from common.core.shards.layout import Layout
from common.errors import ConfigError, LeaseLost, StoreAway, StoreDenied, StoreError, StoreLocked
from common.lead_lock import hold_lead
from common.process import Runtime
from common.shard_settings import shard_directory
from common.store.file_leases import open_leases
from common.store.file_members import open_members
from common.store.lease_contract import Lease, Leases, RemoteLeases
from common.store.shard_view import open_shard_views
from common.store.shards import settle_layout
from common.store.store_contract import Writer
from common.store.writer import leave_locked, open_writer

#: The other instances, None where they are not known.
Others = Callable[[], Collection[str] | None]

#: Seconds after which the store's thread hands Python's lock over to the loop, for which every process waits.
SWITCH = 0.001
#: Seconds within which a database that another process has locked is tried again: what one look waits, and more.
LOCKED_RETRY = 20.0


async def main(runtime: Runtime) -> None:
    """Run until told to stop. Raises ConfigError where the database server refuses the user of STORE_URL."""
    settings = runtime.settings
    sys.setswitchinterval(SWITCH)
    shard_directory(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    leases = open_leases(settings)
    watch = ShardWatch(runtime, open_shard_views(settings)) if settings.shards > 1 else None
    membership = None if settings.shard else Membership(runtime, open_members(settings))
    try:
        await work_as_member(runtime, leases, membership, watch)
    except StoreDenied as error:  # a new process reads the setting again, or the file that holds it
        raise ConfigError([f"STORE_URL: {error}"]) from None
    finally:
        for opened in (leases, membership, watch):
            if opened is not None:
                opened.close()


async def work_as_member(runtime: Runtime, leases: Leases, membership: Membership | None, watch: ShardWatch | None) -> None:
    """Work once, and for as long as, this instance has its name.

    The coordinator of the first shard announces it; those of the others see whether that is so. One whose settings are of
    another layout than the store is not announced: it could lead nothing. Raises ConfigError.
    """
    member = membership or watch
    assert member is not None  # noqa: S101  # the first shard, or one of several
    groups = group_suffixes() if runtime.settings.shards > 1 else {}
    settle = partial(settle_layout, runtime.settings, groups)
    with suppress(StoreError):  # is tried again, and told, while it stands by
        await run_with_heartbeat(runtime.beat, None, settle)
    await member.join()
    work = stand_by_and_lead(runtime, leases, settle, watch, lambda: member.others)
    if membership is not None and watch is not None:
        work = watch.run(work)
    await member.run(work)


async def stand_by_and_lead(
    runtime: Runtime,
    leases: Leases,
    settle: Callable[[], Layout] = Layout,
    watch: ShardWatch | None = None,
    others: Others = lambda: None,
) -> None:
    """Wait for the lease and lead with it until told to stop; again once it is lost, handed over, or the server is away."""
    standby = Standby(runtime, leases, settle, watch)
    while (lease := await standby.wait_for_lease()) is not None:
        try:
            with (
                hold_lead(shard_directory(runtime.settings), lease.leader)
                if isinstance(leases, RemoteLeases)
                else nullcontext()
            ):
                await lead(runtime, lease, standby.layout, watch, others)
        except StoreAway as error:
            standby.note_away(error)
            await runtime.rest(AWAY_LOOK)


async def lead(
    runtime: Runtime,
    lease: Lease,
    layout: Layout | None = None,
    watch: ShardWatch | None = None,
    others: Others = lambda: None,
) -> None:
    """Lead until told to stop, until another instance has taken over or the shard is to be handed over.

    Raises StoreAway where the lease ran out while the server of the database was away, or did not answer a start.
    """
    keeper = LeaseKeeper(runtime, lease, others)
    threads = ThreadPoolExecutor(1, thread_name_prefix="store")
    try:
        store = await open_store(runtime, keeper, threads)
        try:
            replaying = partial(replay_spools, runtime.settings, store)
            log_spools(runtime, await run_with_heartbeat(keeper.beat, threads, replaying))
            host = await Host.start(runtime, store, threads, keeper, layout or Layout())
            if watch is not None:
                watch.begin_leading()
            await host.run(None if watch is None else watch.hand_over)
        finally:
            await run_with_heartbeat(runtime.beat, None, partial(_close_store, threads, store))
    except LeaseLost as error:
        runtime.log.warning("lease_lost", epoch=lease.leader.epoch, reason=str(error))
    finally:
        threads.shutdown(wait=False)
        await run_with_heartbeat(runtime.beat, None, keeper.close)
        if watch is not None:
            watch.end_leading()


async def open_store(runtime: Runtime, keeper: LeaseKeeper, threads: ThreadPoolExecutor) -> Writer:
    """The store; a copy of it, where a process that led before was stopped in the middle of a transaction."""
    began = monotonic()
    while True:
        try:
            # A file of an earlier version is migrated, an old one is tidied up: that may take minutes, and is not silence.
            opening = partial(open_writer, runtime.settings, keeper.leader.epoch, keeper.abandon_when_away)
            store = await run_with_heartbeat(keeper.beat, threads, opening)
        except StoreLocked as error:
            keeper.require()
            if runtime.stopping.is_set():
                raise
            await leave_locked_store(runtime, keeper, threads, error)
        else:
            runtime.waiting_until = None
            runtime.log.info("store_opened", store=store.engine, seconds=round(monotonic() - began, 2))
            return store


def _close_store(threads: ThreadPoolExecutor, store: Writer) -> None:
    """Close the store once the call under way has ended, which takes seconds also where its server does not answer."""
    threads.shutdown(wait=False, cancel_futures=True)
    store.close()
    threads.shutdown(wait=True)


async def leave_locked_store(runtime: Runtime, keeper: LeaseKeeper, threads: ThreadPoolExecutor, locked: StoreLocked) -> None:
    """Copy a store that a stopped leader has locked, to go on there; where that cannot be, say what is waited for."""

    def require_lease() -> None:
        if runtime.stopping.is_set():
            raise locked
        keeper.verify()

    copying = partial(leave_locked, runtime.settings, keeper.leader.epoch, require_lease)
    try:
        path = await run_with_heartbeat(keeper.beat, threads, copying)
    except LeaseLost:
        raise
    except StoreError as error:
        path, locked = None, StoreLocked(f"{locked}; going on in a copy fails: {error}")
    if path is None:
        _note_locked(runtime, locked)
    else:
        runtime.log.warning("store_copied", file=str(path), epoch=keeper.leader.epoch, reason=str(locked))


def _note_locked(runtime: Runtime, error: StoreLocked) -> None:
    """Say in the log, and by the heartbeat in /health, what this instance waits for."""
    if runtime.waiting_until is None:
        remedy = "end the process that holds the lock, or make room for a copy of the database"
        runtime.log.error("store_locked", reason=str(error), remedy=remedy)
    runtime.fail(error)
    runtime.waiting_until = now() + LOCKED_RETRY
