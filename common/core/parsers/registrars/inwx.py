"""INWX DomRobot over JSON-RPC, method `domain.check` (inwx.com/en/help/apidoc): several names in one call.

Every answer comes with status 200; `code` 1000 is success, the others are those of EPP (RFC 5730 section 3): 2200 for a wrong
password and for a session that is over. A login that waits for a second factor is a success with `tfa` in `resData`. `avail` is
1 or 0; what it means otherwise is not documented. `premium` is an object with the prices and the currency of a premium name.
A `checkmethod` that names DNS, WHOIS or a cache is no registry's answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import (
    as_object,
    currency_of,
    list_objects,
    lower_word,
    make_offer,
    match_entries,
    price_of,
    read_json,
)

#: Codes after which only a new login helps.
SESSION_OVER = frozenset({2200, 2501})
_CODES = {**dict.fromkeys((2200, 2201, 2202, 2501), Finding.REFUSED), 2502: Finding.THROTTLED}
_LIMITS = ("too many", "rate limit", "limit exceeded")
_HINTS = ("dns", "whois", "cache")


def wants_second_factor(data: Mapping[str, Any]) -> bool:
    """Whether the `resData` of a login says that a one-time password has to follow."""
    return data.get("tfa") not in (None, "", "0", 0)  # a set would have to hash what came


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    top = as_object(value)
    code = top.get("code")
    if not isinstance(code, int):
        return fail_whole(Finding.NOTHING)
    if code != 1000:
        limited = any(words in lower_word(top, "msg") for words in _LIMITS)
        return fail_whole(Finding.THROTTLED if limited else _CODES.get(code, Finding.ERROR), f"code {code}")
    data = as_object(top.get("resData"))
    if "domain" not in data and wants_second_factor(data):
        return fail_whole(Finding.REFUSED, "a second factor is asked for")
    entries = match_entries(list_objects(data.get("domain")), "domain", names)
    return Parsed({name: _parse_entry(entry) for name, entry in entries.items()})


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    available, status, method = entry.get("avail"), lower_word(entry, "status"), lower_word(entry, "checkmethod")
    if not isinstance(available, int) or available not in {0, 1}:
        return Answer(Finding.NOTHING, said=status)
    if available == 0:
        return Answer(Finding.UNAVAILABLE, said=status)
    if status not in {"", "free", "available"}:
        return Answer(Finding.NOTHING, said=status)
    if entry.get("premium"):
        return _parse_premium(as_object(entry["premium"]))
    offer = make_offer(price_of(entry.get("price")), currency_of(entry.get("currency")), premium=False)
    return Answer(Finding.CACHED if any(word in method for word in _HINTS) else Finding.LIVE, offer, method)


def _parse_premium(premium: Mapping[str, Any]) -> Answer:
    prices = as_object(premium.get("prices"))
    price, renewal = (price_of(as_object(prices.get(key)).get("price")) for key in ("create", "renew"))
    return Answer(Finding.PREMIUM, make_offer(price, currency_of(premium.get("currency")), premium=True, renewal=renewal))


parse_answer = read_json(_parse)
