"""The journal: what changed and is not durable yet, handed to the store in transactions, one at a time.

A change of state, its event, its delivery and what it was decided from go into one transaction. Where only times of a name
changed, its row is written now and then; what a sweep found as it was is written by the block of names. What many names changed
at once goes in bounded pieces, oldest first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

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

#: Most new names, changes of watch, and changed states in one transaction, and most blocks of last looks.
NEW_LIMIT, WATCH_LIMIT, STATE_LIMIT, LOOK_LIMIT = 5000, 5000, 8192, 256
#: Seconds between two writes of rows where only times changed, and most rows in one of them.
TOUCH_EVERY, TOUCH_LIMIT = 15.0, 2000
#: Names in one change of state.
PIECE = 4096


class Journal:
    """See the module. `encode` turns a detail or a ledger entry into bytes.

    `next_seq` is the number of the next event; `unwritable` why the last transaction could not be written yet; `writing_since`
    when the one under way was handed over, in epoch seconds.
    """

    def __init__(self, table: DomainTable, working_set: WorkingSet, encode: Callable[[Struct], bytes], now: float) -> None:
        self._table = table
        self._working_set = working_set
        self.encode = encode
        self.next_seq = 1
        self.unwritable = ""
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
        """Write the row of a name soon: only times changed."""
        self._touched[entry.name] = entry

    def add_event(self, row: EventRow) -> None:
        """Write an event."""
        self._next.events.append(row)

    def add_deliveries(self, *rows: DeliveryRow) -> None:
        """Write deliveries, new ones or as they are now."""
        self._next.deliveries.extend(rows)

    def add_ledger(self, row: LedgerRow) -> None:
        """Write a ledger entry."""
        self._next.ledger.append(row)

    def add_new(self, ids: Ids, names: list[str], suffixes: list[str], priorities: list[bool]) -> None:
        """Write names that came with the list."""
        self._new.extend(map(NewName, ids.tolist(), names, suffixes, priorities))

    def add_watch(self, name_id: int) -> None:
        """Write whether a known name is watched, and its priority."""
        watched, priority = self._table.has_flag(name_id, Flag.WATCHED), self._table.has_flag(name_id, Flag.PRIORITY)
        self._watches.append(Watch(name_id, watched=watched, priority=priority))

    def add_states(self, ids: Ids, state: State, since: float, confidence: float) -> None:
        """Write a state of many names that is no event."""
        for start in range(0, len(ids), PIECE):
            self._states.append(StateChange(ids[start : start + PIECE].tolist(), state.value, since, confidence))

    def set_trust(self, rows: list[TrustRow]) -> None:
        """Write how far servers are trusted by now."""
        self._next.trust = rows

    def set_problems(self, problems: list[ProblemRow]) -> None:
        """Write the entries of the list that cannot be monitored, in place of those before."""
        self._next.problems = problems

    def set_meta(self, key: str, text: str) -> None:
        """Write a small text under a name."""
        self._next.meta[key] = text

    def take_seq(self) -> int:
        """The number of a new event."""
        seq, self.next_seq = self.next_seq, self.next_seq + 1
        return seq

    # -- what is to be written -------------------------------------------------------------------------------------------

    def is_unwritten(self, entry: Entry) -> bool:
        """Whether something about a name is not durable yet."""
        return entry.name in self._written or entry.name in self._changed or entry.name in self._touched

    def has_events(self) -> bool:
        """Whether the next transaction has an event."""
        return bool(self._next.events)

    def planned_deliveries(self) -> int:
        """How many deliveries are in the next transaction."""
        return len(self._next.deliveries)

    def is_idle(self) -> bool:
        """Whether no transaction is under way."""
        return self._under_way is None

    def backlog_size(self) -> int:
        """How many names wait to be written, blocks of last looks left aside."""
        return len(self._new) + len(self._watches) + sum(len(change.ids) for change in self._states)

    def count_unwritten_names(self) -> int:
        """How many changes to names are not durable yet, those under way included."""
        under_way = self._under_way
        return self.backlog_size() + (0 if under_way is None else len(under_way.new) + len(under_way.watches))

    def is_settled(self) -> bool:
        """Whether everything is durable."""
        waits = self._changed or self._touched or self._new or self._watches or self._states or self._blocks
        return self.is_idle() and self._next.is_empty() and not waits and not len(self._table.dirty_blocks())

    # -- transactions ----------------------------------------------------------------------------------------------------

    def plan_transaction(self, now: float, *, last: bool) -> None:
        """Let touched rows and last looks into the next transaction where it is time; `last`: the coordinator stops."""
        due = last or now - self._touched_at >= TOUCH_EVERY
        if due:
            self._touched_at = now
            if not self._blocks:
                self._blocks.extend(self._table.dirty_blocks().tolist())
        if due or len(self._touched) >= TOUCH_LIMIT:
            for name in list(self._touched)[:TOUCH_LIMIT]:
                self._changed[name] = self._touched.pop(name)

    def begin_transaction(self, now: float) -> Changes | None:
        """The next transaction, which is then under way; None where there is nothing to write."""
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
        """The transaction under way is durable; returns it."""
        done, self._under_way, self._written = self._under_way, None, set()
        self.writing_since, self.unwritable = None, ""
        return done

    def _fill_transaction(self, changes: Changes) -> None:
        """Put what is next of the backlog into a transaction: names in the order of their ids, states once they are there."""
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
        """The names of a change whose rows were not written whole since: those know better."""
        written = self._table.have_flag(np.array(change.ids, np.int64), Flag.DETAILED)
        return [name_id for name_id, known in zip(change.ids, written.tolist(), strict=True) if not known]


def domain_row(entry: Entry, encode: Callable[[Struct], bytes], now: float) -> DomainRow:
    """A name as the store keeps it. A name in a check is stored as due now: after a crash it is asked again."""
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
