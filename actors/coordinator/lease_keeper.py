"""Keeps the lease of a coordinator that leads: renewed by a thread of its own, for as long as the work loop turns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection

from common.clock import monotonic, now
from common.errors import LeaseLost, StoreAway, StoreError
from common.messages import Promise
from common.process import Runtime
from common.processes.consents import Consents, Lead
from common.processes.leases import LOOP_SILENT, RENEW_EVERY, START_SILENT
from common.store.lease_contract import Leader, Lease

#: Seconds until a renewal that failed is tried again, and seconds that the end of the thread may take.
RETRY_EVERY, STOP_LIMIT = 0.5, 5.0
#: Seconds for which it is known that the server of the database is away, after a renewal that failed: each is tried for less.
KNOWN_AWAY = 10.0


class LeaseKeeper:
    """Renews a lease until it is closed or lost. A loop that hangs, unlike one that is slow, loses it to another instance.

    While the server of the database is away the lease is as good as valid for as long as every other instance consents;
    `others` gives their names, None where they are not known.
    """

    def __init__(self, runtime: Runtime, lease: Lease, others: Callable[[], Collection[str] | None] = lambda: None) -> None:
        self.leader: Leader = lease.leader
        self._runtime = runtime
        self._lease = lease
        self._loop = asyncio.get_running_loop()
        self._turned_at = monotonic()
        self._patience = START_SILENT
        self._failing = False
        self._others = others
        self._consents = Consents(Lead(lease.leader.epoch, lease.leader.boot))
        self._leading = False  # the start is over
        self._away_at: float | None = None  # when a renewal failed last, since it went well
        self._lost: LeaseLost | StoreAway | None = None
        self._followers: list[Callable[[StoreError], None]] = []
        self._abandon: Callable[[], None] | None = None
        self._away = threading.Event()  # the lease ran out while the server was away
        self._waiting: list[Callable[[], None]] = []
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_closed, name="lease", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Say that the work loop is alive, as `Runtime.beat` does; only while this is called often the lease is renewed."""
        self._turned_at = monotonic()
        self._runtime.beat()

    def end_start(self) -> None:
        """From now on the work loop turns all the time: what is silent for longer than a moment hangs."""
        self._patience, self._leading = LOOP_SILENT, True

    def is_valid(self) -> bool:
        """Whether the lease has not run out."""
        return self._lease.is_valid()

    def reaches_store(self) -> bool:
        """Whether the lease has not run out, and the last renewal did not fail because the server is away."""
        return self.is_valid() and self._away_at is None

    def is_certain(self) -> bool:
        """Whether it is certain that no other instance leads."""
        return self.is_valid() or self._goes_on()

    def may_spool(self) -> bool:
        """Whether that stays so without the server, as far as the other instances promise."""
        return self.is_certain() and self._has_consents()

    def note_promise(self, promise: Promise) -> None:
        """Note what another instance promises."""
        self._note_others()
        lead = Lead(promise.epoch, promise.boot)
        self._consents.note_promise(promise.instance, lead, promise.sent_at, wall=now(), steady=monotonic())

    def verify(self) -> None:
        """Renew the lease at once, where it ran out while this process got no CPU.

        Raises LeaseLost, and StoreError where that cannot be and another instance may lead.
        """
        self.require()
        try:
            self._lease.renew()
        except StoreAway:
            self._away_at = monotonic()
            if not self._goes_on():
                raise
        else:
            self._away_at = None

    def require(self) -> None:
        """Raise LeaseLost where the lease is known to be lost, StoreAway where it ran out while the server was away."""
        if self._lost is not None:
            raise self._lost

    def follow(self, lost: Callable[[StoreError], None], end_calls: Callable[[], None] = lambda: None) -> None:
        """Call `lost(error)` from the loop once the lease is lost, or ran out while the server was away.

        `end_calls` is called now and then while that is no reason to end: what is asked of the server is not answered.
        """
        self._followers.append(lost)
        self._waiting.append(end_calls)
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

    def _goes_on(self) -> bool:
        known = self._away_at is not None and monotonic() - self._away_at <= KNOWN_AWAY
        return known and self._has_consents()

    def _has_consents(self) -> bool:
        self._note_others()
        return self._leading and self._consents.are_given(monotonic())

    def _note_others(self) -> None:
        if (names := self._others()) is not None:
            self._consents.set_others(names)

    def _renew_until_closed(self) -> None:
        wait = RENEW_EVERY
        while not self._closed.wait(wait) and self._lost is None:
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
                if isinstance(error, StoreAway):
                    self._away_at = monotonic()
                    self._loop.call_soon_threadsafe(self._note_away, error)
                    if not self._leading and not self._lease.is_valid():  # the loop itself may wait for the server
                        self._abandon_store()
            else:
                self._failing, wait = False, RENEW_EVERY
                self._away_at = None

    def _note_away(self, error: StoreAway) -> None:
        if self._lost is not None:
            return
        if not self.is_certain():
            self._note_lost(error)
        elif self._has_consents():
            for end_calls in self._waiting:
                end_calls()

    def _abandon_store(self) -> None:
        self._away.set()
        if self._abandon is not None:
            self._abandon()

    def _note_lost(self, error: LeaseLost | StoreAway) -> None:
        self._lost = error
        if isinstance(error, StoreAway):
            self._abandon_store()
        for lost in self._followers:
            lost(error)
