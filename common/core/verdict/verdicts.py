"""Where a verdict is decided: evidence in, state and confidence out.

Two questions are kept apart: is there no object in the registry database (P(N), log-odds below), and could an ordinary
registrar create one now at list price (rho)? `confidence = P(N) * rho`. Errors never get here: they prove nothing.
The score alone raises no alarm; `common.core.verdict.gates` names what else an alarm needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from common.core.builtin.suffix_rules import p_registrable_for, rules_for
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.methods import REGISTRY_METHODS
from common.core.model.records import Evidence, newest_evidence
from common.core.model.states import OUT_OF_ZONE, State
from common.core.model.verdict import NO_NEWS, NOTHING_PROVEN, Basis, Situation, Verdict
from common.core.verdict.likelihoods import (
    BRACKETED,
    CAPS,
    CONFIRMED_TAU,
    DELETING_TAU,
    FINDINGS,
    FURTHER,
    PER_PASS,
    PER_SPAN,
    SPAN,
    VERIFIED,
    VOUCHED,
)

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

_PHASE_STATES = {
    Phase.ACTIVE: State.REGISTERED,
    Phase.UNDELEGATED: State.UNDELEGATED,
    Phase.EXPIRED_GRACE: State.EXPIRED_GRACE,
    Phase.REDEMPTION: State.REDEMPTION,
    Phase.PENDING_RESTORE: State.REDEMPTION,
    Phase.PENDING_DELETE: State.PENDING_DELETE,
    Phase.DROPPING: State.DROPPING,
}


def dns_informative(situation: Situation) -> bool:
    """Whether NXDOMAIN says anything: not for a name already out of the zone, nor in a suffix that answers for everything."""
    return not situation.wildcard and situation.phase not in OUT_OF_ZONE


def log_odds(evidence: Mapping[str, Evidence], situation: Situation, now: float) -> float:
    """ln(P(N) / P(not N)): the sum of all shares."""
    return sum(log_odds_shares(evidence, situation, now).values())


def log_odds_shares(evidence: Mapping[str, Evidence], situation: Situation, now: float) -> dict[str, float]:
    """What adds up to the log-odds: the prior, each group's capped sum, bracketing (canaries), the repetition of passes."""
    groups: dict[str, list[float]] = {}
    for method, item in evidence.items():
        weighed = None if _from_before(item, situation) else weigh_answer(method, item, situation, now)
        if weighed is not None:
            groups.setdefault(weighed[0], []).append(weighed[1])
    found = {"prior": situation.prior, **{name: _sum_group(name, values) for name, values in groups.items()}}
    positive = any(value > 0 for value in groups.get("registry_db", []))
    contradicted = any(value < -FURTHER for value in groups.get("registry_db", []))
    if positive and not contradicted:
        found |= {"canaries": BRACKETED * len(situation.bracketed), "passes": _repetition_bonus(situation.passes)}
    return found


def weigh_answer(method: str, item: Evidence, situation: Situation, now: float) -> tuple[str, float] | None:
    """The group of an answer and how much it weighs by now; None where it says nothing."""
    weight = FINDINGS.get(item.observation.reading.finding)
    if weight is None or _is_silenced(method, weight.llr, situation):
        return None
    reading = item.observation.reading
    denies = reading.outcome is Outcome.UNREGISTERED
    tau = DELETING_TAU if reading.phase is Phase.PENDING_DELETE else weight.tau
    tau = CONFIRMED_TAU if situation.announced and denies else tau
    verified = denies and method in situation.bracketed
    return weight.group, (max(weight.llr, VERIFIED) if verified else weight.llr) * math.exp(-max(0.0, now - item.at) / tau)


def decide_verdict(evidence: Mapping[str, Evidence], situation: Situation, before: State, now: float) -> Verdict:
    """The verdict on one name. What is not proven leaves the state as it was."""
    odds = log_odds(evidence, situation, now)
    p = 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))
    rho = _p_registrable(evidence, situation)
    state, reason = _decide_state(evidence, situation, before, (p, rho), now)
    if not evidence:
        rho = 0.0  # nothing was seen: a prior alone is no confidence
    confidence = p * (0.0 if state in (State.RESERVED, State.NOT_REGISTRABLE, State.DROPPING) else rho)
    if situation.basis is Basis.REPETITION and state in (State.AVAILABLE, State.UNREGISTERED):
        confidence = min(confidence, LONE_CONFIDENCE)
    return Verdict(state, round(confidence, 4), round(p, 6), rho, reason)


def _is_silenced(method: str, llr: float, situation: Situation) -> bool:
    """DNS and HTTP of a wildcard suffix say nothing at all; NXDOMAIN of a name out of the zone says nothing new."""
    if method not in ("dns", "http"):
        return False
    return situation.wildcard or (llr > 0 and not dns_informative(situation))


def _sum_group(group: str, values: list[float]) -> float:
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


def _repetition_bonus(passes: tuple[float, ...]) -> float:
    """What the passes of a run add: each further one, and the time from the first to the last."""
    further = max(0, len(passes) - 1)
    spans = int((passes[-1] - passes[0]) // SPAN) if passes else 0
    return sum(PER_PASS[:further]) + PER_SPAN * min(4, further, spans)


def _p_registrable(evidence: Mapping[str, Evidence], situation: Situation) -> float:
    """P(available | unregistered); of a name never seen registered only a server that proved itself vouches for more."""
    if situation.rho <= 0:
        return 0.0
    believed = [
        item
        for method, item in evidence.items()
        if not situation.never_seen or method not in REGISTRY_METHODS or method in situation.bracketed
    ]
    return max([situation.rho, *(VOUCHED.get(item.observation.reading.finding, 0.0) for item in believed)])


def _decide_state(
    evidence: Mapping[str, Evidence], situation: Situation, before: State, odds: tuple[float, float], now: float
) -> tuple[State, str]:
    p, rho = odds
    owned = newest_evidence(evidence, Outcome.REGISTERED)
    free = newest_evidence(evidence, Outcome.UNREGISTERED, methods=REGISTRY_METHODS)
    if owned is not None and _owner_wins(owned, free, situation, p):
        if free is not None and _too_old(owned, free, situation, before):
            return before, "the registry's denial is younger than the last registered answer"
        return _decide_owned(evidence, owned, situation, now)
    special = _decide_special(evidence, owned, free, now)
    if special is not None:
        return special
    if free is None:
        return before, NOTHING_PROVEN if before is State.UNKNOWN else NO_NEWS
    return _decide_unregistered(situation, before, p, rho)


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


def _decide_owned(evidence: Mapping[str, Evidence], owned: Evidence, situation: Situation, now: float) -> tuple[State, str]:
    record = newest_evidence(evidence, Outcome.REGISTERED, methods=REGISTRY_METHODS)
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


def _decide_special(
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
        item = newest_evidence(evidence, outcome)
        if item is None or (owned is not None and item.at <= owned.at):
            continue
        over = free is not None and free.at > item.at and now - item.at > WORD_HOLDS.get(outcome, WORD_HOLDS_LONGEST)
        if not over:
            return state, item.observation.reading.reason
    return None


def _decide_unregistered(situation: Situation, before: State, p: float, rho: float) -> tuple[State, str]:
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
    verdict = decide_verdict(evidence, situation, State.UNKNOWN, 0.0)
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
