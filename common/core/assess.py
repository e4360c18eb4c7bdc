"""From the evidence of one name to its verdict: builds the situation around the evidence, asks `verdicts`, keeps the passes."""

from __future__ import annotations

from typing import NamedTuple

from common.core import gates, verdicts
from common.core.board import Board
from common.core.cadence import gap_of
from common.core.domains import Entry
from common.core.evidence import Outcome, Phase
from common.core.lifecycle import Forecast, forecast, prior, release_procedure
from common.core.likelihoods import REGISTRY_METHODS
from common.core.parsers.dates import epoch
from common.core.records import Evidence
from common.core.tables.suffix_rules import rho_for
from common.core.trust import Key
from common.core.verdicts import OUT_OF_ZONE, State, Verdict

#: Passes remembered: enough for every bonus.
PASSES = 12
#: Registries with a rho of at least this reserve next to nothing; elsewhere an unheard WHOIS caps it.
SILENT_REGISTRY_IS_FINE, UNHEARD = 0.98, 0.9
_SUFFIX_GONE = frozenset({"dns_suffix_gone", "dns_tld_gone"})


def trust_key(entry: Entry, method: str, item: Evidence) -> Key:
    """Whose canaries vouch for this answer."""
    return (method, item.observation.server or entry.suffix, entry.suffix)


def requirements(board: Board, entry: Entry, now: float) -> gates.Requirements:
    """What an alarm about this name needs."""
    wildcard = board.wildcard(entry.suffix)
    gap = gap_of(entry, board.policy.cadence, now)
    rdap = board.server("rdap", entry.suffix) is not None
    whois = board.server("whois", entry.suffix) is not None
    deleting = entry.phase in (Phase.PENDING_DELETE, Phase.REDEMPTION)
    return gates.Requirements(
        gap=gap,
        dns_counts=not wildcard and entry.phase not in OUT_OF_ZONE,
        second_channel=rdap and whois,
        quiet=gap if deleting else gates.QUIET,
        suffix_gone=_suffix_gone(entry),
    )


def _suffix_gone(entry: Entry) -> bool:
    """Whether the root says that there is no such top-level domain: whatever its registry answers, nobody can register."""
    item = entry.detail.trouble.get("dns")
    return item is not None and item.observation.reading.finding in _SUFFIX_GONE


def learn(entry: Entry, method: str, outcome: Outcome, now: float) -> None:
    """Draw from a fresh observation what outlives it: the record, the phase and when it changed, contradictions."""
    detail = entry.detail
    item = detail.evidence.get(method)
    if item is None or item.at != now:
        return
    if outcome is Outcome.REGISTERED:
        if detail.passes:
            detail.contradicted_at = now
            detail.passes = ()
        detail.registered_seen = now
        detail.purged_at = None
    if method not in REGISTRY_METHODS:
        return
    before, detail.registry_at = detail.registry_at, now
    if outcome is Outcome.REGISTERED:
        _learn_record(entry, item, before, now)
    elif outcome is Outcome.UNREGISTERED and detail.purged_at is None:
        detail.purged_at = now


def complete_pass(board: Board, entry: Entry, started: float, now: float) -> bool:
    """Note a whole positive pass of the round that began at `started`; the gap to the one before must have passed."""
    wanted = requirements(board, entry, now)
    if not gates.complete_pass(entry.detail.evidence, wanted, now, started):
        return False
    passes = entry.detail.passes
    if not passes or started - passes[-1] >= wanted.gap - 0.05:
        entry.detail.passes = (*passes, now)[-PASSES:]
    return True


class Assessment(NamedTuple):
    """A verdict and all that it was decided from besides the evidence and the state before."""

    verdict: Verdict
    situation: verdicts.Situation
    needs: gates.Requirements
    positive: tuple[str, ...]  # methods that say "no object"


