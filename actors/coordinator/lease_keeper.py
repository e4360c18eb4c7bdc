"""Keeps the lease of a coordinator that leads: renewed by a thread of its own, for as long as the work loop turns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from common.clock import monotonic
from common.errors import LeaseLost, StoreAway, StoreError
from common.process import Runtime
from common.processes.leases import LOOP_SILENT, RENEW_EVERY, START_SILENT
from common.store.lease_contract import Leader, Lease

#: Seconds until a renewal that failed is tried again, and seconds that the end of the thread may take.
RETRY_EVERY, STOP_LIMIT = 0.5, 5.0


class LeaseKeeper:
    """Renews a lease until it is closed or lost. A loop that hangs, unlike one that is slow, loses it to another instance."""

    def __init__(self, runtime: Runtime, lease: Lease) -> None:
        self.leader: Leader = lease.leader
        self._runtime = runtime
        self._lease = lease
        self._loop = asyncio.get_running_loop()
        self._turned_at = monotonic()
        self._patience = START_SILENT
        self._failing = False
        self._lost: LeaseLost | StoreAway | None = None
        self._followers: list[Callable[[StoreError], None]] = []
        self._abandon: Callable[[], None] | None = None
        self._away = threading.Event()  # the lease ran out while the server was away
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_closed, name="lease", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Say that the work loop is alive, as `Runtime.beat` does; only while this is called often the lease is renewed."""
        self._turned_at = monotonic()
        self._runtime.beat()

    def end_start(self) -> None:
        """From now on the work loop turns all the time: what is silent for longer than a moment hangs."""
        self._patience = LOOP_SILENT

    def is_valid(self) -> bool:
        """Whether it is certain that no other instance leads."""
        return self._lease.is_valid()

    def verify(self) -> None:
        """Renew the lease at once, where it ran out while this process got no CPU. Raises LeaseLost, StoreError."""
        self.require()
        self._lease.renew()

    def require(self) -> None:
        """Raise LeaseLost where the lease is known to be lost, StoreAway where it ran out while the server was away."""
        if self._lost is not None:
            raise self._lost

    def follow(self, lost: Callable[[StoreError], None]) -> None:
        """Call `lost(error)` from the loop once the lease is lost, or ran out while the server was away."""
        self._followers.append(lost)
        if self._lost is not None:
            lost(self._lost)

    def abandon_when_away(self, abandon: Callable[[], None]) -> None:
        """Call `abandon()` once the lease ran out while the server was away, from the lease's thread.

        A start reads the names in the loop: where the server answers nothing, neither the loop nor the store's thread goes on.
        """
        self._abandon = abandon
        if self._away.is_set():
            abandon()

    def close(self) -> None:
        """Stop renewing and release the lease: another instance takes over at once."""
        self._closed.set()
        self._thread.join(STOP_LIMIT)
        self._lease.release()

    def _renew_until_closed(self) -> None:
        wait = RENEW_EVERY
        while not self._closed.wait(wait):
            if monotonic() - self._turned_at > self._patience:
                wait = RETRY_EVERY
                continue
            try:
                self._lease.renew()
            except LeaseLost as error:
                self._loop.call_soon_threadsafe(self._note_lost, error)
                return
            except StoreError as error:
                if not self._failing:
                    self._runtime.log.error("lease_not_renewed", epoch=self.leader.epoch, error=str(error))
                self._failing, wait = True, RETRY_EVERY
                if isinstance(error, StoreAway) and not self._lease.is_valid():
                    self._away.set()
                    self._loop.call_soon_threadsafe(self._note_lost, error)
                    if self._abandon is not None:
                        self._abandon()
                    return
            else:
                self._failing, wait = False, RENEW_EVERY

    def _note_lost(self, error: LeaseLost | StoreAway) -> None:
        self._lost = error
        for lost in self._followers:
            lost(error)
