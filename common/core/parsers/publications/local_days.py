"""Local days of registries without a time zone database: an offset, and the summer time of the European Union."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from common.core.model.publication import Publication

_HOUR = 3600.0


def local_day(publication: Publication, at: float) -> date:
    """The day of a registry at a time in epoch seconds."""
    return (datetime.fromtimestamp(at, UTC) + timedelta(seconds=_offset(publication, at))).date()


def release_start(publication: Publication, day: date) -> float:
    """When names that are listed for a day are released at the earliest, in epoch seconds."""
    return local_moment(publication, day, publication.at_minute * 60.0)


def local_moment(publication: Publication, day: date, second: float) -> float:
    """The local time `second` (after midnight) of a day, in epoch seconds."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + second
    return at - _offset(publication, at - publication.offset * 60.0)


def _offset(publication: Publication, at: float) -> float:
    """Seconds by which local time is ahead of UTC."""
    return publication.offset * 60.0 + (_HOUR if publication.summer and is_summer_time(at) else 0.0)


def is_summer_time(at: float) -> bool:
    """Whether the summer time of the European Union is in force (Directive 2000/84/EC): last Sundays of March and October."""
    year = datetime.fromtimestamp(at, UTC).year
    return _last_sunday(year, 3) <= at < _last_sunday(year, 10)


def _last_sunday(year: int, month: int) -> float:
    """01:00 UTC on the last Sunday of a month of 31 days, in epoch seconds."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return (last - timedelta(days=(last.weekday() + 1) % 7)).timestamp()
