"""The journal of changes that are not durable yet, written to the store in transactions, one at a time.

A change of state, its event, its delivery and its ledger entry go into one transaction. Rows in which only times changed are
written every few seconds, what sweeps found by blocks of names. Changes of thousands of names at once are written in bounded
pieces, oldest first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from msgspec import Struct, structs

from common.core.domains.domain_table import DomainTable, Flag
from common.core.domains.working_set import WorkingSet, needs_single_checks
from common.core.lifecycle.registry_due import registry_due_at
from common.core.model.entry import Entry
from common.core.model.ids import NEVER, Ids
from common.core.model.records import (
    Changes,
    DeliveryRow,
    DomainRow,
    EventRow,
    LedgerRow,
    NewName,
    ProblemRow,
    StateChange,
    TrustRow,
    Watch,
)
from common.core.model.states import State

#: Most new names, changed watches, changed states and blocks of last looks in one transaction.
NEW_LIMIT, WATCH_LIMIT, STATE_LIMIT, LOOK_LIMIT = 5000, 5000, 8192, 256
#: Seconds between two writes of rows in which only times changed, and most such rows in one transaction.
TOUCH_EVERY, TOUCH_LIMIT = 15.0, 2000
#: Most names in one change of state.
PIECE = 4096


class SpoolState(NamedTuple):
    """Why transactions wait outside the database, how many, and since when, in epoch seconds."""

    reason: str
    waiting: int
    since: float


class Journal:
    """See the module. `encode` turns a detail or a ledger entry into bytes.

    `next_seq` is the number of the next event. `unwritable` says why the transaction under way could not be written yet, ""
    while it can, and `is_away` whether that is because the server of the database cannot be reached; `writing_since` is when it
    began, in epoch seconds, None without one. `spool` is set while transactions that count as written wait outside the
    database: what is read from that is older than they are.
    """

    def __init__(self, table: DomainTable, working_set: WorkingSet, encode: Callable[[Struct], bytes], now: float) -> None:
        self._table = table
        self._working_set = working_set
        self.encode = encode
        self.next_seq = 1
        self.unwritable = ""
        self.is_away = False
        self.spool: SpoolState | None = None
        self.writing_since: float | None = None
        self._next = Changes()
        self._changed: dict[str, Entry] = {}  # rows for the next transaction
        self._touched: dict[str, Entry] = {}  # rows where only times changed
        self._touched_at = now
        self._under_way: Changes | None = None
        self._written: set[str] = set()  # names whose rows are in that transaction
        self._new = deque[NewName]()
        self._watches = deque[Watch]()
        self._states = deque[StateChange]()
        self._blocks = deque[int]()

    # -- what changes ----------------------------------------------------------------------------------------------------

    def write_row(self, entry: Entry) -> None:
        """Write the row of a name with the next transaction."""
        self._changed[entry.name] = entry

    def touch_row(self, entry: Entry) -> None:
        """Write the row of a name within `TOUCH_EVERY` seconds: only times changed."""
        self._touched[entry.name] = entry

    def add_event(self, row: EventRow) -> None:
        """Write an event with the next transaction."""
        self._next.events.append(row)

    def add_deliveries(self, *rows: DeliveryRow) -> None:
        """Write deliveries with the next transaction, new ones or as they are now."""
        self._next.deliveries.extend(rows)

    def add_ledger(self, row: LedgerRow) -> None:
        """Write a ledger entry with the next transaction."""
        self._next.ledger.append(row)

    def add_new(self, ids: Ids, names: list[str], suffixes: list[str], priorities: list[bool]) -> None:
        """Write names that are new in the domain list, in bounded pieces."""
        self._new.extend(map(NewName, ids.tolist(), names, suffixes, priorities))

    def add_watch(self, name_id: int) -> None:
        """Write whether a stored name is watched, and its priority, as they are now."""
        watched, priority = self._table.has_flag(name_id, Flag.WATCHED), self._table.has_flag(name_id, Flag.PRIORITY)
        self._watches.append(Watch(name_id, watched=watched, priority=priority))

    def add_states(self, ids: Ids, state: State, since: float, confidence: float) -> None:
        """Write a state of many names that is no event, in bounded pieces. `since` in epoch seconds."""
        for start in range(0, len(ids), PIECE):
            self._states.append(StateChange(ids[start : start + PIECE].tolist(), state.value, since, confidence))

    def add_taken(self, keys: list[str]) -> None:
        """Remove rows that were handed over and are in the next transaction, or need not be."""
        self._next.taken.extend(keys)

    def set_trust(self, rows: list[TrustRow]) -> None:
        """Write how far servers are trusted with the next transaction."""
        self._next.trust = rows

    def set_problems(self, problems: list[ProblemRow]) -> None:
        """Write the entries of the domain list that cannot be monitored, in place of the stored ones."""
        self._next.problems = problems

    def set_meta(self, key: str, text: str) -> None:
        """Write a small text under a key with the next transaction."""
        self._next.meta[key] = text

    def pass_seq(self, seq: int) -> None:
        """Give no number for a new event up to this one: the store has given it."""
        self.next_seq = max(self.next_seq, seq + 1)

    def take_seq(self) -> int:
        """A number for a new event, higher than all before."""
        seq, self.next_seq = self.next_seq, self.next_seq + 1
        return seq

    # -- what is to be written -------------------------------------------------------------------------------------------

    def is_unwritten(self, entry: Entry) -> bool:
        """Whether the row of a name is not durable yet."""
        return entry.name in self._written or entry.name in self._changed or entry.name in self._touched

    def has_events(self) -> bool:
        """Whether the next transaction writes an event."""
        return bool(self._next.events)

    def planned_deliveries(self) -> int:
        """How many deliveries the next transaction writes so far."""
        return len(self._next.deliveries)

    def is_idle(self) -> bool:
        """Whether no transaction is under way."""
        return self._under_way is None

    def backlog_size(self) -> int:
        """How many changes by the list or by first looks wait to be written, counted by names."""
        return len(self._new) + len(self._watches) + sum(len(change.ids) for change in self._states)

    def count_unwritten_names(self) -> int:
        """How many changes by the list or by first looks are not durable yet."""
        under_way = self._under_way
        return self.backlog_size() + (0 if under_way is None else len(under_way.new) + len(under_way.watches))

    def is_settled(self) -> bool:
        """Whether everything is durable."""
        waits = self._changed or self._touched or self._new or self._watches or self._states or self._blocks
        return self.is_idle() and self._next.is_empty() and not waits and not len(self._table.dirty_blocks())

    # -- transactions ----------------------------------------------------------------------------------------------------

    def plan_transaction(self, now: float, *, last: bool) -> None:
        """Put touched rows and last looks into the next transaction where it is time; `last`: it is the last of this run."""
        due = last or now - self._touched_at >= TOUCH_EVERY
        if due:
            self._touched_at = now
            if not self._blocks:
                self._blocks.extend(self._table.dirty_blocks().tolist())
        if due or len(self._touched) >= TOUCH_LIMIT:
            for name in list(self._touched)[:TOUCH_LIMIT]:
                self._changed[name] = self._touched.pop(name)

    def begin_transaction(self, now: float) -> Changes | None:
        """Return the next transaction, which is under way from now on; None where there is nothing to write."""
        changes, self._next = self._next, Changes()
        self._fill_transaction(changes)
        for entry in self._changed.values():
            self._working_set.write_back(entry, now)
        changes.domains = [domain_row(entry, self.encode, now) for entry in self._changed.values()]
        for name in self._changed:
            self._touched.pop(name, None)
        self._written = set(self._changed)
        self._changed.clear()
        if changes.is_empty():
            return None
        self._under_way, self.writing_since = changes, now
        return changes

    def end_transaction(self) -> Changes | None:
        """Note that the transaction under way is durable, and return it; None without one."""
        done, self._under_way, self._written = self._under_way, None, set()
        self.writing_since, self.unwritable, self.is_away = None, "", False
        return done

    def _fill_transaction(self, changes: Changes) -> None:
        """Fill a transaction with the next pieces: names by their ids, watches and states once their names are written."""
        while self._new and len(changes.new) < NEW_LIMIT:
            changes.new.append(self._new.popleft())
        while self._watches and len(changes.watches) < WATCH_LIMIT and not self._new:
            changes.watches.append(self._watches.popleft())
        unwritten = self._new[0].id if self._new else len(self._table)
        room = STATE_LIMIT
        while self._states and room > 0 and max(self._states[0].ids, default=0) < unwritten:
            change = self._states.popleft()
            room -= len(change.ids)
            changes.states.append(structs.replace(change, ids=self._without_rows(change)))
        changes.addresses, self._table.new_addresses = self._table.new_addresses, []
        blocks = [self._blocks.popleft() for _ in range(min(LOOK_LIMIT, len(self._blocks)))]
        if blocks:
            changes.looks = list(self._table.encode_looks(np.array(blocks, np.int64)))

    def _without_rows(self, change: StateChange) -> list[int]:
        """The names of a change whose rows were not written since: a row is newer than the change."""
        written = self._table.have_flag(np.array(change.ids, np.int64), Flag.DETAILED)
        return [name_id for name_id, known in zip(change.ids, written.tolist(), strict=True) if not known]


def domain_row(entry: Entry, encode: Callable[[Struct], bytes], now: float) -> DomainRow:
    """The row of a name as it is stored. One that is not scheduled is stored as overdue: a crash must not lose its check."""
    drop = entry.drop
    return DomainRow(
        id=entry.id,
        name=entry.name,
        suffix=entry.suffix,
        watched=entry.watched,
        priority=entry.priority,
        state=entry.state.value,
        since=entry.since,
        confidence=entry.confidence,
        generation=entry.generation,
        checked_at=entry.checked_at,
        next_check=entry.next_check if entry.next_check != NEVER else (entry.checked_at or 0.0),
        drop_earliest=drop.earliest if drop is not None else None,
        drop_likely=drop.likely if drop is not None else None,
        drop_latest=drop.latest if drop is not None else None,
        drop_p=drop.probability if drop is not None else None,
        registry_due=registry_due_at(entry, now),
        close=needs_single_checks(entry, now),
        detail=encode(entry.detail),
    )
