"""What follows from the answer to a canary, for the rooms that count answers and take verdicts: this one does neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.records import Evidence


class Failure(NamedTuple):
    """A server failed a canary; `dropped` is what it had said about a name, by method; `doubted`: the canary may be gone."""

    key: ChannelKey
    dropped: Mapping[str, Evidence]
    doubted: bool


class Settled(NamedTuple):
    """A dispute is settled: a server that denied a canary was `wrong`, or the canary is gone."""

    key: ChannelKey
    wrong: bool


class Reconsidered(NamedTuple):
    """A name whose verdict has to be taken anew; `since`: its answers from then on belong to one check, in epoch seconds.

    `voided` was dropped because of a `lie` of its server.
    """

    entry: Entry
    since: float
    voided: Mapping[str, Evidence]
    lie: str


@dataclass(slots=True)
class CanaryOutcome:
    """All that follows from one answer to a canary; `released` are the names that need not wait for its server any more."""

    failures: list[Failure] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    reconsidered: list[Reconsidered] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
