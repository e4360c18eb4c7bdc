"""What a round leaves behind: plain records, taken from the lab, the receiver, the logs and the store, for `invariants`.

All times in epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.lab.customer import Received
from tests.lab.queries import Query


class Event(NamedTuple):
    """A notice: what the store recorded, or what a POST carried."""

    id: str
    domain: str
    generation: int
    kind: str
    body: bytes

    @property
    def key(self) -> tuple[str, int, str]:
        """What there may be only once."""
        return self.domain, self.generation, self.kind


class Post(NamedTuple):
    """One POST as the receiver saw it. `accepted`: it was signed and answered with 2xx."""

    at: float
    event: Event
    accepted: bool


class Epoch(NamedTuple):
    """The log line of a coordinator that begins to lead."""

    at: float
    instance: str
    number: int
    shard: int = 0


class Fault(NamedTuple):
    """One injected fault, which may have effects from `began` until `over`.

    `takeover`: seconds until another instance has to lead, None where that is not necessary; `unasked`: seconds for which
    steady names may go unasked beside the usual time between two checks, None where it does not matter; `delay`: by so many
    seconds queries may arrive later than they were sent, and so together.
    """

    number: int
    kind: str
    target: str
    began: float
    over: float
    takeover: float | None = None
    unasked: float | None = None
    away: float = 0.0  # seconds in which none could lead, on top of both
    led_by: int = 0  # the epoch before
    delay: float = 0.0
    shard: int = 0  # the one whose leader it is about


class Limit(NamedTuple):
    """A budget as it was configured: queries per second and burst of what is asked from one egress."""

    rate: float
    burst: float


@dataclass(slots=True)
class Round:
    """Everything known of a round, as far as it is over at `until`."""

    until: float = 0.0
    freed: dict[str, list[float]] = field(default_factory=dict)  # by name, when it became free
    posts: list[Post] = field(default_factory=list)
    stored: list[Event] = field(default_factory=list)  # by the store at the end
    seen: dict[str, Event] = field(default_factory=dict)  # by id, whatever the store had at any look
    queries: list[Query] = field(default_factory=list)
    steady: tuple[str, ...] = ()  # names that are checked all the time
    limits: dict[tuple[str, ...], Limit] = field(default_factory=dict)  # by the servers that share a budget
    faults: list[Fault] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    egresses: dict[str, str] = field(default_factory=dict)  # by address, where it is not the one of all others


def posts_of(received: Iterable[Received]) -> list[Post]:
    """The notices among what the receiver recorded."""
    return [
        Post(item.at, _event_of(item.id, item.data, item.body), item.valid and 200 <= item.status < 300)
        for item in received
        if item.is_notice
    ]


def _event_of(identity: str, data: Mapping[str, object], body: bytes) -> Event:
    generation = data.get("generation")
    number = generation if isinstance(generation, int) else -1
    return Event(identity, str(data.get("domain", "")), number, str(data.get("status", "")), body)
