"""What the store needs beside its commits: old rows deleted, names packed for the next start, a look whether it is still there.

Commits go first: all but the look run in the store's one thread, in small pieces. A full disk, or a server that is away, ends
none of it; commits and the lease say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial

from common.clock import now
from common.core.coordinator.inputs import Measure, Measured
from common.errors import StoreAway, StoreFull
from common.store.store_contract import DAY, Writer

#: Seconds between two rounds of deleting what has outlived its retention, where no new list comes before.
PRUNE_EVERY = 600.0
#: Seconds between two batches of one round, of packing too: waiting commits go first.
PRUNE_PAUSE = 0.1
#: Seconds between two rounds of packing names for the next start.
PACK_EVERY = 30.0
#: Seconds between two looks whether the database is still there.
VERIFY_EVERY = 2.0


class Upkeep:
    """The store's tasks; each runs until it is cancelled. `threads` is the store's thread, `others` any for what reads."""

    def __init__(self, store: Writer, threads: Executor, others: Executor, measure: Callable[[Measured], None]) -> None:
        self._store = store
        self._threads = threads
        self._others = others
        self._measure = measure
        self.tidy = asyncio.Event()  # much was written: the store may give memory back

    async def prune(self, retention: int) -> None:
        """Delete what is too old; `retention` of the ledger in days."""
        loop = asyncio.get_running_loop()
        while True:
            prune = partial(self._store.prune, now(), ledger_older_than=retention * DAY)
            deleted = 0
            with suppress(StoreFull, StoreAway):
                deleted = await loop.run_in_executor(self._threads, prune)
            if deleted:
                await asyncio.sleep(PRUNE_PAUSE)
                continue
            self.tidy.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(PRUNE_EVERY):
                    await self.tidy.wait()

    async def pack(self) -> None:
        """Keep the next start short, a block of names at a time."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PACK_EVERY)
            blocks, waiting = await loop.run_in_executor(self._threads, self._store.packable)
            for block in blocks:
                with suppress(StoreFull):
                    await loop.run_in_executor(self._threads, self._store.pack, block)
                await asyncio.sleep(PRUNE_PAUSE)
            self._measure(Measured(Measure.GAUGE, "unpacked_blocks", waiting - len(blocks)))

    async def verify(self) -> None:
        """Notice within seconds that the database is gone, also while nothing is written. Raises StoreLost."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(VERIFY_EVERY)
            with suppress(StoreAway):
                await loop.run_in_executor(self._others, self._store.verify)
