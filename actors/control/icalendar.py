"""iCalendar (RFC 5545): CRLF line ends, lines folded at 75 octets, text escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

#: Seconds an entry covers: the window itself stands in its description.
LENGTH = 900
#: Longest line in octets, without its line end (RFC 5545, 3.1).
FOLD = 75
_LATEST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()


def head() -> bytes:
    """What comes before the entries."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Domain Monitor//drops//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Domain drops",
    )
    return b"".join(map(fold, lines))


def event(entry: Mapping[str, Any], now: float) -> bytes:
    """One entry: `uid`, `start` (epoch seconds), `summary`, `description` and `state`."""
    lines = (
        "BEGIN:VEVENT",
        f"UID:{escape(entry['uid'])}",
        f"DTSTAMP:{stamp(now)}",
        f"DTSTART:{stamp(entry['start'])}",
        f"DTEND:{stamp(entry['start'] + LENGTH)}",
        f"SUMMARY:{escape(entry['summary'])}",
        f"DESCRIPTION:{escape(entry['description'])}",
        f"CATEGORIES:{escape(entry['state'])}",
        "STATUS:TENTATIVE",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    )
    return b"".join(map(fold, lines))


def end() -> bytes:
    """What comes after the entries."""
    return fold("END:VCALENDAR")


def window(earliest: float | None, latest: float | None, p: float | None, reason: str) -> str:
    """When and how surely, for people."""
    parts = []
    if earliest is not None and latest is not None:
        parts.append(f"Between {_readable(earliest)} and {_readable(latest)}.")
    if p is not None:
        parts.append(f"Probability {p:.0%}.")
    if reason:
        parts.append(reason)
    return "\n".join(parts)


def stamp(epoch: float) -> str:
    """Epoch seconds as a UTC date-time."""
    return f"{_moment(epoch):%Y%m%dT%H%M%SZ}"


def escape(text: str) -> str:
    """Text as a property value; control characters, which no value may hold, become spaces."""
    clean = "".join(char if char >= " " or char == "\n" else " " for char in text.replace("\r\n", "\n"))
    return clean.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold(line: str) -> bytes:
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
