"""Spaceship, `POST /api/v1/domains/available` (docs.spaceship.dev): up to 20 names as A-labels, 30 calls in 30 seconds.

List prices are not told; `premiumPricing` lists the prices of a premium name by operation. "taken" does not say whether the
name is registered or reserved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding, Parsed
from common.core.parsers.registrars.members import (
    as_object,
    currency_of,
    find_text,
    list_objects,
    lower_word,
    make_offer,
    match_entries,
    price_of,
    read_json,
)

_RESULTS = {
    "taken": Finding.UNAVAILABLE,
    "invaliddomainname": Finding.INVALID,
    "tldnotsupported": Finding.UNSUPPORTED,
    "unexpectederror": Finding.ERROR,
}


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    entries = match_entries(list_objects(as_object(value).get("domains")), "domain", names)
    return Parsed({name: _parse_entry(entry) for name, entry in entries.items()})


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    result = lower_word(entry, "result")
    if result != "available":
        return Answer(_RESULTS.get(result, Finding.NOTHING), said=find_text(entry, "result"))
    prices = entry.get("premiumPricing")
    if prices is None or prices == []:
        return Answer(Finding.LIVE, Offer(premium=False))
    if not isinstance(prices, list):
        return Answer(Finding.NOTHING)
    return Answer(Finding.PREMIUM, _read_premium(prices))


def _read_premium(prices: list[Any]) -> Offer:
    cost = {lower_word(price, "operation"): price for price in list_objects(prices)}
    first, further = cost.get("register", {}), cost.get("renew", {})
    currency = currency_of(first.get("currency"))
    same = currency == currency_of(further.get("currency"))
    renewal = price_of(further.get("price")) if same else None
    return make_offer(price_of(first.get("price")), currency, premium=True, renewal=renewal)


parse_answer = read_json(_parse)
