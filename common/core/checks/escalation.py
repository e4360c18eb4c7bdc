"""What to ask next about a name: layer 1, then 2, then 3, only as far as the evidence asks.

To add a method: say here when it is worth its question. Pools: fast (dns, http), intermediate (rdap), deep (whois).
"""

from __future__ import annotations

from msgspec import Struct

from common.core.lifecycle.registry_due import registry_due
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Outcome
from common.core.model.states import OUT_OF_ZONE, OWNED, State

DAY = 86_400.0
#: Rounds without any proof after which the next layer is asked about a name whose state is known.
BLIND_ROUNDS = 2
#: States in which the registry is asked at once where DNS is mute: nothing else tells whether a free name was taken.
_REGISTRY_DECIDES = frozenset({State.UNKNOWN, State.AVAILABLE, State.UNREGISTERED})
#: States in which "no object" is no news.
_SETTLED = frozenset({State.AVAILABLE, State.RESERVED, State.AVAILABLE_PREMIUM})


class ChannelOffer(Struct, frozen=True):
    """What the suffix offers: an RDAP server, a WHOIS server, and a DNS that does not answer for everything.

    `resting`: methods that said nothing lately; `slow`: registry methods too slow to wait for, which are asked once, beside the
    others, at the first denial. At least one method is always asked.
    """

    rdap: bool
    whois: bool
    wildcard: bool
    resting: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()

    def registry_methods(self, *, slow: bool = False) -> list[str]:
        """The registry methods to ask, RDAP first; those that rest, or are slow without `slow`, only where no other is left."""
        there = [method for method, offered in (("rdap", self.rdap), ("whois", self.whois)) if offered]
        left_out = self.resting if slow else self.resting | self.slow
        return [method for method in there if method not in left_out] or there

    def zone_methods(self) -> list[str]:
        """DNS, where a pass may learn something from it: not where it answers for everything, nor while it rests."""
        return [] if self.wildcard or "dns" in self.resting else ["dns"]


def next_methods(entry: Entry, current: Check, channels: ChannelOffer, now: float) -> list[str]:
    """The methods to ask now in this round, none when it is over."""
    registry = channels.registry_methods()
    if not current.asked:
        return _first_methods(entry, current, channels, registry)
    wanted = _further_methods(entry, current, channels, registry, now)
    return [method for method in wanted if method not in current.asked]


def _first_methods(entry: Entry, current: Check, channels: ChannelOffer, registry: list[str]) -> list[str]:
    if current.confirm:
        return channels.zone_methods() + registry or ["dns"]
    if current.manual:
        return ([] if channels.wildcard else ["dns"]) + registry
    if channels.wildcard or (entry.phase in OUT_OF_ZONE and entry.state in OWNED):
        return registry[:1] or (["dns"] if not channels.wildcard else [])
    return ["dns"]


def _further_methods(entry: Entry, current: Check, channels: ChannelOffer, registry: list[str], now: float) -> list[str]:
    said = [current.outcomes.get(method) for method in registry]
    if Outcome.REGISTERED in said:
        return []
    if any(outcome in (Outcome.UNREGISTERED, Outcome.RESERVED, Outcome.DROPPING) for outcome in said):
        heard = registry if current.confirm else channels.registry_methods(slow=True)
        heard = [method for method in heard if entry.state not in _SETTLED or _is_stale(entry, method, now)]
        return heard + channels.zone_methods()  # a first positive: ask every channel
    if "dns" in current.asked and not current.asked.intersection(registry):
        return _after_dns(entry, current, registry, now)
    if "rdap" in current.asked and current.outcomes.get("dns") is not Outcome.REGISTERED:
        return registry  # RDAP said nothing: the same database through WHOIS
    return []


def _after_dns(entry: Entry, current: Check, registry: list[str], now: float) -> list[str]:
    dns = current.outcomes.get("dns")
    if dns is Outcome.REGISTERED:
        return registry[:1] if _worth_a_look(entry, now) else []
    if dns is Outcome.UNREGISTERED:
        return registry[:1]
    if "http" not in current.asked:
        return ["http"]  # DNS is mute; an answering web server is as good a sign of life
    blind = entry.state in _REGISTRY_DECIDES or entry.detail.unknown_rounds >= BLIND_ROUNDS
    return registry[:1] if blind and current.outcomes.get("http") is not Outcome.REGISTERED else []


def _is_stale(entry: Entry, method: str, now: float) -> bool:
    """Whether what a method said is so old that the world may have changed: a reservation can be lifted."""
    item = entry.detail.evidence.get(method)
    return item is None or now - item.at >= DAY


def _worth_a_look(entry: Entry, now: float) -> bool:
    return registry_due(entry, now) or entry.state not in (State.REGISTERED, State.EXPIRED_GRACE)
