"""Names that drop one after the other, for as long as it goes on; some of them are caught again once they were told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.lab import story
from tests.lab.customer import Received
from tests.lab.lab import Lab
from tests.lab.story import Alarm, Role, Scene

#: Names that are watched and wait for their purge, and seconds between two purges on average.
AHEAD, GAP = 6, 3.0
#: Seconds that a name has to be known before it drops, and that it stays watched after it was told.
KNOWN, KEPT = 4.0, 30.0
#: Share of the names that are caught again, and the most seconds until then.
CAUGHT, CAUGHT_WITHIN = 0.4, 4.0
_SUFFIXES = ("com", "org", "de", "se", "co.uk")
_LOOK = 0.1
_STEADY = (
    *(Role(name, priority=True) for name in ("granite-press.com", "harvest-moon.org", "blaue-stunde.de", "bla-stuga.se")),
    Role("long-on-hold.com", Scene.HELD, priority=True),  # out of the zone, and registered all the same
    Role("dark-signal.org", Scene.HELD, priority=True),
)
#: Names that are checked all the time and never drop.
STEADY = tuple(role.name for role in _STEADY if role.scene is Scene.HEALTHY)


@dataclass(slots=True)
class _Dropping:
    """A name on its way. Times in epoch seconds."""

    name: str
    asked_at: float = 0.0
    purged_at: float = 0.0
    told_at: float = 0.0
    catch_at: float = 0.0
    caught: bool = False  # and that is not told so far


class Drops:
    """Stages names, purges them, lets some be caught, and takes them off the list. `freed`: by name, when it became free."""

    def __init__(self, lab: Lab, rng: random.Random, tell: Callable[[str], None]) -> None:
        self._lab = lab
        self._rng = rng
        self._tell = tell
        self._names: dict[str, _Dropping] = {}
        self._count = 0
        self._next = 0.0
        self.freed: dict[str, list[float]] = {}
        self.going = True
        self.purged = asyncio.Event()  # set at each purge, for faults that come just then
        story.stage(lab.registry, _STEADY)
        lab.customer.told.append(self._note_told)
        self._fill()

    def waiting(self) -> list[str]:
        """Names that were purged and not told so far."""
        return [each.name for each in self._names.values() if each.purged_at and not each.told_at]

    def catches_waiting(self) -> list[str]:
        """Names that are to be caught, or were and are not told as registered so far."""
        return [each.name for each in self._names.values() if each.catch_at or each.caught]

    async def run(self) -> None:
        """Go on until cancelled; without new purges once `going` is unset."""
        while True:
            now = self._lab.clock.wall()
            self._note_asked()
            if self.going and now >= self._next:
                self._purge_one(now)
            for each in list(self._names.values()):
                if each.catch_at and now >= each.catch_at:
                    self._catch(each)
                if each.told_at and not each.catch_at and now - each.told_at > KEPT:
                    del self._names[each.name]
            if self.going:
                self._fill()
            await asyncio.sleep(_LOOK)

    def _fill(self) -> None:
        """Keep so many names waiting for their purge, and tell the product."""
        while sum(not each.purged_at for each in self._names.values()) < AHEAD:
            self._count += 1
            suffix = _SUFFIXES[self._count % len(_SUFFIXES)]
            name = f"drop-{self._count:05d}.{suffix}"
            story.stage(self._lab.registry, [Role(name, Scene.LAST_DAY, Alarm.MUST)])
            self._names[name] = _Dropping(name)
        names = [*(role.name for role in _STEADY), *self._names]
        if list(self._lab.customer.watch) != names:
            self._lab.customer.set_watch(names, priority=names)

    def _note_asked(self) -> None:
        asked = self._lab.queries.by_name
        for each in self._names.values():
            if not each.asked_at and asked[each.name]:
                each.asked_at = self._lab.clock.wall()

    def _purge_one(self, now: float) -> None:
        ready = [each for each in self._names.values() if not each.purged_at and each.asked_at and now - each.asked_at > KNOWN]
        if not ready:
            return
        chosen = self._rng.choice(ready)
        self._lab.registry.purge(chosen.name)
        chosen.purged_at = self._lab.registry.log.of(chosen.name)[-1].at
        self.freed.setdefault(chosen.name, []).append(chosen.purged_at)
        self._next = now + self._rng.expovariate(1 / GAP)
        self._tell(f"    {chosen.name} purged")
        self.purged.set()

    def _note_told(self, item: Received) -> None:
        each = self._names.get(str(item.data.get("domain")))
        if each is None:
            return
        if item.data.get("status") == "registered":
            each.caught = False
        if each.told_at or item.data.get("status") != "available" or not each.purged_at:
            return
        each.told_at = item.at
        self._tell(f"    {each.name} told {item.at - each.purged_at:.1f} s after its purge")
        if self._rng.random() < CAUGHT:
            each.catch_at = item.at + self._rng.uniform(0, CAUGHT_WITHIN)

    def _catch(self, each: _Dropping) -> None:
        each.catch_at, each.caught = 0.0, True
        self._tell(f"    {each.name} caught")
        self._lab.registry.catch(each.name)
