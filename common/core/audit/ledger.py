"""The evidence ledger: verdicts with everything they were decided from, so that they can be decided again without any network.

Written in the transaction of the state, event and delivery they led to. Recorded are changes of state, passes that brought an
alarm nearer, and what took evidence away again; a check that changes nothing leaves no entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field, structs

from common.core.model.entry import Entry
from common.core.model.methods import is_definitive
from common.core.model.records import Evidence, TrustRow
from common.core.model.states import State
from common.core.model.verdict import Situation, Verdict
from common.core.trust.lies import trust_key
from common.core.trust.server_trust import Trust
from common.core.verdict import gates, verdicts
from common.core.verdict.assessor import Assessment
from common.core.verdict.rules_version import rules_version

#: Kinds of entries: the state changed; a pass did not change it; a registered answer ended a run of passes; a server was caught
#: lying and what it had said was dropped.
DECISION, PASS, CONTRADICTED, CANARY_LIE = "decision", "pass", "contradicted", "canary_lie"


class LedgerEntry(Struct, frozen=True, omit_defaults=True):
    """One verdict as it was taken. Times in epoch seconds.

    `evidence` is all that was weighed, by method, with the bounded copies of the answers; `canaries` the trust in the server
    of each positive answer; `voided` what was dropped just before, and `why` for what reason; `told` the event it caused.
    """

    domain: str
    suffix: str
    at: float
    kind: str
    before: State
    verdict: Verdict
    rules: str
    generation: int
    evidence: dict[str, Evidence]
    situation: Situation
    needs: gates.Requirements
    canaries: dict[str, TrustRow] = field(default_factory=dict)
    contradicted_at: float | None = None
    told: str | None = None
    voided: dict[str, Evidence] = field(default_factory=dict)
    why: str = ""

    @property
    def positive_methods(self) -> tuple[str, ...]:
        """The methods whose fresh answer said that there is no object."""
        return tuple(gates.positive_methods(self.evidence, self.needs, self.at))


class Cause(Struct, frozen=True):
    """Why a verdict is recorded although the state may not change; without a kind it is then not recorded."""

    kind: str = ""
    why: str = ""
    voided: Mapping[str, Evidence] = {}


NO_CAUSE = Cause()


def build_entry(
    entry: Entry, made: Assessment, before: State, told: str | None, cause: Cause, trust: Trust, now: float
) -> LedgerEntry | None:
    """The ledger's entry of a verdict that was just taken; None where it is not worth one."""
    kind = DECISION if entry.state is not before else cause.kind
    if not kind:
        return None
    detail = entry.detail
    weighed = dict.fromkeys((*made.positive, *filter(is_definitive, detail.evidence)))
    rows = {method: trust.find_row(trust_key(entry, method, detail.evidence[method])) for method in weighed}
    return LedgerEntry(
        domain=entry.name,
        suffix=entry.suffix,
        at=now,
        kind=kind,
        before=before,
        verdict=made.verdict,
        rules=rules_version(),
        generation=entry.generation,
        evidence=detail.evidence,
        situation=made.situation,
        needs=made.needs,
        canaries={method: row for method, row in rows.items() if row is not None},
        contradicted_at=detail.contradicted_at,
        told=told,
        voided=dict(cause.voided),
        why=cause.why,
    )


def replay_verdict(entry: LedgerEntry) -> Verdict:
    """The verdict that today's rules give on the recorded evidence; gates and verified servers are worked out anew."""

    def is_proven(method: str, item: Evidence) -> bool:
        row = entry.canaries.get(method)
        return row is not None and gates.is_server_proven(row, item.at, entry.needs, entry.at)

    known = entry.situation
    run = gates.Run(known.passes, known.verified, entry.contradicted_at)
    stands = gates.find_standing(entry.evidence, entry.needs, run, is_proven, entry.at)
    situation = structs.replace(
        known,
        gates=stands.open,
        verified_after=stands.verified_after,
        confirmed_by=stands.offers.ordinary,
        premium_by=stands.offers.premium,
        refused_by=stands.offers.refused,
    )
    return verdicts.decide_verdict(entry.evidence, situation, entry.before, entry.at)


def compare_verdicts(entry: LedgerEntry, again: Verdict) -> list[str]:
    """What is different in a verdict that was taken again, one phrase each."""
    stored, replayed = structs.asdict(entry.verdict), structs.asdict(again)
    pairs = [("rho" if name == "p_registrable" else name, stored[name], replayed[name]) for name in stored]
    return [f"{name} was {was}, is {now}" for name, was, now in pairs if was != now]
