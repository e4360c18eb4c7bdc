"""Effects: what the process around the core has to do for it, as `Coordinator.handle` returns them, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from common.core.model.records import Changes
from common.messages import Downward


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to one start of one worker. `attempts` come back in `SendFailed` if its socket is full."""

    worker: str
    boot: str
    message: Downward
    attempts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """Write these changes in one transaction and answer with `Committed`. At most one is under way."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish a map on the feed. `build` makes it, and is called only if the topic has a subscriber."""

    topic: str
    build: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PublishMany:
    """Publish many maps on the feed. `build` makes (topic, map) pairs, and is called only if the prefix has a subscriber."""

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
    """Hand over what differs in the list that was just read, chunk by chunk."""


@dataclass(frozen=True, slots=True)
class LeaveList:
    """Discard the list that was just read, and read the whole of it next time."""


@dataclass(frozen=True, slots=True)
class FetchDetails:
    """Read the details of these names from the store and answer with `DetailsFetched`."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FetchDelivery:
    """Read one delivery from the store and answer with `DeliveryFetched`, if it exists."""

    id: str


Effect = Send | Commit | Publish | PublishMany | LogLine | ReloadList | TakeList | LeaveList | FetchDetails | FetchDelivery


class Effects:
    """The effects planned while one input is handled, in order."""

    def __init__(self) -> None:
        self._planned: list[Effect] = []

    def plan_effect(self, effect: Effect) -> None:
        """Append an effect; it is carried out once the input has been handled."""
        self._planned.append(effect)

    def take_planned(self) -> list[Effect]:
        """Return the effects planned so far, in order, and clear them."""
        planned, self._planned = self._planned, []
        return planned
