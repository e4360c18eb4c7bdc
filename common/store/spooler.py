"""Writes transactions to the database, or to a file of this host while its server is away; and later all of it in order.

For one thread at a time. What is spooled counts as written: nothing newer reaches the database before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from common.core.model.records import Changes, DeliveryRow, EventRow
from common.errors import LeaseLost, StoreAway, StoreBehind, StoreDamaged, StoreDenied, StoreError, StoreFull, StoreLost
from common.store.lease_contract import Leader
from common.store.spool import LIMIT, VERSION, Header, Record, Spool, find_spools, set_aside
from common.store.store_contract import Mark, RemoteWriter

#: Errors that say nothing about what is written: the same may be written later.
_AGAIN = (StoreAway, StoreFull, StoreLost, StoreDenied, LeaseLost)


class Replayed(NamedTuple):
    """What became of a file that an earlier run left: how many transactions were written, and why the rest was not.

    `handed_over`: only its events and deliveries, for another instance has led since.
    """

    path: Path
    written: int
    reason: str = ""
    handed_over: bool = False


class Handing(Protocol):
    """Takes rows into a database that another instance leads."""

    def put(self, store: str, events: Iterable[EventRow], deliveries: Iterable[DeliveryRow]) -> bool:
        """Whether they are there now; False where it is not the database of this identity. Raises StoreError."""
        ...


class Spooler:
    """`directory`: of the instance that leads as `leader`; `now` gives epoch seconds."""

    def __init__(
        self, store: RemoteWriter, directory: Path, leader: Leader, now: Callable[[], float], limit: int = LIMIT
    ) -> None:
        self._store = store
        self._directory = directory
        self._header = Header(VERSION, store.identity, leader.epoch, leader.boot, leader.instance)
        self._now = now
        self._limit = limit
        self._spool: Spool | None = None

    @property
    def waiting(self) -> int:
        """How many transactions wait for the server."""
        return 0 if self._spool is None else self._spool.waiting

    @property
    def since(self) -> float | None:
        """When the first of them was spooled, in epoch seconds."""
        return None if self._spool is None else self._spool.since

    def write(self, changes: Changes, *, may_spool: bool, reachable: bool) -> str:
        """Write changes; why they were spooled, "" where they were not.

        Raises StoreAway where that is not allowed, or there is no room. Where the server is not `reachable`, as far as is
        known, it is not tried.
        """
        try:
            self.replay(reachable=reachable)
            self._store.apply(changes)
        except StoreBehind:
            raise
        except StoreAway as error:
            if not may_spool or changes.is_empty():
                raise
            self._append(changes, error)
            return str(error)
        return ""

    def replay(self, *, reachable: bool = True) -> int:
        """Write what waits, in order; how many transactions. Raises StoreError, and goes on behind the last one then."""
        if not reachable:
            raise StoreAway("the server of the database cannot be reached")
        if self._spool is None:
            return 0
        written = _replay(self._store, self._spool)
        self._spool.remove()
        self._spool = None
        return written

    def close(self) -> None:
        """Close the file; what waits in it stays for the next run."""
        if self._spool is not None:
            self._spool.close()

    def _append(self, changes: Changes, away: StoreAway) -> None:
        try:
            if self._spool is None:
                self._spool = Spool.create(self._directory, self._header, self._limit)
            self._spool.append(Record(self._store.take_mark(changes).number, self._now(), changes))
        except StoreError as error:
            raise StoreAway(f"{away}; nothing is spooled: {error}") from None


def replay_left(store: RemoteWriter, directory: Path) -> list[Replayed]:
    """Write what earlier runs spooled there and did not write, before anything is read. Raises StoreError.

    Of an epoch that another one followed, which has written since, events and deliveries are handed over: its names may be in
    a newer state.
    """
    return [_replay_file(store, path) for path in find_spools(directory)]


def _replay_file(store: RemoteWriter, path: Path) -> Replayed:
    try:
        spool = Spool.open(path)
    except StoreDamaged as error:
        return Replayed(set_aside(path), 0, str(error))
    header, last = spool.header, store.last_mark()
    if header.store != store.identity:
        return Replayed(spool.leave(), 0, "it is of another database")
    if last.epoch > header.epoch:
        return _hand_over(spool, store.hand_over)
    try:
        written = _replay(store, spool)
    except _AGAIN:
        spool.close()
        raise
    except StoreError as error:
        return Replayed(spool.leave(), 0, str(error))
    if spool.damaged:
        return Replayed(spool.leave(), written, "it is damaged behind these")
    spool.remove()
    return Replayed(path, written)


def hand_over_left(handover: Handing, directory: Path, leading: int) -> list[Replayed]:
    """Hand over what earlier runs spooled there before the epoch that leads, of another instance. Raises StoreError."""
    found = []
    for path in find_spools(directory):
        try:
            spool = Spool.open(path)
        except StoreDamaged as error:
            found.append(Replayed(set_aside(path), 0, str(error)))
            continue
        if spool.header.epoch >= leading:
            spool.close()
            continue
        found.append(_hand_over(spool, partial(handover.put, spool.header.store)))
    return found


def _hand_over(spool: Spool, put: Callable[[list[EventRow], list[DeliveryRow]], bool | None]) -> Replayed:
    events: dict[str, EventRow] = {}
    deliveries: dict[str, DeliveryRow] = {}
    count = 0
    try:
        while (record := spool.peek()) is not None:
            events |= {row.id: row for row in record.changes.events}
            deliveries |= {row.id: row for row in record.changes.deliveries}
            count += 1
            spool.skip()
        mine = put([*events.values()], [*deliveries.values()]) is not False
    except BaseException:
        spool.close()
        raise
    if not mine:
        return Replayed(spool.leave(), 0, "it is of another database")
    if spool.damaged:
        return Replayed(spool.leave(), count, "it is damaged behind these", handed_over=True)
    spool.remove()
    return Replayed(spool.path, count, handed_over=True)


def _replay(store: RemoteWriter, spool: Spool) -> int:
    written = 0
    while (record := spool.peek()) is not None:
        written += store.apply_marked(record.changes, Mark(spool.header.epoch, record.number))
        spool.skip()
    return written
