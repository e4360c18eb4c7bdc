"""Takes over a new domain list: watches new names, unwatches missing ones, holds back lists that look like an accident.

The difference to what is watched comes in chunks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct

from common.core.checks.admission import CheckRequest
from common.core.checks.check_starts import CheckStarts
from common.core.domains.domain_table import Flag
from common.core.domains.domains import Domains
from common.core.model.effects import Effects, LeaveList, TakeList
from common.core.model.states import State
from common.core.schedule.cadence import first_check_times
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.canary_gaps import SuffixesWithoutCanary
from common.core.watchlist.list_diff import ListChunk, ListSummary, hold_back


class ListState(Struct):
    """The state of the domain list. Times in epoch seconds; `held` is why it is held back, `error` why it cannot be read."""

    source: str | None = None
    loaded_at: float | None = None
    seen_at: float | None = None
    names: int | None = None
    problems: int | None = None
    held: str | None = None
    error: str | None = None
    held_fingerprint: str | None = None


@dataclass(slots=True, kw_only=True)
class Intake:
    """Takes over lists; `state` describes the current one."""

    domains: Domains
    starts: CheckStarts
    gaps: SuffixesWithoutCanary
    effects: Effects
    telemetry: Telemetry
    state: ListState = field(init=False, default_factory=ListState)
    _summary: ListSummary | None = field(init=False, default=None)  # of the list that is being taken over

    def note_same(self, source: str, now: float) -> None:
        """Note that the list was read and is unchanged."""
        self.state.source, self.state.seen_at, self.state.error = source, now, None

    def read_list(self, summary: ListSummary, source: str, now: float) -> None:
        """Begin to take over a list that was read, or hold it back until the same list is read again."""
        state, watched = self.state, self.domains.table.watched_count
        held = hold_back(watched, summary, state.held_fingerprint)
        self.note_same(source, now)
        if held is not None:
            state.held, state.held_fingerprint = held.reason, summary.fingerprint
            self.telemetry.write_log("error", "list_held_back", source=source, reason=held.reason, watched=watched)
            self.telemetry.metrics.count("lists", result="held")
            self.effects.plan_effect(LeaveList())
            return
        self._summary = summary
        self.domains.table.reserve_names(len(self.domains) + summary.added)
        self.effects.plan_effect(TakeList())

    def take_chunk(self, chunk: ListChunk, now: float) -> None:
        """Take over a chunk of the difference."""
        self._add_names(chunk, now)
        for name_id in chunk.removed:
            if 0 <= name_id < len(self.domains):
                self._remove_name(name_id, now)
        for name_id, priority in chunk.priorities:
            if 0 <= name_id < len(self.domains):
                self._set_priority(name_id, now, priority=priority)

    def finish_list(self, now: float) -> None:
        """Finish a list: the whole difference is taken over."""
        summary, self._summary = self._summary, None
        if summary is None:
            return
        state = self.state
        state.held = state.held_fingerprint = None
        state.loaded_at, state.names, state.problems = now, summary.names, summary.problem_count
        self.domains.journal.set_problems(list(summary.problems))
        self.telemetry.metrics.count("lists", result="taken")
        self.telemetry.write_log(
            "info",
            "list_taken",
            source=state.source,
            names=summary.names,
            added=summary.added,
            removed=summary.removed,
            problems=summary.problem_count,
        )

    def note_failure(self, text: str, source: str) -> None:
        """Note that the list could not be read; what was watched stays watched."""
        self._summary = None
        self.state.source, self.state.error = source, text
        self.telemetry.metrics.count("lists", result="failed")
        self.telemetry.write_log("error", "list_failed", source=source, reason=text)

    def check_now(self, name: str) -> bool:
        """Request a check of a watched name at once, by every method. False if it is not watched."""
        table = self.domains.table
        name_id = table.find_id(name)
        if name_id < 0 or not table.has_flag(name_id, Flag.WATCHED):
            return False
        self.starts.request_check(CheckRequest(name_id, manual=True, urgent=True))
        return True

    def _add_names(self, chunk: ListChunk, now: float) -> None:
        """Watch the added names of a chunk, with spread first checks."""
        table = self.domains.table
        found = [table.find_id(name) for name in chunk.added]
        for name_id, priority in zip(found, chunk.urgent, strict=True):
            if name_id >= 0:
                self._watch_again(name_id, now, priority=priority)
        new = [place for place, name_id in enumerate(found) if name_id < 0]
        if not new:
            return
        names, suffixes = [chunk.added[place] for place in new], [chunk.suffixes[place] for place in new]
        urgent = np.array([chunk.urgent[place] for place in new], np.bool_)
        ids = table.add_names(names, suffixes)
        self.domains.stages.add_watched(ids, urgent, first_check_times(ids, urgent, self.domains.cadence, now))
        self.domains.count_state(None, State.UNKNOWN, len(ids))
        self.domains.journal.add_new(ids, names, suffixes, urgent.tolist())

    def _watch_again(self, name_id: int, now: float, *, priority: bool) -> None:
        """Watch a name again that was removed from the list before."""
        domains = self.domains
        if domains.table.has_flag(name_id, Flag.WATCHED):
            self._set_priority(name_id, now, priority=priority)
            return
        domains.count_state(None, domains.state_of(name_id))
        times = first_check_times(np.array([name_id], np.int64), np.array([priority], np.bool_), domains.cadence, now)
        domains.stages.watch_again(name_id, float(times[0]), priority=priority)
        domains.journal.add_watch(name_id)

    def _remove_name(self, name_id: int, now: float) -> None:
        """Unwatch a name."""
        domains = self.domains
        if not domains.table.has_flag(name_id, Flag.WATCHED):
            return
        domains.stages.unwatch_name(name_id)
        domains.count_state(domains.state_of(name_id), None)
        self.gaps.set_waiting(domains.table.name_of(name_id), (), now)
        domains.journal.add_watch(name_id)

    def _set_priority(self, name_id: int, now: float, *, priority: bool) -> None:
        """Give a name priority, or take it; a check that waits becomes urgent."""
        domains = self.domains
        if domains.table.has_flag(name_id, Flag.PRIORITY) == priority:
            return
        domains.stages.set_priority(name_id, now, priority=priority)
        domains.journal.add_watch(name_id)
        if priority and domains.stages.is_admitted(name_id):
            self.starts.request_check(CheckRequest(name_id, urgent=True))
