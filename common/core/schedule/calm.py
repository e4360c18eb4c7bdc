"""How often the registry is asked about a name that is out of the zone and cannot drop yet: as its calendar says.

The zone shows nothing of such a name until it is registered anew, so every look is a query to the registry. Few a day are
enough: they see the next phase early enough to know the day of the drop. Close looks are for the window (`window_value`).
"""

from __future__ import annotations

from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Phase
from common.core.model.states import OWNED
from common.core.schedule.drop_hours import EDGE, DropHours

DAY = 86_400.0
#: Seconds between looks at a name in redemption, and at one in pending delete before its day.
IN_REDEMPTION, IN_PENDING_DELETE = DAY / 4, DAY / 2
#: Seconds between looks at a name that a release procedure holds back and no channel shows: so many looks in it, if not rarer.
HELD_BACK, LOOKS_HELD_BACK = DAY / 2, 24
#: With priority a look is worth so many times as much.
PRIORITY = 4.0
#: A forecast that is not wider, in seconds, tells the day on which redemption ends.
EXACT = 2 * DAY


def calm_wait(entry: Entry, base: float, now: float, hours: DropHours) -> float:
    """Seconds until the next look at a name; `base` is its base interval in seconds.

    That counts on the last day of a phase, inside a window, after one that was missed, and where no calendar tells the day.
    """
    if entry.is_held(now) and not entry.detail.shown_by:
        return _wait_held_back(entry, base)
    drop = entry.drop
    if drop is None or entry.state not in OWNED or entry.phase not in (Phase.REDEMPTION, Phase.PENDING_DELETE):
        return base
    if _is_last_day(entry, drop, now, hours):
        return base
    return (IN_REDEMPTION if entry.phase is Phase.REDEMPTION else IN_PENDING_DELETE) / _worth(entry)


def _wait_held_back(entry: Entry, base: float) -> float:
    """Seconds until the next look at a name in its release procedure, whose end the calendar tells: the zone shows a winner."""
    since, until = entry.detail.purged_at, entry.held_until
    if since is None or until is None:
        return base
    return max(base, min(HELD_BACK, (until - since) / LOOKS_HELD_BACK) / _worth(entry))


def drops_later(entry: Entry, now: float, hours: DropHours) -> bool:
    """Whether a name has another phase of some days before it, which cannot be over yet: its record was seen since."""
    if entry.phase is not Phase.REDEMPTION:
        return False
    days, seen = hours.pending_days(entry.suffix), entry.detail.registry_at
    return days > 0 and (seen is None or now - seen < days * DAY)


def is_off_hours(entry: Entry, now: float, hours: DropHours) -> bool:
    """Whether it is the day of a drop, at other hours than those that were learned: it may come all the same."""
    drop = entry.drop
    if drop is None or entry.state not in OWNED or not hours.is_learned(entry.suffix) or drops_later(entry, now, hours):
        return False
    if entry.in_window(now, EDGE) and hours.are_open(entry.suffix, now):
        return False
    half = hours.hours_of(entry.suffix)[1] / 2  # hours may reach over midnight: the day of their middle counts
    first, last = (drop.earliest + half) // DAY, (drop.latest - half) // DAY
    return drop.latest - drop.earliest <= EXACT and first <= now // DAY <= last


def is_in_hours(entry: Entry, now: float, hours: DropHours) -> bool:
    """Whether the window of a name is open, of a registry that deletes names at known hours alone: now, of all the day."""
    if not entry.in_window(now, EDGE) or entry.state not in OWNED or drops_later(entry, now, hours):
        return False
    return hours.hours_of(entry.suffix)[1] < DAY and hours.are_open(entry.suffix, now)


def _is_last_day(entry: Entry, drop: DropWindow, now: float, hours: DropHours) -> bool:
    """Whether the phase of a name ends within a day, or should have ended: how exactly that is seen decides its window."""
    if not drops_later(entry, now, hours):
        return drop.earliest - DAY <= now
    left = hours.pending_days(entry.suffix) * DAY
    return drop.latest - drop.earliest <= EXACT and drop.earliest - left - DAY <= now


def _worth(entry: Entry) -> float:
    return PRIORITY if entry.priority else 1.0
