"""The hours of the day in which registries delete names, and the days of their last phase: published, or as they were learned.

A window of several days is open in the hours alone. A look-up is one of a dictionary, so that a million names of some hundred
suffixes cost little; what is learned holds from the next look-up on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from common.core.builtin.lifecycles import ALL_DAY, Cycle, cycle_for

DAY = 86_400.0
#: Seconds around the hours, and around a window, in which a name is looked at as often as inside.
EDGE = 300.0


class Row(NamedTuple):
    """When the hours begin, in seconds after midnight UTC, and how many seconds they last; a day if unknown.

    `pending_days`: the least days of the pending delete that follows redemption; 0 where a name may drop from redemption.
    """

    start: float
    length: float
    pending_days: int


class DropHours:
    """The rows of all suffixes: those that were learned, else the published ones."""

    def __init__(self) -> None:
        self._learned: dict[str, Row] = {}

    def set_cycle(self, suffix: str, cycle: Cycle | None) -> None:
        """Take what was learned of a suffix; None where its published row holds."""
        if cycle is None:
            self._learned.pop(suffix, None)
        else:
            self._learned[suffix] = _make_row(cycle)

    def is_learned(self, suffix: str) -> bool:
        """Whether something is used that no published row says."""
        return suffix in self._learned

    def hours_of(self, suffix: str) -> tuple[float, float]:
        """When the hours of a registry begin, in seconds after midnight UTC, and how many seconds they last."""
        row = self._row_of(suffix)
        return row.start, row.length

    def pending_days(self, suffix: str) -> int:
        """The least days of the pending delete that follows redemption; 0 where a name may drop from redemption."""
        return self._row_of(suffix).pending_days

    def are_open(self, suffix: str, now: float) -> bool:
        """Whether names of a suffix may drop at this time of the day."""
        start, length = self.hours_of(suffix)
        return (now + EDGE - start) % DAY <= length + 2 * EDGE or length >= DAY

    def next_opening(self, suffix: str, earliest: float, latest: float, now: float) -> float:
        """When the window from `earliest` to `latest` opens next, in epoch seconds; infinity where it does not any more."""
        if earliest > now:
            return earliest
        start, length = self.hours_of(suffix)
        at = now // DAY * DAY + start
        at = at if at > now else at + DAY
        return at if at <= latest and length < DAY else float("inf")

    def _row_of(self, suffix: str) -> Row:
        return self._learned.get(suffix) or _published_row(suffix)


@lru_cache(maxsize=10_000)
def _published_row(suffix: str) -> Row:
    cycle = cycle_for(suffix)
    return Row(0.0, DAY, 0) if cycle is None else _make_row(cycle)


def _make_row(cycle: Cycle) -> Row:
    pending = 0 if cycle.pending is None or cycle.pending_is_both else cycle.pending.least
    if cycle.exact or cycle.month_end or cycle.window == ALL_DAY:
        return Row(0.0, DAY, pending)
    start, end = (minutes * 60.0 for minutes in cycle.window)
    return Row(start % DAY, min(DAY, end - start), pending)


#: Where nothing was learned.
PUBLISHED = DropHours()
