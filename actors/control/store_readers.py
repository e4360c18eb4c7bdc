"""The store, read from a few threads so that no query holds up the loop; it may appear, vanish and come back at any time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from actors.control.http_problems import Problem, store_away, store_unavailable
from common.errors import StoreAway, StoreDamaged, StoreError, StoreLost
from common.store.store_contract import Reader

T = TypeVar("T")
#: Queries at the same time.
THREADS = 3
#: Seconds a query may take before the caller is told to come back.
DEADLINE = 10.0
#: Seconds that a look at the store may take before nothing is said about it.
LOOK_DEADLINE = 2.0
#: Queries waiting or running; more are refused at once.
MOST_WAITING = 100


def _note_seen(future: asyncio.Future[T]) -> None:
    """Take note of an error that comes after the caller has left: it would be logged as one that was forgotten."""
    if not future.cancelled():
        future.exception()


class StoreReaders:
    """Runs reader calls in threads, each with a reader of its own, so that a search does not hold up a look-up.

    A reader that failed is closed and opened again with the next query.
    """

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open = open_reader
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._local = threading.local()
        self.damaged: StoreDamaged | None = None
        self._away: StoreAway | None = None  # how the last query failed, where its server was away
        self._waiting = 0

    async def read(self, query: Callable[[Reader], T]) -> T:
        """The result of `query(reader)`. Raises Problem 503 while there is no store, or it is too slow."""
        if self._waiting >= MOST_WAITING:
            raise Problem(503, "Too many requests wait for the state.", headers={"Retry-After": "1"})
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._run, query)
        future.add_done_callback(self._done)
        try:
            async with asyncio.timeout(DEADLINE):
                return await asyncio.shield(future)
        except TimeoutError:
            raise Problem(503, "The state did not answer in time.", headers={"Retry-After": "5"}) from None
        except StoreAway:
            raise store_away() from None
        except StoreError:
            raise store_unavailable() from None

    async def newest_seq(self) -> int | None:
        """The newest event's sequence, None while there is no store."""
        try:
            return await self.read(lambda reader: reader.last_seq())
        except Problem:
            return None

    async def newest_seq_and_engine(self) -> tuple[int | None, str | None]:
        """The newest event's sequence, and the database with its file; None for both while there is no store."""
        try:
            return await self.read(lambda reader: (reader.last_seq(), reader.engine))
        except Problem:
            return None, None

    async def probe(self, query: Callable[[Reader], T]) -> tuple[T | None, StoreError | None]:
        """What a look at the store finds, and how it fails; neither where all threads are busy and it is not known.

        A server that was away at the last query, and does not answer now, still is. Damage is remembered: most looks do not
        come across it, and it does not heal by itself.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._run, query)
        future.add_done_callback(_note_seen)
        found = None
        try:
            async with asyncio.timeout(LOOK_DEADLINE):
                found = await asyncio.shield(future)
        except TimeoutError:
            return None, self.damaged or self._away
        except StoreError as error:
            return None, error
        return found, self.damaged

    async def close(self) -> None:
        """Wait for running queries, and close every reader in its own thread."""
        loop = asyncio.get_running_loop()
        # A barrier makes each thread take exactly one of these.
        barrier = threading.Barrier(THREADS)
        await asyncio.wait(
            [loop.run_in_executor(self._pool, self._close_in_thread, barrier) for _ in range(THREADS)], timeout=2.0
        )
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, future: asyncio.Future[T]) -> None:
        self._waiting -= 1
        _note_seen(future)

    def _run(self, query: Callable[[Reader], T]) -> T:
        try:
            reader: Reader | None = getattr(self._local, "reader", None)
            if reader is None:
                reader = self._local.reader = self._open()
            try:
                found = query(reader)
            except StoreLost:  # perhaps it is another file by now: each thread finds that out by itself
                self._close_reader()
                reader = self._local.reader = self._open()
                self.damaged = None
                found = query(reader)
        except StoreError as error:
            if isinstance(error, StoreDamaged):
                self.damaged = error
            self._away = error if isinstance(error, StoreAway) else None
            self._close_reader()
            raise
        self._away = None
        return found

    def _close_in_thread(self, barrier: threading.Barrier) -> None:
        self._close_reader()
        try:
            barrier.wait(1.0)
        except threading.BrokenBarrierError:
            return

    def _close_reader(self) -> None:
        reader: Reader | None = getattr(self._local, "reader", None)
        self._local.reader = None
        if reader is not None:
            reader.close()
