"""Gandi, `GET /v5/domain/check?name=` (api.gandi.net/docs/domains): one name a call, 1,000 calls a minute from an address.

`products` has an entry for each process, and none for a suffix that is not sold; "create" is the one that counts. A premium
name has the status "available" and a price of the type "premium". Prices are in the currency of the account, before and after
taxes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

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

#: "pending" and "available_preorder" say nothing about now.
_STATUSES = {
    "available": Finding.LIVE,
    "available_premium": Finding.PREMIUM,
    "unavailable": Finding.UNAVAILABLE,
    "unavailable_premium": Finding.UNAVAILABLE,
    "unavailable_restricted": Finding.RESERVED,
    "available_reserved": Finding.RESERVED,
    "reserved_corporate": Finding.UNSUPPORTED,  # the suffix is sold to corporate customers alone
    "error_eoi": Finding.UNSUPPORTED,  # its registry still collects expressions of interest
    "error_invalid": Finding.INVALID,
    "error_refused": Finding.ERROR,
    "error_timeout": Finding.ERROR,
    "error_unknown": Finding.ERROR,
}


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    top = as_object(value)
    currency = currency_of(top.get("currency"))
    creating = (product for product in list_objects(top.get("products")) if lower_word(product, "process") == "create")
    entries = match_entries(creating, "name", names)
    return Parsed({name: _parse_product(product, currency) for name, product in entries.items()})


def _parse_product(product: Mapping[str, Any], currency: str) -> Answer:
    status = lower_word(product, "status")
    prices = list(list_objects(product.get("prices")))
    finding = _STATUSES.get(status, Finding.NOTHING)
    if finding is Finding.LIVE and any(lower_word(price, "type") == "premium" for price in prices):
        finding = Finding.PREMIUM
    if finding not in {Finding.LIVE, Finding.PREMIUM}:
        return Answer(finding, said=find_text(product, "status"))
    return Answer(finding, make_offer(_find_price(prices), currency, premium=finding is Finding.PREMIUM))


def _find_price(prices: Sequence[Mapping[str, Any]]) -> Decimal | None:
    """What the first year costs before taxes, outside sunrise and landrush."""
    first = next((price for price in prices if _is_first_year(price)), {})
    return price_of(first.get("price_before_taxes"))


def _is_first_year(price: Mapping[str, Any]) -> bool:
    period = lower_word(as_object(price.get("options")), "period")
    return lower_word(price, "duration_unit") == "y" and price.get("min_duration") == 1 and period in {"", "golive"}


parse_answer = read_json(_parse)
