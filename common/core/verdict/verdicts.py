"""Where a verdict is decided: evidence in, state and confidence out.

Two questions are kept apart: is there no object in the registry database (P(N), log-odds below), and could an ordinary
registrar create one now at list price (rho)? `confidence = P(N) * rho`. Errors never get here: they prove nothing.
The score alone raises no alarm; `common.core.verdict.gates` names what else an alarm needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from common.core.builtin.suffix_rules import p_registrable_for, rules_for
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.verdict.gates import Basis
from common.core.verdict.likelihoods import (
    BRACKETED,
    CAPS,
    CONFIRMED_TAU,
    DELETING_TAU,
    FINDINGS,
    FURTHER,
    PER_PASS,
    PER_SPAN,
    REGISTRY_METHODS,
    SPAN,
    VERIFIED,
    VOUCHED,
)


class State(StrEnum):
    """What we say about a name. UNKNOWN never overwrites another state."""

    INVALID = "INVALID"
    NOT_REGISTRABLE = "NOT_REGISTRABLE"
    REGISTERED = "REGISTERED"
    UNDELEGATED = "UNDELEGATED"
    EXPIRED_GRACE = "EXPIRED_GRACE"
    REDEMPTION = "REDEMPTION"
    PENDING_DELETE = "PENDING_DELETE"
    DROPPING = "DROPPING"
    UNREGISTERED = "UNREGISTERED"
    AVAILABLE = "AVAILABLE"
    AVAILABLE_PREMIUM = "AVAILABLE_PREMIUM"
    RESERVED = "RESERVED"
    UNKNOWN = "UNKNOWN"


#: What a look says that proves nothing: of a name with a state, and of one without.
NO_NEWS, NOTHING_PROVEN = "no new proof", "nothing observed so far proves a state"
#: Least P(N) for any "not registered", and least rho for "available".
SURE, REGISTRABLE = 0.995, 0.95
#: Most confidence where one source alone stands behind an announcement.
LONE_CONFIDENCE = 0.97
#: How long a word that keeps a name from being free holds after it was last said, in seconds, where the registry denies the
#: name by now and that channel says nothing any more.
WORD_HOLDS = {Outcome.DROPPING: 2 * 86_400.0}
WORD_HOLDS_LONGEST = 7 * 86_400.0
#: How long a registered answer outweighs a positive one of the same group, in seconds.
CONTRADICTION = 900.0
#: How long a record must have been there before its absence from the zone is a state of its own, in seconds.
SETTLED = 600.0
#: Phases in which a name is out of the zone: there NXDOMAIN is no news.
OUT_OF_ZONE = frozenset({Phase.UNDELEGATED, Phase.REDEMPTION, Phase.PENDING_RESTORE, Phase.PENDING_DELETE, Phase.DROPPING})
#: States in which a name has an owner.
OWNED = frozenset({State.REGISTERED, State.UNDELEGATED, State.EXPIRED_GRACE, State.REDEMPTION, State.PENDING_DELETE})
#: States that were announced as free to take, so that their end has to be announced too.
ANNOUNCED = frozenset({State.AVAILABLE, State.AVAILABLE_PREMIUM, State.UNREGISTERED})

_PHASE_STATES = {
    Phase.ACTIVE: State.REGISTERED,
    Phase.UNDELEGATED: State.UNDELEGATED,
    Phase.EXPIRED_GRACE: State.EXPIRED_GRACE,
    Phase.REDEMPTION: State.REDEMPTION,
    Phase.PENDING_RESTORE: State.REDEMPTION,
    Phase.PENDING_DELETE: State.PENDING_DELETE,
    Phase.DROPPING: State.DROPPING,
}


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


def dns_informative(situation: Situation) -> bool:
    """Whether NXDOMAIN says anything: not for a name already out of the zone, nor in a suffix that answers for everything."""
    return not situation.wildcard and situation.phase not in OUT_OF_ZONE


def log_odds(evidence: Mapping[str, Evidence], situation: Situation, now: float) -> float:
    """ln(P(N) / P(not N)): the sum of all shares."""
    return sum(shares(evidence, situation, now).values())


def shares(evidence: Mapping[str, Evidence], situation: Situation, now: float) -> dict[str, float]:
    """What adds up to the log-odds: the prior, each group's capped sum, bracketing (canaries), the repetition of passes."""
    groups: dict[str, list[float]] = {}
    for method, item in evidence.items():
        weighed = None if _from_before(item, situation) else weigh(method, item, situation, now)
        if weighed is not None:
            groups.setdefault(weighed[0], []).append(weighed[1])
    found = {"prior": situation.prior, **{name: _sum(name, values) for name, values in groups.items()}}
    positive = any(value > 0 for value in groups.get("registry_db", []))
    contradicted = any(value < -FURTHER for value in groups.get("registry_db", []))
    if positive and not contradicted:
        found |= {"canaries": BRACKETED * len(situation.bracketed), "passes": _repetition(situation.passes)}
    return found


