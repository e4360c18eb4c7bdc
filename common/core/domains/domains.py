"""The room's door: all watched names, their stages, the loaded entries, and the journal of what is not durable yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from msgspec import Struct

from common.core.domains.domain_table import REGISTERED, STATE_CODES, STATES, DomainTable, Flag
from common.core.domains.journal import PIECE, Journal
from common.core.domains.restore import cut_future, find_first_looks, load_table
from common.core.domains.stages import Stages
from common.core.domains.working_set import WorkingSet
from common.core.lifecycle.calendar import LearnedCalendar
from common.core.lifecycle.entry_forecast import refresh_forecast
from common.core.model.columns import NameColumns
from common.core.model.entry import Entry
from common.core.model.ids import Ids, Times
from common.core.model.records import Detail
from common.core.model.states import State
from common.core.schedule.cadence import (
    Cadence,
    longest_calm_wait,
    longest_unguarded_wait,
    longest_wait,
    spread_check_times,
)
from common.core.schedule.due_times import Waits

#: States in which names are looked at as their calendar says, however short the interval is.
_CALM = [STATE_CODES[state] for state in (State.REDEMPTION, State.PENDING_DELETE)]


class Domains:
    """All watched names.

    `by_state` counts them by their state, `calendar` is what was learned of their registries' life cycles; `started` is when
    the coordinator started, in epoch seconds. `encode` turns a detail or a ledger entry into bytes.
    """

    def __init__(self, cadence: Cadence, encode: Callable[[Struct], bytes], now: float) -> None:
        self.cadence = cadence
        self.started = now
        self.table = DomainTable()
        self.working_set = WorkingSet(self.table)
        self.stages = Stages(self.table, self.working_set.loaded)
        self.journal = Journal(self.table, self.working_set, encode, now)
        self.calendar = LearnedCalendar()
        self.by_state: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.table)

    def restore_names(
        self,
        batches: Iterable[NameColumns],
        looks: Iterable[tuple[int, bytes]],
        addresses: dict[int, str],
        size: int,
        is_unguarded: Callable[[str], bool] = lambda _suffix: False,
    ) -> None:
        """At a start: load the stored names, as `restore.load_table` says; those without a due time are due at once.

        `is_unguarded` says of a suffix whether its zone answers for every name. Changes to names that this finds are planned
        for the first transaction.
        """
        table, cadence = self.table, self.cadence
        load_table(table, batches, looks, addresses, size)
        urgent, ordinary = (
            Waits(longest_wait(base, cadence), longest_calm_wait(priority=priority), longest_unguarded_wait(priority=priority))
            for base, priority in ((cadence.priority_interval, True), (cadence.interval, False))
        )
        calm = np.flatnonzero(np.isin(table.state[: len(table)], _CALM))
        unguarded = self._ids_below(filter(is_unguarded, table.suffixes))
        self.stages.clamp_times(self.started, urgent, ordinary, calm, unguarded)
        ids = find_first_looks(table, self.started)
        for start in range(0, len(ids), PIECE):
            piece = ids[start : start + PIECE]
            self.journal.add_states(piece, State.REGISTERED, float(table.dns_first[piece].min()), 0.0)
        watched = table.state[: len(table)][table.have_flag(np.arange(len(table)), Flag.WATCHED)]
        for number, count in enumerate(np.bincount(watched, minlength=len(STATES)).tolist()):
            if count:
                self.count_state(None, STATES[number], count)

    def resume_guard(self, suffix: str, now: float) -> None:
        """Check the names of a suffix at their base intervals again: its zone tells of them, which was not known before."""
        ids = self._ids_below([suffix])
        ids = ids[self.stages.are_idle(ids)]
        self.stages.advance_checks(ids, spread_check_times(ids, self.base_intervals(ids) / 1.5, now))

    def find_loaded(self, name: str) -> Entry | None:
        """The entry of a name; None where it is not loaded."""
        return self.working_set.find_entry(name)

    def load_name(self, name_id: int, detail: Detail, now: float) -> Entry:
        """Load a name with its stored detail, without times of the future, and forecast its drop."""
        entry = self.working_set.load_entry(name_id, cut_future(detail, self.started, now))
        if entry.drop is not None:
            refresh_forecast(entry, now, self.calendar)
        return entry

    def state_of(self, name_id: int) -> State:
        """The state that a name is counted under: that of its entry, which may be newer than its column."""
        entry = self.working_set.loaded.get(name_id)
        return entry.state if entry is not None else STATES[int(self.table.state[name_id])]

    def count_state(self, before: str | None, after: str | None, names: int = 1) -> None:
        """Count so many watched names that went from the state `before` to `after`; None stands for not watched."""
        if before is not None:
            self.by_state[before] = self.by_state.get(before, 0) - names
        if after is not None:
            self.by_state[after] = self.by_state.get(after, 0) + names

    def note_registered(self, ids: Ids, confidence: float, now: float) -> None:
        """Note that a sweep found names in state UNKNOWN to be registered: a new state, and no event."""
        table = self.table
        table.state[ids], table.since[ids] = REGISTERED, now
        table.confidence[ids] = confidence
        self.count_state(State.UNKNOWN, State.REGISTERED, len(ids))
        self.journal.add_states(ids, State.REGISTERED, now, confidence)

    def _ids_below(self, suffixes: Iterable[str]) -> Ids:
        numbers = [self.table.suffix_numbers[suffix] for suffix in suffixes]
        return np.flatnonzero(np.isin(self.table.suffix[: len(self.table)], np.array(numbers, np.uint32)))

    def base_intervals(self, ids: Ids) -> Times:
        """The base intervals of these names, in seconds."""
        priority = self.table.have_flag(ids, Flag.PRIORITY)
        return np.where(priority, self.cadence.priority_interval, self.cadence.interval)
