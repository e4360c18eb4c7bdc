"""One watched name that is fully loaded, and the check of it that is under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from common.core.model.channel import ChannelKey
from common.core.model.evidence import Observation, Outcome, Phase
from common.core.model.records import Detail, Evidence
from common.core.model.states import ENDING, State


class Rank(IntEnum):
    """How urgent a query is, the most urgent first."""

    URGENT = 0  # an alarm, or an operator's command, waits for it
    PRIORITY = 1  # the name has priority
    NEWS = 2  # the name left the zone, or may drop at any moment
    ORDINARY = 3
    BACKGROUND = 4  # nothing waits for it


class DropWindow(NamedTuple):
    """When a name is forecast to drop, in epoch seconds, and the probability that it does so in between."""

    earliest: float
    likely: float
    latest: float
    probability: float


@dataclass(slots=True)
class Check:
    """One check of a name: the methods asked so far and those still out. `confirm` marks the second pass of an alarm."""

    started: float
    confirm: bool = False
    manual: bool = False
    due: float = 0.0  # when it should have begun, in epoch seconds; 0 where it was not scheduled
    asked: set[str] = field(default_factory=set)
    awaiting: set[str] = field(default_factory=set)
    sent: dict[str, float] = field(default_factory=dict)  # when a query left, in epoch seconds
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    voided: dict[str, Evidence] = field(default_factory=dict)  # dropped while it went on, because its server lied
    lie: str = ""  # how that was found out


@dataclass(slots=True)
class Entry:
    """Everything known about one watched name that is fully loaded. Times in epoch seconds.

    Where it is on its way to its next check is kept in `domains.stages`, which alone writes `check` and `next_check`.
    """

    name: str
    suffix: str
    label: str
    watched: bool = True
    priority: bool = False
    state: State = State.UNKNOWN
    since: float | None = None
    confidence: float = 0.0
    generation: int = 0
    checked_at: float | None = None
    next_check: float = 0.0
    drop: DropWindow | None = None
    detail: Detail = field(default_factory=Detail)
    check: Check | None = None
    isolated_until: float = 0.0
    id: int = -1  # its number in the table
    compared_at: float = 0.0  # when its channels were last compared in its phase, in epoch seconds
    held_until: float | None = None  # the end of the release procedure it is in by the calendar, in epoch seconds
    awaited: set[ChannelKey] = field(default_factory=set)  # servers whose canaries its next pass waits for
    asked_from: dict[str, str] = field(default_factory=dict)  # by method: the egress that its last question left from

    @property
    def phase(self) -> Phase | None:
        """The phase of the registry's last record."""
        return Phase(self.detail.phase) if self.detail.phase else None

    def is_ending(self) -> bool:
        """Whether the registry is deleting the name: in redemption or pending delete."""
        return self.phase in ENDING

    def note_observation(self, observation: Observation, now: float, *, believed: bool = True, by: str = "") -> bool:
        """Keep an observation as evidence; what says nothing is kept beside it and overwrites nothing.

        `by` is the worker that asked. True if the outcome changed.
        """
        detail, method = self.detail, observation.method
        reading = observation.reading
        if not believed or reading.outcome in (Outcome.UNKNOWN, Outcome.THROTTLED):
            before = detail.trouble.get(method)
            first = before.first_at if before and before.observation.reading.outcome is reading.outcome else now
            detail.trouble[method] = Evidence(observation, now, first, by=by)
            return False
        detail.trouble.pop(method, None)
        last = detail.evidence.get(method)
        same = last is not None and last.observation.reading.outcome is reading.outcome
        detail.evidence[method] = Evidence(observation, now, last.first_at if same and last else now, by=by)
        return not same

    def in_window(self, now: float, margin: float = 3600.0) -> bool:
        """Whether the name may drop about now, by its forecast."""
        return self.drop is not None and self.drop.earliest - margin <= now <= self.drop.latest + margin
