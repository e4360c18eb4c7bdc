"""When to look at a name again: the base cadence, refined by what is going on with it."""

from __future__ import annotations

import zlib

from msgspec import Struct

from common.core.domains import Entry
from common.core.verdicts import State

#: Seconds after an alarm at which the name is looked at again: whoever caught it shows up here.
AFTER_ALARM = (10.0, 30.0, 120.0, 600.0)
#: Seconds between looks inside a forecast drop window, where the base cadence is slower.
IN_WINDOW = 60.0
#: First and longest wait after a round that proved nothing, in seconds.
BLIND_FIRST, BLIND_LONGEST = 15.0, 3600.0
#: Share of jitter: names must not march in step.
JITTER = 0.2


class Cadence(Struct, frozen=True):
    """The settings that matter here, in seconds."""

    interval: float
    priority_interval: float
    gap: float
    gap_close: float


def gap_of(entry: Entry, cadence: Cadence, now: float) -> float:
    """Seconds between the two passes that an alarm needs."""
    return cadence.gap_close if entry.priority or entry.in_window(now) else cadence.gap


def base_of(entry: Entry, cadence: Cadence) -> float:
    """The base cadence of a name in seconds."""
    return cadence.priority_interval if entry.priority else cadence.interval


def next_check(entry: Entry, cadence: Cadence, now: float, *, confirming: bool, blind: bool) -> float:
    """When to look again, in epoch seconds. `confirming`: a positive waits for its next pass; `blind`: nothing was proven."""
    base = base_of(entry, cadence)
    if confirming:
        gap = gap_of(entry, cadence, now)
        extra = max(0, len(entry.detail.passes) - 4)  # what keeps the gates shut may last: ask less and less often
        return now + min(gap * 2.0**extra, max(base, gap))
    if blind:
        wait = BLIND_FIRST * 2.0 ** min(12, max(0, entry.detail.unknown_rounds - 1))
        return now + jittered(min(wait, BLIND_LONGEST, max(base, BLIND_FIRST)), entry.name, now)
    wait = base
    if entry.state in (State.AVAILABLE, State.UNREGISTERED) and entry.since is not None:
        wait = min(wait, next((step for step in AFTER_ALARM if now - entry.since < step * 2), base))
    if entry.in_window(now, margin=300.0):
        wait = min(wait, IN_WINDOW)
    due = now + jittered(wait, entry.name, now)
    if entry.drop is not None and entry.drop[0] > now:
        due = min(due, max(now + IN_WINDOW, entry.drop[0]))  # be there when the window opens
    return due


def first_check(entry: Entry, cadence: Cadence, now: float) -> float:
    """When to look at a name for the first time: at once if it has priority, else spread by its hash over a short while."""
    if entry.priority:
        return now
    spread = min(base_of(entry, cadence), 300.0) * 0.2
    return now + spread * _unit(entry.name)


def jittered(wait: float, name: str, now: float) -> float:
    """`wait` +- a fifth, by a hash of the name and the moment: repeatable, yet no two names in step."""
    return wait * (1.0 + JITTER * (2.0 * _unit(f"{name}{int(now)}") - 1.0))


def _unit(text: str) -> float:
    return zlib.crc32(text.encode()) / 0xFFFFFFFF
