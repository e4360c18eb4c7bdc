"""Decides the verdict on one name: evidence in, state and confidence out.

Two probabilities are kept apart: that there is no object in the registry database (p_unregistered, by log-odds below), and
that any registrar could then create one now at list price (p_registrable, `rho` in stored verdicts). The confidence is their
product. Errors never get here: they prove nothing. The score alone raises no alarm; `common.core.verdict.gates` names what else
one needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from common.core.builtin.suffix_rules import p_registrable_for, rules_for
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.methods import CERTIFICATE, LIST, RECORD_METHODS, REGISTRY_METHODS, is_registrar, is_registry
from common.core.model.offers import HINTS, denies_object, says_creatable
from common.core.model.records import Evidence, newest_evidence
from common.core.model.states import OUT_OF_ZONE, State
from common.core.model.verdict import NO_NEWS, NOTHING_PROVEN, Basis, Situation, Verdict
from common.core.verdict.definitive import EARLIER, find_offers
from common.core.verdict.likelihoods import (
    CAPS,
    CONFIRMED_TAU,
    DELETING_TAU,
    FINDINGS,
    FURTHER,
    P_REGISTRABLE,
    PER_PASS,
    PER_SPAN,
    SPAN,
    VERIFIED,
    VERIFIED_AFTER,
)

#: Least p_unregistered for any "not registered", and least p_registrable for "available".
SURE, REGISTRABLE = 0.995, 0.95
#: Most confidence where one source alone stands behind an announcement.
LONE_CONFIDENCE = 0.97
#: Most p_registrable where a registrar would not create the name and none would.
REFUSED = 0.3
#: How long an outcome that keeps a name from being free holds after it was last given, in seconds, where the registry denies
#: the name by now and that channel says nothing any more.
OUTCOME_HOLDS = {Outcome.DROPPING: 2 * 86_400.0}
OUTCOME_HOLDS_LONGEST = 7 * 86_400.0
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


def is_dns_informative(situation: Situation) -> bool:
    """Whether NXDOMAIN says anything: not for a name already out of the zone, nor in a suffix that answers for everything."""
    return not situation.wildcard and situation.phase not in OUT_OF_ZONE


def log_odds(evidence: Mapping[str, Evidence], situation: Situation, now: float) -> float:
    """ln(p_unregistered / (1 - p_unregistered)): the sum of all shares."""
    return sum(log_odds_shares(evidence, situation, now).values())


def log_odds_shares(evidence: Mapping[str, Evidence], situation: Situation, now: float) -> dict[str, float]:
    """What adds up to the log-odds: the prior, each group's capped sum, verified servers (canaries), repeated passes."""
    groups: dict[str, list[float]] = {}
    for method, item in evidence.items():
        left_out = _precedes_passes(item, situation) or not _is_believed(method, item, situation)
        weighed = None if left_out else weigh_answer(method, item, situation, now)
        if weighed is not None:
            group, weight = weighed
            groups.setdefault(group, []).append(weight)
    found = {"prior": situation.prior, **{name: _sum_group(name, values) for name, values in groups.items()}}
    positive = any(value > 0 for group in ("registry_db", "registrar") for value in groups.get(group, []))
    contradicted = any(value < -FURTHER for value in groups.get("registry_db", []))
    if positive and not contradicted:
        proven = {*situation.verified_after, *situation.confirmed_by, *situation.premium_by} - {EARLIER}
        found |= {"canaries": VERIFIED_AFTER * len(proven), "passes": _repetition_bonus(situation.passes)}
    return found


def weigh_answer(method: str, item: Evidence, situation: Situation, now: float) -> tuple[str, float] | None:
    """The group of an answer and its weight by now in log-odds; None where it says nothing."""
    weight = FINDINGS.get(item.observation.reading.finding)
    if weight is None or _is_silenced(method, weight.llr, situation):
        return None
    reading = item.observation.reading
    if reading.release is not None and now >= reading.release[0]:
        return None  # a drop list says that the name is registered until then
    denies = reading.outcome is Outcome.UNREGISTERED or says_creatable(method, item)
    tau = DELETING_TAU if reading.phase is Phase.PENDING_DELETE else weight.tau
    tau = CONFIRMED_TAU if situation.announced and denies else tau
    verified = denies and method in situation.verified_after
    return weight.group, (max(weight.llr, VERIFIED) if verified else weight.llr) * math.exp(-max(0.0, now - item.at) / tau)


