"""When a publication is read: soon after it is renewed, never more often than its least interval, more rarely after errors."""

from __future__ import annotations

from typing import NamedTuple

from common.core.model.publication import Publication

DAY = 86_400.0
#: A reading begins up to so many seconds after the hour of renewal: not all readers of a list come at once.
SPREAD = 1800.0
#: Share of the interval by which readings without an hour are spread.
JITTER = 0.1
#: Seconds until the next try after the first error; they double with each, up to the longest.
FIRST_RETRY, LONGEST_RETRY = 300.0, 6 * 3600.0
#: Seconds over which the first readings after a start are spread.
FIRST_SPREAD = 60.0


class LastReading(NamedTuple):
    """How readings went: when the last one began (epoch seconds), and how many have failed in a row."""

    checked_at: float
    failures: int = 0


def next_reading_at(publication: Publication, last: LastReading | None, now: float, rng_unit: float) -> float:
    """When to read a publication next, in epoch seconds; at once (but spread) where it was never read.

    `rng_unit` is a random number in [0, 1). After an error it is tried again sooner than its interval, but the wait doubles
    with each error in a row.
    """
    if last is None:
        return now + FIRST_SPREAD * rng_unit
    if last.failures:
        wait = min(FIRST_RETRY * 2.0 ** min(last.failures - 1, 16), LONGEST_RETRY)
        return last.checked_at + wait * (1.0 + JITTER * rng_unit)
    earliest = last.checked_at + publication.every
    if publication.hour is None or publication.every < DAY:
        return earliest + publication.every * JITTER * rng_unit
    return _next_renewal(publication.hour * 60.0, earliest - SPREAD) + SPREAD * rng_unit


def _next_renewal(second: float, after: float) -> float:
    """The first time of day `second` (after midnight UTC) at or after `after`, in epoch seconds."""
    at = after - after % DAY + second
    return at if at >= after else at + DAY
