"""Times in publications: an instant, a local time, or a day on which names are released at the registry's hour."""

from __future__ import annotations

import re
from datetime import date, timedelta

from common.core.model.publication import Publication
from common.core.parsers.dates import iso_to_epoch
from common.core.parsers.publications.listed_names import FURTHEST
from common.core.parsers.publications.local_days import local_day, local_moment, release_start

_TIME = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ](\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def read_time(publication: Publication, text: str, read_at: float) -> float | None:
    """A stated time of release in epoch seconds; None for what is no time, or lies over a year from the reading.

    Without a zone it is local time, and without an hour the release of that day begins at the registry's hour.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    if zone is None:
        clock = None if hour is None else (int(hour), int(minute), int(second or 0))
        at = _local_time(publication, (int(year), int(month), int(day)), clock)
    else:
        mark = "Z" if zone == "Z" else f"{zone[:3]}:{zone[-2:]}"
        at = iso_to_epoch(f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second or '00'}{mark}")
    return at if at is not None and abs(at - read_at) <= FURTHEST else None


def release_of_reading(publication: Publication, read_at: float) -> float | None:
    """When the names of a list without dates are released, by the day of the reading; None where that says nothing."""
    if publication.days_ahead is None:
        return None
    return release_start(publication, local_day(publication, read_at) + timedelta(days=publication.days_ahead))


def _local_time(publication: Publication, day: tuple[int, int, int], clock: tuple[int, int, int] | None) -> float | None:
    try:
        if clock is None:
            return release_start(publication, date(*day))
        hour, minute, second = clock
        if hour > 24 or minute > 59 or second > 60:
            return None
        return local_moment(publication, date(*day), hour * 3600.0 + minute * 60.0 + second)
    except ValueError:
        return None
