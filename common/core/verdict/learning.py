"""Learns from answers what outlives them: the registry's record, the phase and when it changed, contradictions, passes."""

from __future__ import annotations

from common.core.channels.channel_health import FRESH
from common.core.lifecycle.calendar import add_change
from common.core.lifecycle.forecast import DAY, ENDING
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome, Phase
from common.core.model.methods import RECORD_METHODS, REGISTRY_METHODS, is_registrar, is_registry
from common.core.model.offers import says_creatable
from common.core.model.records import Evidence, PhaseChange
from common.core.parsers.dates import iso_to_epoch
from common.core.verdict import gates
from common.core.verdict.definitive import IsVerified

#: Passes remembered, the first of the run among them: enough for every bonus.
PASSES = 12
#: Longest that a channel counts as hiding names in a phase without a calendar, in seconds: no registry keeps one longer.
HIDING_LONGEST = 120 * DAY


def learn_from_answer(entry: Entry, method: str, outcome: Outcome, now: float) -> None:
    """Draw from a fresh observation what outlives it.

    What a registrar says of a registered name may come from a cache, so nothing is learned from that.
    """
    detail = entry.detail
    item = detail.evidence.get(method)
    if item is None or item.at != now:
        return
    if says_creatable(method, item) and detail.purged_at is None:
        detail.purged_at = now
    if outcome is Outcome.REGISTERED and not is_registrar(method):
        _learn_registered(entry, now)
    if method in REGISTRY_METHODS:
        _learn_from_registry(entry, method, outcome, now)


def _learn_registered(entry: Entry, now: float) -> None:
    detail = entry.detail
    if detail.passes:
        detail.contradicted_at = now
        detail.end_run()
    if detail.purged_at is not None:
        detail.published = None  # it was of the registration that ended
    detail.registered_seen = now
    detail.purged_at, detail.shown_by, detail.offered = None, (), ""


def _learn_from_registry(entry: Entry, method: str, outcome: Outcome, now: float) -> None:
    detail, has_record = entry.detail, method in RECORD_METHODS
    item, before = detail.evidence[method], detail.registry_at
    detail.registry_at = now if has_record else before
    if outcome is Outcome.REGISTERED:
        if has_record:
            _learn_fields(entry, item)
        if has_record or item.observation.reading.phase is not None:
            if not _is_phase_hidden(entry, method, now):
                _learn_phase(entry, item, before, now)
            _learn_hiding_channels(entry)
        detail.blind = tuple(other for other in detail.blind if other != method)
    elif outcome is Outcome.DROPPING and method not in detail.shown_by:
        detail.shown_by = (*detail.shown_by, method)
    elif outcome is Outcome.UNREGISTERED and detail.purged_at is None:
        detail.purged_at = now


def hiding_channels(entry: Entry, now: float) -> tuple[str, ...]:
    """The channels whose denial of a name says nothing because they hide names in its phase.

    That ends with the phase: a day after the calendar's latest drop, or after `HIDING_LONGEST` where no calendar is known.
    """
    detail = entry.detail
    latest = entry.drop.latest + DAY if entry.drop is not None else (detail.phase_since or 0.0) + HIDING_LONGEST
    return detail.blind if now < latest else ()


def note_pass(entry: Entry, needs: gates.Requirements, started: float, now: float) -> None:
    """Note the pass of a check that began at `started`, if it is one and the gap since the pass before is over."""
    detail = entry.detail
    if not gates.is_complete_pass(detail.evidence, needs, now, started):
        return
    passes = detail.passes
    if not passes or started - passes[-1] >= needs.gap - 0.05:
        detail.passes = (*passes[:1], *(*passes[1:], now)[1 - PASSES :])
        detail.verified = tuple(at for at in detail.verified if at in detail.passes)


def verify_pass(entry: Entry, needs: gates.Requirements, is_verified: IsVerified, now: float) -> None:
    """Note the last pass as verified once a registry server whose answer is part of it was verified again."""
    detail = entry.detail
    if needs.announced or not detail.passes or detail.passes[-1] in detail.verified:
        return
    last = detail.passes[-1]
    before = detail.passes[-2] if len(detail.passes) > 1 else 0.0
    for method in gates.positive_methods(detail.evidence, needs, now):
        item = detail.evidence[method]
        if is_registry(method) and before < item.at <= last and is_verified(method, item):
            detail.verified = (*detail.verified, last)
            return


def _learn_fields(entry: Entry, item: Evidence) -> None:
    detail, fields = entry.detail, item.observation.reading.fields
    expires = iso_to_epoch(fields.expires_at) if fields.expires_at else None
    if expires is not None and detail.expires_epoch is not None and expires > detail.expires_epoch + DAY:
        before = detail.fields.registrar or ""
        detail.published = None
        detail.transferred_from = before if _is_other_registrar(before, fields.registrar) else ""
    detail.fields, detail.expires_epoch = fields, expires


def _is_other_registrar(before: str, now: str | None) -> bool:
    """Whether two names are those of different registrars; channels of one registry differ in case and punctuation."""
    one, other = ("".join(filter(str.isalnum, name.casefold())) for name in (before, now or ""))
    return bool(one and other) and one != other


def _is_phase_hidden(entry: Entry, method: str, now: float) -> bool:
    """Whether this answer shows no end of the name only because its channel shows none: another one showed it just before.

    Some registries tell of redemption in RDAP and print the same status as ever in WHOIS. Taken at its word, every look would
    find such a name entering redemption anew, weeks before its drop.
    """
    evidence = entry.detail.evidence
    if not entry.is_ending() or evidence[method].observation.reading.phase in ENDING:
        return False
    return any(
        other in RECORD_METHODS and other != method and now - item.at <= FRESH and item.observation.reading.phase in ENDING
        for other, item in evidence.items()
    )


def _learn_phase(entry: Entry, item: Evidence, before: float | None, now: float) -> None:
    detail, reading = entry.detail, item.observation.reading
    phase = (reading.phase or Phase.ACTIVE).value
    if phase != detail.phase:
        detail.phase_after = before if detail.phase is not None else None
        if detail.phase is not None:
            add_change(entry, PhaseChange(detail.phase, phase, before, now))
        detail.phase, detail.phase_since = phase, now


def _learn_hiding_channels(entry: Entry) -> None:
    """Learn which channels hide names in a phase: some registries do not show names in redemption in WHOIS.

    Their denial came after the phase began, while another channel still shows the record. A bare "taken" shows none: its server
    may lag behind the registry. Of a name not on its way out nothing is learned: a denial from before a catch looks alike.
    """
    detail = entry.detail
    if not entry.is_ending() or detail.phase_since is None:
        detail.blind = ()
        return
    since = detail.phase_since
    denied = (
        other
        for other, item in detail.evidence.items()
        if other in REGISTRY_METHODS and item.observation.reading.outcome is Outcome.UNREGISTERED and item.at >= since
    )
    detail.blind = tuple(sorted({*detail.blind, *denied}))
