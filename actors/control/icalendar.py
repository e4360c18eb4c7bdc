"""iCalendar (RFC 5545): CRLF line ends, lines folded at 75 octets, text escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

#: Shortest entry in seconds: one that ends when it begins is refused by calendars.
SHORTEST = 60.0
#: When a calendar reminds of an entry, relative to its begin (RFC 5545, 3.8.6.3).
REMINDER = "-PT15M"
#: Longest line in octets, without its line end (RFC 5545, 3.1).
FOLD = 75
_LATEST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()


def calendar_head() -> bytes:
    """What comes before the entries."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Domain Monitor//drops//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Domain drops",
    )
    return b"".join(map(fold_line, lines))


def calendar_event(entry: Mapping[str, Any], now: float) -> bytes:
    """One entry, with a reminder: `uid`, `start` and `end` (epoch seconds), `summary`, `description`, `state` and `url`.

    `url` is that of the name's report, "" for none; it may hold no control characters.
    """
    summary = escape_text(entry["summary"])
    lines = (
        "BEGIN:VEVENT",
        f"UID:{escape_text(entry['uid'])}",
        f"DTSTAMP:{utc_stamp(now)}",
        f"DTSTART:{utc_stamp(entry['start'])}",
        f"DTEND:{utc_stamp(max(entry['end'], entry['start'] + SHORTEST))}",
        f"SUMMARY:{summary}",
        f"DESCRIPTION:{escape_text(entry['description'])}",
        f"CATEGORIES:{escape_text(entry['state'])}",
        *([f"URL:{entry['url']}"] if entry["url"] else []),
        "STATUS:TENTATIVE",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"TRIGGER:{REMINDER}",
        f"DESCRIPTION:{summary}",
        "END:VALARM",
        "END:VEVENT",
    )
    return b"".join(map(fold_line, lines))


def calendar_end() -> bytes:
    """What comes after the entries."""
    return fold_line("END:VCALENDAR")


def describe_window(earliest: float | None, likely: float | None, latest: float | None, p: float | None, reason: str) -> str:
    """When and how surely, for people."""
    parts = []
    if earliest is not None and latest is not None:
        parts.append(f"Between {_readable(earliest)} and {_readable(latest)}.")
    if likely is not None:
        parts.append(f"Most likely about {_readable(likely)}.")
    if p is not None:
        parts.append(f"Probability {p:.0%}.")
    if reason:
        parts.append(reason)
    return "\n".join(parts)


def utc_stamp(epoch: float) -> str:
    """Epoch seconds as a UTC date-time."""
    return f"{_moment(epoch):%Y%m%dT%H%M%SZ}"


def escape_text(text: str) -> str:
    """Text as a property value; control characters, which no value may hold, become spaces."""
    clean = "".join(char if char >= " " or char == "\n" else " " for char in text.replace("\r\n", "\n"))
    return clean.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold_line(line: str) -> bytes:
    """One content line: pieces of at most 75 octets, never cut inside a character."""
    pieces: list[bytes] = []
    piece = b""
    for char in line:
        octets = char.encode("utf-8", "replace")
        room = FOLD if not pieces else FOLD - 1  # continuation lines begin with a space
        if len(piece) + len(octets) > room:
            pieces.append(piece)
            piece = b""
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"


def _moment(epoch: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(max(epoch, 0.0), _LATEST))


def _readable(epoch: float) -> str:
    return f"{_moment(epoch):%Y-%m-%d %H:%M} UTC"
