"""Which methods to query next in a check: the cheap ones first, the next layer only where the evidence calls for it.

To add a method: say here when it is worth a query. Layers are pools: fast (dns, http), intermediate (rdap, das, epp,
registrars), deep (whois). Registrars are scarce: which of them to ask, and when, is in `registrar_choice`.
"""

from __future__ import annotations

from msgspec import Struct

from common.core.builtin.release_procedures import procedure_for
from common.core.checks.registrar_choice import choose_registrars, choose_stand_ins, is_denied
from common.core.lifecycle.registry_due import registry_due
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Outcome
from common.core.model.methods import RECORD_METHODS
from common.core.model.states import OUT_OF_ZONE, OWNED, State
from common.core.schedule.registry_pace import is_look_due

DAY = 86_400.0
#: Inconclusive checks in a row after which the next layer is queried about a name whose state is known.
INCONCLUSIVE_CHECKS = 2
#: States in which the registry is queried at once where DNS times out: nothing else tells whether a free name was taken.
_REGISTRY_DECIDES = frozenset({State.UNKNOWN, State.AVAILABLE, State.UNREGISTERED})
#: States in which "no object" is no news.
_SETTLED = frozenset({State.AVAILABLE, State.RESERVED, State.AVAILABLE_PREMIUM})


class ChannelOffer(Struct, frozen=True):
    """The channels of a suffix that can be queried, and whether its zone answers for every name.

    `registry`: the methods of its registry, in the order of preference; `registrars`: methods of registrars, likewise.
    `resting`: methods that proved nothing lately; `slow`: registry methods too slow to wait for, which are queried once, beside
    the others, at the first denial; `spent`: registry methods that denied the name a moment ago and have no token now: that
    answer stands in the next pass, and the next token is for the canary that proves it. At least one method is always queried.
    """

    registry: tuple[str, ...]
    wildcard: bool
    resting: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()
    registrars: tuple[str, ...] = ()
    spent: frozenset[str] = frozenset()

    def registry_methods(self, *, slow: bool = False) -> list[str]:
        """The registry methods to query; resting ones, and slow ones unless `slow`, only where no other is left."""
        left_out = self.resting if slow else self.resting | self.slow
        return [method for method in self.registry if method not in left_out] or list(self.registry)

    def record_methods(self) -> list[str]:
        """The registry methods to query that show a record with dates; none while those rest and another method does not."""
        return [method for method in self.registry_methods() if method in RECORD_METHODS] or [
            method for method in self.registry_methods(slow=True) if method in RECORD_METHODS
        ]

    def zone_methods(self) -> list[str]:
        """DNS, where a pass can learn something from it: not under a wildcard, nor while it rests."""
        return [] if self.wildcard or "dns" in self.resting else ["dns"]


