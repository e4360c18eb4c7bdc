"""What a store must offer. One writer, many readers; every implementation passes `tests/store`.

All methods raise `StoreError` when the state cannot be read or written. Times are epoch seconds. A cursor is opaque text:
hand it back to get the next page, None means there is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from common.core.domains.last_look import LastLook
from common.core.model.records import Changes, DeliveryRow, DomainRow, EventRow, HandedOver, LedgerRow, ProblemRow, TrustRow
from common.core.model.stored_state import StoredState
from common.store.member_contract import Roster

T = TypeVar("T")

#: Most rows one call of a reader returns.
MAX_LIMIT = 5000
DAY = 86_400.0
#: How long events are kept, in seconds.
KEEP_EVENTS = 90 * DAY
#: How long entries of the ledger are kept, in seconds, and most of one name.
KEEP_LEDGER = 90 * DAY
LEDGER_PER_NAME = 200
#: How long finished notices are kept, in seconds.
KEEP_DONE = 7 * DAY
#: How long finished results are kept, in seconds: one is written per check, so they go much earlier than notices.
KEEP_RESULTS = 3600.0
#: How long a name that left the list is remembered after its last check, in seconds.
KEEP_NAMES = 30 * DAY


class Page(NamedTuple, Generic[T]):
    """Rows and the cursor of the next page. A page may be short, even empty, while `cursor` says there is more."""

    rows: list[T]
    cursor: str | None = None


class FoundName(NamedTuple):
    """A name as a reader finds it: its row, with the times of its last look where that is younger, and that look.

    `timed_out`: the last look was a sweep, and it got no answer about the name.
    """

    row: DomainRow
    look: LastLook | None
    timed_out: bool = False


class DomainRecord(NamedTuple):
    """What the store holds of one name, all of one moment."""

    found: FoundName
    events: list[EventRow]  # newest first
    last_entry: LedgerRow | None  # the newest of the ledger
    state_entry: LedgerRow | None  # the newest of the ledger at or before `found.row.since`; None where that is not known


class DropQuery(NamedTuple):
    """Which of the names expected to drop: their likely time is in [start, end), in epoch seconds.

    A window whose likely time is before `open_at` counts for as long as it ends at or after that. `tld`: a suffix and
    everything under it; None is no condition.
    """

    start: float
    end: float
    open_at: float
    state: str | None = None
    tld: str | None = None
    priority: bool | None = None


class Writer(Protocol):
    """The only connection that changes anything. Calls may come from any thread, one at a time takes effect.

    Opening it forgets names that left the list, were not checked for `KEEP_NAMES`, have no callback to make and never had an
    event: one that had keeps its generation, or its next event would carry the id of an old one.
    """

    engine: str  # name and version of the database, and its file, for logs

    def load(self) -> StoredState:
        """The whole state as the last transaction left it."""
        ...

    def apply(self, changes: Changes) -> None:
        """Write all of `changes` or, on StoreError, none. Durable when it returns.

        A name of `new` that is already there (same id and name) stays as it is. The columns of `watches` and `states` are
        changed, nothing else of those rows. A row of `domains` is written whole, its detail too. An id that belongs to another
        name, or a name that has another id, is a StoreError.

        An event that is already there (domain, generation, kind) stays as it is; of a delivery that is already there the
        identity (lane, domain, order, body) stays and the progress is updated. Entries of the ledger get their `seq` here,
        and of each name that got one only the newest are left, as many as the settings say.
        """
        ...

    def details(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The encoded details of these names, where there are any. Never waits for an `apply` in another thread."""
        ...

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery in any state, for a replay."""
        ...

    def prune(
        self,
        now: float,
        *,
        events_older_than: float = KEEP_EVENTS,
        done_older_than: float = KEEP_DONE,
        results_older_than: float = KEEP_RESULTS,
        ledger_older_than: float = KEEP_LEDGER,
    ) -> int:
        """Delete a part of what has outlived these ages (seconds); how many rows went, 0 when nothing is left to do.

        One call is short: it takes a bounded batch of rows, or a span of time that goes as a whole, whatever is in it. With the
        latter rows stay for up to a thirtieth of their age, or a day, longer. Pending and parked deliveries and the newest
        event always stay.
        """
        ...

    def packable(self) -> tuple[list[int], int]:
        """Blocks of names to pack now, and how many there are that a start would have to read row by row.

        A block in which much was written since the last call waits for a quieter time.
        """
        ...

    def pack(self, block: int) -> None:
        """Pack one of them."""
        ...

    def verify(self) -> None:
        """Raise StoreLost where the database is no longer the one that was opened, LeaseLost where another instance left it.

        Cheap, and never waits for an `apply`.
        """
        ...

    def close(self) -> None:
        """Tidy up, release the lock. Calling it twice is harmless."""
        ...


class Mark(NamedTuple):
    """Which transaction: the epoch that wrote it, and its number among those of that epoch, counted from 1."""

    epoch: int
    number: int


@runtime_checkable
class RemoteWriter(Writer, Protocol):
    """A writer whose server may be away. `identity` tells its database from every other one."""

    identity: str

    def take_mark(self, changes: Changes) -> Mark:
        """The mark of changes that `apply` could not write, or was not given: they are written with it, or never."""
        ...

    def last_mark(self) -> Mark:
        """The mark of what was written last; (0, 0) where nothing was."""
        ...

    def apply_marked(self, changes: Changes, mark: Mark) -> bool:
        """Write changes with the mark they have, as `apply`; False where this mark, or a later one, was written before."""
        ...

    def hand_over(self, events: Iterable[EventRow], deliveries: Iterable[DeliveryRow]) -> None:
        """Put rows that another epoch has recorded elsewhere where `handed_over` finds them. Durable when it returns."""
        ...

    def handed_over(self, but: Collection[str]) -> HandedOver:
        """The next rows that any instance has handed over, without those with the keys `but`; `Changes.taken` removes them.

        Of them only what is not recorded: events, and deliveries that are not there, or are finished and wait here.
        """
        ...

    def interrupt(self) -> None:
        """End calls under way that the server does not answer: they raise StoreAway. From any thread; waits for nothing."""
        ...


class Reader(Protocol):
    """Looks, never writes, may be shared by threads. Each call sees one consistent state; `limit` is cut to 1..MAX_LIMIT."""

    engine: str  # as that of the writer

    def names(self) -> Iterator[tuple[list[int], list[str], list[int], list[int]]]:
        """Every name, watched or not: batches of (ids, names, watched, priority), as they stood when the reading began."""
        ...

    def domain(self, name: str) -> FoundName | None:
        """One name (A-label), watched or not."""
        ...

    def domain_record(self, name: str, events: int = 100) -> DomainRecord | None:
        """One name (A-label), watched or not, with its newest `events` and its ledger entries."""
        ...

    def domains(
        self,
        *,
        state: str | None = None,
        tld: str | None = None,
        q: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[FoundName]:
        """Watched names by name. `tld`: a suffix and everything under it ("uk" also finds "co.uk"); `q`: a part of the name."""
        ...

    def count_by_state(self) -> dict[str, int]:
        """Watched names by state."""
        ...

    def tlds(self) -> dict[str, int]:
        """Watched names by registry suffix."""
        ...

    def drops(self, wanted: DropQuery, *, cursor: str | None = None, limit: int = 100) -> Page[FoundName]:
        """Watched names that are expected to drop, by likely time and then name."""
        ...

    def drops_count(self, wanted: DropQuery) -> int:
        """How many names `drops` has on all its pages."""
        ...

    def last_seq(self) -> int:
        """The highest sequence number ever written, 0 at the beginning."""
        ...

    def events(self, after: int = 0, limit: int = 100) -> list[EventRow]:
        """Events with a higher sequence number than `after`, oldest first."""
        ...

    def ledger(self, domain: str, until: float | None = None, limit: int = 100) -> list[LedgerRow]:
        """The judgements on one name up to a time (epoch seconds, included), newest first."""
        ...

    def ledger_names(self, since: float, after: str = "", limit: int = 100) -> list[str]:
        """Names above `after`, in order, that the registry was said not to have at or after `since` (epoch seconds)."""
        ...

    def deliveries(self, *, state: str | None = None, cursor: str | None = None, limit: int = 100) -> Page[DeliveryRow]:
        """Deliveries, newest first."""
        ...

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery in any state."""
        ...

    def delivery_counts(self) -> dict[str, int]:
        """Deliveries by state."""
        ...

    def problems(self, *, limit: int = 100, cursor: str | None = None) -> Page[ProblemRow]:
        """Entries of the list that cannot be monitored, in the order of the list."""
        ...

    def problem_count(self) -> int:
        """How many entries of the list cannot be monitored."""
        ...

    def trust(self) -> list[TrustRow]:
        """How far each server is trusted for each suffix."""
        ...

    def meta(self, key: str) -> str | None:
        """One of the small named texts."""
        ...

    def members(self) -> Roster:
        """The instances that announced themselves in a database; of a store in a file the state directory shows them."""
        ...

    def close(self) -> None:
        """Release the connection. Calling it twice is harmless."""
        ...
