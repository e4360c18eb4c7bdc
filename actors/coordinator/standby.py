"""A coordinator that stands by: it looks which instance leads, tells the other processes of its own, and takes over."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from common import leader_file
from common.bus import choose_way, leader_addresses
from common.clock import monotonic, now
from common.errors import StoreError
from common.process import BEAT_EVERY, Runtime
from common.store.lease_contract import Leader, Lease, Leases

T = TypeVar("T")

#: Seconds between two looks.
LOOK_EVERY = 0.25
#: Seconds for which the leases may be unreadable before /health says so: what a holder just writes is readable a look later.
UNREADABLE_LIMIT = 10.0


class Standby:
    """Waits for a lease. `followed`: the leader that the other processes of this instance were told of last."""

    def __init__(self, runtime: Runtime, leases: Leases) -> None:
        self._runtime = runtime
        self._leases = leases
        self._followed: Leader | None = None
        self._unreadable_since: float | None = None
        self._untold = False

    async def wait_for_lease(self) -> Lease | None:
        """The lease of this instance, once there is no other; None where it was told to stop."""
        while not self._runtime.stopping.is_set():
            leader, lease = await self._look()
            if lease is not None and self._runtime.stopping.is_set():
                lease.release()
            elif lease is not None:
                self._tell(lease.leader)
                self._runtime.log.info("instance_leads", instance=lease.leader.instance, epoch=lease.leader.epoch)
                return lease
            elif leader is not None and self._tell(leader):
                self._runtime.log.info("instance_follows", leader=leader.instance, epoch=leader.epoch)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._runtime.stopping.wait()
        return None

    async def _look(self) -> tuple[Leader | None, Lease | None]:
        """The leader, or where there is none the lease of this instance; neither where the store does not say."""
        try:
            leader = await self._ask(self._leases.find)
            lease = await self._ask(self._take) if leader is None else None
        except StoreError as error:
            self._note_unreadable(error)
            return None, None
        self._unreadable_since = self._runtime.waiting_until = None
        return leader, lease

    def _note_unreadable(self, error: StoreError) -> None:
        """Say in the log, and where it lasts by the heartbeat in /health, that nothing is known of a leader.

        It goes on looking: a run that ended would begin again after a pause, which grows to minutes while the store is away.
        """
        if self._unreadable_since is None:
            self._unreadable_since = monotonic()
            self._runtime.log.warning("leases_unreadable", error=str(error))
        elif monotonic() - self._unreadable_since > UNREADABLE_LIMIT:
            self._runtime.fail(error)
            self._runtime.waiting_until = now() + UNREADABLE_LIMIT

    async def _ask(self, call: Callable[[], T]) -> T:
        """The result of a call of the leases, with signs of life until it is there: a database that is away answers late."""
        asked = asyncio.ensure_future(asyncio.to_thread(call))
        self._runtime.beat()
        while not asked.done():
            await asyncio.wait({asked}, timeout=BEAT_EVERY)
            self._runtime.beat()
        return asked.result()

    def _take(self) -> Lease | None:
        settings = self._runtime.settings
        return self._leases.take(settings.instance_id, secrets.token_hex(8), partial(leader_addresses, settings))

    def _tell(self, leader: Leader) -> bool:
        """Tell the other processes of this instance; whether that was new to them."""
        if leader == self._followed:
            return False
        try:
            leader_file.write_leader(self._runtime.settings.instance_dir, leader)
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