def next_methods(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    """The methods to query now in this check, none when it is over."""
    if not check.asked:
        return _first_methods(entry, check, channels, now)
    wanted = _further_methods(entry, check, channels, now)
    return [method for method in dict.fromkeys(wanted) if method not in check.asked]


def _first_methods(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    if check.confirm:
        return channels.zone_methods() + _denying_methods(entry, check, channels, now) or ["dns"]
    if check.manual:
        return ([] if channels.wildcard else ["dns"]) + channels.registry_methods()
    if channels.wildcard or (entry.phase in OUT_OF_ZONE and entry.state in OWNED and is_look_due(entry, now)):
        first = channels.record_methods() if registry_due(entry, now) else []
        first = first or _denying_methods(entry, check, channels, now)
        return first[:1] or (["dns"] if not channels.wildcard else [])
    return ["dns"]


def _denying_methods(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    """The methods that can say that there is no object: the registry's, or registrars while all of those rest."""
    if not channels.resting.issuperset(channels.registry):
        found = channels.registry_methods()
        return [method for method in found if method in check.asked or method not in channels.spent] or found
    stand_ins = choose_stand_ins(entry, check, channels.registrars, now)
    return stand_ins if stand_ins or check.asked.intersection(channels.registrars) else channels.registry_methods()


def _further_methods(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    said = [check.outcomes.get(method) for method in channels.registry]
    if Outcome.REGISTERED in said:
        return _methods_for_record(entry, check, channels, now)
    if is_denied(check) or any(outcome in (Outcome.RESERVED, Outcome.DROPPING) for outcome in said):
        return [] if _stays_held(entry, check, now) else _methods_after_denial(entry, check, channels, now)
    if "dns" in check.asked and not check.asked.intersection((*channels.registry, *channels.registrars)):
        return _methods_after_dns(entry, check, channels, now)
    if check.outcomes.get("dns") is Outcome.REGISTERED or not check.asked.difference(("dns", "http")):
        return []
    return _next_channel(entry, check, channels, now)


def _methods_after_denial(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    """The first to deny the name: every channel has to speak, and a registrar to say whether it can be created."""
    others = _denying_methods(entry, check, channels, now) if check.confirm else channels.registry_methods(slow=True)
    others = [method for method in others if entry.state not in _SETTLED or _is_stale(entry, method, now)]
    return others + channels.zone_methods() + choose_registrars(entry, check, channels.registrars, now)


def _methods_after_dns(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    dns = check.outcomes.get("dns")
    if dns is Outcome.REGISTERED:
        return channels.record_methods()[:1] if _is_record_due(entry, now) else []
    if dns is Outcome.UNREGISTERED:
        wanted = _denying_methods(entry, check, channels, now)
        if entry.is_held(now):
            wanted.sort(key=lambda method: method not in _ending_methods(entry))
        return wanted[:1] if check.asks_registry or is_look_due(entry, now) else []
    if "http" not in check.asked:
        return ["http"]  # DNS proved nothing; a web server that answers shows a delegation as well
    inconclusive = entry.state in _REGISTRY_DECIDES or entry.detail.unknown_rounds >= INCONCLUSIVE_CHECKS
    return channels.registry_methods()[:1] if inconclusive and check.outcomes.get("http") is not Outcome.REGISTERED else []


def _ending_methods(entry: Entry) -> set[str]:
    """The methods that show a name while it is in its release procedure, so that a denial of theirs ends it."""
    procedure = procedure_for(entry.suffix)
    return {*entry.detail.shown_by, *(procedure.shown_by if procedure is not None else ())}


def _stays_held(entry: Entry, check: Check, now: float) -> bool:
    """Whether a name is in its release procedure as before: further answers would change nothing until that ends."""
    denied = {method for method, outcome in check.outcomes.items() if outcome is Outcome.UNREGISTERED}
    return entry.is_held(now) and not check.manual and denied.isdisjoint(_ending_methods(entry))


def _methods_for_record(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    """The registry says that it is registered: a channel with its record, where that is due and none was queried."""
    asked = check.asked.intersection(RECORD_METHODS)
    return channels.record_methods()[:1] if not asked and registry_due(entry, now) else []


def _next_channel(entry: Entry, check: Check, channels: ChannelOffer, now: float) -> list[str]:
    """A channel that was queried proved nothing: the next one of the same registry, and after the last one a registrar."""
    left = [method for method in channels.registry_methods() if method not in check.asked]
    if left:
        return left[:1]
    out_of_zone = check.outcomes.get("dns") is Outcome.UNREGISTERED or entry.phase in OUT_OF_ZONE
    return choose_stand_ins(entry, check, channels.registrars, now)[:1] if out_of_zone else []


def _is_stale(entry: Entry, method: str, now: float) -> bool:
    """Whether the answer of a method is older than a day: a reservation can be lifted."""
    item = entry.detail.evidence.get(method)
    return item is None or now - item.at >= DAY


def _is_record_due(entry: Entry, now: float) -> bool:
    return registry_due(entry, now) or entry.state not in (State.REGISTERED, State.EXPIRED_GRACE)
