"""What a definitive source (a registrar's API, EPP) says about creating a name, read from its answer."""

from __future__ import annotations

from common.core.model.evidence import Outcome
from common.core.model.methods import is_definitive, is_registrar, is_registry
from common.core.model.records import Evidence

#: Kinds of offers: the name would be created at list price, at a price of its own, or not at all.
ORDINARY, PREMIUM, REFUSED = "ordinary", "premium", "refused"
#: Findings that may come from a cache or an estimate: they prove nothing and confirm nothing.
HINTS = frozenset({"registrar_available_cached"})
#: Outcomes of a registrar that refuse a name. Those of the registry itself say more than that, and are weighed as such.
_REFUSALS = frozenset({Outcome.UNAVAILABLE, Outcome.REGISTERED, Outcome.RESERVED, Outcome.DROPPING, Outcome.INVALID})


def kind_of_offer(method: str, item: Evidence) -> str | None:
    """ORDINARY, PREMIUM or REFUSED; None for what is no offer: another method, a hint, an answer that says nothing."""
    reading = item.observation.reading
    if not is_definitive(method) or reading.finding in HINTS:
        return None
    if reading.outcome is Outcome.UNREGISTERED:
        return ORDINARY
    if reading.outcome is Outcome.PREMIUM:
        return PREMIUM
    refuses = reading.outcome in _REFUSALS if is_registrar(method) else reading.outcome is Outcome.UNAVAILABLE
    return REFUSED if refuses else None


def says_creatable(method: str, item: Evidence) -> bool:
    """Whether a definitive source says that a name can be created, at whatever price: then there is no object."""
    return kind_of_offer(method, item) in (ORDINARY, PREMIUM)


def denies_object(method: str, item: Evidence) -> bool:
    """Whether an answer of the registry, or of a source that asks it, says that there is no object."""
    reading = item.observation.reading
    plain = is_registry(method) and reading.outcome is Outcome.UNREGISTERED and reading.finding not in HINTS
    return plain or says_creatable(method, item)
