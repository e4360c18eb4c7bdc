"""From the evidence of one name to its verdict: builds the situation around the evidence, asks `verdicts`, keeps the passes."""

from __future__ import annotations

from typing import NamedTuple

from common.core.builtin.suffix_rules import p_registrable_for
from common.core.channels import Condition, conditions_of
from common.core.coordinator.board import Board, host_of
from common.core.lifecycle.forecast import DAY, ENDING, Forecast, forecast_drop, prior_log_odds, release_procedure
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome, Phase
from common.core.model.records import Evidence
from common.core.parsers.dates import iso_to_epoch
from common.core.schedule.cadence import gap_of
from common.core.trust.server_trust import Key
from common.core.verdict import gates, verdicts
from common.core.verdict.likelihoods import REGISTRY_METHODS, VOUCHED
from common.core.verdict.verdicts import ANNOUNCED, OUT_OF_ZONE, State, Verdict

#: Passes remembered, the first of the run among them: enough for every bonus.
PASSES = 12
#: P(available | unregistered) of a name never seen registered, while no channel spoke that would say "reserved".
UNHEARD = 0.9
#: Longest that a channel counts as blind to a phase without a calendar, in seconds: no registry keeps a deleted name longer.
BLIND_LONGEST = 120 * DAY
#: How long such a channel is waited for while it is only shut for now, in seconds.
RESERVED_PATIENCE = 900.0
#: Findings that say that the top-level domain itself is gone: only another answer takes their place.
SUFFIX_GONE = frozenset({"dns_suffix_gone", "dns_tld_gone"})


def trust_key(entry: Entry, method: str, item: Evidence) -> Key:
    """Whose canaries vouch for this answer."""
    return (method, item.observation.server or entry.suffix, entry.suffix)


def requirements(board: Board, entry: Entry, now: float) -> gates.Requirements:
    """What an alarm about this name needs."""
    wildcard = board.wildcard(entry.suffix)
    gap = gap_of(entry, board.policy.cadence, now)
    found, fresh = registry_conditions(board, entry.suffix, now)
    conditions = [condition for condition in found if condition.method not in blind_channels(entry, now)]
    dns_counts = not wildcard and entry.phase not in OUT_OF_ZONE
    zone_speaks = dns_counts and not board.channels.dead(("dns", entry.suffix, entry.suffix), now)
    deleting = entry.phase in (Phase.PENDING_DELETE, Phase.REDEMPTION)
    announced = entry.state in ANNOUNCED and entry.detail.basis != ""
    return gates.Requirements(
        gap=gap,
        dns_counts=dns_counts,
        second_channel=len(conditions) + zone_speaks >= 2,
        quiet=gap if deleting else gates.QUIET,
        suffix_gone=_suffix_gone(entry),
        fresh=gates.CONFIRMED if announced else fresh,
        awaited=_awaited(board, entry, now),
        wildcard=wildcard,
        announced=announced,
        registered_seen=entry.detail.registered_seen or 0.0,
        blind=blind_channels(entry, now),
    )


def registry_conditions(board: Board, suffix: str, now: float) -> tuple[tuple[Condition, ...], float]:
    """The registry channels of a suffix whose word an alarm may wait for, the fastest first; and how old a positive may be.

    Left out are channels in quarantine, dead ones, and those too slow for the gate of freshness.
    """
    found = [
        Condition(method, key, board.pace(method, suffix, now))
        for method, key in registry_channels(board, suffix)
        if not board.trust.distrusted(key, now) and not board.dead(key, now)
    ]
    return conditions_of(found, gates.FRESH)


def registry_channels(board: Board, suffix: str) -> list[tuple[str, Key]]:
    """The registry channels that a suffix has, by method, dead or alive."""
    servers = [(method, board.server(method, suffix)) for method in ("rdap", "whois")]
    return [(method, (method, host_of(server), suffix)) for method, server in servers if server]


def _awaited(board: Board, entry: Entry, now: float) -> tuple[str, ...]:
    """The channels that would say "reserved" and are waited for, about a name never seen registered; none after a while."""
    detail = entry.detail
    waited = now - detail.passes[0] if detail.passes else 0.0
    if detail.registered_seen is not None or waited >= RESERVED_PATIENCE:
        return ()
    channels = [(method, key) for method, key in registry_channels(board, entry.suffix) if method == "whois"]
    return tuple(
        method for method, key in channels if not board.trust.distrusted(key, now) and not board.channels.dead(key, now)
    )


