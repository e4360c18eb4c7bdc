"""Which methods to query next in a check: the cheap ones first, the next layer only where the evidence calls for it.

To add a method: say here when it is worth a query. Layers are pools: fast (dns, http), intermediate (rdap), deep (whois).
"""

from __future__ import annotations

from msgspec import Struct

from common.core.lifecycle.registry_due import registry_due
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Outcome
from common.core.model.states import OUT_OF_ZONE, OWNED, State

DAY = 86_400.0
#: Inconclusive checks in a row after which the next layer is queried about a name whose state is known.
INCONCLUSIVE_CHECKS = 2
#: States in which the registry is queried at once where DNS times out: nothing else tells whether a free name was taken.
_REGISTRY_DECIDES = frozenset({State.UNKNOWN, State.AVAILABLE, State.UNREGISTERED})
#: States in which "no object" is no news.
_SETTLED = frozenset({State.AVAILABLE, State.RESERVED, State.AVAILABLE_PREMIUM})


class ChannelOffer(Struct, frozen=True):
    """The channels of a suffix: whether it has an RDAP and a WHOIS server, and whether its zone answers for every name.

    `resting`: methods that proved nothing lately; `slow`: registry methods too slow to wait for, which are queried once, beside
    the others, at the first denial. At least one method is always queried.
    """

    rdap: bool
    whois: bool
    wildcard: bool
    resting: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()

    def registry_methods(self, *, slow: bool = False) -> list[str]:
        """The registry methods to query, RDAP first; resting ones, and slow ones unless `slow`, only where no other is left."""
        there = [method for method, offered in (("rdap", self.rdap), ("whois", self.whois)) if offered]
        left_out = self.resting if slow else self.resting | self.slow
        return [method for method in there if method not in left_out] or there

    def zone_methods(self) -> list[str]:
        """DNS, where a pass can learn something from it: not under a wildcard, nor while it rests."""
        return [] if self.wildcard or "dns" in self.resting else ["dns"]


def next_methods(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    """The methods to query now in this check, none when it is over."""
    registry = channels.registry_methods()
    if not check.asked:
        return _first_methods(entry, check, channels, registry)
    wanted = _further_methods(entry, check, channels, registry, now)
    return [method for method in wanted if method not in check.asked]


def _first_methods(entry: Entry, check: Check, channels: ChannelOffer, registry: list[str]) -> list[str]:
    if check.confirm:
        return channels.zone_methods() + registry or ["dns"]
    if check.manual:
        return ([] if channels.wildcard else ["dns"]) + registry
    if channels.wildcard or (entry.phase in OUT_OF_ZONE and entry.state in OWNED):
        return registry[:1] or (["dns"] if not channels.wildcard else [])
    return ["dns"]


def _further_methods(entry: Entry, check: Check, channels: ChannelOffer, registry: list[str], now: float) -> list[str]:
    said = [check.outcomes.get(method) for method in registry]
    if Outcome.REGISTERED in said:
        return []
    if any(outcome in (Outcome.UNREGISTERED, Outcome.RESERVED, Outcome.DROPPING) for outcome in said):
        others = registry if check.confirm else channels.registry_methods(slow=True)
        others = [method for method in others if entry.state not in _SETTLED or _is_stale(entry, method, now)]
        return others + channels.zone_methods()  # the first to deny the name: every channel has to speak
    if "dns" in check.asked and not check.asked.intersection(registry):
        return _methods_after_dns(entry, check, registry, now)
    if "rdap" in check.asked and check.outcomes.get("dns") is not Outcome.REGISTERED:
        return registry  # RDAP proved nothing: the same database through WHOIS
    return []


def _methods_after_dns(entry: Entry, check: Check, registry: list[str], now: float) -> list[str]:
    dns = check.outcomes.get("dns")
    if dns is Outcome.REGISTERED:
        return registry[:1] if _is_record_due(entry, now) else []
    if dns is Outcome.UNREGISTERED:
        return registry[:1]
    if "http" not in check.asked:
        return ["http"]  # DNS proved nothing; a web server that answers shows a delegation as well
    inconclusive = entry.state in _REGISTRY_DECIDES or entry.detail.unknown_rounds >= INCONCLUSIVE_CHECKS
    return registry[:1] if inconclusive and check.outcomes.get("http") is not Outcome.REGISTERED else []


def _is_stale(entry: Entry, method: str, now: float) -> bool:
    """Whether the answer of a method is older than a day: a reservation can be lifted."""
    item = entry.detail.evidence.get(method)
    return item is None or now - item.at >= DAY


def _is_record_due(entry: Entry, now: float) -> bool:
    return registry_due(entry, now) or entry.state not in (State.REGISTERED, State.EXPIRED_GRACE)
