"""Name.com, `POST /core/v1/domains:checkAvailability` (docs.name.com, Core API v1): up to 50 names, in any order.

Names of suffixes that are not sold may be left out; where all of a call are, its status is 422. v4, the version before, leaves
out members that are false. Only `purchaseType` "registration" is a name that can be created: the others belong to a holder.
Prices are in US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import (
    as_object,
    find_text,
    list_objects,
    lower_word,
    make_offer,
    match_entries,
    price_of,
    read_json,
)

_ALL_UNSOLD = 422
#: Kinds of purchase of a name that has a holder.
_HELD = {"expiring": Finding.REGISTERED, "backorder": Finding.REGISTERED}


def parse_answer(status: int, body: bytes, names: Sequence[str]) -> Parsed:
    """A finding for each name. Raises ValueError for a body that is not JSON."""
    return fail_whole(Finding.UNSUPPORTED) if status == _ALL_UNSOLD else _parse_listed(status, body, names)


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    entries = match_entries(list_objects(as_object(value).get("results")), "domainName", names)
    return Parsed({name: _parse_entry(entry) for name, entry in entries.items()})


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    purchasable, premium = entry.get("purchasable", False), entry.get("premium", False)
    if purchasable is False:
        return Answer(Finding.UNAVAILABLE, said=find_text(entry, "reason"))
    if purchasable is not True or not isinstance(premium, bool):
        return Answer(Finding.NOTHING)
    kind = lower_word(entry, "purchaseType")
    if kind != "registration":
        finding = Finding.AFTERMARKET if kind.startswith("aftermarket") else _HELD.get(kind, Finding.NOTHING)
        return Answer(finding, said=find_text(entry, "purchaseType"))
    price, renewal = price_of(entry.get("purchasePrice")), price_of(entry.get("renewalPrice"))
    offer = make_offer(price, "USD", premium=premium, renewal=renewal)
    return Answer(Finding.PREMIUM if premium else Finding.LIVE, offer)


_parse_listed = read_json(_parse)