def assess(board: Board, entry: Entry, now: float) -> Assessment:
    """The verdict on a name as its evidence stands; also refreshes the forecast and the open gates."""
    detail = entry.detail
    refresh_forecast(entry, now)
    wanted = requirements(board, entry, now)

    def bracketed(method: str, item: Evidence) -> bool:
        return board.trust.bracketed(trust_key(entry, method, item), item.at, now)

    stands = gates.standing(detail.evidence, wanted, detail.passes, detail.contradicted_at, bracketed, now)
    detail.gates = stands.open
    for method in stands.positive:
        item = detail.evidence[method]
        item.canary = board.trust.canary(trust_key(entry, method, item), now)
    release = release_procedure(
        entry.suffix,
        registered_seen=detail.registered_seen,
        purged_at=detail.purged_at,
        denied_by=_denied_by(entry),
        now=now,
    )
    situation = verdicts.Situation(
        prior=prior(entry.phase, detail.expires_epoch, _forecast(entry, now), now),
        rho=_rho(entry, wanted),
        phase=entry.phase,
        wildcard=board.wildcard(entry.suffix),
        bracketed=stands.bracketed,
        passes=detail.passes,
        release=release.kind if release is not None else None,
        gates=stands.open,
        expired=detail.expires_epoch is not None and detail.expires_epoch < now,
    )
    verdict = verdicts.decide(detail.evidence, situation, entry.state, now)
    return Assessment(verdict, situation, wanted, stands.positive)


def _denied_by(entry: Entry) -> list[str]:
    """Methods whose last word is "no such object", said since the name was last seen registered."""
    seen = entry.detail.registered_seen or 0.0
    return [
        method
        for method, item in entry.detail.evidence.items()
        if item.at >= seen and item.observation.reading.outcome is Outcome.UNREGISTERED
    ]


def _rho(entry: Entry, wanted: gates.Requirements) -> float:
    """P(available | unregistered) before anybody vouched.

    Many registries answer RDAP 404 for reserved and premium names too and say so only in WHOIS: where that has not spoken
    the word is UNREGISTERED, not AVAILABLE. Where there is no such server at all a name that had a holder is believed to be
    for everybody, one that was never seen registered is not.
    """
    rho = rho_for(entry.label, entry.suffix)
    told = not wanted.second_channel and entry.detail.registered_seen is not None
    unheard = "whois" not in entry.detail.evidence and not told
    return min(rho, UNHEARD) if unheard and rho < SILENT_REGISTRY_IS_FINE else rho


def waits_for(board: Board, entry: Entry, now: float) -> list[tuple[Key, float]]:
    """Servers whose canaries this name's alarm waits for, with the time of the answer to bracket.

    While passes are missing a green server will do (time 0): only the last pass has to be bracketed, and questions are scarce.
    """
    if entry.state is State.AVAILABLE:
        return []
    wanted = requirements(board, entry, now)
    found = gates.positives(entry.detail.evidence, wanted, now)
    if not any(gates.is_registry(method) for method in found):
        return []
    items = [(method, entry.detail.evidence[method]) for method in found]
    last = len(entry.detail.passes) >= gates.passes_wanted(found)
    keys = [(trust_key(entry, method, item), item.at if last else 0.0) for method, item in items]
    return [(key, at) for key, at in keys if not board.trust.bracketed(key, at, now)]


def _learn_record(entry: Entry, item: Evidence, before: float | None, now: float) -> None:
    detail, reading = entry.detail, item.observation.reading
    detail.fields = reading.fields
    expires = reading.fields.expires_at
    detail.expires_epoch = epoch(expires) if expires else None
    phase = (reading.phase or Phase.ACTIVE).value
    if phase != detail.phase:
        detail.phase_after = before if detail.phase is not None else None
        detail.phase, detail.phase_since = phase, now


def _forecast(entry: Entry, now: float) -> Forecast | None:
    detail = entry.detail
    return forecast(entry.suffix, entry.phase, detail.fields, detail.phase_since, detail.phase_after, now)


def refresh_forecast(entry: Entry, now: float) -> None:
    """Work the forecast out anew from what is known of a name."""
    found = _forecast(entry, now)
    entry.drop = (found.earliest, found.likely, found.latest, found.p) if found is not None else None
    entry.detail.forecast_reason = found.reason if found is not None else ""
