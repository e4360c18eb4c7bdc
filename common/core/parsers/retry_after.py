"""Parse the `Retry-After` field (RFC 9110 section 10.2.3): seconds to wait, or the date after which to retry."""

from __future__ import annotations

import re
from datetime import UTC, datetime

#: Bounds of the wait, in seconds: below is impolite, above is a mistake of the server.
SHORTEST, LONGEST = 1.0, 86_400.0

_DELTA = re.compile(r"\d{1,15}(?:\.\d{1,6})?", re.ASCII)
_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_IMF = re.compile(r"[a-z]{3}, (\d\d) ([a-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) gmt", re.ASCII)
_RFC850 = re.compile(r"[a-z]{6,9}, (\d\d)-([a-z]{3})-(\d\d) (\d\d):(\d\d):(\d\d) gmt", re.ASCII)
_ASCTIME = re.compile(r"[a-z]{3} ([a-z]{3}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})", re.ASCII)


def parse_retry_after(value: str | None, now: float | None) -> float | None:
    """Seconds to wait from `now` (epoch seconds), cut to 1 s..24 h. None where absent, garbage, or a date without `now`."""
    if value is None:
        return None
    text = value.strip()[:64].lower()
    if _DELTA.fullmatch(text):
        return _clamp_wait(float(text))
    date = parse_http_date(text)
    if date is None or now is None:
        return None
    return _clamp_wait(date - now)


def parse_http_date(text: str) -> float | None:
    """An HTTP-date in any of its three forms (RFC 9110 section 5.6.7) as epoch seconds; None where it is none."""
    text = text.strip().lower()
    if m := _IMF.fullmatch(text) or _RFC850.fullmatch(text):
        day, month, year, hour, minute, second = m.groups()
    elif m := _ASCTIME.fullmatch(text):
        month, day, hour, minute, second, year = m.groups()
    else:
        return None
    # A two-digit year: the header speaks of the near future or past, so the current century is meant.
    number = int(year) + (2000 if len(year) == 2 else 0)
    try:
        moment = datetime(number, _MONTHS.index(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _clamp_wait(seconds: float) -> float:
    return min(max(seconds, SHORTEST), LONGEST)
