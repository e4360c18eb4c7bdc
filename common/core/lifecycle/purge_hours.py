"""At which hours of the day a registry purges names, from purges of which each is known to lie between two looks.

The hours are the smallest span of the day that has a moment of each of these purges, whatever looks they are known from; one in
ten may lie elsewhere, but for the newest: whatever falls outside widens the hours at once, until later ones agree again. On
both sides stands a margin: a quarter of an hour, and what so few purges leave open, known as roughly as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, sqrt
from typing import NamedTuple

from common.core.lifecycle.agreement import Agreed, Bounds, find_range

DAY = 86_400.0
#: Purges from which on hours are learned. So many of them have to be known to `SHARP` seconds.
ENOUGH, SHARP = 5, DAY / 4
#: Of so many purges one may lie elsewhere, more than twice as far off as all others; of the newest ones none may.
ONE_IN, NEWEST = 10, 3
#: Purges that all lie elsewhere than those before them, within so many seconds of the day: the registry has another hour now.
MOVED, MOVED_WITHIN = 7, 4 * 3600.0
#: Least margin on each side, the grid that hours are rounded to, and most seconds that they may cover to say something.
MARGIN, GRID, WIDEST = 900.0, 300.0, 9 * 3600.0


class Purge(NamedTuple):
    """A name was found purged at `since`, in whole epoch seconds, `width` seconds after it was last seen."""

    since: int
    width: int

    @property
    def after(self) -> int:
        """When it was last seen."""
        return self.since - self.width


class LearnedHours(NamedTuple):
    """First and last minute of a release after midnight UTC, from `seen` purges.

    That is the midnight of the day of most purges: hours may begin before it (below 0) and end on the day after (above 1440).
    """

    window: tuple[int, int]
    seen: int


def learn_hours(purges: Sequence[Purge]) -> LearnedHours | None:
    """The hours of these purges, the oldest first; None while too few agree."""
    if sum(purge.width <= SHARP for purge in purges) < ENOUGH:
        return None
    centre = _find_centre(purges)
    kept = _leave_out(purges, centre)
    if sum(purge.width <= SHARP for purge in kept) < ENOUGH:
        return None
    found = find_range([_place(purge, centre) for purge in kept])
    margin = _margin_of(kept, found)
    first = floor((centre + found.low - margin) / GRID) * GRID
    length = ceil((centre + found.high + margin - first) / GRID) * GRID
    if length > WIDEST:
        return None
    start = int(first // 60)
    return LearnedHours((start, start + int(length // 60)), len(kept))


def have_moved(purges: Sequence[Purge]) -> bool:
    """Whether the newest purges share hours that have nothing in common with those before: the registry changed its hour."""
    before, newest = purges[:-MOVED], purges[-MOVED:]
    if learn_hours(before) is None:
        return False
    centre = _find_centre(before)
    old = find_range([_place(purge, centre) for purge in _leave_out(before, centre)])
    place = _find_centre(newest)
    new = find_range([_place(purge, place) for purge in newest])
    apart = (place + new.low - centre - old.low) % DAY  # how much later the new hours begin than the old ones
    return new.high - new.low <= MOVED_WITHIN and old.high - old.low < apart and apart + new.high - new.low < DAY


def _margin_of(purges: Sequence[Purge], found: Agreed) -> float:
    """Seconds on each side of the hours of these purges.

    Known to `width` each, n of them leave about width / sqrt(n) open; and others may go beyond the first and the last of them
    by as much as there is between two.
    """
    widths = sorted(purge.width for purge in purges)
    gap = (found.high - found.low) / (len(purges) - 1) if found.varies else 0.0
    return MARGIN + widths[len(widths) // 2] / sqrt(len(purges)) + gap


def _find_centre(purges: Sequence[Purge]) -> float:
    """The time of the day, in seconds after midnight, at which most of these purges may have been."""
    best, centre = 0, 0.0
    for purge in purges:
        begin = purge.after
        left = [one.width - into for one in purges if (into := (begin - one.after) % DAY) <= one.width]
        if len(left) > best:
            best, centre = len(left), (begin + min(left) / 2) % DAY
    return centre


def _place(purge: Purge, centre: float) -> Bounds:
    """When a purge was, in seconds after this time of the day: on the day on which it is nearest to it."""
    begin = (purge.after - centre) % DAY
    found = (Bounds(begin, begin + purge.width), Bounds(begin - DAY, begin - DAY + purge.width))
    return min(found, key=lambda bounds: bounds.distance(0.0))


def _leave_out(purges: Sequence[Purge], centre: float) -> list[Purge]:
    """These purges without those that lie far from this time of the day, one in ten at most; the newest stay."""
    older, newest = purges[:-NEWEST], purges[-NEWEST:]
    away = sorted(_place(purge, centre).distance(0.0) for purge in older)
    reach = 2 * away[-1 - len(purges) // ONE_IN] + MARGIN
    return [*(purge for purge in older if _place(purge, centre).distance(0.0) <= reach), *newest]
