"""What sources that can say more than "no object" say about a name: that it can be created now, and at what price.

Registrars' APIs and EPP `<check>` (RFC 5731 section 3.1.1) ask the registry as a registrar would. What they say decides which
kind of announcement a name gets. It counts only from a server that was verified after its answer; what speaks against an
ordinary announcement holds it back while that server is not verified yet, but not for longer than `PATIENCE`.

What counted once is remembered: that its source cannot be verified any more, or lied about something else, makes no ordinary
name of one at a price of its own, and takes back none that was told. A newer word of a verified source does: list price ends a
price of its own, a refusal ends list price. A refusal counts for `REFUSAL_HOLDS`: reservations are lifted,
and a source may have lagged behind the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from common.core.model.offers import ORDINARY, PREMIUM, REFUSED, kind_of_offer
from common.core.model.records import Evidence

#: How long an answer against an ordinary announcement is waited for until its server is verified, in seconds.
PATIENCE = 60.0
#: How long a refusal counts after it was last given, in seconds.
REFUSAL_HOLDS = 7 * 86_400.0
#: Stands for the source of an offer that is remembered.
EARLIER = "a source asked before"
#: By the kind of an offer that is remembered: the kinds that end it where they are newer.
_ENDED_BY = {PREMIUM: (ORDINARY,), ORDINARY: (REFUSED,), REFUSED: (ORDINARY, PREMIUM)}

IsVerified = Callable[[str, Evidence], bool]


class Offers(Struct, frozen=True, omit_defaults=True):
    """Which methods say, from verified servers, that a name can be created, at list price or at one of its own, or cannot.

    `unverified` speak against an ordinary announcement, and their servers are not verified yet.
    """

    ordinary: tuple[str, ...] = ()
    premium: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()

    def kind(self) -> str:
        """What they come to, "" for nothing. A price of its own beats list price, and that beats a refusal."""
        found = ((PREMIUM, self.premium), (ORDINARY, self.ordinary), (REFUSED, self.refused))
        return next((kind for kind, methods in found if methods), "")


def find_offers(
    evidence: Mapping[str, Evidence], since: float, is_proven: IsVerified, now: float, remembered: str = "", at: float = 0.0
) -> Offers:
    """Sort the answers given at `since` or later (epoch seconds): when the registry denied the name first.

    `remembered` is the kind of what counted before, last said at `at` (epoch seconds), and still does; "" for nothing.
    """
    found: dict[str, list[str]] = {ORDINARY: [], PREMIUM: [], REFUSED: [], "unverified": []}
    for method, item in sorted(evidence.items()):
        kind = kind_of_offer(method, item)
        if kind is None or not since <= item.at <= now or (kind == REFUSED and now - item.at >= REFUSAL_HOLDS):
            continue
        if is_proven(method, item):
            found[kind].append(method)
        elif kind != ORDINARY and now - item.at <= PATIENCE:
            found["unverified"].append(method)
    ended = any(evidence[method].at > at for kind in _ENDED_BY.get(remembered, ()) for method in found[kind])
    if remembered and not found[remembered] and not ended:
        found[remembered].append(EARLIER)
    return Offers(**{kind: tuple(methods) for kind, methods in found.items()})


def recall_offer(kind: str, at: float, now: float, *, available: bool) -> str:
    """The kind of an offer that counted last at `at` (epoch seconds), as far as it still does; "" where it does not.

    List price counts for a name that is told as available, a price of its own while the name stays away.
    """
    if kind == REFUSED:
        return kind if now - at < REFUSAL_HOLDS else ""
    return kind if kind == PREMIUM or available else ""


def date_offer(evidence: Mapping[str, Evidence], offers: Offers) -> float | None:
    """When what the offers come to was last said, in epoch seconds; None where that is nothing, or only remembered."""
    methods = {PREMIUM: offers.premium, ORDINARY: offers.ordinary, REFUSED: offers.refused}.get(offers.kind(), ())
    return max((evidence[method].at for method in methods if method in evidence), default=None)
