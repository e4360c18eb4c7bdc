"""Two plain loops, as most monitors are built: they ask RDAP and take one "no object" for the answer.

`run_fixed` asks about every name once a day, spread evenly over names and day. `run_expiry` follows domain-watchdog: every
seventh day while a name is not expired; once it is, what is left of the budget goes round the expired names, about each one
every twelve minutes at the most. Both keep the budget, and stop for a minute, two, four and so on after a complaint.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from zlib import crc32

from common.core.model.evidence import Observation, Outcome, Phase
from common.core.parsers.dates import iso_to_epoch
from tests.sim.drops.families import BEGIN, DAY, MINUTE
from tests.sim.drops.outcomes import Outcome as Result
from tests.sim.drops.outcomes import collect_outcome
from tests.sim.drops.registry import RATE, Registry
from tests.sim.drops.runs import make_registries

#: Seconds between questions about a name that is not expired, and about an expired one at least.
SELDOM, OFTEN = 7 * DAY, 12 * MINUTE
#: First and longest pause after a complaint.
FIRST_PAUSE, LONGEST_PAUSE = MINUTE, 60 * MINUTE

Told = tuple[str, float, str]


def run_fixed(suffixes: Sequence[str], names: int, days: int, seed: int) -> Result:
    """Every name once a day."""
    registries = make_registries(suffixes, names, days, seed)
    told = [found for registry in registries.values() for found in _ask_evenly(registry, days)]
    return collect_outcome(registries, told, days)


def run_expiry(suffixes: Sequence[str], names: int, days: int, seed: int) -> Result:
    """Seldom before the expiry, as often as the budget allows after it."""
    registries = make_registries(suffixes, names, days, seed)
    told = [found for registry in registries.values() for found in _ExpiryLoop(registry).ask(days)]
    return collect_outcome(registries, told, days)


def _ask_evenly(registry: Registry, days: int) -> Iterator[Told]:
    names, free = _mix(registry), set[str]()
    step, pause = DAY / registry.per_day, _Pause()
    for turn in range(days * registry.per_day):
        now = BEGIN + turn * step
        name = names[turn % len(names)]
        if pause.until > now:
            continue
        yield from _take(name, pause.note(registry.answer("rdap", name, now), now), free, now)


def _mix(registry: Registry) -> list[str]:
    """The names in an order that has nothing to do with what happens to them."""
    return sorted(registry.stories, key=lambda name: crc32(name.encode()))


class _ExpiryLoop:
    """The loop over one registry. Names without dates count as expired once they are out of the ordinary phases."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._due = [(BEGIN + SELDOM * number / len(registry.stories) / 7, name) for number, name in enumerate(_mix(registry))]
        heapq.heapify(self._due)
        self._free: set[str] = set()
        self._pause = _Pause()

    def ask(self, days: int) -> Iterator[Told]:
        """Ask whatever is due, one question after the other, no faster than the day's quota lasts."""
        now, step = BEGIN, max(1.0 / RATE, DAY / self._registry.per_day) + 1e-3
        while now < BEGIN + days * DAY:
            at, name = self._due[0]
            now = max(now, at, self._pause.until)
            heapq.heappop(self._due)
            seen = self._pause.note(self._registry.answer("rdap", name, now), now)
            yield from _take(name, seen, self._free, now)
            heapq.heappush(self._due, (now + self._wait(seen, now), name))
            now += step

    def _wait(self, seen: Observation, now: float) -> float:
        reading = seen.reading
        if reading.outcome is not Outcome.REGISTERED or reading.phase is not Phase.ACTIVE:
            return OFTEN
        expires = iso_to_epoch(reading.fields.expires_at) if reading.fields.expires_at else None
        if expires is None:
            return SELDOM
        return OFTEN if expires <= now else max(OFTEN, min(SELDOM, expires - now))


class _Pause:
    """Until when an operator is left alone after its complaints."""

    def __init__(self) -> None:
        self.until, self._next = 0.0, FIRST_PAUSE

    def note(self, seen: Observation, now: float) -> Observation:
        """Learn from an answer."""
        if seen.refused or seen.reading.outcome is Outcome.THROTTLED:
            self.until, self._next = now + self._next, min(LONGEST_PAUSE, self._next * 2)
        else:
            self._next = FIRST_PAUSE
        return seen


def _take(name: str, seen: Observation, free: set[str], now: float) -> Iterator[Told]:
    """What a loop tells: a name is free with the first "no object" after another answer."""
    if seen.reading.outcome is Outcome.UNREGISTERED and name not in free:
        free.add(name)
        yield name, now, "available"
    elif seen.reading.outcome is Outcome.REGISTERED:
        free.discard(name)