def weigh(method: str, item: Evidence, situation: Situation, now: float) -> tuple[str, float] | None:
    """The group of an answer and how much it weighs by now; None where it says nothing."""
    weight = FINDINGS.get(item.observation.reading.finding)
    if weight is None or _silenced(method, weight.llr, situation):
        return None
    reading = item.observation.reading
    denies = reading.outcome is Outcome.UNREGISTERED
    tau = DELETING_TAU if reading.phase is Phase.PENDING_DELETE else weight.tau
    tau = CONFIRMED_TAU if situation.announced and denies else tau
    verified = denies and method in situation.bracketed
    return weight.group, (max(weight.llr, VERIFIED) if verified else weight.llr) * math.exp(-max(0.0, now - item.at) / tau)


def decide(evidence: Mapping[str, Evidence], situation: Situation, before: State, now: float) -> Verdict:
    """The verdict on one name. What is not proven leaves the state as it was."""
    odds = log_odds(evidence, situation, now)
    p = 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))
    rho = _registrable(evidence, situation)
    state, reason = _state(evidence, situation, before, (p, rho), now)
    if not evidence:
        rho = 0.0  # nothing was seen: a prior alone is no confidence
    confidence = p * (0.0 if state in (State.RESERVED, State.NOT_REGISTRABLE, State.DROPPING) else rho)
    if situation.basis is Basis.REPETITION and state in (State.AVAILABLE, State.UNREGISTERED):
        confidence = min(confidence, LONE_CONFIDENCE)
    return Verdict(state, round(confidence, 4), round(p, 6), rho, reason)


def newest(evidence: Mapping[str, Evidence], *outcomes: Outcome, methods: tuple[str, ...] = ()) -> Evidence | None:
    """The newest evidence with one of these outcomes (and of one of these methods, where given)."""
    found = [
        item
        for method, item in evidence.items()
        if item.observation.reading.outcome in outcomes and (not methods or method in methods)
    ]
    return max(found, key=lambda item: item.at, default=None)


def _silenced(method: str, llr: float, situation: Situation) -> bool:
    """DNS and HTTP of a wildcard suffix say nothing at all; NXDOMAIN of a name out of the zone says nothing new."""
    if method not in ("dns", "http"):
        return False
    return situation.wildcard or (llr > 0 and not dns_informative(situation))


def _sum(group: str, values: list[float]) -> float:
    """The strongest finding, a share of those that agree; a registered answer beats a positive one."""
    low, high = CAPS[group]
    negatives = sorted(value for value in values if value < 0)
    positives = sorted((value for value in values if value > 0), reverse=True)
    chosen = negatives if negatives and (not positives or -negatives[0] > FURTHER) else positives
    if not chosen:
        return 0.0
    return max(low, min(high, chosen[0] + FURTHER * sum(chosen[1:])))


def _from_before(item: Evidence, situation: Situation) -> bool:
    """Whether an answer says "registered" from before the run of passes: the prior knows that, and a drop lies in between."""
    return item.observation.reading.outcome is Outcome.REGISTERED and bool(situation.passes) and item.at < situation.passes[0]


