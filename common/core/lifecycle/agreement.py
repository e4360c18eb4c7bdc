"""What uncertain observations agree on: each says no more than that a value lies between two bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Bounds(NamedTuple):
    """A value that is known to be at least `low` and at most `high`."""

    low: float
    high: float

    def distance(self, value: float) -> float:
        """How far a value is from the bounds; 0 between them."""
        return max(self.low - value, value - self.high, 0.0)


class Agreed(NamedTuple):
    """A range that has a value of each of several bounds.

    `varies`: no value lies in all of them, so they are of values that differ, from `low` to `high`. Otherwise one value may
    have been seen each time, and lies somewhere in the range.
    """

    low: float
    high: float
    varies: bool


def find_commonest(bounds: Sequence[Bounds]) -> float:
    """The value that lies in most of these bounds, in the middle of what those have in common. There has to be one of them."""
    best, middle = 0, 0.0
    for low, _ in bounds:
        ends = [one.high for one in bounds if one.low <= low <= one.high]
        if len(ends) > best:
            best, middle = len(ends), (low + min(ends)) / 2
    return middle


def find_range(bounds: Sequence[Bounds]) -> Agreed:
    """The smallest range that has a value of all these bounds; where one value lies in all of them, all such values."""
    first_end, last_begin = min(one.high for one in bounds), max(one.low for one in bounds)
    return Agreed(min(first_end, last_begin), max(first_end, last_begin), first_end < last_begin)
