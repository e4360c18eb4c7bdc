"""What was seen of each registry's life cycle: how long its phases last, and at which hours it purges names.

Only what is known closely counts: a phase between two changes that are each known to a quarter of a day, a purge that is known
to half an hour. A figure is learned from `ENOUGH` observations of which `AGREE` agree; it then takes the place of the row's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from common.core.builtin.lifecycles import Days

DAY = 86_400.0
#: Observations from which on a figure is learned, and the share of them that has to agree with it.
ENOUGH, AGREE = 5, 0.8
#: Longest uncertainty in seconds of a change of phase that counts for a length, and of a purge that counts for the hour.
CLOSE, SHARP = DAY / 4, 1800.0
#: Lengths kept of one phase, the newest; purges after which the older half of them is forgotten; suffixes.
LENGTHS, PURGES, SUFFIXES = 32, 400, 500
#: Half hours of a day, and most of them that a window of release may cover to say something.
SLOTS, WIDEST = 48, 24
#: Purges from which on a weekday is learned, which all of them have to share.
WEEKDAY_ENOUGH = 10

#: The lengths that are kept: of redemption up to pending delete or up to the purge, of pending delete.
REDEMPTION, REDEMPTION_ALONE, PENDING_DELETE = "redemption", "redemption_alone", "pending_delete"


class LearnedDays(NamedTuple):
    """A length in days that `seen` observations agree on."""

    days: Days
    seen: int


class LearnedHours(NamedTuple):
    """First and last minute of a release after midnight UTC, from `seen` purges; above 1440 on the day after."""

    window: tuple[int, int]
    seen: int


class ObservedSuffix(Struct, array_like=True):
    """What was seen of one suffix, stored as an array: new fields come last. `slots`: purges by half hour after midnight."""

    lengths: dict[str, list[int]] = field(default_factory=dict)
    slots: dict[int, int] = field(default_factory=dict)
    weekdays: dict[int, int] = field(default_factory=dict)  # Monday is 0
    blurred: int = 0  # purges that are known less closely
    newest: float = 0.0  # when something was last seen, in epoch seconds

    def add_length(self, span: str, days: int, now: float) -> None:
        """Count one length of a phase, in days."""
        self.lengths[span] = [*self.lengths.get(span, []), days][-LENGTHS:]
        self.newest = now

    def add_purge(self, after: float, since: float) -> None:
        """Count a purge between two times."""
        self.newest = since
        if since - after > SHARP:
            self.blurred += 1
        else:
            middle = (after + since) / 2
            slot, weekday = int(middle % DAY // 1800), int(middle // DAY + 3) % 7
            self.slots[slot] = self.slots.get(slot, 0) + 1
            self.weekdays[weekday] = self.weekdays.get(weekday, 0) + 1
        if self.blurred + sum(self.slots.values()) > PURGES:
            self.blurred //= 2
            self.slots, self.weekdays = _halve(self.slots), _halve(self.weekdays)

    def learned_days(self, span: str) -> LearnedDays | None:
        """How long a phase lasts, in days; None while too few observations agree."""
        lengths = sorted(self.lengths.get(span, []))
        if not lengths:
            return None
        middle = lengths[len(lengths) // 2]
        agreeing = [days for days in lengths if abs(days - middle) <= 1]
        if len(agreeing) < ENOUGH or len(agreeing) < AGREE * len(lengths):
            return None
        return LearnedDays(Days(agreeing[0], agreeing[-1]), len(agreeing))

    def learned_hours(self) -> LearnedHours | None:
        """At which minutes of the day names are purged, half an hour added on both sides; None while that is not known.

        Purges outside the hours that are expected are seen less closely: where most are known only roughly, nothing is learned.
        """
        seen = sum(self.slots.values())
        if seen < ENOUGH or self.blurred > seen:
            return None
        wanted = seen if seen < 2 * ENOUGH else 0.9 * seen
        width, start = min((self._find_width(slot, wanted), slot) for slot in self.slots)
        return LearnedHours(((start - 1) * 30, (start + width + 1) * 30), seen) if width <= WIDEST else None

    def learned_weekday(self) -> LearnedDays | None:
        """The weekday of all purges (Monday is 0), as a range of one; None where they differ or are too few."""
        if len(self.weekdays) != 1:
            return None
        ((weekday, seen),) = self.weekdays.items()
        return LearnedDays(Days(weekday, weekday), seen) if seen >= WEEKDAY_ENOUGH else None

    def join_other(self, other: ObservedSuffix) -> None:
        """Add what was seen elsewhere."""
        for span, lengths in other.lengths.items():
            self.lengths[span] = [*self.lengths.get(span, []), *lengths][-LENGTHS:]
        for mine, theirs in ((self.slots, other.slots), (self.weekdays, other.weekdays)):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count
        self.blurred += other.blurred
        self.newest = max(self.newest, other.newest)

    def _find_width(self, start: int, wanted: float) -> int:
        """How many half hours from this one on have so many of the purges."""
        total = 0
        for width in range(1, SLOTS + 1):
            total += self.slots.get((start + width - 1) % SLOTS, 0)
            if total >= wanted:
                return width
        return SLOTS


class Span(NamedTuple):
    """A moment known to lie after `after` and not later than `since`, in epoch seconds."""

    after: float | None
    since: float

    def is_close(self) -> bool:
        """Whether it is known closely enough to count from."""
        return self.after is not None and 0 <= self.since - self.after <= CLOSE


def count_days(began: Span, ended: Span) -> int | None:
    """Calendar days (UTC) from one moment to another; None where one of them is not known closely."""
    if began.after is None or ended.after is None or not (began.is_close() and ended.is_close()):
        return None
    days = _day_of(ended) - _day_of(began)
    return days if days >= 0 else None


class ObservedTransitions:
    """What was seen of every suffix; `changed` since it was last stored, `version` counts the changes."""

    def __init__(self) -> None:
        self.suffixes: dict[str, ObservedSuffix] = {}
        self.changed = False
        self.version = 0

    def find_suffix(self, suffix: str) -> ObservedSuffix | None:
        """What was seen of a suffix; None for nothing."""
        return self.suffixes.get(suffix)

    def note_length(self, suffix: str, span: str, began: Span, ended: Span) -> None:
        """Count the length of a phase between two changes, where both are known closely."""
        days = count_days(began, ended)
        if days is not None:
            self._open_suffix(suffix).add_length(span, days, ended.since)

    def note_purge(self, suffix: str, purge: Span) -> None:
        """Count a purge that is known to half a day at least."""
        if purge.after is not None and 0 <= purge.since - purge.after <= DAY / 2:
            self._open_suffix(suffix).add_purge(purge.after, purge.since)

    def encode_text(self) -> str:
        """JSON text by suffix, for `restore_text`."""
        return msgspec.json.encode(self.suffixes).decode()

    def restore_text(self, text: str) -> None:
        """Take over what `encode_text` gave; damaged rows are left out."""
        self.suffixes = decode_observed(text)
        self.version += 1

    def _open_suffix(self, suffix: str) -> ObservedSuffix:
        self.changed = True
        self.version += 1
        if suffix not in self.suffixes and len(self.suffixes) >= SUFFIXES:
            del self.suffixes[min(self.suffixes, key=lambda known: self.suffixes[known].newest)]
        return self.suffixes.setdefault(suffix, ObservedSuffix())


def decode_observed(text: str) -> dict[str, ObservedSuffix]:
    """The rows of a text by suffix, at most `SUFFIXES`; damaged ones are left out."""
    rows: dict[str, ObservedSuffix] = {}
    try:
        raw = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return rows
    for suffix, part in raw.items():
        try:
            row = msgspec.json.decode(part, type=ObservedSuffix)
        except (ValueError, RecursionError):
            continue
        if len(rows) < SUFFIXES and _is_sound(row):
            rows[suffix] = row
    return rows


def join_observed(texts: Iterable[str]) -> str:
    """What several texts of `encode_text` say together."""
    whole = ObservedTransitions()
    for text in texts:
        for suffix, row in decode_observed(text).items():
            whole.suffixes.setdefault(suffix, ObservedSuffix()).join_other(row)
    return whole.encode_text()


def _is_sound(row: ObservedSuffix) -> bool:
    counts = [row.blurred, *row.slots.values(), *row.weekdays.values(), *(day for days in row.lengths.values() for day in days)]
    keys = all(0 <= slot < SLOTS for slot in row.slots) and all(0 <= day < 7 for day in row.weekdays)
    return keys and all(count >= 0 for count in counts) and all(len(days) <= LENGTHS for days in row.lengths.values())


def _day_of(moment: Span) -> int:
    return int(((moment.after or moment.since) + moment.since) / 2 // DAY)


def _halve(counts: dict[int, int]) -> dict[int, int]:
    return {key: count // 2 for key, count in counts.items() if count > 1}
