"""The row of a suffix, corrected by what was observed: learned figures take the place of the row's, and are named."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from common.core.builtin.lifecycles import Cycle, Days, row_for
from common.core.lifecycle.observed import PENDING_DELETE, REDEMPTION, REDEMPTION_ALONE, LearnedDays, ObservedSuffix
from common.core.model.evidence import Phase


class CorrectedCycle(NamedTuple):
    """A cycle to forecast by, and what of it was observed, in words ("" where nothing was).

    `phases`: those that it says something of; None for all. Without a published row these are the ones that were observed.
    """

    cycle: Cycle
    observed: str = ""
    phases: frozenset[Phase] | None = None

    def covers(self, phase: Phase) -> bool:
        """Whether it says how long it is from this phase to the release."""
        return self.phases is None or phase in self.phases


class Deviation(NamedTuple):
    """Where a registry behaves otherwise than its row says: what, both figures in words, and from how many observations."""

    what: str
    row: str
    observed: str
    seen: int


def correct_cycle(suffix: str, seen: ObservedSuffix | None) -> CorrectedCycle | None:
    """The cycle of a suffix with the figures that were learned; None where neither a row nor observations say anything."""
    row = row_for(suffix)
    if seen is None:
        return CorrectedCycle(row) if row.published else None
    words: list[str] = []
    cycle = _take_hours(_take_lengths(row, seen, words), seen, words)
    if not cycle.published:
        return None
    return CorrectedCycle(cycle, ", ".join(words), None if row.published else _observed_phases(seen))


def find_deviations(suffix: str, seen: ObservedSuffix) -> list[Deviation]:
    """Where what was learned of a suffix is not what its row says."""
    row = row_for(suffix)
    found = [
        Deviation(span, _show_days(said) if row.published else "not published", _show_days(learned.days), learned.seen)
        for span, said in (
            (REDEMPTION, row.redemption if row.pending is not None else None),
            (REDEMPTION_ALONE, row.redemption if row.pending is None else None),
            (PENDING_DELETE, _pending_days(row)),
        )
        if (learned := seen.learned_days(span)) is not None and not (row.published and _holds(said, learned.days))
    ]
    hours = seen.learned_hours()
    if hours is not None and not row.exact and _is_outside(hours.window, row.window):
        found.append(Deviation("hours", show_hours(row.window), show_hours(hours.window), hours.seen))
    weekday = seen.learned_weekday()
    if weekday is not None and weekday.days.least != row.weekday:
        found.append(Deviation("weekday", _show_weekday(row.weekday), _show_weekday(weekday.days.least), weekday.seen))
    return found


def _observed_phases(seen: ObservedSuffix) -> frozenset[Phase]:
    """The phases from which the way to the release was observed."""
    first, alone, last = (seen.learned_days(span) is not None for span in (REDEMPTION, REDEMPTION_ALONE, PENDING_DELETE))
    phases = ((Phase.REDEMPTION, alone or (first and last)), (Phase.PENDING_DELETE, last))
    return frozenset(phase for phase, known in phases if known)


def _take_lengths(row: Cycle, seen: ObservedSuffix, words: list[str]) -> Cycle:
    first, alone, last = (seen.learned_days(span) for span in (REDEMPTION, REDEMPTION_ALONE, PENDING_DELETE))
    cycle = row
    if alone is not None and (first is None or alone.seen > first.seen):
        words.append(_describe("redemption", alone))
        said = row.redemption if row.pending is None else None
        return _with_lengths(cycle, _choose_days(row, said, alone), None, alone.seen)
    if first is not None:
        words.append(_describe("redemption", first))
        said = row.redemption if row.pending is not None else None
        cycle = _with_lengths(cycle, _choose_days(row, said, first), cycle.pending, first.seen)
    if last is not None:
        words.append(_describe("pending delete", last))
        pending = _choose_days(row, _whole_pending(row), last)
        pending = _subtract_days(pending, cycle.redemption) if row.pending_is_both else pending
        cycle = _with_lengths(cycle, cycle.redemption, pending, last.seen)
    return cycle


def _choose_days(row: Cycle, said: Days | None, learned: LearnedDays) -> Days:
    """The row's days where these observations, each of which leaves a day or two open, may all be of them; else the learned.

    Where a registry counts in hours, which days of the calendar these are says nothing new.
    """
    if said is None or not row.published:
        return learned.days
    within = learned.days.least <= said.least and said.most <= learned.days.most
    return said if (within and not learned.varies) or (row.exact and _holds(said, learned.days)) else learned.days


def _with_lengths(cycle: Cycle, redemption: Days, pending: Days | None, seen: int) -> Cycle:
    """The cycle with these lengths. Where that changes it, it is as sure as so many agreeing observations make it."""
    if cycle.published and (redemption, pending) == (cycle.redemption, cycle.pending):
        return replace(cycle, sure=max(cycle.sure, _sureness(seen)))
    return replace(cycle, redemption=redemption, pending=pending, published=True, sure=_sureness(seen))


def _take_hours(cycle: Cycle, seen: ObservedSuffix, words: list[str]) -> Cycle:
    if cycle.exact or cycle.month_end:
        return cycle
    hours, weekday = seen.learned_hours(), seen.learned_weekday()
    if hours is not None and not _covers(hours.window, cycle.window):
        words.append(f"purges seen {show_hours(hours.window)} UTC {hours.seen} times")
        cycle = replace(cycle, window=hours.window)
    if weekday is not None:
        words.append(f"on a {_show_weekday(weekday.days.least)} {weekday.seen} times")
        cycle = replace(cycle, weekday=weekday.days.least)
    return cycle


def _sureness(seen: int) -> float:
    """Of `seen` observations that agree the next one agrees with this probability (rule of succession)."""
    return round((seen + 1) / (seen + 2), 3)


def _pending_days(row: Cycle) -> Days | None:
    if row.pending is None or not row.pending_is_both:
        return row.pending
    return Days(row.pending.least, row.redemption.most + row.pending.most)


def _whole_pending(row: Cycle) -> Days | None:
    """The days of all that the registry calls pending delete."""
    if row.pending is None or not row.pending_is_both:
        return row.pending
    return Days(row.redemption.least + row.pending.least, row.redemption.most + row.pending.most)


def _subtract_days(whole: Days, part: Days) -> Days:
    return Days(max(0, whole.least - part.most), max(0, whole.most - part.least))


def _holds(said: Days | None, learned: Days) -> bool:
    """Whether the lengths that were seen lie within those of the row, give or take a day."""
    return said is not None and said.least - 1 <= learned.least and learned.most <= said.most + 1


def _covers(learned: tuple[int, int], said: tuple[int, int]) -> bool:
    """Whether the hours of the row lie within those that were learned, and say more."""
    into = (said[0] - learned[0]) % 1440
    return into + said[1] - said[0] <= learned[1] - learned[0]


def _is_outside(learned: tuple[int, int], said: tuple[int, int]) -> bool:
    """Whether the hours that were learned have nothing in common with those of the row."""
    later, earlier = (learned[0] - said[0]) % 1440, (said[0] - learned[0]) % 1440
    return later >= said[1] - said[0] and earlier >= learned[1] - learned[0]


def _describe(what: str, learned: LearnedDays) -> str:
    return f"{what} of {_show_days(learned.days)} seen {learned.seen} times"


def _show_days(days: Days | None) -> str:
    if days is None:
        return "none"
    if days.least == days.most:
        return f"{days.least} day{'' if days.least == 1 else 's'}"
    return f"{days.least} to {days.most} days"


def show_hours(window: tuple[int, int]) -> str:
    """Two minutes after midnight in words: "18:30 to 20:00"."""
    return " to ".join(map(_show_minutes, window))


def _show_minutes(at: int) -> str:
    hours, minutes = divmod(at % 1440, 60)
    return f"{hours:02}:{minutes:02}"


def _show_weekday(weekday: int | None) -> str:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return "any day" if weekday is None else days[weekday]
