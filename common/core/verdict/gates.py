"""What an alarm needs beyond the score. Each gate that is not passed is one sentence; none left means "may be announced".

1 a fresh positive from the registry (RDAP, WHOIS, DAS, EPP) or a registrar; 2 canaries: every server whose answer is used found
a known name again after it; 3 a second independent source, or in its place the verified passes of one source alone; 4 the
passes; 5 no recent contradiction; 6 for a name never seen registered, the answer of a channel that would say "reserved", or of
a source that creates names; 7 a top-level domain that is in the root zone; 8 no such source that speaks against it and whose
server is about to be verified. The calendar of the registry is in `common.core.verdict.verdicts`: it has a state of its own.

The channels that answer decide what is required: one that is silent, or whose server cannot be verified, holds nothing back for
longer than the passes that stand in for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from common.core.channels.channel_health import FRESH
from common.core.model.evidence import Outcome
from common.core.model.methods import REGISTRY_METHODS, is_definitive, is_registrar, is_registry
from common.core.model.offers import HINTS, says_creatable
from common.core.model.records import Evidence, TrustRow
from common.core.model.verdict import Basis
from common.core.trust.server_trust import canary_window, is_unrefuted, is_verified_after
from common.core.verdict.definitive import IsVerified, Offers, find_offers
from common.core.verdict.likelihoods import FINDINGS

#: Oldest positive that is fresh for an announced name, in seconds: its servers are asked in turn to confirm it.
CONFIRMED = 86_400.0
#: Seconds without an alarm after a contradiction; for a name in the middle of its deletion the gap between passes is enough.
QUIET = 900.0
#: Passes where two independent sources agree.
AGREEING_PASSES = 2
#: Verified passes of one source where no other can be expected to answer: there is none, it is dead, or too slow.
LONE_PASSES = 3
#: The same where another source was expected and stays silent.
SILENT_PASSES = 6


class Requirements(Struct, frozen=True, omit_defaults=True):
    """What is asked of the evidence of one name.

    `gap` is the time between two passes in seconds, `dns_counts` whether NXDOMAIN is news for this name, `second_channel`
    whether a second source is expected to answer, `quiet` the time after a contradiction in seconds, `suffix_gone` whether the
    top-level domain is not in the root zone (any more), `fresh` how old a positive may be in seconds, `awaited` the channels
    that would say "reserved" and are still waited for, `wildcard` whether the zone answers for every name, `announced` whether
    the name was announced already, `registered_seen` when it was last seen registered, in epoch seconds: what was said before
    that is no positive. `blind` are methods that do not show names in this phase, so that their denial says nothing.
    `purged_at` is when the registry denied it first, in epoch seconds: offers of registrars count from then on; `offered` is
    the kind of offer that counted before and still does, `offered_at` when that was last said.
    """

    gap: float
    dns_counts: bool
    second_channel: bool
    quiet: float = QUIET
    suffix_gone: bool = False
    fresh: float = FRESH
    awaited: tuple[str, ...] = ()
    wildcard: bool = False
    announced: bool = False
    registered_seen: float = 0.0
    blind: tuple[str, ...] = ()
    purged_at: float = 0.0
    offered: str = ""
    offered_at: float = 0.0


class Run(Struct, frozen=True):
    """Positive passes in a row. Times in epoch seconds.

    `verified`: those after which, and before the next one, the server of the answer was verified again;
    `contradicted_at`: when a registered answer last ended a run.
    """

    passes: tuple[float, ...] = ()
    verified: tuple[float, ...] = ()
    contradicted_at: float | None = None


class Standing(Struct, frozen=True):
    """Where the evidence of one name stands.

    `positive`: the methods that say "no object"; `open`: what is lacking, one sentence a gate; `verified_after`: the methods
    whose registry server was verified again after its answer; `basis`: what the passed gates rest on; `offers`: what sources
    that can create names say.
    """

    positive: tuple[str, ...]
    open: tuple[str, ...]
    verified_after: frozenset[str]
    basis: Basis = Basis.NOTHING
    offers: Offers = Offers()


def is_server_proven(row: TrustRow, at: float, requirements: Requirements, now: float) -> bool:
    """Whether a server was verified after its answer at `at` (epoch seconds); for an announced name, that it never lied since.

    While checks confirm an announced name its servers are not asked about canaries each time, and its confidence stays. What a
    definitive source says of it may change what was told, so its server has to have been right once after that answer.
    """
    once = not is_definitive(row.method) or row.registered_ok >= at
    if requirements.announced and once and is_unrefuted(row, now):
        return True
    return is_verified_after(row, at, now, canary_window(requirements.fresh))


def positive_methods(evidence: Mapping[str, Evidence], requirements: Requirements, now: float, since: float = 0.0) -> list[str]:
    """The methods whose fresh answer denies the name: not from before `since`, nor before the name was last seen registered."""
    return [
        method
        for method, item in evidence.items()
        if (item.observation.reading.outcome is Outcome.UNREGISTERED or says_creatable(method, item))
        and item.at >= max(since, requirements.registered_seen)
        and 0.0 <= now - item.at <= requirements.fresh
        and item.observation.reading.finding in FINDINGS
        and item.observation.reading.finding not in HINTS
        and FINDINGS[item.observation.reading.finding].llr > 0
        and (method != "dns" or requirements.dns_counts)
        and method not in requirements.blind
    ]


def is_denied(evidence: Mapping[str, Evidence]) -> bool:
    """Whether any source of registrations denies the name, however old or doubtful that is: without one nothing is positive."""
    return any(
        is_registry(method) and (item.observation.reading.outcome is Outcome.UNREGISTERED or says_creatable(method, item))
        for method, item in evidence.items()
    )


def is_complete_pass(evidence: Mapping[str, Evidence], requirements: Requirements, now: float, since: float) -> bool:
    """Whether the answers since `since` make a pass: the registry says "no object" and no method says "registered"."""
    denied = any(is_registry(method) for method in positive_methods(evidence, requirements, now, since))
    return denied and not _is_contradicted(evidence, requirements, since)


def count_lone_passes(requirements: Requirements) -> int:
    """How many verified passes a source alone needs."""
    return SILENT_PASSES if requirements.second_channel else LONE_PASSES


def find_standing(
    evidence: Mapping[str, Evidence], requirements: Requirements, run: Run, is_proven: IsVerified, now: float
) -> Standing:
    """Where the evidence stands; `is_proven(method, item)` says whether the server was verified after that answer."""
    found = positive_methods(evidence, requirements, now)
    proven = [method for method in found if is_proven(method, evidence[method])]
    basis = _basis_of(proven, requirements, run)
    verified = frozenset(method for method in proven if method in REGISTRY_METHODS)
    offers = find_offers(evidence, requirements.purged_at, is_proven, now, requirements.offered, requirements.offered_at)
    lacking = _open_gates(found, proven, requirements, run, now)
    if offers.unverified:
        lacking.append(f"{', '.join(offers.unverified)} speaks against it, and its server is not verified yet")
    return Standing(tuple(found), tuple(lacking), verified, basis, offers)


def _open_gates(found: list[str], proven: list[str], requirements: Requirements, run: Run, now: float) -> list[str]:
    """What the gates that are not passed lack, one sentence each."""
    if not any(is_registry(method) for method in found):
        return [f"no registry answer of the last {requirements.fresh:.0f} s says so"]
    missing = []
    stands = requirements.announced and any(is_registry(method) for method in proven)  # what it was announced on
    if not stands and _basis_of(proven, requirements, run) is Basis.NOTHING:
        missing += _list_lacking(found, proven, requirements, run)
    if run.contradicted_at is not None and now - run.contradicted_at < requirements.quiet:
        missing.append(f"contradicted {now - run.contradicted_at:.0f} s ago")
    told = any(is_definitive(method) for method in proven) or set(requirements.awaited).intersection(proven)
    if requirements.awaited and not told:
        missing.append(f"{', '.join(requirements.awaited)} would say whether the name is reserved, and has not spoken yet")
    if requirements.suffix_gone:
        missing.append("the root zone does not know the top-level domain")
    return missing


def _basis_of(proven: list[str], requirements: Requirements, run: Run) -> Basis:
    """What the positives rest on, as far as sources, canaries and passes decide it."""
    if not any(is_registry(method) for method in proven):
        return Basis.NOTHING
    if len(proven) >= 2 and len(run.passes) >= AGREEING_PASSES:
        return Basis.SOURCES
    if len(run.verified) >= count_lone_passes(requirements):
        return Basis.REPETITION
    return Basis.NOTHING


def _list_lacking(found: list[str], proven: list[str], requirements: Requirements, run: Run) -> list[str]:
    """What keeps the positives from resting on anything, one sentence each."""
    lacking = []
    doubtful = sorted(set(found).difference(proven))
    if doubtful:
        lacking.append(f"canaries of {', '.join(doubtful)} are not verified after the answer")
    if len(found) < 2:
        alone = count_lone_passes(requirements)
        lacking.append(f"no second independent source agrees, {len(run.verified)} of {alone} verified passes stand in for it")
    elif len(run.passes) < AGREEING_PASSES:
        lacking.append(f"pass {len(run.passes)} of {AGREEING_PASSES}, {requirements.gap:g} s apart")
    return lacking


def _is_contradicted(evidence: Mapping[str, Evidence], requirements: Requirements, since: float) -> bool:
    """Whether an answer since `since` says "registered"; that of the zone only where there is no wildcard."""
    return any(
        item.observation.reading.outcome is Outcome.REGISTERED
        and item.at >= since
        and (is_registry(method) or not requirements.wildcard)
        and not is_registrar(method)
        for method, item in evidence.items()
    )
