"""Parse the dates of RDAP and JSON interfaces: RFC 3339, and the deviations that servers send.

Accepted besides: no zone (taken as UTC), "+0000" without a colon, a blank instead of T, a day without time, and the forms of
WHOIS servers, unless they leave open which number is the month.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from common.core.parsers.dates import parse_date, parse_printed_day

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,12})?)? ?(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII,
)
#: Longest text parsed, in characters.
_LIMIT = 64
#: What every form of a date contains; a bare number is no date.
_DATED = re.compile(r"\d{4}\D|\D\d{4}|^(?:19|20)\d{6}(?:\d{6})?$", re.ASCII)
_MIDNIGHT = re.compile(r"(?<![:\d])(?:0|00|24):00(?::00(?:[.,]0{1,12})?)?(?![:\d])", re.ASCII)
_RFC_ZONE = re.compile(r"(?:[Zz]|\d[+-]\d\d:\d\d)$", re.ASCII)


def parse_rfc3339(text: object) -> str | None:
    """The instant in UTC, "2027-01-31T00:00:00Z" or "2027-01-31" where no time is given; None for anything else. Total.

    Leap seconds count as second 59. Midnight in a zone that is not written as in RFC 3339 ("+08", "CST") is a day of the
    registry's calendar without a time, and is returned as that day.
    """
    if not isinstance(text, str):
        return None
    if not (m := _FORM.fullmatch(text.strip()[:_LIMIT])):
        return _parse_other_form(text.strip()) if len(text) <= _LIMIT else None
    year, month, day, hour, minute, second, _utc, sign, zone_hours, zone_minutes = m.groups()
    try:
        if hour is None or (sign and _MIDNIGHT.search(text) and not _RFC_ZONE.search(text.strip())):
            return datetime(int(year), int(month), int(day), tzinfo=UTC).strftime("%Y-%m-%d").zfill(10)
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC)
        if sign:
            shift = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
            at = at - shift if sign == "+" else at + shift
    except (ValueError, OverflowError):
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


def _parse_other_form(text: str) -> str | None:
    """A date in another form than RFC 3339's; None where it is ambiguous which number is the month."""
    dotted = text.count(".") >= 2  # always the day first
    found = parse_date(text, day_first=True)
    if found is None or not _DATED.search(text) or (not dotted and found != parse_date(text, day_first=False)):
        return None
    return parse_printed_day(text, day_first=True) if _MIDNIGHT.search(text) else found


def rfc3339_to_epoch(text: object) -> float | None:
    """Like `parse_rfc3339`, in epoch seconds; a day counts from its beginning in UTC."""
    iso = parse_rfc3339(text)
    if iso is None:
        return None
    return datetime.fromisoformat(iso if len(iso) > 10 else f"{iso}T00:00:00Z").timestamp()
