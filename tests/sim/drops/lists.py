"""What the registries of the simulation publish about names that are about to drop, and how it comes to the product.

`DropWorld.take_list` is called with each list, once a day. Of those that the product has a row for it gets what its reader of
publications would send; the others (sessions of .ca, auctions of .cz) it cannot read.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from common.core.model.publication import MOST_LISTED, ListedName
from common.messages import PublicationPart
from tests.sim.drops.families import DAY, HOUR
from tests.sim.drops.registry import Registry
from tests.sim.drops.stories import Story

#: When lists are renewed, in seconds after midnight UTC.
RENEWED = 1.25 * HOUR


class Listed(NamedTuple):
    """A name of a list, and the first and last second, as published, at which it is released. Times in epoch seconds."""

    name: str
    earliest: float
    latest: float


class _List(NamedTuple):
    """How many days ahead a registry publishes, and between which hours of the day it says that a name is released."""

    ahead: float
    hours: Callable[[Story], tuple[float, float]]


def _of_day(first: float, last: float) -> Callable[[Story], tuple[float, float]]:
    return lambda story: (story.purge - story.purge % DAY + first * HOUR, story.purge - story.purge % DAY + last * HOUR)


#: Nominet publishes the second, Internetstiftelsen the date, CIRA the session, CZ.NIC the names in their auction.
_LISTS = {
    "uk": _List(5.0, lambda story: (story.purge, story.purge + 1.0)),
    "se": _List(60.0, _of_day(4.0, 8.0)),
    "ca": _List(3.0, _of_day(19.0, 20.0)),
    "cz": _List(0.0, lambda story: (story.freed - story.freed % DAY, story.freed - story.freed % DAY + DAY)),
}


#: The product's rows for these lists. Their terms allow that they are read, and their form is known.
READ = {"uk": "uk-drops", "se": "se-drops"}


def make_parts(suffix: str, listed: tuple[Listed, ...], now: float) -> list[PublicationPart]:
    """What the product's reader of publications sends of a list that was made now; nothing where it reads none of a suffix."""
    if suffix not in READ:
        return []
    names = [ListedName(one.name, one.earliest) for one in listed]
    pieces = [tuple(names[start : start + MOST_LISTED]) for start in range(0, max(1, len(names)), MOST_LISTED)]
    return [
        PublicationPart(READ[suffix], now, now, number, number == len(pieces) - 1, len(names), piece)
        for number, piece in enumerate(pieces)
    ]


def read_list(registry: Registry, now: float) -> tuple[Listed, ...] | None:
    """The list that a registry publishes now, without the names released already; None for one that publishes nothing."""
    if (form := _LISTS.get(registry.suffix)) is None:
        return None
    drops = [story for story in registry.stories.values() if story.purge < inf and now < story.freed]
    if form.ahead:
        return tuple(Listed(story.name, *form.hours(story)) for story in drops if now < story.purge <= now + form.ahead * DAY)
    return tuple(Listed(story.name, *form.hours(story)) for story in drops if story.purge <= now)
