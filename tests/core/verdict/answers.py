"""Made-up answers and requirements for tests of the rules. No board, no clock: the present is `NOW`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Evidence
from common.core.verdict.gates import Requirements, Run, Standing, find_standing

NOW = 1_790_000_000.0
#: The finding by which each method says "no object" here.
DENIALS = {
    "rdap": "rdap_404_json",
    "whois": "whois_free",
    "das": "das_available",
    "epp": "epp_available",
    "dns": "dns_auth_nxdomain",
    "registrar:one": "registrar_available_live",
    "registrar:two": "registrar_available_live",
}
#: The finding by which each method says "registered" here; registrars have one of their own.
HOLDERS = {
    "rdap": "rdap_200_match",
    "whois": "whois_registered",
    "das": "das_not_available",
    "epp": "epp_in_use",
    "dns": "dns_auth_referral",
    "http": "http_answer",
}


def answer(method: str, outcome: Outcome, finding: str, age: float = 0.0) -> Evidence:
    """An answer of `age` seconds ago."""
    return Evidence(Observation(method, Reading(outcome, finding, f"{finding} it says")), NOW - age, NOW - age)


def denial(method: str = "rdap", age: float = 0.0, finding: str = "") -> Evidence:
    """A denial: "no object", said `age` seconds ago."""
    return answer(method, Outcome.UNREGISTERED, finding or DENIALS[method], age)


def holder(method: str = "rdap", age: float = 0.0) -> Evidence:
    """A holder: "registered", said `age` seconds ago."""
    return answer(method, Outcome.REGISTERED, HOLDERS.get(method, "registrar_registered"), age)


def premium(method: str = "registrar:one", age: float = 0.0) -> Evidence:
    """An offer at a price of its own, made `age` seconds ago."""
    return answer(method, Outcome.PREMIUM, f"{method.partition(':')[0]}_premium", age)


def refusal(method: str = "registrar:one", age: float = 0.0, outcome: Outcome = Outcome.UNAVAILABLE) -> Evidence:
    """A refusal to create the name, said `age` seconds ago."""
    return answer(method, outcome, f"{method.partition(':')[0]}_unavailable", age)


def hint(age: float = 0.0) -> Evidence:
    """What a registrar says of a free name from its cache, `age` seconds ago."""
    return denial("registrar:one", age, "registrar_available_cached")


def said(*items: Evidence) -> dict[str, Evidence]:
    """Answers by method."""
    return {item.observation.method: item for item in items}


def asked(**changes: Any) -> Requirements:
    """What is asked of a name of an ordinary suffix: two channels that speak, and a zone whose word counts."""
    return Requirements(**{"gap": 30.0, "dns_counts": True, "second_channel": True, **changes})


def run_of(passes: int, verified: int = 0, contradicted: float | None = None) -> Run:
    """So many passes, half a minute apart, so many of them verified; contradicted so many seconds ago."""
    times = tuple(NOW - 30.0 * number for number in reversed(range(passes)))
    return Run(times, times[:verified], None if contradicted is None else NOW - contradicted)


def judged(*items: Evidence, proven: Collection[str] = (), run: Run | None = None, **changes: Any) -> Standing:
    """Where these answers stand; `proven` are the methods whose server proved itself after its answer."""
    return find_standing(said(*items), asked(**changes), run or run_of(0), lambda method, _: method in proven, NOW)
