"""When to check a name again: its base interval, refined by its state, its forecast and its last checks."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from common.core.model.entry import Entry
from common.core.model.ids import Ids, Times
from common.core.model.states import OWNED, State
from common.core.schedule.calm import IN_PENDING_DELETE, IN_REDEMPTION, PRIORITY, calm_wait, drops_later
from common.core.schedule.drop_hours import EDGE, DropHours
from common.core.schedule.registry_pace import LONGEST_UNGUARDED

#: Seconds after an alarm at which the name is checked again: a new registration shows up by then.
AFTER_ALARM = (10.0, 30.0, 120.0, 600.0)
DAY = 86_400.0
#: Seconds between checks inside a forecast drop window, where the base interval is longer.
IN_WINDOW = 60.0
#: Seconds to the check at the moment when a window opens, at least.
SOONEST = 1.0
#: Seconds after the end of a window at which a look finds what dropped in it, though the registry's clock may be behind.
CLOSED = 5.0
#: Up to so many seconds the step of a budget's share counts inside a window, even where the base interval is shorter: looks
#: that the day's quota does not pay for would be missing in the windows of the evening.
LONGEST_STEP = 6 * 3600.0
#: A window of more seconds says little: checks are rarer by as much as it is wider, until its last day.
WIDE = 2 * DAY
#: Up to this wait in seconds even the base interval is stretched inside a window where the operator's budget is short: a day's
#: quota that is used up in the first hours is missing at the drop.
STRETCHED = 900.0
#: Seconds around a window in which a name gets single checks.
MARGIN = 3600.0
#: Age in seconds up to which a run of passes is followed closely, and the longest wait between two of its passes until then.
YOUNG_RUN, YOUNG_STEP = 900.0, 60.0
#: First and longest wait after an inconclusive check, in seconds.
INCONCLUSIVE_FIRST, INCONCLUSIVE_LONGEST = 15.0, 3600.0
#: Seconds over which the first checks of new names are spread; the budgets of the operators do the rest.
FIRST_SPREAD = 5.0
#: Jitter as a share of the wait: names that were checked together must not be due together.
JITTER = 0.2


class Cadence(Struct, frozen=True):
    """The configured intervals in seconds: between checks of a name, without and with priority, and between passes of an alarm.

    `gap_close` is the time between passes of names with priority, or inside their drop window.
    """

    interval: float
    priority_interval: float
    gap: float
    gap_close: float


class Pace(NamedTuple):
    """How closely a budget lets a name be checked inside its drop window.

    `stretch`: how many times rarer checks are, because the budget of the operator is shared by many (`checks.window_pace`); the
    base interval is kept all the same where it is at least `STRETCHED`. `step`: seconds between looks where the registry
    answers them (`checks.window_shares`). `off_hours`: whether that is outside of learned hours, where looks are no closer
    than that.
    """

    stretch: float = 1.0
    step: float | None = None
    off_hours: bool = False


#: Where no budget is short.
UNHINDERED = Pace()


def pass_gap_of(entry: Entry, cadence: Cadence, now: float) -> float:
    """Seconds between the passes that an alarm of this name needs."""
    return cadence.gap_close if entry.priority or entry.in_window(now) else cadence.gap


def base_interval(entry: Entry, cadence: Cadence) -> float:
    """Seconds between checks of a name with which nothing is going on."""
    return cadence.priority_interval if entry.priority else cadence.interval


def longest_wait(base: float, cadence: Cadence) -> float:
    """The longest wait in seconds that is ever planned for names of this base interval."""
    return max(base, cadence.gap, cadence.gap_close, INCONCLUSIVE_FIRST) * (1.0 + JITTER)


def longest_calm_wait(*, priority: bool) -> float:
    """The longest wait in seconds that is ever planned for a name that is being deleted (`calm.calm_wait`)."""
    return max(IN_REDEMPTION, IN_PENDING_DELETE) / (PRIORITY if priority else 1.0) * (1.0 + JITTER)


def longest_unguarded_wait(*, priority: bool) -> float:
    """The longest wait in seconds that is ever planned for a name whose zone answers for every name."""
    return LONGEST_UNGUARDED / (PRIORITY if priority else 1.0) * (1.0 + JITTER)


def are_imminent(earliest: Times, latest: Times, now: float) -> NDArray[np.bool_]:
    """Which of these names may drop about now: in or near a window that is not wide, or in the last day of one that is.

    `earliest` and `latest` bound the windows, in epoch seconds; NaN stands for none.
    """
    near = (earliest - MARGIN <= now) & (now <= latest + MARGIN)
    return near & ((latest - earliest <= WIDE) | (now >= latest - DAY))


def is_imminent(entry: Entry, now: float) -> bool:
    """Whether a name may drop about now, see `are_imminent`."""
    return entry.drop is not None and bool(are_imminent(np.array(entry.drop.earliest), np.array(entry.drop.latest), now))


def window_steps(earliest: Times, latest: Times, now: float) -> Times:
    """Seconds between checks inside drop windows: a minute, and more in a wide one before its last day."""
    wide = (latest - earliest > WIDE) & (now < latest - DAY)
    return np.where(wide, IN_WINDOW * (latest - earliest) / WIDE, IN_WINDOW)


def next_check_at(
    entry: Entry,
    cadence: Cadence,
    now: float,
    hours: DropHours,
    *,
    confirming: bool,
    inconclusive: bool,
    pace: Pace = UNHINDERED,
) -> float:
    """When to check a name again, in epoch seconds.

    `hours` are those in which registries delete names. `confirming`: an alarm waits for its next pass. `inconclusive`: the last
    check proved nothing. `pace` is that inside its window.
    """
    base = base_interval(entry, cadence)
    if confirming:
        return now + _until_next_pass(entry, cadence, now)
    if inconclusive:
        wait = INCONCLUSIVE_FIRST * 2.0 ** min(12, max(0, entry.detail.unknown_rounds - 1))
        return now + add_jitter(min(wait, INCONCLUSIVE_LONGEST, max(base, INCONCLUSIVE_FIRST)), entry.name, now)
    wait = calm_wait(entry, base, now, hours)
    wait = _wait_after_alarm(entry, wait, now)
    if pace.step is not None:
        counts = pace.step <= LONGEST_STEP or (pace.off_hours and pace.step < DAY)
        wait = pace.step if counts else min(wait, pace.step)
    elif entry.drop is not None and entry.in_window(now, EDGE) and entry.state in OWNED and not drops_later(entry, now, hours):
        wanted = float(window_steps(np.array(entry.drop.earliest), np.array(entry.drop.latest), now))
        wait = min(wait, wanted) if pace.stretch <= 1.0 else min(max(wait, STRETCHED), pace.stretch * min(wait, wanted))
    due = now + add_jitter(wait, entry.name, now)
    if entry.held_until is not None and entry.held_until > now:
        due = min(due, entry.held_until)  # the end of its release procedure
    if entry.drop is not None:
        opens = hours.next_opening(entry.suffix, entry.drop.earliest, entry.drop.latest, now)
        due = min(due, max(now + SOONEST, opens))  # the moment when the window opens
    return due if pace.step is None else _look_at_close(entry, due, now)


def unguarded_check_at(entry: Entry, cadence: Cadence, look_at: float, now: float) -> float:
    """When to check a name again of which its zone tells nothing, in epoch seconds.

    `look_at` is when to ask its registry (`registry_pace.unguarded_look_at`): neither the base interval nor an unlikely window
    calls for more looks.
    """
    wait = max(base_interval(entry, cadence), look_at - now)
    return now + add_jitter(_wait_after_alarm(entry, wait, now), entry.name, now)


def _wait_after_alarm(entry: Entry, wait: float, now: float) -> float:
    """`wait` in seconds, or less while a name was announced a moment ago."""
    if entry.state not in (State.AVAILABLE, State.UNREGISTERED) or entry.since is None:
        return wait
    return min(wait, next((step for step in AFTER_ALARM if now - entry.since < step * 2), wait))


def _look_at_close(entry: Entry, due: float, now: float) -> float:
    """`due`, or the end of the window where that comes first: one look after it finds what dropped in it."""
    if entry.drop is None or now >= entry.drop.latest + CLOSED:
        return due
    return min(due, max(now + SOONEST, entry.drop.latest + CLOSED))


def _until_next_pass(entry: Entry, cadence: Cadence, now: float) -> float:
    """Seconds to the next pass of an alarm that is not announced yet.

    What an alarm still lacks may be lacking for long, so passes become rarer and rarer; but not before the run is so old that
    one source alone is believed, for the alarm may wait for just that.
    """
    gap, passes = pass_gap_of(entry, cadence, now), entry.detail.passes
    wait = min(gap * 2.0 ** max(0, len(passes) - 4), max(base_interval(entry, cadence), gap))
    young = bool(passes) and now - passes[0] < YOUNG_RUN
    return min(wait, max(gap, YOUNG_STEP)) if young else wait


def next_check_times(ids: Ids, base: Times, earliest: Times, latest: Times, now: float, stretch: Times | float = 1.0) -> Times:
    """When to check names again that a sweep found unchanged, in epoch seconds: `next_check_at` for many names at once.

    `base` are their base intervals in seconds, `earliest` and `latest` their drop windows (epoch seconds; NaN: none).
    """
    step = np.minimum(base, stretch * window_steps(earliest, latest, now))
    wait = np.where((earliest - EDGE <= now) & (now <= latest + EDGE), step, base)
    due = now + wait * (1.0 + JITTER * (2.0 * _unit_hashes(ids, now) - 1.0))
    opens = np.maximum(now + IN_WINDOW, earliest)
    return np.where(earliest > now, np.fmin(due, opens), due)


def inconclusive_check_times(ids: Ids, base: Times, inconclusive: NDArray[np.uint8], now: float) -> Times:
    """When to check names again, in epoch seconds, after so many `inconclusive` checks of each in a row."""
    wait = INCONCLUSIVE_FIRST * 2.0 ** np.clip(inconclusive.astype(np.float64) - 1.0, 0.0, 12.0)
    longest = np.minimum(INCONCLUSIVE_LONGEST, np.maximum(base, INCONCLUSIVE_FIRST))
    return now + np.minimum(wait, longest) * (1.0 + JITTER * (2.0 * _unit_hashes(ids, now) - 1.0))


def first_check_times(ids: Ids, urgent: NDArray[np.bool_], cadence: Cadence, now: float) -> Times:
    """When to check names for the first time, in epoch seconds: at once with priority, else spread over a few seconds."""
    return np.where(urgent, now, now + min(cadence.interval / 5.0, FIRST_SPREAD) * _unit_hashes(ids, now))


def spread_check_times(ids: Ids, wait: Times | float, now: float) -> Times:
    """When to check names again that must not be due together, in epoch seconds: after 0.5 to 1.5 times `wait` seconds."""
    return now + wait * (0.5 + _unit_hashes(ids, now))


def add_jitter(wait: float, name: str, now: float) -> float:
    """`wait` plus or minus a fifth, by a hash of the name and the second: repeatable, and different for every name."""
    return wait * (1.0 + JITTER * (2.0 * _unit_hash(f"{name}{int(now)}") - 1.0))


def _unit_hashes(ids: Ids, now: float) -> Times:
    """A number in [0, 1) for each name and second: repeatable, and far apart for neighbours (multiplicative hashing)."""
    mixed = (ids + 1 + int(now) * 7919).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(40)).astype(np.float64) / (1 << 24)


def _unit_hash(text: str) -> float:
    return zlib.crc32(text.encode()) / 0xFFFFFFFF
