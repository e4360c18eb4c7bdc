"""Dates of RDAP and JSON interfaces: RFC 3339, as strictly as servers keep to it.

Seen in the wild and accepted: no zone (taken as UTC), "+0000" without a colon, a blank instead of T, a day without time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,12})?)? ?(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII,
)


def moment(text: object) -> str | None:
    """The instant in UTC, "2027-01-31T00:00:00Z" or "2027-01-31" where no time is given; None for anything else.

    Leap seconds count as second 59. Total: any object gives an answer.
    """
    if not isinstance(text, str) or not (m := _FORM.fullmatch(text.strip()[:64])):
        return None
    year, month, day, hour, minute, second, _utc, sign, zone_hours, zone_minutes = m.groups()
    try:
        if hour is None:
            return datetime(int(year), int(month), int(day), tzinfo=UTC).strftime("%Y-%m-%d").zfill(10)
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC)
        if sign:
            shift = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
            at = at - shift if sign == "+" else at + shift
    except (ValueError, OverflowError):
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


def epoch(text: object) -> float | None:
    """The same instant in epoch seconds; a day counts from its beginning in UTC."""
    iso = moment(text)
    if iso is None:
        return None
    return datetime.fromisoformat(iso if len(iso) > 10 else f"{iso}T00:00:00Z").timestamp()
