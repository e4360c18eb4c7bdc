"""How names go at ten registries: the dates of their records, the moment of the purge, and what follows it.

Written down from the registries' own pages and from studies, apart from the product's calendar, so that a wrong row there is
found and not repeated. Hours of which nothing is published are made up, and fixed: they can be learned by watching.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from common.core.model.evidence import Phase
from tests.sim.drops.stories import Record, Story

DAY, HOUR, MINUTE = 86_400.0, 3600.0, 60.0
#: The first day of every simulation, a Tuesday at midnight UTC.
BEGIN = 20_718 * DAY
YEAR = 365 * DAY
#: Parts of the list that drop, and that are restored or renewed late; of the rest that are sold to another registrar.
DROPPED, RESTORED, SOLD = 0.20, 0.15, 0.05
#: Of the drops: deleted long before they expire.
EARLY = 0.15
#: How soon dropped names are registered again: the part of them, and least and most seconds. The rest stays free.
CATCHES = ((0.095, 0.0, 0.0), (0.12, 1.0, 60.0), (0.10, MINUTE, HOUR), (0.08, HOUR, DAY), (0.25, 3 * DAY, 20 * DAY))


@dataclass(frozen=True, slots=True)
class Family:
    """The rules of one suffix; days count from the expiry date where `from_expiry`, else from a deletion by the registrar.

    `share` of the list; `grace`, `redemption` and `pending` in days (least and most); `instant(rng, day, begun)` is the moment
    of the purge on the UTC midnight `day`, for a name whose deletion began at `begun`; `hold` is how long a purged name cannot
    be registered, in seconds, `shown` whether WHOIS says so; `dated`: whether records have dates; `whois`: whether there
    is a second channel.
    """

    suffix: str
    share: float
    grace: tuple[float, float]
    redemption: float
    pending: float
    instant: Callable[[Random, float, float], float]
    from_expiry: bool = False
    hold: tuple[float, float] = (0.0, 0.0)
    shown: bool = False
    dated: bool = True
    whois: bool = True
    weekday: int | None = None  # the purge is put off to this day of the week, Monday is 0


def _in_order(hour: float, minutes: float) -> Callable[[Random, float, float], float]:
    """A daily batch that deletes in the order of the time of day at which the records were changed last."""
    return lambda _, day, begun: day + hour * HOUR + minutes * MINUTE * (begun % DAY) / DAY


def _at_random(hour: float, minutes: float) -> Callable[[Random, float, float], float]:
    """A daily batch in random order, or any moment of the day."""
    return lambda rng, day, _: day + hour * HOUR + rng.uniform(0, minutes * MINUTE)


def _after(days: float, minutes: float) -> Callable[[Random, float, float], float]:
    """So many days after the deletion began, to the second, and up to `minutes` later."""
    return lambda rng, _, begun: begun + days * DAY + rng.uniform(0, minutes * MINUTE)


FAMILIES = (
    Family("com", 0.30, (30, 45), 30, 5, _in_order(19, 60)),
    Family("org", 0.08, (30, 45), 30, 5, _at_random(14.5, 1)),
    Family("io", 0.08, (30, 45), 30, 5, _at_random(0.5, 30), hold=(12 * HOUR, 30 * HOUR), shown=True),
    Family("uk", 0.10, (30, 30), 60, 5, _at_random(0, 1439), from_expiry=True),
    Family("de", 0.14, (0, 0), 30, 0, _after(30, 1440), dated=False, whois=False),
    Family("nl", 0.08, (0, 0), 40, 0, _after(40, 60), dated=False, whois=False),
    Family("se", 0.05, (10, 10), 60, 7, _at_random(4, 60), from_expiry=True, whois=False),
    Family("ca", 0.05, (30, 45), 30, 2, _at_random(19, 60), hold=(0.5 * HOUR, 2 * HOUR), weekday=2),
    Family("cz", 0.05, (30, 30), 30, 0, _at_random(0.5, 30), from_expiry=True, hold=(16.5 * DAY, 17 * DAY)),
    Family("fr", 0.07, (20, 45), 30, 0, _at_random(9.5, 2)),
)
SUFFIXES = tuple(family.suffix for family in FAMILIES)


def make_stories(family: Family, names: int, days: int, seed: int, skew: float) -> list[Story]:
    """The names of one suffix, as `seed` has them; `skew` is how far our clock is ahead of the registry's, in seconds."""
    rng = Random(f"{seed}/{family.suffix}")
    found = []
    for number in range(names):
        share, name = (number + 0.5) / names, f"{family.suffix}-{number:05}.{family.suffix}"
        if share < DROPPED:
            story = _drop(family, name, rng, days)
        elif share < DROPPED + RESTORED:
            story = _restore(family, name, rng, days)
        else:
            story = _keep(family, name, rng, days)
        found.append(_shift(story, skew))
    return found