def _repetition(passes: tuple[float, ...]) -> float:
    """What the passes of a run add: each further one, and the time from the first to the last."""
    further = max(0, len(passes) - 1)
    spans = int((passes[-1] - passes[0]) // SPAN) if passes else 0
    return sum(PER_PASS[:further]) + PER_SPAN * min(4, further, spans)


def _registrable(evidence: Mapping[str, Evidence], situation: Situation) -> float:
    """P(available | unregistered); of a name never seen registered only a server that proved itself vouches for more."""
    if situation.rho <= 0:
        return 0.0
    believed = [
        item
        for method, item in evidence.items()
        if not situation.never_seen or method not in REGISTRY_METHODS or method in situation.bracketed
    ]
    return max([situation.rho, *(VOUCHED.get(item.observation.reading.finding, 0.0) for item in believed)])


def _state(
    evidence: Mapping[str, Evidence], situation: Situation, before: State, odds: tuple[float, float], now: float
) -> tuple[State, str]:
    p, rho = odds
    owned = newest(evidence, Outcome.REGISTERED)
    free = newest(evidence, Outcome.UNREGISTERED, methods=REGISTRY_METHODS)
    if owned is not None and _owner_wins(owned, free, situation, p):
        if free is not None and _too_old(owned, free, situation, before):
            return before, "the registry's denial is younger than the last registered answer"
        return _owned(evidence, owned, situation, now)
    special = _special(evidence, owned, free, now)
    if special is not None:
        return special
    if free is None:
        return before, NOTHING_PROVEN if before is State.UNKNOWN else NO_NEWS
    return _unregistered(situation, before, p, rho)


def _owner_wins(owned: Evidence, free: Evidence | None, situation: Situation, p: float) -> bool:
    """A registered answer newer than the last positive decides at once; an older one where the odds say so."""
    if owned.observation.method in ("dns", "http") and situation.wildcard:
        return False
    if free is None or owned.at > free.at:
        return True
    return p < 0.5


def _too_old(owned: Evidence, free: Evidence, situation: Situation, before: State) -> bool:
    """Whether a registered answer from before the denial has no say any more: it must not win because the denial ages as well.

    While the passes of a run stand no registered answer came after them. An alarm whose passes were taken away (a server lied)
    ends as the odds say.
    """
    if owned.at > free.at or before is State.UNKNOWN:
        return False
    announced = before in (State.AVAILABLE, State.UNREGISTERED)
    return bool(situation.passes) or (not announced and free.at - owned.at > CONTRADICTION)


def _owned(evidence: Mapping[str, Evidence], owned: Evidence, situation: Situation, now: float) -> tuple[State, str]:
    record = newest(evidence, Outcome.REGISTERED, methods=REGISTRY_METHODS)
    dns = evidence.get("dns")
    if record is None:
        return State.REGISTERED, owned.observation.reading.reason
    phase = record.observation.reading.phase or Phase.ACTIVE
    in_zone_since = dns is not None and dns.observation.reading.outcome is Outcome.REGISTERED and dns.at > record.at
    if in_zone_since and phase in OUT_OF_ZONE and not situation.wildcard:
        return State.REGISTERED, "delegated again since the registry's last record"
    if phase is Phase.ACTIVE and situation.expired:
        return State.EXPIRED_GRACE, "the registry's expiry date has passed and the name is still registered"
    missing = (
        dns is not None and dns.observation.reading.outcome is Outcome.UNREGISTERED and dns.at >= record.at - CONTRADICTION
    )
    settled = now - record.first_at >= SETTLED  # a fresh registration takes a while to reach the zone
    if phase is Phase.ACTIVE and missing and settled and not situation.wildcard:
        return State.UNDELEGATED, "registered, but not in the zone"
    return _PHASE_STATES[phase], record.observation.reading.reason


def _special(
    evidence: Mapping[str, Evidence], owned: Evidence | None, free: Evidence | None, now: float
) -> tuple[State, str] | None:
    """Reserved, blocked, premium, in a release procedure, refused: no object, yet not free to take.

    Such a word holds for as long as it is said. Where it is not said any more it ends, if the registry denies the name.
    """
    for outcome, state in (
        (Outcome.RESERVED, State.RESERVED),
        (Outcome.DROPPING, State.DROPPING),
        (Outcome.INVALID, State.NOT_REGISTRABLE),
        (Outcome.PREMIUM, State.AVAILABLE_PREMIUM),
    ):
        item = newest(evidence, outcome)
        if item is None or (owned is not None and item.at <= owned.at):
            continue
        over = free is not None and free.at > item.at and now - item.at > WORD_HOLDS.get(outcome, WORD_HOLDS_LONGEST)
        if not over:
            return state, item.observation.reading.reason
    return None


def _unregistered(situation: Situation, before: State, p: float, rho: float) -> tuple[State, str]:
    if situation.gates:
        return before, "not found at the registry; still open: " + "; ".join(situation.gates)
    if p < SURE:
        return before, f"not found at the registry, but P(unregistered) is {p:.3f}, below {SURE}"
    if situation.release is not None:
        return State.DROPPING, f"no longer registered, in the registry's release procedure ({situation.release})"
    if rho < REGISTRABLE:
        return State.UNREGISTERED, "not registered; a reservation or a premium price is not excluded"
    if situation.basis is Basis.REPETITION:
        return State.AVAILABLE, f"not registered, confirmed in {len(situation.verified)} verified passes of one source alone"
    return State.AVAILABLE, "not registered, confirmed in separate passes by independent sources"


def judge_offline(domain: str, suffix: str, readings: list[tuple[str, str, Reading]]) -> dict[str, object]:
    """The verdict that recorded answers of one moment add up to, without history: one pass, canaries unknown.

    `readings` are (method, server, reading). For looking at evidence; an alarm needs more than one moment.
    """
    evidence = {
        method: Evidence(Observation(method, reading, server=server), 0.0, 0.0)
        for method, server, reading in readings
        if reading.outcome not in (Outcome.UNKNOWN, Outcome.THROTTLED)
    }
    rules = rules_for(suffix)
    label = domain.removesuffix(f".{suffix}")
    phase = next((r.phase for _, _, r in readings if r.phase is not None), None)
    situation = Situation(prior=0.0, rho=p_registrable_for(label, suffix), phase=phase, wildcard=rules.wildcard_known)
    verdict = decide(evidence, situation, State.UNKNOWN, 0.0)
    state = verdict.state
    if state is State.AVAILABLE and len(evidence) < 2:
        state = State.UNREGISTERED
    return {
        "state": state.value,
        "confidence": verdict.confidence,
        "p_unregistered": verdict.p_unregistered,
        "rho": verdict.rho,
        "reason": verdict.reason,
        "methods": sorted(evidence),
    }