def decide_verdict(evidence: Mapping[str, Evidence], situation: Situation, before: State, now: float) -> Verdict:
    """The verdict on one name. What is not proven leaves the state as it was."""
    odds = log_odds(evidence, situation, now)
    p_unregistered = 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))
    p_registrable = _p_registrable(evidence, situation)
    state, reason = _decide_state(evidence, situation, before, p_unregistered, p_registrable, now)
    if evidence.keys() <= {CERTIFICATE}:
        p_registrable = 0.0  # nothing was seen: a prior alone is no confidence
    confidence = p_unregistered * (0.0 if state in (State.RESERVED, State.NOT_REGISTRABLE, State.DROPPING) else p_registrable)
    if situation.basis is Basis.REPETITION and state in (State.AVAILABLE, State.UNREGISTERED):
        confidence = min(confidence, LONE_CONFIDENCE)
    confirmed = {State.AVAILABLE: situation.confirmed_by, State.AVAILABLE_PREMIUM: situation.premium_by}.get(state, ())
    sources = tuple(method for method in confirmed if method != EARLIER)
    return Verdict(state, round(confidence, 4), round(p_unregistered, 6), p_registrable, reason, sources)


def _is_silenced(method: str, llr: float, situation: Situation) -> bool:
    """DNS and HTTP of a wildcard suffix say nothing at all; NXDOMAIN of a name out of the zone says nothing new."""
    if method not in ("dns", "http"):
        return False
    return situation.wildcard or (llr > 0 and not is_dns_informative(situation))


def _sum_group(group: str, values: list[float]) -> float:
    """The strongest finding, a share of those that agree; a registered answer beats a positive one."""
    low, high = CAPS[group]
    negatives = sorted(value for value in values if value < 0)
    positives = sorted((value for value in values if value > 0), reverse=True)
    chosen = negatives if negatives and (not positives or -negatives[0] > FURTHER) else positives
    if not chosen:
        return 0.0
    return max(low, min(high, chosen[0] + FURTHER * sum(chosen[1:])))


def _precedes_passes(item: Evidence, situation: Situation) -> bool:
    """Whether an answer is from before the run of passes and speaks against it: a drop lies in between, the prior holds it."""
    against = item.observation.reading.outcome in (Outcome.REGISTERED, Outcome.UNAVAILABLE)
    return against and bool(situation.passes) and item.at < situation.passes[0]


def _is_believed(method: str, item: Evidence, situation: Situation) -> bool:
    """Whether an answer may weigh: that of a registrar from a verified server, or as the hint that it is."""
    proven = (*situation.confirmed_by, *situation.premium_by, *situation.refused_by)
    return not is_registrar(method) or method in proven or item.observation.reading.finding in HINTS


