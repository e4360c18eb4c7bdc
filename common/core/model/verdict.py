"""A verdict on one name, and the situation around its evidence that it was taken in."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from common.core.model.evidence import Phase
from common.core.model.states import State


class Basis(StrEnum):
    """What the word "not registered" rests on."""

    NOTHING = ""
    SOURCES = "sources"  # two independent ones agree
    REPETITION = "repetition"  # verified passes of one


class Situation(Struct, frozen=True, omit_defaults=True):
    """What is known around the evidence of one name.

    `prior` is the log-odds of "unregistered" before any answer; `bracketed` the methods whose server proved itself right
    after its positive; `passes` the times of complete positive passes; `release` the registry procedure the calendar says
    the name is in, if any; `gates` what an alarm still lacks; `verified` the passes after which the server proved itself again;
    `basis` what an alarm rests on; `never_seen` whether the name was never seen registered;
    `announced` whether it was announced by this run of passes.
    """

    prior: float
    rho: float
    phase: Phase | None = None
    wildcard: bool = False
    bracketed: frozenset[str] = frozenset()
    passes: tuple[float, ...] = ()
    release: str | None = None
    gates: tuple[str, ...] = ()
    expired: bool = False  # the registry's expiry date has passed
    verified: tuple[float, ...] = ()
    basis: Basis = Basis.NOTHING
    never_seen: bool = False
    announced: bool = False


class Verdict(Struct, frozen=True):
    """The answer: `state`, P(N), rho, their product as confidence, and one sentence why."""

    state: State
    confidence: float
    p_unregistered: float
    rho: float
    reason: str


#: What a look says that proves nothing: of a name with a state, and of one without.
NO_NEWS, NOTHING_PROVEN = "no new proof", "nothing observed so far proves a state"