def _suffix_gone(entry: Entry) -> bool:
    """Whether the root says that there is no such top-level domain: whatever its registry answers, nobody can register."""
    item = entry.detail.trouble.get("dns")
    return item is not None and item.observation.reading.finding in SUFFIX_GONE


def learn(entry: Entry, method: str, outcome: Outcome, now: float) -> None:
    """Draw from a fresh observation what outlives it: the record, the phase and when it changed, contradictions."""
    detail = entry.detail
    item = detail.evidence.get(method)
    if item is None or item.at != now:
        return
    if outcome is Outcome.REGISTERED:
        if detail.passes:
            detail.contradicted_at = now
            detail.end_run()
        detail.registered_seen = now
        detail.purged_at, detail.shown_by = None, ()
    if method not in REGISTRY_METHODS:
        return
    before, detail.registry_at = detail.registry_at, now
    if outcome is Outcome.REGISTERED:
        _learn_record(entry, item, before, now)
        _learn_blindness(entry, method)
    elif outcome is Outcome.DROPPING and method not in detail.shown_by:
        detail.shown_by = (*detail.shown_by, method)
    elif outcome is Outcome.UNREGISTERED and detail.purged_at is None:
        detail.purged_at = now


def _learn_blindness(entry: Entry, method: str) -> None:
    """Learn which channels deny a name in a phase that another one shows: some registries hide names in redemption in WHOIS.

    The denial came after the phase began, and the record is still there. Of a name not on its way out nothing is learned:
    a denial from before a catch looks alike.
    """
    detail = entry.detail
    if entry.phase not in ENDING or detail.phase_since is None:
        detail.blind = ()
        return
    since = detail.phase_since
    denied = (
        other
        for other, item in detail.evidence.items()
        if other in REGISTRY_METHODS and item.observation.reading.outcome is Outcome.UNREGISTERED and item.at >= since
    )
    detail.blind = tuple(sorted({*detail.blind, *denied} - {method}))


def blind_channels(entry: Entry, now: float) -> tuple[str, ...]:
    """The channels whose denial says nothing yet, because they do not show names in this phase.

    It ends with the phase: a day after the calendar's latest drop, or after `BLIND_LONGEST` where no calendar is known.
    """
    detail = entry.detail
    latest = entry.drop[2] + DAY if entry.drop is not None else (detail.phase_since or 0.0) + BLIND_LONGEST
    return detail.blind if now < latest else ()


