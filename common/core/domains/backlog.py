"""What many names changed at once and the store does not know yet, handed to transactions in bounded pieces, oldest first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from msgspec import structs

from common.core.domains.domain_table import DETAILED, Table
from common.core.model.records import Changes, NewName, StateChange, Watch

#: Most new names, changes of watch, and changed states in one transaction, and most blocks of pulses.
NEW_LIMIT, WATCH_LIMIT, STATE_LIMIT, PULSE_LIMIT = 5000, 5000, 8192, 256


@dataclass(slots=True)
class Backlog:
    """A state may only be written of a name that is there: names come in the order of their numbers, states wait for them."""

    new: deque[NewName] = field(default_factory=deque)
    watches: deque[Watch] = field(default_factory=deque)
    states: deque[StateChange] = field(default_factory=deque)
    blocks: deque[int] = field(default_factory=deque)

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not (self.new or self.watches or self.states or self.blocks)

    def plan(self, table: Table) -> None:
        """Every block with pulses to write gets its turn, once those planned before are through."""
        if not self.blocks:
            self.blocks.extend(table.dirty().tolist())

    def size(self) -> int:
        """How many names wait to be written, blocks of pulses left aside."""
        return len(self.new) + len(self.watches) + sum(len(change.ids) for change in self.states)

    def fill(self, changes: Changes, table: Table) -> None:
        """Put what is next into a transaction."""
        while self.new and len(changes.new) < NEW_LIMIT:
            changes.new.append(self.new.popleft())
        while self.watches and len(changes.watches) < WATCH_LIMIT and not self.new:
            changes.watches.append(self.watches.popleft())
        unwritten = self.new[0].id if self.new else len(table)
        room = STATE_LIMIT
        while self.states and room > 0 and max(self.states[0].ids, default=0) < unwritten:
            change = self.states.popleft()
            room -= len(change.ids)
            changes.states.append(structs.replace(change, ids=_still(change, table)))
        changes.addresses, table.new_addresses = table.new_addresses, []
        blocks = [self.blocks.popleft() for _ in range(min(PULSE_LIMIT, len(self.blocks)))]
        if blocks:
            changes.pulses = list(table.pulses(np.array(blocks, np.int64)))


def _still(change: StateChange, table: Table) -> list[int]:
    """The names of a change whose rows were not written whole since: those know better."""
    rows = np.array(change.ids, np.int64)
    unwritten = (table.flags[rows] & DETAILED) == 0
    return [row for row, still in zip(change.ids, unwritten.tolist(), strict=True) if still]
