"""A verdict on one name, and the situation that it was reached in."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from common.core.model.evidence import Phase
from common.core.model.states import State


class Basis(StrEnum):
    """What the announcement "not registered" rests on."""

    NOTHING = ""
    SOURCES = "sources"  # two independent sources agree
    REPETITION = "repetition"  # verified passes of one source


#: Names of fields in stored verdicts, where they are older than the words of the code.
_STORED = {"p_registrable": "rho", "verified_after": "bracketed"}


class Situation(Struct, frozen=True, omit_defaults=True, rename=_STORED):
    """What besides its evidence decides the verdict on a name.

    `prior` is the log-odds of "unregistered" before any answer, `p_registrable` P(registrable given unregistered).
    `verified_after` are the methods whose server was verified again after it denied the name. `passes` are the times of
    complete positive passes in epoch seconds, `verified` those after which the server was verified again. `release` is the
    release procedure that the name is in by the calendar, if any; `gates` what an alarm still lacks, `basis` what it rests on.
    `never_seen`: whether the name was never seen registered; `announced`: whether it was announced in this run of passes.
    `confirmed_by`, `premium_by`, `refused_by` are sources that say from verified servers that it can be created at list price,
    at a price of its own, or not at all. `blind` are methods that do not show names in this phase: their denial says nothing.
    """

    prior: float
    p_registrable: float
    phase: Phase | None = None
    wildcard: bool = False
    verified_after: frozenset[str] = frozenset()
    passes: tuple[float, ...] = ()
    release: str | None = None
    gates: tuple[str, ...] = ()
    expired: bool = False  # the registry's expiry date has passed
    verified: tuple[float, ...] = ()
    basis: Basis = Basis.NOTHING
    never_seen: bool = False
    announced: bool = False
    confirmed_by: tuple[str, ...] = ()
    premium_by: tuple[str, ...] = ()
    refused_by: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, rename=_STORED):
    """What is concluded about a name: its state, and one sentence why.

    `confidence` is the product of P(unregistered) and `p_registrable`, P(registrable given unregistered). `confirmed_by` are
    the sources that say that the name can be created, where that is what the state says.
    """

    state: State
    confidence: float
    p_unregistered: float
    p_registrable: float
    reason: str
    confirmed_by: tuple[str, ...] = ()


#: What a look says that proves nothing: of a name with a state, and of one without.
NO_NEWS, NOTHING_PROVEN = "no new proof", "nothing observed so far proves a state"
