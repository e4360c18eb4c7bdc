"""A watched name that is loaded with its evidence, and the check of it that is under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from common.core.model.channel import ChannelKey
from common.core.model.evidence import Observation, Outcome, Phase
from common.core.model.methods import is_registrar
from common.core.model.records import Detail, Evidence
from common.core.model.states import ENDING, State


class Rank(IntEnum):
    """How urgent a query is, the most urgent first."""

    URGENT = 0  # an alarm, or an operator's command, waits for it
    PRIORITY = 1  # the name has priority
    NEWS = 2  # the name left the zone, or may drop at any moment
    FIRST = 3  # the name is out of the zone, and no registry was asked about it so far
    ORDINARY = 4
    BACKGROUND = 5  # nothing waits for it


class DropWindow(NamedTuple):
    """When a name is forecast to drop, in epoch seconds, and the probability that it drops in between."""

    earliest: float
    likely: float
    latest: float
    probability: float


@dataclass(slots=True)
class Check:
    """One check of a name: the methods queried so far, and those whose answer is awaited. Times in epoch seconds.

    `confirm` marks the second pass of an alarm, `manual` a check that an operator of this service requested, `asks_registry`
    one that queries the registry although DNS shows nothing new.
    """

    started: float
    confirm: bool = False
    manual: bool = False
    due: float = 0.0  # when it should have begun; 0 where it was not scheduled
    asks_registry: bool = False
    asked: set[str] = field(default_factory=set)
    awaiting: set[str] = field(default_factory=set)
    beside: int = 0  # how many methods had been queried when the next ones were queried beside overdue answers
    sent: dict[str, float] = field(default_factory=dict)  # when the query of a method left
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    voided: dict[str, Evidence] = field(default_factory=dict)  # dropped in the course of it, because the server lied
    lie: str = ""  # how the lie was found

    def found_registered(self) -> bool:
        """Whether a method says "registered"; a registrar's word for that may come from a cache."""
        return any(said is Outcome.REGISTERED and not is_registrar(method) for method, said in self.outcomes.items())


@dataclass(slots=True)
class Entry:
    """Everything known about one watched name that is loaded. Times in epoch seconds.

    `domains.stages` alone writes `check` and `next_check`: it owns the stage that a name is in.
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
    id: int = -1  # its place in the domain table
    compared_at: float = 0.0  # when its registry channels were last compared in its phase
    held_until: float | None = None  # the end of the release procedure that it is in by the calendar
    awaited: set[ChannelKey] = field(default_factory=set)  # servers whose canaries its next pass waits for
    queued_until: dict[str, float] = field(default_factory=dict)  # by registrar: when its query leaves the queue at the latest
    asked_from: dict[str, str] = field(default_factory=dict)  # by method: the egress that its last query left from

    @property
    def phase(self) -> Phase | None:
        """The phase that the registry's last record shows; None without a record."""
        return Phase(self.detail.phase) if self.detail.phase else None

    def is_ending(self) -> bool:
        """Whether the registry is deleting the name: in redemption or pending delete."""
        return self.phase in ENDING

    def is_held(self, now: float) -> bool:
        """Whether the calendar of a release procedure holds the purged name back: no alarm is possible before its end."""
        return self.state is State.DROPPING and self.held_until is not None and now < self.held_until

    def note_observation(self, observation: Observation, now: float, *, believed: bool = True, by: str = "") -> bool:
        """Keep an observation as evidence; one that says nothing, or is not `believed`, as trouble, which replaces no evidence.

        `by` is the worker that queried. Returns whether the evidence of its method has another outcome than before.
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
        """Whether now is in the forecast drop window, or at most `margin` seconds from it."""
        return self.drop is not None and self.drop.earliest - margin <= now <= self.drop.latest + margin