def _repetition_bonus(passes: tuple[float, ...]) -> float:
    """What the passes of a run add: each further one, and the time from the first to the last."""
    further = max(0, len(passes) - 1)
    spans = int((passes[-1] - passes[0]) // SPAN) if passes else 0
    return sum(PER_PASS[:further]) + PER_SPAN * min(4, further, spans)


def _p_registrable(evidence: Mapping[str, Evidence], situation: Situation) -> float:
    """P(registrable | unregistered); of a name never seen registered only a verified server raises it.

    A source that would create the name takes away most of what doubt is left; one that refuses it lowers the figure while none
    would create it.
    """
    if situation.p_registrable <= 0:
        return 0.0
    if situation.refused_by and not (situation.confirmed_by or situation.premium_by):
        return min(situation.p_registrable, REFUSED)
    believed = [
        item
        for method, item in evidence.items()
        if method not in situation.confirmed_by
        and (
            method in situation.verified_after
            or not (is_registrar(method) or (situation.never_seen and method in REGISTRY_METHODS))
        )
    ]
    stated = max([situation.p_registrable, *map(_stated_by, believed)])
    confirmed = max([_stated_by(evidence[method]) for method in situation.confirmed_by if method in evidence], default=0.0)
    return round(1.0 - (1.0 - stated) * (1.0 - confirmed), 6)


def _stated_by(item: Evidence) -> float:
    """P(registrable | unregistered) by one answer, 0 where it says nothing about that."""
    return P_REGISTRABLE.get(item.observation.reading.finding, 0.0)


def _decide_state(
    evidence: Mapping[str, Evidence],
    situation: Situation,
    before: State,
    p_unregistered: float,
    p_registrable: float,
    now: float,
) -> tuple[State, str]:
    public = {method: item for method, item in evidence.items() if not is_registrar(method)}
    believed = {method: item for method, item in public.items() if is_registry(method)} if situation.wildcard else public
    owned = newest_evidence(believed, Outcome.REGISTERED)
    free = _newest_denial(evidence, situation)
    if owned is not None and _outweighs_denial(owned, free, p_unregistered):
        if free is not None and _is_outdated(owned, free, situation, before):
            return before, "the registry's denial is younger than the last registered answer"
        return _decide_owned(public, owned, free, situation, before, now)
    special = _decide_special(public, owned, free, now)
    if special is not None:
        return special
    if free is None:
        return before, NOTHING_PROVEN if before is State.UNKNOWN else NO_NEWS
    return _decide_unregistered(situation, before, p_unregistered, p_registrable)


def _newest_denial(evidence: Mapping[str, Evidence], situation: Situation) -> Evidence | None:
    """The newest answer of the registry, or of a source that asks it, by which there is no object."""
    found = [item for method, item in evidence.items() if method not in situation.blind and denies_object(method, item)]
    return max(found, key=lambda item: item.at, default=None)


def _outweighs_denial(owned: Evidence, free: Evidence | None, p_unregistered: float) -> bool:
    """A registered answer newer than the last positive decides at once; an older one where the odds say so."""
    if free is None or owned.at > free.at:
        return True
    return p_unregistered < 0.5


def _is_outdated(owned: Evidence, free: Evidence, situation: Situation, before: State) -> bool:
    """Whether a registered answer from before the denial counts no more: it must not win because the denial ages as well.

    While the passes of a run stand no registered answer came after them. An alarm whose passes were taken away (a server lied)
    ends as the odds say.
    """
    if owned.at > free.at or before is State.UNKNOWN:
        return False
    announced = before in (State.AVAILABLE, State.UNREGISTERED)
    return bool(situation.passes) or (not announced and free.at - owned.at > CONTRADICTION)


def _decide_owned(
    evidence: Mapping[str, Evidence],
    owned: Evidence,
    free: Evidence | None,
    situation: Situation,
    before: State,
    now: float,
) -> tuple[State, str]:
    record = _newest_record(evidence, owned, free)
    dns = evidence.get("dns")
    if record is None and before is not State.UNKNOWN and _may_lag(owned, free, now):
        return before, "one channel still says registered, and may lag behind the others"
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


def _newest_record(evidence: Mapping[str, Evidence], owned: Evidence, free: Evidence | None) -> Evidence | None:
    """The newest answer with a record or a phase; None where a denial and a newer registered answer came after it."""
    shown = {
        method: item
        for method, item in evidence.items()
        if method in RECORD_METHODS or (method in (*REGISTRY_METHODS, LIST) and item.observation.reading.phase is not None)
    }
    record = newest_evidence(shown, Outcome.REGISTERED)
    of_holder_before = record is not None and free is not None and record.at < free.at < owned.at
    return None if of_holder_before else record


def _may_lag(owned: Evidence, free: Evidence | None, now: float) -> bool:
    """Whether a "taken" without a record is that of before the denial, repeated: then it shows no new registration."""
    bare = is_registry(owned.observation.method)  # a delegation is none
    return bare and free is not None and owned.first_at < free.at and now - free.first_at <= CONTRADICTION


def _decide_special(
    evidence: Mapping[str, Evidence], owned: Evidence | None, free: Evidence | None, now: float
) -> tuple[State, str] | None:
    """The state of a name without an object that is not free to take: reserved, premium, in a release procedure, refused.

    It holds for as long as a channel says so. Where none does any more it ends, if the registry denies the name.
    """
    for outcome, state in (
        (Outcome.RESERVED, State.RESERVED),
        (Outcome.DROPPING, State.DROPPING),
        (Outcome.INVALID, State.NOT_REGISTRABLE),
        (Outcome.PREMIUM, State.AVAILABLE_PREMIUM),
    ):
        item = newest_evidence(_without_offers(evidence) if outcome is Outcome.PREMIUM else evidence, outcome)
        if item is None or (owned is not None and item.at <= owned.at):
            continue
        over = free is not None and free.at > item.at and now - item.at > OUTCOME_HOLDS.get(outcome, OUTCOME_HOLDS_LONGEST)
        if not over:
            return state, item.observation.reading.reason
    return None


def _without_offers(evidence: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """The evidence without definitive sources: what they offer counts once the gates are passed."""
    return {method: item for method, item in evidence.items() if not says_creatable(method, item)}


def _decide_unregistered(situation: Situation, before: State, p_unregistered: float, p_registrable: float) -> tuple[State, str]:
    if situation.gates:
        return before, "not found at the registry; still open: " + "; ".join(situation.gates)
    if p_unregistered < SURE:
        return before, f"not found at the registry, but P(unregistered) is {p_unregistered:.3f}, below {SURE}"
    return _decide_by_offers(situation) or _decide_without_offers(situation, p_registrable)


def _decide_by_offers(situation: Situation) -> tuple[State, str] | None:
    """What sources that can create names say of a name without an object; None where they say nothing.

    A price of its own comes before everything: such a name must not be announced as an ordinary one. Where one source would
    create it, that another one would not says nothing: it may not sell the suffix.
    """
    if situation.premium_by:
        return State.AVAILABLE_PREMIUM, f"not registered, and offered at a price of its own ({', '.join(situation.premium_by)})"
    if situation.confirmed_by:
        return State.AVAILABLE, f"not registered, and {', '.join(situation.confirmed_by)} would create it now"
    if situation.refused_by and situation.release is None:
        return State.UNREGISTERED, f"not registered, but {', '.join(situation.refused_by)} would not create it"
    return None


def _decide_without_offers(situation: Situation, p_registrable: float) -> tuple[State, str]:
    if situation.release is not None:
        return State.DROPPING, f"no longer registered, in the registry's release procedure ({situation.release})"
    if p_registrable < REGISTRABLE:
        return State.UNREGISTERED, "not registered; a reservation or a premium price is not excluded"
    if situation.basis is Basis.REPETITION:
        return State.AVAILABLE, f"not registered, confirmed in {len(situation.verified)} verified passes of one source alone"
    return State.AVAILABLE, "not registered, confirmed in separate passes by independent sources"


def decide_offline(domain: str, suffix: str, readings: list[tuple[str, str, Reading]]) -> dict[str, object]:
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
    offers = find_offers(evidence, 0.0, lambda _method, _item: True, 0.0)
    situation = Situation(
        prior=0.0,
        p_registrable=p_registrable_for(label, suffix),
        phase=phase,
        wildcard=rules.wildcard_known,
        confirmed_by=offers.ordinary,
        premium_by=offers.premium,
        refused_by=offers.refused,
    )
    verdict = decide_verdict(evidence, situation, State.UNKNOWN, 0.0)
    state = verdict.state
    if state is State.AVAILABLE and len(evidence) < 2:
        state = State.UNREGISTERED
    return {
        "state": state.value,
        "confidence": verdict.confidence,
        "p_unregistered": verdict.p_unregistered,
        "rho": verdict.p_registrable,
        "reason": verdict.reason,
        "methods": sorted(evidence),
    }
