"""What follows from a canary's answer for those who count and conclude: trust itself does neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.records import Evidence


class Failure(NamedTuple):
    """A server failed a canary, and what it had said about a name was dropped, if anything; `doubted`: the canary may be gone."""

    key: ChannelKey
    dropped: Mapping[str, Evidence]
    doubted: bool


class Settled(NamedTuple):
    """It is settled whether a server that denied a canary was wrong, or the canary is gone."""

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
    """See the classes above; `released` are names that need not wait for this server any more."""

    failures: list[Failure] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    reconsidered: list[Reconsidered] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
