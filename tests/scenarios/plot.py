"""What a scenario is made of: names with their lives, servers with their misdeeds, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from common.core.model.states import State
from tests.lab.faults import Words
from tests.lab.story import Act, Scene
from tests.lab.truth import Truth

#: Scenes that the demo's story has no need of.
FRESH = "registered this very moment"
FREE = "never registered"


@dataclass(frozen=True, slots=True)
class Case:
    """One watched name, an A-label. `alarms` is how often the customer must hear "available" about it.

    `ends` are the states it may be in at last, `through` states it must have been in; empty: any. `listed` are the ways it
    stands in the list where that is not simply the name. `within` is the most seconds from the moment the name is free to the
    first alarm; None: as long as the run lasts. `ordered` are the seconds after the curtain at
    which a check is ordered by hand.
    """

    name: str
    scene: Scene | str = Scene.HELD
    alarms: int = 0
    acts: tuple[Act, ...] = ()
    ends: tuple[State, ...] = ()
    through: tuple[State, ...] = ()
    priority: bool = False
    listed: tuple[str, ...] = ()
    within: float | None = None
    ordered: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Mischief:
    """A server does wrong from `at` to `until` seconds after the curtain; None: from the beginning, to the end."""

    server: str
    fault: str
    names: tuple[str, ...] = ()
    at: float | None = None
    until: float | None = None
    count: int | None = None
    delay: float | None = None
    words: Words | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One cause or one kind of drop. `covers` says of what: "cause 7" of the known ones, "peer: ..." or "drop: ...".

    `refused` are list entries that must come back as problems, with the code. `unasked` are queries (server, name)
    that must not be sent, "" for any server. `most` bounds the queries to a server. `recorded` are lines for
    `domain-monitor judge`, where the product has no method yet that would query.
    """

    name: str
    covers: tuple[str, ...]
    cases: tuple[Case, ...] = ()
    mischief: tuple[Mischief, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    unasked: tuple[tuple[str, str], ...] = ()
    most: Mapping[str, int] = field(default_factory=dict)
    recorded: tuple[Mapping[str, object], ...] = ()


def drops(
    name: str,
    at: float,
    *,
    priority: bool = False,
    listed: tuple[str, ...] = (),
    scene: Scene = Scene.LAST_DAY,
    within: float | None = None,
) -> Case:
    """An honest drop: purged at `at`, and one alarm is due, `within` so many seconds."""
    return Case(name, scene, 1, (Act(at, "purge"),), (State.AVAILABLE,), (), priority, listed, within)


def withheld(name: str, at: float, then: Truth, *ends: State) -> Case:
    """Purged at `at`, yet kept back by the registry."""
    return Case(name, Scene.LAST_DAY, 0, (Act(at, "purge", {"then": then}),), ends)


def says(server: str, text: str, *names: str) -> Mischief:
    """The server says `text` about these names, or about every name."""
    return Mischief(server, "says", names, words=Words(text))


def answers(server: str, status: int, text: str, *names: str, headers: Mapping[str, str] | None = None) -> Mischief:
    """The HTTP server answers so about these names, or about every name."""
    return Mischief(server, "says", names, words=Words(text, status, headers or {}))


def rdap_record(status: Iterable[str], **dates: str) -> str:
    """An RDAP object of whatever name is asked about; underscores in the event actions stand for blanks."""
    return json.dumps(
        {
            "objectClassName": "domain",
            "ldhName": "{name}",
            "handle": "D77-LAB",
            "status": list(status),
            "events": [{"eventAction": key.replace("_", " "), "eventDate": value} for key, value in dates.items()],
            "entities": [{"objectClassName": "entity", "roles": ["registrar"], "handle": "9999"}],
            "rdapConformance": ["rdap_level_0"],
        }
    )
