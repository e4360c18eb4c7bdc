"""What sources that can say more than "no object" say about a name: that it can be created now, and at what price.

Registrars' APIs and EPP `<check>` (RFC 5731 section 3.1.1) ask the registry as a registrar would. What they say decides which
kind of announcement a name gets. It counts only from a server that was verified after its answer; what speaks against an
ordinary announcement holds it back while that server is not verified yet, but not for longer than `PATIENCE`.

A price of its own, or a refusal, that counted once is remembered as long as the name stays away: that its source cannot be
verified any more, or lied about something else, makes no ordinary name of it. A newer word of a verified source does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from common.core.model.offers import ORDINARY, PREMIUM, REFUSED, kind_of_offer
from common.core.model.records import Evidence

#: How long an answer against an ordinary announcement is waited for until its server is verified, in seconds.
PATIENCE = 60.0
#: Stands for the source of an offer that is remembered.
EARLIER = "a source asked before"

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
    evidence: Mapping[str, Evidence], since: float, is_proven: IsVerified, now: float, remembered: str = ""
) -> Offers:
    """Sort the answers given at `since` or later (epoch seconds): when the registry denied the name first.

    `remembered` is the kind of what counted before, for where nothing counts now.
    """
    found: dict[str, list[str]] = {ORDINARY: [], PREMIUM: [], REFUSED: [], "unverified": []}
    for method, item in sorted(evidence.items()):
        kind = kind_of_offer(method, item)
        if kind is None or not since <= item.at <= now:
            continue
        if is_proven(method, item):
            found[kind].append(method)
        elif kind != ORDINARY and now - item.at <= PATIENCE:
            found["unverified"].append(method)
    if remembered in (PREMIUM, REFUSED) and not any(found[kind] for kind in (ORDINARY, PREMIUM, REFUSED)):
        found[remembered].append(EARLIER)
    return Offers(**{kind: tuple(methods) for kind, methods in found.items()})
