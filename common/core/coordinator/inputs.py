"""What happens to the coordinator, and what it wants done: the two vocabularies of `Coordinator.handle`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from common.core.model.records import Changes, DeliveryRow
from common.core.registries.directory import Directory
from common.core.watchlist.list_diff import ListChunk, ListSummary
from common.messages import Upward


@dataclass(frozen=True, slots=True)
class Heard:
    """A message arrived in the inbox; `mark` stands for the CURVE key it came with, "" for our own or none."""

    message: Upward
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """A worker's subscription ended."""

    worker: str
    boot: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message could not be handed over; its attempts never left."""

    attempts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The last Commit is durable."""


@dataclass(frozen=True, slots=True)
class CommitDelayed:
    """The last Commit could not be written yet, and is tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class ListRead:
    """The domain list was read and compared with what is watched; the answer is TakeList or LeaveList."""

    head: ListSummary
    source: str


@dataclass(frozen=True, slots=True)
class ListSame:
    """The domain list is the one we have."""

    source: str


@dataclass(frozen=True, slots=True)
class ListPart:
    """A piece of the difference; comes between TakeList and ListEnd."""

    part: ListChunk


@dataclass(frozen=True, slots=True)
class ListEnd:
    """That was the whole difference."""


@dataclass(frozen=True, slots=True)
class ListFailed:
    """The domain list could not be read; the text names the cause."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class DirectoryChanged:
    """A newer table of RDAP and WHOIS servers."""

    directory: Directory


@dataclass(frozen=True, slots=True)
class DeliveryFetched:
    """A delivery that somebody wants again, as the store holds it."""

    row: DeliveryRow


@dataclass(frozen=True, slots=True)
class Draining:
    """The coordinator is about to stop: hand out nothing more."""


@dataclass(frozen=True, slots=True)
class DetailsFetched:
    """What the store holds about these names: encoded details by id; a name without one is not in it."""

    asked: tuple[int, ...]
    details: dict[int, bytes]


Event = (
    Heard | Left | Unsent | Tick | Committed | CommitDelayed | ListRead | ListSame | ListPart | ListEnd | ListFailed
    | DirectoryChanged | DeliveryFetched | DetailsFetched | Draining
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Send:
    """Send a batch to one worker. `attempts` come back in Unsent if its socket is full."""

    worker: str
    boot: str
    message: Any
    attempts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """Write these changes in one transaction and answer with Committed. At most one is under way."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish on the feed, if anybody subscribed to the topic: `build` makes the map only then."""

    topic: str
    build: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PublishMany:
    """Publish many maps under one prefix, if anybody subscribed to anything below it: `build` makes (topic, map) only then."""

    prefix: str
    build: Callable[[], Iterable[tuple[str, dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Say:
    """One structured log line."""

    level: str
    event: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReloadList:
    """Read the domain list now."""


@dataclass(frozen=True, slots=True)
class TakeList:
    """Go on with the list that was read: hand over its difference, piece by piece."""


@dataclass(frozen=True, slots=True)
class LeaveList:
    """Put the list that was read away, and read the whole of it next time."""


@dataclass(frozen=True, slots=True)
class FetchDetails:
    """Read the details of these names from the store and answer with DetailsFetched."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FetchDelivery:
    """Read one delivery from the store and answer with DeliveryFetched, if it is there."""

    id: str


Command = Send | Commit | Publish | PublishMany | Say | ReloadList | TakeList | LeaveList | FetchDetails | FetchDelivery
