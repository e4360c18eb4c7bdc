"""What sources that can say more than "no object" say about a name: that it can be created now, and at what price.

Registrars' APIs and EPP `<check>` (RFC 5731 section 3.1.1) ask the registry as a registrar would. What they say decides which
kind of announcement a name gets. It counts only from a server that was verified after its answer; what speaks against an
ordinary announcement holds it back while that server is not verified yet, but not for longer than `PATIENCE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from common.core.model.evidence import Outcome
from common.core.model.methods import is_definitive, is_registrar
from common.core.model.records import Evidence
from common.core.verdict.likelihoods import HINTS

#: How long an answer against an ordinary announcement is waited for until its server is verified, in seconds.
PATIENCE = 60.0
#: How long an answer counts where no newer one of its source came, in seconds.
COUNTS = 7 * 86_400.0
#: Outcomes of a registrar that refuse a name: it would not create it. Those of the registry itself are weighed elsewhere.
_REFUSALS = frozenset({Outcome.UNAVAILABLE, Outcome.REGISTERED, Outcome.RESERVED, Outcome.DROPPING, Outcome.INVALID})

IsVerified = Callable[[str, Evidence], bool]


class Offers(Struct, frozen=True, omit_defaults=True):
    """Which methods say, from verified servers, that a name can be created, at list price or at one of its own, or cannot.

    `unverified` speak against an ordinary announcement, and their servers are not verified yet.
    """

    ordinary: tuple[str, ...] = ()
    premium: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()


def find_offers(evidence: Mapping[str, Evidence], since: float, is_proven: IsVerified, now: float) -> Offers:
    """Sort the answers given at `since` or later (epoch seconds): when the registry denied the name first."""
    found: dict[str, list[str]] = {"ordinary": [], "premium": [], "refused": [], "unverified": []}
    for method, item in sorted(evidence.items()):
        kind = _kind_of(method, item)
        if kind is None or item.at < since or not 0.0 <= now - item.at <= COUNTS:
            continue
        if is_proven(method, item):
            found[kind].append(method)
        elif kind != "ordinary" and now - item.at <= PATIENCE:
            found["unverified"].append(method)
    return Offers(**{kind: tuple(methods) for kind, methods in found.items()})


def says_creatable(method: str, item: Evidence) -> bool:
    """Whether a definitive source says that a name can be created, at whatever price: then there is no object."""
    return _kind_of(method, item) in ("ordinary", "premium")


def _kind_of(method: str, item: Evidence) -> str | None:
    reading = item.observation.reading
    if not is_definitive(method) or reading.finding in HINTS:
        return None
    if reading.outcome is Outcome.UNREGISTERED:
        return "ordinary"
    if reading.outcome is Outcome.PREMIUM:
        return "premium"
    refuses = reading.outcome in _REFUSALS if is_registrar(method) else reading.outcome is Outcome.UNAVAILABLE
    return "refused" if refuses else None
