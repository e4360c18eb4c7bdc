"""Takes back what a lying server said about a name, and the passes built on it."""

from __future__ import annotations

from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome
from common.core.model.methods import is_registrar, is_registry
from common.core.model.offers import HINTS, REFUSED, denies_object, kind_of_offer
from common.core.model.records import Evidence


def trust_key(entry: Entry, method: str, item: Evidence) -> ChannelKey:
    """The channel whose canaries verify an answer."""
    return ChannelKey(method, item.observation.server or entry.suffix, entry.suffix)


def drop_evidence(entry: Entry, method: str, since: float, caught_at: float) -> dict[str, Evidence]:
    """Drop what a lying server said after its last good answer at `since`, and the passes built on it.

    Returns what was dropped, by method. `caught_at`: when the lie was found out; both in epoch seconds. Where another registry
    channel denied the name in the last pass too, that pass stands: what it lacks is queried again. Refusals and hints were part
    of none. An offer that was remembered from what is dropped is forgotten.
    """
    item = entry.detail.evidence.get(method)
    detail = entry.detail
    taken = item is not None and item.observation.reading.outcome is Outcome.REGISTERED and not is_registrar(method)
    if item is None or item.at < since or taken:
        return {}
    del detail.evidence[method]
    kind = kind_of_offer(method, item)
    if kind == detail.offered and item.at >= detail.offered_at:
        detail.offered = ""
    if kind == REFUSED or item.observation.reading.finding in HINTS:
        return {method: item}
    denials = _denied_at(entry)
    last, before = (0.0, 0.0, *detail.passes)[:-3:-1]
    stands = any(before < at <= last for at in denials)
    kept = [at for at in detail.passes if at > caught_at or (stands and at == last)]
    verified = tuple(at for at in detail.verified if at in kept)
    detail.end_run()
    detail.passes, detail.verified = tuple(kept), verified
    if is_registry(method):
        detail.purged_at = min(denials, default=None)
    return {method: item}


def _denied_at(entry: Entry) -> list[float]:
    """When registry channels denied a name since it was last seen registered, in epoch seconds."""
    seen = entry.detail.registered_seen or 0.0
    return [item.at for method, item in entry.detail.evidence.items() if denies_object(method, item) and item.at >= seen]
