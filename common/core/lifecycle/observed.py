"""What was seen of each registry's life cycle: how long its phases last, and at which hours it purges names.

Looks lie hours apart, so a change is known to lie between two of them. Such bounds are kept as they are: many that say little
agree on little (`agreement`). A figure is learned from `ENOUGH` observations of which `AGREE` agree; it then takes the place of
the row's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from common.core.builtin.lifecycles import Days
from common.core.lifecycle.agreement import Bounds, find_commonest, find_range
from common.core.lifecycle.purge_hours import ENOUGH, MOVED, LearnedHours, Purge, have_moved, learn_hours

DAY = 86_400.0
#: Share of the lengths that has to agree, give or take a day and half of one that is left open, with what most of them may be.
AGREE, TOLERANCE = 0.8, 1.5
#: Most days that the bounds of a length may lie apart, and most seconds that a purge may be known to, to say something.
VAGUE, BLURRED = 2, 20 * 3600.0
#: Lengths kept of one phase, the newest; purges, and those of one day, so that no single day teaches the hours; suffixes.
LENGTHS, PURGES, A_DAY, SUFFIXES = 32, 32, 4, 500
#: Purges from which on a weekday is learned, which all of them have to share, and days that they are of.
WEEKDAY_ENOUGH, WEEKDAY_DAYS = 10, 5
#: A hash of a time in seconds: multiplicative, of 32 bits.
_MIX, _BITS = 2_654_435_761, 2**32

#: The lengths that are kept: of redemption up to pending delete or up to the purge, of pending delete.
REDEMPTION, REDEMPTION_ALONE, PENDING_DELETE = "redemption", "redemption_alone", "pending_delete"


class LearnedDays(NamedTuple):
    """A length in days that `seen` observations agree on. `varies`: it differs, else it may be the same day each time."""

    days: Days
    seen: int
    varies: bool = False


class ObservedSuffix(Struct, array_like=True):
    """What was seen of one suffix, stored as an array: new fields come last. `lengths`: least and most days of each phase."""

    lengths: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    purges: list[Purge] = field(default_factory=list)  # the oldest first
    newest: float = 0.0  # when something was last seen, in epoch seconds

    def add_length(self, span: str, days: tuple[int, int], now: float) -> None:
        """Count one length of a phase, in days: least and most."""
        self.lengths[span] = [*self.lengths.get(span, []), days][-LENGTHS:]
        self.newest = now

    def add_purge(self, after: float, since: float) -> None:
        """Count a purge between two times. Of those of one day some are kept that chance chooses: a batch may have an order."""
        self.newest = since
        self.purges.append(Purge(int(since), round(since - after)))
        same = [purge for purge in self.purges if purge.since // DAY == since // DAY]
        if len(same) > A_DAY:
            self.purges.remove(max(same, key=_mix))
        del self.purges[:-PURGES]
        if have_moved(self.purges):
            del self.purges[:-MOVED]

    def learned_days(self, span: str) -> LearnedDays | None:
        """How long a phase lasts, in days; None while too few observations agree."""
        lengths = [Bounds(*days) for days in self.lengths.get(span, [])]
        if not lengths:
            return None
        common = find_commonest(lengths)
        agreeing = [days for days in lengths if days.distance(common) <= TOLERANCE]
        if len(agreeing) < ENOUGH or len(agreeing) < AGREE * len(lengths):
            return None
        found = find_range(agreeing)
        return LearnedDays(Days(int(found.low), int(found.high)), len(agreeing), found.varies)

    def learned_hours(self) -> LearnedHours | None:
        """At which minutes of the day names are purged, None while that is not known."""
        return learn_hours(self.purges)

    def learned_weekday(self) -> LearnedDays | None:
        """The weekday of all purges (Monday is 0), as a range of one; None where they differ, or too few days have some."""
        days = {int((purge.since - purge.width / 2) // DAY) for purge in self.purges}
        weekdays = {(day + 3) % 7 for day in days}
        if len(self.purges) < WEEKDAY_ENOUGH or len(days) < WEEKDAY_DAYS or len(weekdays) > 1:
            return None
        weekday = weekdays.pop()
        return LearnedDays(Days(weekday, weekday), len(self.purges))

    def join_other(self, other: ObservedSuffix) -> None:
        """Add what was seen elsewhere."""
        for span, lengths in other.lengths.items():
            self.lengths[span] = [*self.lengths.get(span, []), *lengths][-LENGTHS:]
        self.purges = sorted([*self.purges, *other.purges])[-PURGES:]
        self.newest = max(self.newest, other.newest)


class Span(NamedTuple):
    """A moment known to lie after `after` and not later than `since`, in epoch seconds."""

    after: float | None
    since: float


def count_days(began: Span, ended: Span) -> tuple[int, int] | None:
    """Least and most calendar days (UTC) from one moment to another; None where that says little."""
    if began.after is None or ended.after is None or began.after > began.since or ended.after > ended.since:
        return None
    most = _day_of(ended.since) - _day_of(began.after)
    least = max(0, _day_of(ended.after) - _day_of(began.since))
    return (least, most) if 0 <= most <= least + VAGUE else None


class ObservedTransitions:
    """What was seen of every suffix; `changed` since it was last stored."""

    def __init__(self) -> None:
        self.suffixes: dict[str, ObservedSuffix] = {}
        self.changed = False
        self._touched: set[str] = set()

    def find_suffix(self, suffix: str) -> ObservedSuffix | None:
        """What was seen of a suffix; None for nothing."""
        return self.suffixes.get(suffix)

    def note_length(self, suffix: str, span: str, began: Span, ended: Span) -> None:
        """Count the length of a phase between two changes, where that says something."""
        days = count_days(began, ended)
        if days is not None:
            self._open_suffix(suffix).add_length(span, days, ended.since)

    def note_purge(self, suffix: str, purge: Span) -> None:
        """Count a purge that is known to less than a day."""
        if purge.after is not None and 0 <= purge.since - purge.after <= BLURRED:
            self._open_suffix(suffix).add_purge(purge.after, purge.since)

    def encode_text(self) -> str:
        """JSON text by suffix, for `restore_text`."""
        return msgspec.json.encode(self.suffixes).decode()

    def restore_text(self, text: str) -> None:
        """Take over what `encode_text` gave; damaged rows are left out."""
        self._touched.update(self.suffixes)
        self.suffixes = decode_observed(text)
        self._touched.update(self.suffixes)

    def take_touched(self) -> set[str]:
        """The suffixes of which something else is known than at the last call."""
        touched, self._touched = self._touched, set()
        return touched

    def _open_suffix(self, suffix: str) -> ObservedSuffix:
        self.changed = True
        self._touched.add(suffix)
        if suffix not in self.suffixes and len(self.suffixes) >= SUFFIXES:
            oldest = min(self.suffixes, key=lambda known: self.suffixes[known].newest)
            del self.suffixes[oldest]
            self._touched.add(oldest)
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
    lengths = all(len(days) <= LENGTHS and all(0 <= least <= most for least, most in days) for days in row.lengths.values())
    return lengths and len(row.purges) <= PURGES and all(0 <= purge.width <= BLURRED <= purge.since for purge in row.purges)


def _day_of(moment: float) -> int:
    return int(moment // DAY)


def _mix(purge: Purge) -> int:
    return purge.since * _MIX % _BITS
