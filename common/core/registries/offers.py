"""Compares what several registrars answered about one name: what each says, whether it proves it, and the cheapest offers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from common.core.builtin.registrars import BY_VENDOR, Proof
from common.core.model.evidence import Offer, Outcome, Reading
from common.core.model.methods import REGISTRAR
from common.core.registries.sources import Source

#: What an answer says, in a few words, by its finding.
_WORDS = {
    "registrar_available_live": "can be created",
    "registrar_available_cached": "may be free",
    "registrar_premium": "premium",
    "registrar_unavailable": "cannot be created",
    "registrar_registered": "registered",
    "registrar_aftermarket": "for sale",
    "registrar_reserved": "reserved",
    "registrar_dropping": "being deleted",
    "registrar_invalid": "not a valid name",
    "registrar_unsupported": "not sold here",
    "registrar_throttled": "rate limited",
    "registrar_refused": "key refused",
}
_CREATABLE = (Outcome.UNREGISTERED, Outcome.PREMIUM)
_SILENT = (Outcome.UNKNOWN, Outcome.THROTTLED)


class Bid(NamedTuple):
    """An offer that counts: what the registrar with this method takes for creating the name."""

    method: str
    offer: Offer


def describe_answer(reading: Reading) -> str:
    """What a registrar's answer says, in a few words; "error" for one that says nothing."""
    return _WORDS.get(reading.finding, "error")


def is_definitive_answer(source: Source, reading: Reading) -> bool:
    """Whether an answer settles if the name can be created there now: it came from the registry, for this query.

    One from a sandbox, a cache or an estimate does not, and neither does an error. Of a vendor that marks its definitive
    answers only those count that it marked.
    """
    vendor = BY_VENDOR.get(source.method.removeprefix(REGISTRAR))
    if not source.proof or reading.outcome in _SILENT or reading.finding == "registrar_available_cached":
        return False
    flagged = vendor is not None and vendor.proof is Proof.FLAGGED
    return not flagged or reading.finding == "registrar_available_live"


def is_sandbox(source: Source) -> bool:
    """Whether a source is asked where nothing is known of real names: its answers prove nothing, though its live ones do."""
    vendor = BY_VENDOR.get(source.method.removeprefix(REGISTRAR))
    return not source.proof and (vendor is None or vendor.proof is not Proof.HINT)


def is_creatable(reading: Reading) -> bool:
    """Whether an answer says that the name can be created now, at whatever price."""
    return reading.outcome in _CREATABLE


def find_cheapest(bids: Iterable[Bid]) -> list[Bid]:
    """The lowest price for a year in each currency, by currency: prices in different ones cannot be compared.

    Offers without a price or a currency are left out; of equal ones the first counts.
    """
    lowest: dict[str, tuple[Decimal, Bid]] = {}
    for bid in bids:
        currency, price = bid.offer.currency, _price_a_year(bid.offer)
        if currency and price is not None and (currency not in lowest or price < lowest[currency][0]):
            lowest[currency] = (price, bid)
    return [lowest[currency][1] for currency in sorted(lowest)]


def _price_a_year(offer: Offer) -> Decimal | None:
    return None if offer.price is None else offer.price / offer.years
