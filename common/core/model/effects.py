"""What the core wants done by its host: the effects that `Coordinator.handle` returns, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from common.core.model.records import Changes


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
class LogLine:
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


Effect = Send | Commit | Publish | PublishMany | LogLine | ReloadList | TakeList | LeaveList | FetchDetails | FetchDelivery


class Effects:
    """The effects planned while one input is handled, in order."""

    def __init__(self) -> None:
        self._planned: list[Effect] = []

    def plan_effect(self, effect: Effect) -> None:
        """Add one; it is carried out when the input has been handled."""
        self._planned.append(effect)

    def take_planned(self) -> list[Effect]:
        """Hand over what was planned, and begin anew."""
        planned, self._planned = self._planned, []
        return planned
