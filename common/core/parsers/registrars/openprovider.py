"""Openprovider, `POST /v1beta/domains/check` (docs.openprovider.com): up to 15 names, with their prices.

Errors carry a `code` above 0 and mostly come with a status of 500, a wrong password too (196). The rest of the codes: 50 and
4007 for too many calls, 10005 for a blocked address (support.openprovider.eu, API calls limits). `active` only means that the
name cannot be created; its `reason` is the registry's own text. `price.reseller` is in the account's currency, `price.product`
in the registry's.
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
    list_objects,
    lower_word,
    make_offer,
    match_entries,
    price_of,
)

#: The token or the password is wrong.
UNAUTHORISED = 196
_CODES = {UNAUTHORISED: Finding.REFUSED, 10005: Finding.REFUSED, 50: Finding.THROTTLED, 4007: Finding.THROTTLED}
_EXISTS = frozenset({"domain exists", "object exists", "in use"})


def parse_answer(status: int, body: bytes, names: Sequence[str]) -> Parsed:
    """What an answer says about each of these A-label names. Raises ValueError for a body that is no JSON."""
    top = as_object(parse_bounded_json(body, BODY_LIMIT))
    code = top.get("code", 0)
    if code != 0:
        return _fail(code, lower_word(top, "desc"), len(names))
    if status != 200:
        return fail_whole(Finding.ERROR, f"HTTP {status}")
    entries = match_entries(list_objects(as_object(top.get("data")).get("results")), "domain", names)
    return Parsed({name: _parse_entry(entry) for name, entry in entries.items()})


def _fail(code: Any, text: str, asked: int) -> Parsed:
    """An error of the whole call. One about a suffix says nothing about the other names that were asked for with it."""
    if not isinstance(code, int):
        return fail_whole(Finding.ERROR)
    if "limit has been reached" in text:
        return fail_whole(Finding.THROTTLED, f"code {code}")
    if "extension" in text and code not in _CODES:
        return fail_whole(Finding.UNSUPPORTED if asked == 1 else Finding.ERROR, f"code {code}")
    return fail_whole(_CODES.get(code, Finding.ERROR), f"code {code}")


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    status, reason = lower_word(entry, "status"), lower_word(entry, "reason")
    if status == "free":
        return _parse_free(entry)
    if status != "active":
        return Answer(Finding.NOTHING, said=status)
    if reason in _EXISTS:
        return Answer(Finding.REGISTERED, said=reason)
    if "reserved" in reason or "blocked" in reason:
        return Answer(Finding.RESERVED, said=reason)
    return Answer(Finding.UNSUPPORTED if "extension" in reason else Finding.UNAVAILABLE, said=reason)


def _parse_free(entry: Mapping[str, Any]) -> Answer:
    flag, premium = entry.get("is_premium"), as_object(entry.get("premium"))
    if flag is True or (flag is None and premium):
        prices = as_object(premium.get("price"))
        currency = currency_of(premium.get("currency"))
        offer = make_offer(price_of(prices.get("create")), currency, premium=True, renewal=price_of(prices.get("renew")))
        return Answer(Finding.PREMIUM, offer)
    if flag is not None and flag is not False:
        return Answer(Finding.NOTHING, said="is_premium")
    return Answer(Finding.LIVE, _make_list_offer(as_object(entry.get("price")), premium=flag))


def _make_list_offer(prices: Mapping[str, Any], *, premium: bool | None) -> Offer:
    """The price for this account, else the registry's."""
    for key in ("reseller", "product"):
        one = as_object(prices.get(key))
        price, currency = price_of(one.get("price")), currency_of(one.get("currency"))
        if price is not None and currency:
            return make_offer(price, currency, premium=premium)
    return Offer(premium=premium)
