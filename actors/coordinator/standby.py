"""A coordinator that stands by: it looks which instance leads, tells the other processes of its own, and takes over."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from functools import partial

from actors.coordinator.beating import run_with_heartbeat
from common import leader_file
from common.bus import choose_way, leader_addresses
from common.clock import monotonic, now
from common.errors import StoreAway, StoreError
from common.process import Runtime
from common.store.lease_contract import Leader, Lease, Leases

#: Seconds between two looks.
LOOK_EVERY = 0.25
#: Seconds between two looks for a database server that is away. It is looked for as long as it takes.
AWAY_LOOK = 0.5
#: Seconds for which the leases may be unreadable: what a holder is just writing is readable at the next look.
UNREADABLE_LIMIT = 10.0


class Standby:
    """Waits for a lease. `followed`: the leader that the other processes of this instance were told of last."""

    def __init__(self, runtime: Runtime, leases: Leases) -> None:
        self._runtime = runtime
        self._leases = leases
        self._followed: Leader | None = None
        self._unreadable_since: float | None = None
        self._untold = False
        self._away_since: float | None = None

    async def wait_for_lease(self) -> Lease | None:
        """The lease of this instance, once there is no other; None where it was told to stop. Raises StoreError."""
        while not self._runtime.stopping.is_set():
            self._runtime.beat()
            try:
                if (lease := await self._look()) is not None:
                    return lease
            except StoreAway as error:
                self.note_away(error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY if self._away_since is None else AWAY_LOOK):
                    await self._runtime.stopping.wait()
        return None

    def note_away(self, error: StoreAway) -> None:
        """Say once in the log, and by each heartbeat in /health, that the server of the database is away."""
        if self._away_since is None:
            self._away_since = monotonic()
            self._runtime.log.warning("store_away", reason=str(error))
        self._runtime.fail(error)
        self._runtime.waiting_until = now() + AWAY_LOOK
        self._runtime.beat()

    def _note_back(self) -> None:
        if self._away_since is not None:
            self._runtime.log.info("store_back", seconds=round(monotonic() - self._away_since, 1))
            self._away_since = None
            self._runtime.recover()

    async def _look(self) -> Lease | None:
        """Look once, and take the lease if there is no leader. Raises StoreError."""
        leader = await self._find_leader()
        if leader is None and self._unreadable_since is None:
            lease = await run_with_heartbeat(self._runtime.beat, None, self._take)
            if lease is not None and self._runtime.stopping.is_set():
                lease.release()
            elif lease is not None:
                self._note_back()
                self._tell(lease.leader)
                self._runtime.log.info("instance_leads", instance=lease.leader.instance, epoch=lease.leader.epoch)
                return lease
        elif leader is not None:
            self._note_back()
            if self._tell(leader):
                self._runtime.log.info("instance_follows", leader=leader.instance, epoch=leader.epoch)
        return None

    async def _find_leader(self) -> Leader | None:
        try:
            leader = await run_with_heartbeat(self._runtime.beat, None, self._leases.find)
        except StoreAway:
            self._unreadable_since = None
            raise
        except StoreError as error:
            if self._unreadable_since is None:
                self._unreadable_since = monotonic()
                self._runtime.log.warning("leases_unreadable", error=str(error))
            elif monotonic() - self._unreadable_since > UNREADABLE_LIMIT:
                raise
            return None
        self._unreadable_since = None
        return leader

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
