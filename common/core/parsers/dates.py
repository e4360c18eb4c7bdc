"""Parse the dates that registries print in WHOIS answers into ISO 8601 in UTC.

No two registries agree on a format and RFC 3912 fixes none, so a date is recognised by its shape: year first, month by name,
compact digits, or day and month as numbers. Only the last is ambiguous; the caller knows which family of servers prints it.
A clock time without a zone is taken as UTC: at most fourteen hours off, which no decision depends on.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

#: Longest text parsed, in characters: a date never needs more.
LIMIT = 80
#: The first domains date from 1985; registries print 2999-12-31 for names that never expire.
FIRST_YEAR, LAST_YEAR = 1980, 2999
#: Two-digit years from here on belong to the last century.
PIVOT = 70

#: Month by the first three letters, in English, Spanish, Portuguese, French, German, Italian and Dutch.
_MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "jan ene gen",
            "feb fev fév",
            "mar mär mrt",
            "apr abr avr",
            "may mai mag mei",
            "jun giu",
            "jul lug",
            "aug ago aoû",
            "sep set",
            "oct out okt ott",
            "nov",
            "dec dic dez déc",
        ),
        start=1,
    )
    for word in words.split()
} | {"juin": 6, "juil": 7}

#: Hours from UTC of the zone names seen in WHOIS answers. What is ambiguous or unknown counts as UTC.
_ZONES = {
    "z": 0.0, "utc": 0.0, "gmt": 0.0, "wet": 0.0, "bst": 1.0, "west": 1.0, "wat": 1.0, "cet": 1.0, "met": 1.0, "cest": 2.0,
    "mest": 2.0, "cat": 2.0, "sast": 2.0, "eet": 2.0, "eest": 3.0, "eat": 3.0, "msk": 3.0, "msd": 4.0, "trt": 3.0, "irst": 3.5,
    "pkt": 5.0, "ict": 7.0, "wib": 7.0, "hkt": 8.0, "sgt": 8.0, "myt": 8.0, "awst": 8.0, "jst": 9.0, "kst": 9.0, "aest": 10.0,
    "aedt": 11.0, "nzst": 12.0, "nzdt": 13.0, "brt": -3.0, "brst": -2.0, "art": -3.0, "clt": -4.0, "clst": -3.0, "uyt": -3.0,
    "vet": -4.0, "est": -5.0, "edt": -4.0, "cdt": -5.0, "mst": -7.0, "mdt": -6.0, "pst": -8.0, "pdt": -7.0,
}  # fmt: skip

_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?([Zz])?)?")
_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|2\d)\d\d)(?:[-./年] ?| )(\d{1,2})(?:[-./月] ?| )(\d{1,2})(?!\d)")
_YEAR_NAME = re.compile(r"(?<!\d)((?:19|2\d)\d\d)[-. ]([^\W\d_]{3,9})[-. ](\d{1,2})(?!\d)")
_COMPACT = re.compile(r"(?<!\w)((?:19|2\d)\d\d)([01]\d)([0-3]\d)(?:[T ]?([0-2]\d)([0-5]\d)([0-5]\d)Z?)?(?![\d-])")
_DAY_NAME = re.compile(r"(?<![\d:])(\d{1,2})(?:st|nd|rd|th|\.)?[-./, ]{1,3}([^\W\d_]{3,9})\.?[-./, ]{1,3}(\d{4}|\d\d)(?![\d:])")
_NAME_DAY = re.compile(r"(?<![^\W\d_])([^\W\d_]{3,9})\.?[- ]{1,3}(\d{1,2})(?:st|nd|rd|th)?(?![\d:])")
_YEAR = re.compile(r"(?<![\d:])((?:19|2\d)\d\d)(?![\d:])")
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})([-./]) ?(\d{1,2})\2 ?(\d{4}|\d\d)(?!\d)")
_MONTH_ONLY = re.compile(r"(?:before )?([^\W\d_]{3,9})[- ]((?:19|2\d)\d\d)")
_CLOCK = re.compile(r"(?<!\d)([0-2]?\d):([0-5]\d)(?::([0-5]\d))?(?:[.,]\d{1,9})?(?: ?([apAP])[mM]\b)?")
_ZONE = re.compile(r" ?\(?([A-Za-z]{1,5})?(?: ?\(?(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?(?!\d))?")


def parse_date(text: str, *, day_first: bool | None = None) -> str | None:
    """Parse a date into "2027-01-31T00:00:00Z", or "2027-01-31" where only a day is given; None where there is no date.

    `day_first` decides what "03/04/2020" means; None reads the day first unless it would be a 13th month or later.
    "before Aug-1996" becomes the first day of that month. Total.
    """
    text = " ".join(text[:LIMIT].split())
    plain = _RFC3339.fullmatch(text)
    if plain is not None:
        year, month, day, hour, minute, second, _ = plain.groups()
        return _format_iso((int(year), int(month), int(day)), (int(hour), int(minute), int(second)) if hour else None, 0.0)
    found = _find_day(text, day_first=day_first)
    if found is None:
        return None
    date, clock = found
    if clock is not None:
        return _format_iso(date, clock, 0.0)
    match = _CLOCK.search(text)
    if match is None:
        return _format_iso(date, None, 0.0)
    hour = int(match[1]) % 12 + 12 * (match[4].lower() == "p") if match[4] else int(match[1])
    return _format_iso(date, (hour, int(match[2]), int(match[3] or 0)), _parse_utc_offset(text[match.end() :]))


def parse_printed_day(text: str, *, day_first: bool | None = None) -> str | None:
    """The calendar day of a date, "2027-01-31", as printed: neither clock time nor zone shift it. None where there is none."""
    found = _find_day(" ".join(text[:LIMIT].split()), day_first=day_first)
    return None if found is None else _format_iso(found[0], None, 0.0)


def iso_to_epoch(iso: str) -> float | None:
    """Epoch seconds of an ISO 8601 text such as `parse_date` returns, None for any other; a bare day counts from 00:00 UTC."""
    try:
        at = datetime.fromisoformat(iso[:LIMIT])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


_Day = tuple[int, int, int]
_Clock = tuple[int, int, int]


def _find_day(text: str, *, day_first: bool | None) -> tuple[_Day, _Clock | None] | None:
    if match := _YEAR_FIRST.search(text):
        return (int(match[1]), int(match[2]), int(match[3])), None
    if match := _COMPACT.search(text):
        clock = (int(match[4]), int(match[5]), int(match[6])) if match[4] else None
        return (int(match[1]), int(match[2]), int(match[3])), clock
    named = _find_day_with_month_name(text)
    if named is not None:
        return named, None
    if match := _NUMBERS.search(text):
        return (_full_year(match[4]), *_order_month_and_day(int(match[1]), int(match[3]), day_first=day_first)), None
    if (match := _MONTH_ONLY.fullmatch(text)) and (month := _month_number(match[1])):
        return (int(match[2]), month, 1), None
    return None


def _find_day_with_month_name(text: str) -> _Day | None:
    """A date whose month is a word."""
    for match in _DAY_NAME.finditer(text):
        if month := _month_number(match[2]):
            return _full_year(match[3]), month, int(match[1])
    if (match_ := _YEAR_NAME.search(text)) and (month := _month_number(match_[2])):
        return int(match_[1]), month, int(match_[3])
    year = _YEAR.search(text)
    if year is not None:
        for match in _NAME_DAY.finditer(text):
            if month := _month_number(match[1]):
                return int(year[1]), month, int(match[2])
    return None


def _order_month_and_day(first: int, second: int, *, day_first: bool | None) -> tuple[int, int]:
    """(month, day) of two numbers."""
    if first > 12 or (second <= 12 and day_first is not False):
        return second, first
    return first, second


def _month_number(word: str) -> int | None:
    low = word.lower()
    return _MONTHS.get(low[:4]) or _MONTHS.get(low[:3])


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= PIVOT else 2000)


def _parse_utc_offset(tail: str) -> float:
    """Hours from UTC that the text after a clock time names; 0 where it names none."""
    match = _ZONE.match(tail)
    if match is None:
        return 0.0
    if match[2]:
        hours = int(match[3]) + int(match[4] or 0) / 60
        return hours if match[2] == "+" else -hours
    return _ZONES.get((match[1] or "").lower(), 0.0)


def _format_iso(date: _Day, clock: _Clock | None, offset: float) -> str | None:
    if not FIRST_YEAR <= date[0] <= LAST_YEAR:
        return None
    try:
        if clock is None or clock[0] > 23 or clock[2] > 59:
            return datetime(*date, tzinfo=UTC).strftime("%Y-%m-%d")
        zone = timezone(timedelta(hours=offset)) if -24 < offset < 24 else UTC
        at = datetime(*date, *clock, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
