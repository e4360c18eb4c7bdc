"""The hours of the day in which a registry deletes names: a window of several days is open in these alone."""

from __future__ import annotations

from functools import lru_cache

from common.core.builtin.lifecycles import ALL_DAY, cycle_for

DAY = 86_400.0
#: Seconds around the hours, and around a window, in which a name is looked at as often as inside.
EDGE = 300.0


@lru_cache(maxsize=10_000)
def drop_hours(suffix: str) -> tuple[float, float]:
    """When the hours of a registry begin, in seconds after midnight UTC, and how many seconds they last; a day if unknown."""
    cycle = cycle_for(suffix)
    if cycle is None or cycle.exact or cycle.month_end or cycle.window == ALL_DAY:
        return 0.0, DAY
    start, end = (minutes * 60.0 for minutes in cycle.window)
    return start % DAY, min(DAY, end - start)


def are_hours_open(suffix: str, now: float) -> bool:
    """Whether names of a suffix may drop at this time of the day."""
    start, length = drop_hours(suffix)
    return (now + EDGE - start) % DAY <= length + 2 * EDGE or length >= DAY


def next_opening(suffix: str, earliest: float, latest: float, now: float) -> float:
    """When the window from `earliest` to `latest` opens next, in epoch seconds; infinity where it does not any more."""
    if earliest > now:
        return earliest
    start, length = drop_hours(suffix)
    at = now // DAY * DAY + start
    at = at if at > now else at + DAY
    return at if at <= latest and length < DAY else float("inf")
