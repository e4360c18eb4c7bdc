"""A coordinator that stands by: it looks which instance leads, tells the other processes of its own, and takes over."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from functools import partial

from actors.coordinator.beating import run_with_heartbeat
from actors.coordinator.promises import Promises
from actors.coordinator.shard_watch import ShardWatch
from actors.coordinator.spools import hand_over_spools, log_spools
from common import leader_file
from common.bus import choose_way, leader_addresses
from common.clock import monotonic, now
from common.core.shards.layout import Layout
from common.errors import StoreAway, StoreDenied, StoreError
from common.lead_lock import has_ended
from common.process import Runtime
from common.shard_settings import directory_of_leader
from common.store.lease_contract import Leader, Lease, Leases, RemoteLeases

#: Seconds between two looks.
LOOK_EVERY = 0.25
#: Seconds between two looks for a database server that is away. It is looked for as long as it takes.
AWAY_LOOK = 0.5
#: Seconds for which the leases may be unreadable before /health says so: what a holder just writes is readable a look later.
UNREADABLE_LIMIT = 10.0


class Standby:
    """Waits for a lease. `followed`: the leader that the other processes of this instance were told of last."""

    def __init__(
        self, runtime: Runtime, leases: Leases, settle: Callable[[], Layout] = Layout, watch: ShardWatch | None = None
    ) -> None:
        """`settle` gives the layout of the store before its first look; `watch` sees the instances where there are shards."""
        self.layout: Layout | None = None
        self._runtime = runtime
        self._leases = leases
        self._settle = settle
        self._watch = watch
        self._free_since: float | None = None
        self._followed: Leader | None = None
        self._unreadable_since: float | None = None
        self._untold = False
        self._away_since: float | None = None
        self._promises = Promises(runtime)
        self._taking = False
        self._handed_over = 0  # the epoch whose leader has what an earlier run of this instance spooled

    async def wait_for_lease(self) -> Lease | None:
        """The lease of this instance, once there is no other; None where it was told to stop.

        Raises StoreDenied where the database server goes on refusing the user, ConfigError where its layout is another one.
        """
        promising = asyncio.create_task(self._promises.keep_promising(self._followed_unseen))
        try:
            while not self._runtime.stopping.is_set() and not promising.done():
                if (lease := await self._look()) is not None:
                    return lease
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY if self._away_since is None else AWAY_LOOK):
                        await self._runtime.stopping.wait()
        finally:
            promising.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await promising
        return None

    def note_away(self, error: StoreAway) -> None:
        """Say once in the log, and by each heartbeat in /health, that the server of the database is away."""
        self._unreadable_since = None
        if self._away_since is None:
            self._away_since = monotonic()
            self._runtime.log.warning("store_away", reason=str(error))
        self._runtime.fail(error)
        self._runtime.waiting_until = now() + AWAY_LOOK
        self._runtime.beat()

    async def _look(self) -> Lease | None:
        """Look once, and take the lease if there is no leader; None where there is one, or the store does not say."""
        try:
            if self.layout is None:
                self.layout = await run_with_heartbeat(self._runtime.beat, None, self._settle)
            leader = await run_with_heartbeat(self._runtime.beat, None, self._find)
            lease = await self._take_free() if self._is_our_turn(leader) else None
        except StoreAway as error:
            self.note_away(error)
            return None
        except StoreError as error:
            self._note_unreadable(error)
            return None
        self._note_readable()
        if leader is not None:
            await self._hand_over(leader)
        if leader is not None and self._tell(leader):
            self._runtime.log.info("instance_follows", leader=leader.instance, epoch=leader.epoch)
        return None if lease is None else self._accept(lease)

    def _is_our_turn(self, leader: Leader | None) -> bool:
        """Whether the lease is free, and this instance the one that takes it."""
        if leader is not None:
            self._free_since = None
            return False
        if self._free_since is None:
            self._free_since = monotonic()
        return self._watch is None or self._watch.may_take(self._free_since)

    async def _hand_over(self, leader: Leader) -> None:
        """Hand over to another instance that leads what an earlier run of this one spooled; the next look tries again."""
        if leader.instance == self._runtime.settings.instance_id or leader.epoch == self._handed_over:
            return
        handing = partial(hand_over_spools, self._runtime.settings, leader.epoch)
        with contextlib.suppress(StoreError):
            log_spools(self._runtime, await run_with_heartbeat(self._runtime.beat, None, handing))
            self._handed_over = leader.epoch

    def _followed_unseen(self) -> Leader | None:
        """Another instance that led last, while the store does not say which one does; none while a lease is being taken."""
        leader = self._followed
        unseen = self._away_since is not None and not self._taking
        return leader if unseen and leader is not None and leader.instance != self._runtime.settings.instance_id else None

    async def _take_free(self) -> Lease | None:
        """Take a lease that has run out, unless its holder was promised that this instance does not."""
        if (lead := self._promises.binding()) is not None:
            if not isinstance(self._leases, RemoteLeases):
                return None
            released = partial(self._leases.is_released, lead.epoch, lead.boot)
            if not await run_with_heartbeat(self._runtime.beat, None, released):
                return None
            self._promises.end_word()
        self._taking = True
        try:
            return await run_with_heartbeat(self._runtime.beat, None, self._take)
        finally:
            self._taking = False

    def _accept(self, lease: Lease) -> Lease | None:
        """The lease that was taken; given back where this process was told to stop meanwhile."""
        if self._runtime.stopping.is_set():
            lease.release()
            return None
        self._free_since = None
        self._tell(lease.leader)
        self._runtime.log.info("instance_leads", instance=lease.leader.instance, epoch=lease.leader.epoch)
        return lease

    def _note_unreadable(self, error: StoreError) -> None:
        """Say in the log, and where it lasts by the heartbeat in /health, that nothing is known of a leader.

        It goes on looking: a run that ended would begin again after a pause, which grows to minutes while the store is out of
        order. Only where the user is refused a new run helps: it reads the setting again. Raises StoreDenied then.
        """
        if self._unreadable_since is None:
            self._unreadable_since = monotonic()
            self._runtime.log.warning("leases_unreadable", error=str(error))
        elif monotonic() - self._unreadable_since > UNREADABLE_LIMIT:
            if isinstance(error, StoreDenied):
                raise error
            self._runtime.fail(error)
            self._runtime.waiting_until = now() + UNREADABLE_LIMIT

    def _note_readable(self) -> None:
        """End what was said of a store that was away, or could not be read."""
        if self._away_since is not None:
            self._runtime.log.info("store_back", seconds=round(monotonic() - self._away_since, 1))
        if self._away_since is not None or self._unreadable_since is not None:
            self._runtime.recover()
        self._away_since = self._unreadable_since = None

    def _find(self) -> Leader | None:
        """The leader; none where that was a process on this host that has ended, whatever is left of its lease."""
        leader, leases = self._leases.find(), self._leases
        if leader is None or not isinstance(leases, RemoteLeases):
            return leader
        directory = directory_of_leader(self._runtime.settings, leader.instance)
        if directory is None or not has_ended(directory, leader):
            return leader
        leases.release_ended(leader.epoch, leader.boot)
        self._runtime.log.info("leader_ended", leader=leader.instance, epoch=leader.epoch)
        return leases.find()

    def _take(self) -> Lease | None:
        settings = self._runtime.settings
        return self._leases.take(settings.instance_id, secrets.token_hex(8), partial(leader_addresses, settings))

    def _tell(self, leader: Leader) -> bool:
        """Tell the other processes of this instance; whether that was new to them."""
        if leader == self._followed:
            return False
        try:
            leader_file.write_leader(self._runtime.settings.instance_dir, leader, self._runtime.settings.shard)
        except OSError as error:  # the next look tries again
            if not self._untold:
                self._runtime.log.error("leader_not_told", error=str(error))
            self._untold = True
            return False
        self._followed, self._untold = leader, False
        self._note_way(leader)
        # In /health a coordinator is not silent while it, or the one it follows, reads its names.
        self._runtime.started_at = now()
        return True

    def _note_way(self, leader: Leader) -> None:
        """Say in the log, and by the heartbeat in /health, why the other processes of this instance do not reach the leader."""
        trouble = choose_way(self._runtime.settings, leader).trouble
        self._runtime.trouble, self._runtime.trouble_since = trouble, now()
        if trouble:
            self._runtime.log.error("leader_unreachable", leader=leader.instance, reason=trouble)