def complete_pass(board: Board, entry: Entry, started: float, now: float) -> bool:
    """Note a whole positive pass of the round that began at `started`; the gap to the one before must have passed."""
    wanted = requirements(board, entry, now)
    if not gates.complete_pass(entry.detail.evidence, wanted, now, started):
        return False
    detail = entry.detail
    passes = detail.passes
    if not passes or started - passes[-1] >= wanted.gap - 0.05:
        detail.passes = (*passes[:1], *(*passes[1:], now)[1 - PASSES :])
        detail.verified = tuple(at for at in detail.verified if at in detail.passes)
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
        row = board.trust.known(trust_key(entry, method, item))
        return row is not None and gates.server_proven(row, item.at, wanted, now)

    _verify_pass(entry, wanted, bracketed, now)
    run = gates.Run(detail.passes, detail.verified, detail.contradicted_at)
    stands = gates.standing(detail.evidence, wanted, run, bracketed, now)
    detail.gates = stands.open
    if not stands.open and detail.basis != gates.Basis.SOURCES:
        detail.basis = stands.basis
    for method in stands.positive:
        item = detail.evidence[method]
        item.canary = board.trust.canary(trust_key(entry, method, item), now)
    release = release_procedure(
        entry.suffix,
        registered_seen=detail.registered_seen,
        purged_at=detail.purged_at,
        denied_by=_denied_by(entry),
        shown_by=detail.shown_by,
        now=now,
        expires=detail.expires_epoch,
    )
    entry.held_until = release.until if release is not None else None
    situation = verdicts.Situation(
        prior=prior_log_odds(entry.phase, detail.expires_epoch, _forecast(entry, now), now),
        rho=_rho(entry, stands.bracketed),
        phase=entry.phase,
        wildcard=board.wildcard(entry.suffix),
        bracketed=stands.bracketed,
        passes=detail.passes,
        release=release.kind if release is not None else None,
        gates=stands.open,
        expired=detail.expires_epoch is not None and detail.expires_epoch < now,
        verified=detail.verified,
        basis=gates.Basis(detail.basis),
        never_seen=detail.registered_seen is None,
        announced=wanted.announced,
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


def _verify_pass(entry: Entry, wanted: gates.Requirements, bracketed: gates.Bracketed, now: float) -> None:
    """Note the last pass as verified once a registry server whose answer is part of it proved itself again."""
    detail = entry.detail
    if wanted.announced or not detail.passes or detail.passes[-1] in detail.verified:
        return
    last = detail.passes[-1]
    before = detail.passes[-2] if len(detail.passes) > 1 else 0.0
    for method in gates.positives(detail.evidence, wanted, now):
        item = detail.evidence[method]
        if gates.is_registry(method) and before < item.at <= last and bracketed(method, item):
            detail.verified = (*detail.verified, last)
            return


def _rho(entry: Entry, proven: frozenset[str]) -> float:
    """P(available | unregistered) before anything vouched for it.

    A name that had a holder is believed to be for everybody, unless the suffix is not, or its label is of a kind that is sold
    at another price. Of others many registries answer "no such object" for reserved and premium ones too: there a channel has
    to speak that would say so, and to have proven itself (`proven`).
    """
    rho, evidence = p_registrable_for(entry.label, entry.suffix), entry.detail.evidence
    if entry.detail.registered_seen is not None:
        return max(rho, verdicts.REGISTRABLE) if rho >= UNHEARD else rho
    vouched = any(item.observation.reading.finding in VOUCHED and method in proven for method, item in evidence.items())
    return rho if vouched else min(rho, UNHEARD)


def waits_for(board: Board, entry: Entry, now: float) -> list[tuple[Key, float]]:
    """Servers whose canaries this name's alarm waits for, with the time of the answer to bracket.

    Where two sources agree a green server will do while passes are missing (time 0): questions are scarce, and only the last
    pass has to be bracketed. Of a source alone each pass has to be.
    """
    if entry.state is State.AVAILABLE:
        return []
    wanted = requirements(board, entry, now)
    found = gates.positives(entry.detail.evidence, wanted, now)
    if not any(gates.is_registry(method) for method in found):
        return []
    conditions, _ = registry_conditions(board, entry.suffix, now)
    waited_for = {"dns", *(condition.method for condition in conditions), *wanted.awaited}
    items = [(method, entry.detail.evidence[method]) for method in found if method in waited_for]
    last = len(found) < 2 or len(entry.detail.passes) >= gates.AGREEING_PASSES
    keys = [(trust_key(entry, method, item), item.at if last else 0.0) for method, item in items]
    window = gates.canary_window(wanted.fresh)
    return [(key, at) for key, at in keys if not board.trust.bracketed(key, at, now, window)]


def _learn_record(entry: Entry, item: Evidence, before: float | None, now: float) -> None:
    detail, reading = entry.detail, item.observation.reading
    detail.fields = reading.fields
    expires = reading.fields.expires_at
    detail.expires_epoch = iso_to_epoch(expires) if expires else None
    phase = (reading.phase or Phase.ACTIVE).value
    if phase != detail.phase:
        detail.phase_after = before if detail.phase is not None else None
        detail.phase, detail.phase_since = phase, now


def _forecast(entry: Entry, now: float) -> Forecast | None:
    detail = entry.detail
    return forecast_drop(
        entry.suffix, entry.phase, detail.fields, phase_since=detail.phase_since, phase_after=detail.phase_after, now=now
    )


def refresh_forecast(entry: Entry, now: float) -> None:
    """Work the forecast out anew from what is known of a name."""
    found = _forecast(entry, now)
    entry.drop = (found.earliest, found.likely, found.latest, found.p) if found is not None else None
    entry.detail.forecast_reason = found.reason if found is not None else ""
