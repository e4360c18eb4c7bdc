"""What a publication says about one name, as an observation, and what it calls for."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isnan

from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.methods import LIST
from common.core.model.publication import Kind, Listing, Publication

DAY = 86_400.0


def make_listing(
    publication: Publication, at: float, made_at: float, quiet_until: float, now: float, *, size: int
) -> Listing | None:
    """What it means that a name stands in a publication; None where that proves nothing about it.

    `at` is its release (NaN for none), `made_at` when the publication was made, `quiet_until` until when a name on a drop list
    need not be asked about, all in epoch seconds; `size` is how many names it holds.
    """
    reading = _reading_of(publication, at, now)
    if reading is None:
        return None
    excerpt = f"one of {size} names of {publication.url or publication.server}"
    observation = Observation(LIST, reading, server=publication.name, excerpt=excerpt)
    drops = publication.kind is Kind.DROP_LIST
    return Listing(observation, made_at, asks=not drops, quiet_until=quiet_until if drops else 0.0)


def certificate_reading() -> Reading:
    """What is read from a certificate for a name, or for one below it: nothing that a verdict rests on."""
    return unknown_reading("certificate_seen", "a certificate for it was published, so that it may have been registered again")


def _reading_of(publication: Publication, at: float, now: float) -> Reading | None:
    suffix = publication.suffixes[0]
    if publication.kind is Kind.AUCTION_LIST:
        return Reading(Outcome.DROPPING, "list_auction", f"on the registry's list of .{suffix} names in its release process")
    if publication.kind is Kind.REGISTRATIONS:
        return Reading(Outcome.REGISTERED, "list_registered", f"in the list of all .{suffix} names")
    if publication.kind is not Kind.DROP_LIST or isnan(at) or at <= now:
        return None
    release = (at, at + publication.span * 60.0)
    phase = Phase.PENDING_DELETE if at - now <= publication.final * DAY else Phase.REDEMPTION
    reason = f"on the registry's list of .{suffix} names to be released, from {_format_time(at)} on"
    return Reading(Outcome.REGISTERED, "list_drop", reason, phase, release=release)


def _format_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
