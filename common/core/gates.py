"""What an alarm needs beyond the score. Each gate that is not passed is one sentence; none left means "may be announced".

1 a fresh positive from the registry (RDAP, WHOIS, DAS) or a registrar; 2 a second independent positive; 3 a second pass
after the gap; 4 green canaries on every server used, asked again after the positive; 5 no recent contradiction; 6 a top-level
domain that the root knows. The seventh, the registry's calendar, is in `common.core.verdicts`: it names a state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from common.core.evidence import Outcome
from common.core.likelihoods import FINDINGS, REGISTRY_METHODS
from common.core.records import Evidence

#: Oldest registry positive that still counts as fresh, in seconds.
FRESH = 120.0
#: Quiet time after a contradiction, in seconds; for a name in the middle of its deletion the confirmation gap is enough.
QUIET = 900.0
#: A positive of a server without any second channel must repeat this often.
LONELY_PASSES = 3


class Requirements(Struct, frozen=True):
    """What is asked of the evidence of one name.

    `gap` is the time between two passes in seconds, `dns_counts` whether NXDOMAIN is news for this name, `second_channel`
    whether the suffix offers more than one registry channel, `quiet` the time after a contradiction in seconds,
    `suffix_gone` whether the root does not know the top-level domain (any more).
    """

    gap: float
    dns_counts: bool
    second_channel: bool
    quiet: float = QUIET
    suffix_gone: bool = False


def positives(evidence: Mapping[str, Evidence], requirements: Requirements, now: float, since: float = 0.0) -> list[str]:
    """Methods that say "no object" with weight, fresh, and not before `since`."""
    return [
        method
        for method, item in evidence.items()
        if item.observation.reading.outcome is Outcome.UNREGISTERED
        and item.at >= since
        and 0.0 <= now - item.at <= FRESH
        and item.observation.reading.finding in FINDINGS
        and FINDINGS[item.observation.reading.finding].llr > 0
        and (method != "dns" or requirements.dns_counts)
    ]


def is_registry(method: str) -> bool:
    """Whether a method asks those who would know: the registry, or a registrar that asks it."""
    return method in REGISTRY_METHODS or method.startswith("registrar:")


def complete_pass(evidence: Mapping[str, Evidence], requirements: Requirements, now: float, since: float) -> bool:
    """Whether the answers since `since` make one whole positive pass."""
    found = positives(evidence, requirements, now, since)
    return any(is_registry(method) for method in found) and (len(found) >= 2 or _lonely(requirements))


def passes_wanted(found: Sequence[str]) -> int:
    """How many whole passes an alarm needs, given the methods that say "no object"."""
    return LONELY_PASSES if len(found) < 2 else 2


def open_gates(
    evidence: Mapping[str, Evidence],
    requirements: Requirements,
    passes: tuple[float, ...],
    contradicted_at: float | None,
    bracketed: Callable[[str, Evidence], bool],
    now: float,
) -> tuple[str, ...]:
    """The gates still shut, one sentence each.

    `bracketed(method, item)` says whether the server proved itself after that answer.
    """
    found = positives(evidence, requirements, now)
    registry = [method for method in found if is_registry(method)]
    missing: list[str] = []
    if not registry:
        missing.append(f"no registry answer of the last {FRESH:.0f} s says so")
    if len(found) < 2 and not _lonely(requirements):
        missing.append("no second independent source agrees")
    wanted = passes_wanted(found)
    if len(passes) < wanted:
        missing.append(f"pass {len(passes)} of {wanted}, {requirements.gap:g} s apart")
    doubtful = sorted(method for method in found if not bracketed(method, evidence[method]))
    if doubtful:
        missing.append(f"canaries of {', '.join(doubtful)} are not green after the answer")
    if contradicted_at is not None and now - contradicted_at < requirements.quiet:
        missing.append(f"contradicted {now - contradicted_at:.0f} s ago")
    if requirements.suffix_gone:
        missing.append("the root zone does not know the top-level domain")
    return tuple(missing)


class Standing(Struct, frozen=True):
    """Where the evidence of one name stands.

    `positive`: the methods that say "no object"; `open`: the gates still shut; `bracketed`: the methods whose registry server
    proved itself after its answer.
    """

    positive: tuple[str, ...]
    open: tuple[str, ...]
    bracketed: frozenset[str]


def standing(
    evidence: Mapping[str, Evidence],
    requirements: Requirements,
    passes: tuple[float, ...],
    contradicted_at: float | None,
    bracketed: Callable[[str, Evidence], bool],
    now: float,
) -> Standing:
    """Everything this module says about the evidence; parameters as for `open_gates`."""
    found = tuple(positives(evidence, requirements, now))
    if any(is_registry(method) for method in found):
        missing = open_gates(evidence, requirements, passes, contradicted_at, bracketed, now)
    else:
        missing = ("no fresh positive answer of the registry",)
    proven = frozenset(method for method in found if method in REGISTRY_METHODS and bracketed(method, evidence[method]))
    return Standing(found, missing, proven)


def _lonely(requirements: Requirements) -> bool:
    """One registry channel and a DNS that cannot help: repetition has to stand in for the second source."""
    return not requirements.second_channel and not requirements.dns_counts
