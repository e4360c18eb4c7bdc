"""GoDaddy, `POST /v3/domains/check-availability` (developer.godaddy.com): up to 25 names, 60 calls a minute.

Read are `items` of v3, `domains` of v1's bulk call, and the object of a single name of either. Only an answer that is
`definitive` was verified with the registry. `inventory` tells premium names apart. v3 counts prices in the smallest unit of
their currency; those of v1 are not read. An item may have an `error` of its own.
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
    price_in_smallest_unit,
    read_json,
)

_ERRORS = {
    "unsupported_tld": Finding.UNSUPPORTED,
    "tld_not_supported": Finding.UNSUPPORTED,
    "mismatch_format": Finding.INVALID,
}
#: Whether a name of this inventory has a price of its own.
_PREMIUM = {"registry": False, "standard": False, "core": False, "premium": True}


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    top = as_object(value)
    lists = [list(list_objects(top[key])) for key in ("items", "domains") if key in top]
    entries = match_entries(lists[0] if lists else [top], "domain", names)
    return Parsed({name: _parse_entry(entry) for name, entry in entries.items()})


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    if entry.get("error") is not None:
        word = find_text(as_object(entry["error"]), "name")
        return Answer(_ERRORS.get(word.lower(), Finding.ERROR), said=word)
    if entry.get("available") is False:
        return Answer(Finding.UNAVAILABLE)
    inventory = "registry" if entry.get("inventory") is None else lower_word(entry, "inventory")
    if entry.get("available") is not True or inventory not in _PREMIUM:
        return Answer(Finding.NOTHING, said=find_text(entry, "inventory"))
    premium, definitive = _PREMIUM[inventory], entry.get("definitive") is True
    if premium and not definitive:
        return Answer(Finding.NOTHING, said=find_text(entry, "inventory"))  # also names that their holders sell are called so
    finding = Finding.PREMIUM if premium else Finding.LIVE if definitive else Finding.CACHED
    return Answer(finding, _read_offer(entry, premium=premium))


def _read_offer(entry: Mapping[str, Any], *, premium: bool) -> Offer:
    for price in list_objects(entry.get("prices")):
        if lower_word(price, "term") != "year" or price.get("period") != 1:
            continue
        first, further = as_object(price.get("price")), as_object(price.get("renewalPrice"))
        currency = currency_of(first.get("currencyCode"))
        same = currency == currency_of(further.get("currencyCode"))
        renewal = price_in_smallest_unit(further.get("value"), currency) if same else None
        return make_offer(price_in_smallest_unit(first.get("value"), currency), currency, premium=premium, renewal=renewal)
    return Offer(premium=premium)


parse_answer = read_json(_parse)
