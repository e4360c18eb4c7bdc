"""Learns from publications of the registry: what a list says of a name, dated when the list was made."""

from __future__ import annotations

from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Phase
from common.core.model.methods import CERTIFICATE, LIST, REGISTRY_METHODS
from common.core.model.publication import Listing
from common.core.model.records import Evidence


def learn_from_listing(entry: Entry, listing: Listing) -> bool:
    """Take what a publication says about a name into its evidence. Returns whether it was taken.

    A list that is older than a different answer of the registry says nothing: it was right when it was made. One that does not
    name it any more takes away what it said before, and proves nothing.
    """
    if listing.observation is None:
        return _forget_listing(entry)
    if listing.observation.method == CERTIFICATE:
        return _note_certificate(entry, listing.observation, listing.made_at)
    if _is_outdated(entry, listing.observation, listing.made_at):
        return False
    before, outcome = entry.detail.evidence.get(LIST), listing.observation.reading.outcome
    first_at = listing.made_at
    if before is not None and before.observation.reading.outcome is outcome:
        first_at = before.first_at
    entry.detail.evidence[LIST] = Evidence(listing.observation, listing.made_at, first_at)
    if outcome is Outcome.REGISTERED:
        _learn_registered(entry, listing.observation, listing.made_at)
    return True


def _note_certificate(entry: Entry, observation: Observation, seen_at: float) -> bool:
    """Keep the last certificate beside the rest of the evidence, which it neither confirms nor contradicts."""
    before = entry.detail.evidence.get(CERTIFICATE)
    first_at = seen_at if before is None else before.first_at
    entry.detail.evidence[CERTIFICATE] = Evidence(observation, seen_at, first_at)
    return True


def _is_outdated(entry: Entry, observation: Observation, made_at: float) -> bool:
    """Whether the registry said something else since the list was made, or a list that was made later did."""
    detail, outcome = entry.detail, observation.reading.outcome
    known = detail.evidence.get(LIST)
    if (known is not None and known.at > made_at) or (detail.purged_at is not None and detail.purged_at > made_at):
        return True
    return any(
        item.at > made_at and item.observation.reading.outcome is not outcome
        for method, item in detail.evidence.items()
        if method in REGISTRY_METHODS
    )


def _learn_registered(entry: Entry, observation: Observation, made_at: float) -> None:
    """As after an answer by which the name is registered, and what a drop list says beside that."""
    detail, reading = entry.detail, observation.reading
    if detail.passes:
        detail.contradicted_at = made_at
        detail.end_run()
    detail.registered_seen = max(made_at, detail.registered_seen or 0.0)
    detail.purged_at, detail.shown_by, detail.offered = None, (), ""
    if reading.release is not None:
        detail.published = (*reading.release, reading.reason)
    if reading.phase is not None and (not entry.is_ending() or reading.phase is Phase.PENDING_DELETE):
        _learn_phase(entry, reading.phase, made_at)


def _learn_phase(entry: Entry, phase: Phase, made_at: float) -> None:
    """Note the phase of a listed name. When it began is not said: the release itself is published."""
    detail = entry.detail
    if phase.value != detail.phase:
        detail.phase, detail.phase_since, detail.phase_after = phase.value, made_at, None


def _forget_listing(entry: Entry) -> bool:
    known = entry.detail.evidence.pop(LIST, None)
    entry.detail.published = None
    return known is not None
