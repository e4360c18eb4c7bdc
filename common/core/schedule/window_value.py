"""How the looks that a registry allows are shared by names inside their drop windows: where one more is worth most.

A look every `s` seconds finds a drop s/2 seconds late on average. Over several names the sum of density x worth x delay is
least, for a given number of queries, where each is looked at in proportion to the square root of density x worth: the density
is the probability of a drop in the window over its width. A share is a `level`, in queries per second and unit of weight.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.core.model.ids import Times
from common.core.schedule.calm import PRIORITY
from common.core.schedule.drop_hours import EDGE

DAY = 86_400.0
#: Fewest seconds between looks at one name, and most looks that a window of up to two days is worth, and a wider one.
FINEST, MOST_LOOKS, MOST_WIDE = 5.0, 8640, 720
#: Width in seconds above which a window says little until its last day.
WIDE = 2 * DAY
#: Least width of a window in seconds, and the probability of a drop in it at least, for its weight: forecasts are no certainty.
NARROWEST, LEAST_CHANCE = 600.0, 0.02
#: Share of the looks at a name that are kept for other hours of its day than those that were learned, where they may be wrong,
#: and how many seconds there are between two of them at least, where the base interval is not shorter.
OFF_HOURS, OFF_STEP = 0.2, 3600.0
#: Part of a day by which a window is wider than it should be where its bounds are rounded.
SLACK = 0.01


class Windows(NamedTuple):
    """Drop windows, one place a name: `earliest` and `latest` in epoch seconds.

    One that is longer than `length` seconds is open every day from `start` (seconds after midnight UTC) on for so many seconds
    (`drop_hours`).
    """

    earliest: Times
    latest: Times
    start: Times
    length: Times

    def widths(self) -> Times:
        """For how many seconds each window is open."""
        days = np.ceil((self.latest - self.earliest) / DAY - SLACK)
        found: Times = np.where(self._have_hours(), np.maximum(1.0, days) * self.length, self.latest - self.earliest)
        return found

    def are_open(self, now: float) -> NDArray[np.bool_]:
        """Which windows are open now, or nearly."""
        hours = (now + EDGE - self.start) % DAY <= self.length + 2 * EDGE
        found: NDArray[np.bool_] = (self.earliest - EDGE <= now) & (now <= self.latest + EDGE) & (hours | ~self._have_hours())
        return found

    def open_today(self, now: float) -> Times:
        """For how many seconds names are still looked at inside each window until midnight UTC, the edges included."""
        midnight, have_hours = now // DAY * DAY + DAY, self._have_hours()
        begin, end = np.maximum(self.earliest - EDGE, now), np.minimum(self.latest + EDGE, midnight)
        found: Times = np.zeros_like(self.earliest)
        for day in (midnight - 2 * DAY, midnight - DAY):  # hours may reach over midnight
            first = np.where(have_hours, np.maximum(begin, day + self.start - EDGE), begin)
            last = np.where(have_hours, np.minimum(end, day + self.start + self.length + EDGE), end)
            found = found + np.maximum(0.0, last - first) * (have_hours | (day == midnight - DAY))
        return found

    def off_hours_today(self, now: float) -> Times:
        """For how many seconds of the rest of the day, UTC, each window that has this day is not open."""
        midnight = now // DAY * DAY + DAY
        half = self.length / 2  # hours may reach over midnight: the day of their middle counts
        has_day = (self.earliest + half < midnight) & (self.latest - half >= midnight - DAY)
        found: Times = np.where(has_day, np.maximum(0.0, midnight - now - self.open_today(now)), 0.0)
        return found

    def _have_hours(self) -> NDArray[np.bool_]:
        """Which windows are longer than the hours of their registry, and open in these alone; others say themselves when."""
        found: NDArray[np.bool_] = (self.length < DAY) & (self.latest - self.earliest > self.length + SLACK * DAY)
        return found


def weigh_windows(windows: Windows, chance: Times, urgent: NDArray[np.bool_]) -> Times:
    """The weight of a look at each of these names: the square root of the probability of its drop per second, by its worth."""
    width = np.maximum(windows.widths(), NARROWEST)
    return np.sqrt(np.maximum(chance, LEAST_CHANCE) * np.where(urgent, PRIORITY, 1.0) / width)


def finest_steps(windows: Windows, now: float) -> Times:
    """Fewest seconds between looks at each of these names, however much its registry allows."""
    width = windows.widths()
    wide = (width > WIDE) & (now < windows.latest - DAY)
    return np.maximum(FINEST, np.where(wide, width / MOST_WIDE, np.minimum(width, WIDE) / MOST_LOOKS))


def off_hours_ratios(length: Times) -> Times:
    """The weight of a look outside of hours of so many seconds, by that of one inside: `OFF_HOURS` of the looks lie there."""
    found: Times = OFF_HOURS / (1.0 - OFF_HOURS) * length / np.maximum(1.0, DAY - length)
    return found


def find_level(weights: Times, most: Times, times: Times, budget: float) -> float:
    """The level at which these names together take `budget` queries; infinity where they take less at their finest steps.

    A name of weight w takes min(level x w, most) queries a second, for so many `times` seconds (1.0 for a budget per second).
    """
    used = (times > 0) & (weights > 0)
    if not used.any() or budget == float("inf"):
        return float("inf")
    if budget <= 0:
        return 0.0
    weights, most, times = weights[used], most[used], times[used]
    edges = most / weights  # the level from which each takes no more
    order = np.argsort(edges)
    capped = np.concatenate(([0.0], np.cumsum((most * times)[order])[:-1]))
    rest = np.cumsum((weights * times)[order][::-1])[::-1]
    reached = np.flatnonzero(capped + edges[order] * rest >= budget)
    return float((budget - capped[reached[0]]) / rest[reached[0]]) if len(reached) else float("inf")


def step_at(level: float, weight: float, finest: float) -> float:
    """Seconds between looks at a name of this weight; infinity where the level is 0."""
    return max(finest, 1.0 / (level * weight)) if level > 0 else float("inf")
