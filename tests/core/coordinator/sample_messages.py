"""Messages of workers, and their trees with a value exchanged: what hostile workers may send."""

from __future__ import annotations

from typing import Any

from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from common.core.model.publication import ListedName
from common.messages import (
    VERSION,
    Bye,
    Command,
    Credit,
    DeliveryResult,
    DeliveryResults,
    Promise,
    PublicationPart,
    PublicationStatus,
    Result,
    Results,
    SweepDetails,
    SweepResult,
)

CREDIT = Credit(VERSION, "fast-0@sim", "b1", "fast", "default", ("dns", "http"), 16, 16, 0, 0, 4)
READING = Reading(
    Outcome.UNREGISTERED, "dns_auth_nxdomain", "gone", Phase.ACTIVE, Fields(statuses=("ok",)), 1.0, 2.0, "whois.test", 3
)
SEEN = Observation("dns", READING, "com", "192.0.2.1:53/udp", 1.0, 3, "ab", "text", 4)


def messages(attempt: str, size: int) -> list[Any]:
    """One of each kind that a worker sends, about this attempt; `size` names are in its sweep."""
    return [
        CREDIT,
        Bye("fast-0@sim", "b1"),
        Results(CREDIT, (Result(attempt, SEEN), Result(attempt, None, returned=True))),
        SweepDetails(CREDIT, attempt, {0: SEEN}),
        SweepResult(CREDIT, attempt, bytes(size), bytes(size), "com", 1, ("192.0.2.1:53/udp",), 1, 1.0, 1.0, {0: SEEN}, SEEN),
        DeliveryResults(CREDIT, (DeliveryResult(attempt, 200, "", 1.0, 1.0),)),
        Command("check", "a.com", "x"),
        Promise("two", 3, "boot", 1.0),
        PublicationPart("uk", 1.0, 2.0, 0, True, 5, (ListedName("a.uk", 3.0, "1-UK"),)),
        PublicationStatus("uk", 2.0, 1.0, "", 100, 1.5),
    ]


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be exchanged."""
    found = [path]
    items = enumerate(tree) if isinstance(tree, list) else tree.items() if isinstance(tree, dict) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def exchanged(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The tree with another value at this place."""
    if not path:
        return value
    copy = list(tree) if isinstance(tree, list) else dict(tree)
    copy[path[0]] = exchanged(copy[path[0]], path[1:], value)
    return copy
