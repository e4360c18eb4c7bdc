"""OVHcloud, `GET /order/cart/{cart}/domain?domain=…` (docs.ovhcloud.com, "Order a domain name"): the offers for one name.

The answer does not repeat the name. A name is free where an orderable offer of general availability creates it; a registered
one has an offer to transfer it, and perhaps one from the aftermarket. There is no offer for a suffix that is not sold, nor for
some names. Offers that contradict each other say nothing. Errors have an `errorCode`: a wrong signature with status 400, most
others with 403.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.core.model.evidence import Offer
from common.core.parsers.bounded_json import parse_bounded_json
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import (
    BODY_LIMIT,
    as_object,
    currency_of,
    is_domain,
    list_objects,
    lower_word,
    make_offer,
    price_of,
)

_REFUSALS = frozenset(
    {"invalid_signature", "invalid_key", "invalid_credential", "not_credential", "not_granted_call", "forbidden"}
)
#: By the pricing mode of an offer that creates.
_MODES = {
    "create-default": Finding.LIVE,
    "default": Finding.LIVE,
    "create-premium": Finding.PREMIUM,
    "premium": Finding.PREMIUM,
}


def parse_answer(status: int, body: bytes, names: Sequence[str]) -> Parsed:
    """What an answer says about the one name asked for. Raises ValueError for a body that is no JSON."""
    value = parse_bounded_json(body, BODY_LIMIT)
    if status != 200:
        code = lower_word(as_object(value), "errorCode")
        return fail_whole(Finding.REFUSED if code in _REFUSALS else Finding.ERROR, code or f"HTTP {status}")
    if len(names) != 1 or not isinstance(value, list):
        return fail_whole(Finding.NOTHING)
    return Parsed({names[0]: _parse_offers(value, names[0])})


def _parse_offers(value: list[Any], name: str) -> Answer:
    named = [offer for offer in list_objects(value) if "domain" not in offer or is_domain(offer["domain"], name)]
    offers = [offer for offer in named if lower_word(offer, "action")]
    orderable = [offer for offer in offers if offer.get("orderable") is True]
    creating = [offer for offer in orderable if lower_word(offer, "action") == "create"]
    if not creating:
        return Answer(Finding.UNAVAILABLE if offers else Finding.NOTHING, said=_actions(offers))
    modes = {_read_mode(offer) for offer in creating}
    if modes == {Finding.AFTERMARKET}:
        return Answer(Finding.AFTERMARKET)
    if len(modes) > 1 or len(creating) < len(orderable):
        return Answer(Finding.NOTHING, said=_actions(orderable))
    (finding,) = modes
    return Answer(finding, None if finding is Finding.NOTHING else _read_price(creating[0], premium=finding is Finding.PREMIUM))


def _read_mode(offer: Mapping[str, Any]) -> Finding:
    mode = lower_word(offer, "pricingMode", "pricingmode")
    if lower_word(offer, "phase") not in {"", "ga"}:
        return Finding.NOTHING
    return Finding.AFTERMARKET if "aftermarket" in mode else _MODES.get(mode, Finding.NOTHING)


def _read_price(offer: Mapping[str, Any], *, premium: bool) -> Offer:
    """The price of the first year after discounts, and that of a further year, both before taxes."""
    prices = {lower_word(entry, "label"): as_object(entry.get("price")) for entry in list_objects(offer.get("prices"))}
    first = prices.get("total") or prices.get("price") or {}
    renewal, currency = prices.get("renew") or {}, currency_of(first.get("currencyCode"))
    same = currency_of(renewal.get("currencyCode")) == currency
    further = price_of(renewal.get("value")) if same else None
    return make_offer(price_of(first.get("value")), currency, premium=premium, renewal=further)


def _actions(offers: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(lower_word(offer, "action") for offer in offers[:3])
