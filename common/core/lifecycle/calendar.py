"""The door of the calendar that learns: rows of registries corrected by what was observed, and forecasts that are scored."""

from __future__ import annotations

from typing import Any

from common.core.lifecycle.corrected_cycle import CorrectedCycle, correct_cycle, find_deviations, show_hours
from common.core.lifecycle.observed import PENDING_DELETE, REDEMPTION, REDEMPTION_ALONE, ObservedTransitions, Span
from common.core.lifecycle.scores import Ended, ForecastScores
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Phase
from common.core.model.records import PhaseChange
from common.core.model.states import ENDING, OWNED, State
from common.core.schedule.drop_hours import DropHours

#: Most deviations that are shown, and changes of phase that are kept of a name.
SHOWN, CHANGES = 100, 12
#: Seconds between two writes of what was learned.
WRITE_EVERY = 60.0


class LearnedCalendar:
    """What was observed of registries (`observed`), and how good their forecasts were (`scores`).

    `hours` has what the schedule needs of it, and follows whatever is learned or restored.
    """

    def __init__(self) -> None:
        self.observed = ObservedTransitions()
        self.scores = ForecastScores()
        self.hours = DropHours()
        self._written_at = 0.0
        self._cycles: dict[str, CorrectedCycle | None] = {}
        self._learned: dict[str, list[dict[str, Any]]] | None = None  # for the status

    def cycle_of(self, suffix: str) -> CorrectedCycle | None:
        """The cycle of a suffix as it is known now; None where nothing is."""
        self._take_observed()
        if suffix not in self._cycles:
            self._cycles[suffix] = correct_cycle(suffix, self.observed.find_suffix(suffix))
        return self._cycles[suffix]

    def note_verdict(self, entry: Entry, before: State, window: DropWindow | None, now: float) -> Ended | None:
        """Learn from a verdict that changed the state of a name from `before`; `window` is its forecast until then.

        Called once for every change of state, when the new state stands in the entry. Returns how the forecast ended, if at
        all.
        """
        if before == entry.state:
            return None
        ended = self._learn_change(entry, before, window, now)
        self._take_observed()
        return ended

    def note_stay(self, entry: Entry, window: DropWindow) -> Ended | None:
        """Score the forecast of a name that was restored or renewed; None where it was counted as missed before."""
        if entry.detail.missed_latest == window.latest:
            return None
        return self.scores.score_stay(entry.suffix, window)

    def note_missed(self, entry: Entry, window: DropWindow) -> Ended:
        """Score a forecast whose window ended a day ago without a change."""
        entry.detail.missed_latest = window.latest
        return self.scores.score_stay(entry.suffix, window, missed=True)

    def restore_texts(self, observed: str, scores: str) -> None:
        """Take over what `take_changed` gave."""
        self.observed.restore_text(observed)
        self.scores.restore_text(scores)
        self._take_observed()

    def take_changed(self, now: float, *, last: bool) -> dict[str, str]:
        """What is to be stored by its key, at most once in `WRITE_EVERY` seconds; `last`: the coordinator stops."""
        if not last and now - self._written_at < WRITE_EVERY:
            return {}
        texts: dict[str, str] = {}
        for key, part in (("transitions", self.observed), ("forecasts", self.scores)):
            if part.changed:
                part.changed, self._written_at = False, now
                texts[key] = part.encode_text()
        return texts

    def to_plain(self) -> dict[str, Any]:
        """For the status: learned hours, where registries behave otherwise than their row, and the scores of forecasts."""
        self._take_observed()
        if self._learned is None:
            self._learned = self._show_learned()
        return {
            **{key: rows[:SHOWN] for key, rows in self._learned.items()},
            "observed": len(self.observed.suffixes),
            "forecasts": self.scores.to_plain(),
        }

    def _show_learned(self) -> dict[str, list[dict[str, Any]]]:
        rows = sorted(self.observed.suffixes.items())
        deviations = [
            {"suffix": suffix, "what": found.what, "row": found.row, "observed": found.observed, "n": found.seen}
            for suffix, seen in rows
            for found in find_deviations(suffix, seen)
        ]
        hours = [
            {"suffix": suffix, "hours": show_hours(found.window), "n": found.seen}
            for suffix, seen in rows
            if (found := seen.learned_hours()) is not None
        ]
        return {"deviations": deviations, "hours": hours}

    def _take_observed(self) -> None:
        """Work out anew what follows from observations of the last moment, for forecasts and for the schedule."""
        for suffix in self.observed.take_touched():
            found = self._cycles[suffix] = correct_cycle(suffix, self.observed.find_suffix(suffix))
            self.hours.set_cycle(suffix, None if found is None or not found.observed else found.cycle)
            self._learned = None

    def _learn_change(self, entry: Entry, before: State, window: DropWindow | None, now: float) -> Ended | None:
        """Learn from a change of state, see `note_verdict`."""
        if before in OWNED and entry.state in _GONE:
            return self._note_drop(entry, window)
        if entry.phase is Phase.PENDING_DELETE and before is State.REDEMPTION:
            self._note_pending_delete(entry)
        if window is not None and entry.drop is None and before in _DROPS and entry.state in _KEPT:
            return self.note_stay(entry, window)
        if entry.state in OWNED and before not in OWNED and entry.detail.dropped_at is not None:
            entry.detail.caught_at = now
        return None

    def _note_drop(self, entry: Entry, window: DropWindow | None) -> Ended | None:
        detail = entry.detail
        if detail.purged_at is None:
            return None
        purge = Span(detail.registered_seen, detail.purged_at)
        phase, began = _begin_of_phase(entry)
        detail.dropped_at, detail.caught_at = detail.purged_at, None
        add_change(entry, PhaseChange(detail.phase or "", "", purge.after, purge.since))
        if entry.phase in ENDING:
            self.observed.note_purge(entry.suffix, purge)
        if phase is Phase.PENDING_DELETE:
            self.observed.note_length(entry.suffix, PENDING_DELETE, began, purge)
        elif phase is Phase.REDEMPTION:
            self.observed.note_length(entry.suffix, REDEMPTION_ALONE, began, purge)
        if window is None:
            return None
        after = purge.since if purge.after is None else purge.after
        missed = detail.missed_latest == window.latest
        return self.scores.score_drop(entry.suffix, window, after, purge.since, missed=missed)

    def _note_pending_delete(self, entry: Entry) -> None:
        changes = entry.detail.transitions
        if len(changes) >= 2 and changes[-2].phase == Phase.REDEMPTION and changes[-1].phase == Phase.PENDING_DELETE:
            began, ended = (Span(change.after, change.since) for change in changes[-2:])
            self.observed.note_length(entry.suffix, REDEMPTION, began, ended)


def add_change(entry: Entry, change: PhaseChange) -> None:
    """Keep a change of phase with the name, among the last `CHANGES`."""
    entry.detail.transitions = (*entry.detail.transitions, change)[-CHANGES:]


def _begin_of_phase(entry: Entry) -> tuple[Phase | None, Span]:
    """The phase that a name is in, and when it began."""
    detail = entry.detail
    return entry.phase, Span(detail.phase_after, detail.phase_since or 0.0)


#: States of a name that its registry has purged.
_GONE = frozenset({State.DROPPING, State.UNREGISTERED, State.AVAILABLE, State.AVAILABLE_PREMIUM, State.RESERVED})
#: States in which the deletion of a name is under way, or may begin any day.
_DROPS = frozenset({State.REDEMPTION, State.PENDING_DELETE, State.EXPIRED_GRACE})
#: States in which no deletion is under way.
_KEPT = frozenset({State.REGISTERED, State.UNDELEGATED, State.EXPIRED_GRACE})
