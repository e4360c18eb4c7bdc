"""What the host asks of the store: transactions are written, or spooled while the server is away, and rows are read.

Nothing is lost: a transaction that cannot be written is tried again. While it is certain that no other instance leads,
transactions go into a file of this host (`common.store.spooler`) and count as written; checks and callbacks go on. What has to
be read waits until the server is back, and has all that was spooled: it would be older than what is in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from actors.coordinator.lease_keeper import LeaseKeeper
from common.clock import monotonic, now
from common.core.coordinator.inputs import (
    CommitDelayed,
    Committed,
    DeliveryFetched,
    DetailsFetched,
    Input,
    Measure,
    Measured,
    RowsHandedOver,
    StoreSpooled,
)
from common.core.domains.journal import SpoolState
from common.core.model.effects import Commit, FetchDelivery, FetchDetails
from common.core.model.records import Changes
from common.errors import StoreAway, StoreBehind, StoreFull
from common.process import Runtime
from common.shard_settings import shard_directory
from common.store.spooler import Spooler
from common.store.store_contract import RemoteWriter, Writer

T = TypeVar("T")

#: Seconds until a transaction for which the disk had no room, or the server of the database was away, is tried again.
COMMIT_RETRY = 1.0
#: Seconds between two looks whether what is spooled can be written.
SPOOL_LOOK = 0.25
#: Seconds between two looks for what other instances have handed over.
HANDED_LOOK = 2.0


class StoreCalls:
    """Makes the calls; `handle` is given what comes of them. `threads`: the one thread of the store."""

    def __init__(
        self,
        runtime: Runtime,
        store: Writer,
        threads: ThreadPoolExecutor,
        keeper: LeaseKeeper,
        handle: Callable[[Input], None],
    ) -> None:
        self.readers = ThreadPoolExecutor(1, thread_name_prefix="details")  # reads never wait for a commit
        self._runtime = runtime
        self._store = store
        self._threads = threads
        self._keeper = keeper
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._spooler: Spooler | None = None
        self._spooling_at: float | None = None  # since when, by a steady clock
        self._spooled = 0  # transactions since then
        if isinstance(store, RemoteWriter):
            self._spooler = Spooler(store, shard_directory(runtime.settings), keeper.leader, now)

    async def commit(self, command: Commit) -> None:
        """Write a transaction; on a full disk again and again: nothing is lost, and a new start would not find more room.

        The same where the server of the database is away, for as long as no other instance leads: a transaction whose outcome
        is not known is written once, however often it is tried. Of one that is back without what it had nothing in memory is
        true.
        """
        failed = False
        while True:
            known = failed or self._is_spooling() or self._runtime.stopping.is_set()  # a moment's absence needs no file
            may_spool = known and self._keeper.may_spool()
            write = partial(self._write, command.changes, may_spool=may_spool, reachable=self._keeper.reaches_store())
            try:
                reason = await self._loop.run_in_executor(self._threads, write)
            except StoreBehind:
                raise
            except (StoreFull, StoreAway) as error:
                away = isinstance(error, StoreAway)
                if self._runtime.stopping.is_set() or (away and not self._keeper.is_certain()):
                    raise
                failed = True
                if away and not may_spool and not self._keeper.reaches_store() and self._keeper.may_spool():
                    continue
                self._handle(CommitDelayed(str(error), away))
                await asyncio.sleep(COMMIT_RETRY)
            else:
                self._note_spool(reason)
                self._handle(Committed())
                return

    async def fetch_delivery(self, command: FetchDelivery) -> None:
        """Read a delivery that is sent again."""
        row = await self._read(self._threads, partial(self._store.delivery, command.id))
        if row is not None:
            self._handle(DeliveryFetched(row))

    async def fetch_details(self, command: FetchDetails) -> None:
        """Read the details of names."""
        details = await self._read(self.readers, partial(self._store.details, command.ids))
        self._handle(DetailsFetched(command.ids, details))

    async def follow_spool(self) -> None:
        """Write what was spooled once the lease is renewed, also where nothing else is to be written. Raises StoreError."""
        while True:
            await asyncio.sleep(SPOOL_LOOK)
            if self._spooler is not None and self._spooler.waiting and self._keeper.reaches_store():
                try:
                    await self._loop.run_in_executor(self._threads, self._spooler.replay)
                except StoreBehind:
                    raise
                except (StoreFull, StoreAway):
                    continue
                self._note_spool("")

    async def take_over(self) -> None:
        """Give the core what other instances have recorded while the database was away. Raises StoreError."""
        store, given = self._store, set[str]()
        while isinstance(store, RemoteWriter):
            await asyncio.sleep(HANDED_LOOK)
            if self._is_spooling() or not self._keeper.reaches_store():
                continue
            try:
                found = await self._loop.run_in_executor(self.readers, store.handed_over, given)
            except StoreAway:
                continue
            if found.keys:
                given.update(found.keys)
                self._runtime.log.info("taken_over", events=len(found.events), deliveries=len(found.deliveries))
                self._handle(RowsHandedOver(found))

    def end_calls(self) -> None:
        """End what the server of the database does not answer: what waits behind it can be spooled then."""
        if isinstance(self._store, RemoteWriter):
            self._store.interrupt()

    def close(self) -> None:
        """Read nothing more. What is spooled stays for the next run."""
        self.readers.shutdown(wait=False, cancel_futures=True)
        if self._spooler is not None:
            self._spooler.close()

    def _write(self, changes: Changes, *, may_spool: bool, reachable: bool) -> str:
        """In the thread of the store: write changes; why they were spooled instead, "" where they were not."""
        if self._spooler is None:
            self._store.apply(changes)
            return ""
        return self._spooler.write(changes, may_spool=may_spool, reachable=reachable)

    async def _read(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        """What the store has; where its server is away once it is back, for as long as no other instance leads."""
        while True:
            goes_on = self._keeper.is_certain() and not self._keeper.reaches_store()
            if not (goes_on or self._is_spooling()):
                try:
                    return await self._loop.run_in_executor(threads, work)
                except StoreAway:
                    if self._runtime.stopping.is_set() or not self._keeper.is_certain():
                        raise
            await asyncio.sleep(COMMIT_RETRY)

    def _is_spooling(self) -> bool:
        return self._spooler is not None and self._spooler.waiting > 0

    def _note_spool(self, reason: str) -> None:
        """Tell the core what waits, and the log when that begins and ends."""
        spooler = self._spooler
        if spooler is None or (self._spooling_at is None and not reason):
            return
        waiting, since = spooler.waiting, spooler.since
        self._handle(Measured(Measure.GAUGE, "spooled_transactions", waiting))
        if reason:
            if self._spooling_at is None:
                self._spooling_at, self._spooled = monotonic(), 0
                self._runtime.log.warning("store_spooling", reason=reason, epoch=self._keeper.leader.epoch)
            self._spooled += 1
            self._handle(Measured(Measure.COUNT, "transactions_spooled"))
            self._handle(StoreSpooled(SpoolState(reason, waiting, now() if since is None else since)))
        elif not waiting and self._spooling_at is not None:
            seconds = round(monotonic() - self._spooling_at, 1)
            self._runtime.log.info("store_back", seconds=seconds, transactions=self._spooled)
            self._spooling_at = None
            self._handle(StoreSpooled(None))