def _deletion(family: Family, rng: Random, days: int) -> tuple[float, float, float, float]:
    """Expiry date, begin of the redemption, begin of the last phase, and purge of a name that drops within the run."""
    target = BEGIN + rng.randint(1, max(2, days - 4)) * DAY
    after = family.redemption + family.pending
    begun = target - after * DAY + rng.uniform(0, DAY)
    if family.from_expiry:
        begun -= begun % DAY  # the registry counts whole days from the expiry date
    day = target
    if family.weekday is not None:
        day += ((family.weekday - int(day // DAY) - 3) % 7) * DAY
    purge = family.instant(rng, day, begun)
    expires = begun - (family.grace[0] if family.from_expiry else rng.uniform(*family.grace)) * DAY
    return expires, begun, begun + family.redemption * DAY, purge


def _drop(family: Family, name: str, rng: Random, days: int) -> Story:
    expires, begun, last, purge = _deletion(family, rng, days)
    if rng.random() < EARLY and not family.from_expiry:
        expires = begun + rng.uniform(60, 300) * DAY
    records = [*_before(family, expires, begun, rng), *_ending(family, expires, begun, last, purge, rng)]
    freed = purge + rng.uniform(*family.hold)
    records.append(Record(purge, None, free=freed == purge, shown=family.shown and freed > purge))
    if freed > purge:
        records.append(Record(freed, None, free=True))
    caught = _caught(freed, rng)
    if caught < float("inf"):
        again = caught + YEAR if family.dated else None
        records.append(Record(caught, Phase.ACTIVE, again, caught, caught, "Catcher, Inc."))
    return Story(name, family.suffix, "drops", records, purge, freed, caught)


def _caught(freed: float, rng: Random) -> float:
    roll = rng.random()
    for part, least, most in CATCHES:
        if roll < part:
            return freed + (least if least == most else least * (most / least) ** rng.random())
        roll -= part
    return float("inf")


def _restore(family: Family, name: str, rng: Random, days: int) -> Story:
    """Deleted, or out of the zone, and taken back by its holder before the last phase."""
    expires, begun, last, _ = _deletion(family, rng, days)
    back = max(begun + rng.uniform(0.1, 0.95) * (last - begun), BEGIN + rng.uniform(0.1, 5) * DAY)
    records = [*_before(family, expires, begun, rng), *_ending(family, expires, begun, last, back, rng)]
    ends = expires + YEAR if expires < back else expires
    records.append(
        Record(back, Phase.ACTIVE, ends if family.dated else None, back if family.dated else None, expires - 3 * YEAR)
    )
    return Story(name, family.suffix, "restored", records)


def _keep(family: Family, name: str, rng: Random, days: int) -> Story:
    """Expires about now and is renewed, before or after; some are sold to another registrar."""
    expires = BEGIN + rng.uniform(-20, days) * DAY
    created = expires - rng.randint(2, 9) * YEAR
    sold = rng.random() < SOLD / (1 - DROPPED - RESTORED)
    late = rng.random() < 0.3
    done = expires + (rng.uniform(1, 25) if late else -rng.uniform(0.1, 40)) * DAY
    first = Record(0.0, Phase.ACTIVE, expires, created + 30 * DAY, created)
    between = [Record(expires, Phase.EXPIRED_GRACE, _in_grace(family, expires), expires, created)] if late else []
    if late and family.grace[1] == 0:
        between = []
    who = "Buyer's Registrar" if sold else first.registrar
    records = [first, *between, Record(done, Phase.ACTIVE, expires + YEAR, done, created, who)]
    for record in records:
        if not family.dated:
            record.expires, record.updated, record.created = None, record.updated if sold else None, 0.0
    return Story(name, family.suffix, "transferred" if sold else "renewed", records)


def _before(family: Family, expires: float, begun: float, rng: Random) -> list[Record]:
    """In use, and after the expiry date in its grace period."""
    created = expires - rng.randint(2, 9) * YEAR
    if not family.dated:
        return [Record(0.0, Phase.ACTIVE)]
    records = [Record(0.0, Phase.ACTIVE, expires, created + 30 * DAY, created)]
    if expires < begun:
        records.append(Record(expires, Phase.EXPIRED_GRACE, _in_grace(family, expires), expires, created))
    return records


def _in_grace(family: Family, expires: float) -> float:
    """The date shown after expiry: where registrars decide, the registry has renewed the name for a year."""
    return expires if family.from_expiry else expires + YEAR


def _ending(family: Family, expires: float, begun: float, last: float, end: float, rng: Random) -> list[Record]:
    """Out of the zone, up to `end`. Where dates are shown, the last change is the deletion's."""
    shown = _in_grace(family, expires) if expires < begun else expires
    dates = (shown, begun, expires - rng.randint(2, 9) * YEAR) if family.dated else (None, begun, 0.0)
    first = Phase.PENDING_DELETE if family.suffix == "uk" else Phase.REDEMPTION  # Nominet says so of both
    records = [Record(begun, first, *dates)]
    if family.pending and last < end:
        records.append(Record(last, Phase.PENDING_DELETE, *dates))
    return records


def _shift(story: Story, skew: float) -> Story:
    """The same as our clock shows it."""
    records = [replace(record, at=record.at + skew * bool(record.at), readings={}) for record in story.records]
    return Story(story.name, story.suffix, story.kind, records, story.purge + skew, story.freed + skew, story.caught + skew)
