"""Read the answers of registrars' availability APIs, one function per vendor: decoded body and A-label name to a Finding.

Forms as the vendors document them. An answer must name the domain asked wherever its form has a field for it; an unknown word
and a name missing from a list mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Any

from common.core.parsers.rdap_record import list_members, normalise_to_alabel


class Finding(Enum):
    """What one answer of a registrar says."""

    LIVE = auto()  # verified with the registry, list price
    CACHED = auto()
    UNAVAILABLE = auto()
    REGISTERED = auto()
    RESERVED = auto()
    DROPPING = auto()
    PREMIUM = auto()
    INVALID = auto()
    THROTTLED = auto()
    NOTHING = auto()
    UNSUPPORTED = auto()
    ERROR = auto()


def parse_ovh(value: Any, domain: str) -> Finding:
    """Order cart: free where an offer creates and is orderable; another pricing mode than the default one is premium."""
    offers = list(_list_objects(value))
    if not offers:
        return Finding.NOTHING
    named = [offer for offer in offers if not isinstance(offer.get("domain"), str) or _is_domain(offer["domain"], domain)]
    creating = [offer for offer in named if _lower_word(offer, "action") == "create" and offer.get("orderable") is True]
    if any(_lower_word(offer, "pricingmode", "pricingMode") == "create-default" for offer in creating):
        return Finding.LIVE
    if any(_lower_word(offer, "pricingmode", "pricingMode") == "create-premium" for offer in creating):
        return Finding.PREMIUM
    return Finding.NOTHING if creating or not named else Finding.UNAVAILABLE


#: Fastly's status words, weakest first; the last word of an answer has the highest precedence.
_FASTLY = {
    "undelegated": Finding.NOTHING,
    "unknown": Finding.NOTHING,
    "pending": Finding.NOTHING,
    "inactive": Finding.LIVE,
    "premium": Finding.PREMIUM,
    "disallowed": Finding.RESERVED,
    "reserved": Finding.RESERVED,
    "dpml": Finding.RESERVED,
    "claimed": Finding.RESERVED,
    "invalid": Finding.INVALID,
    "suffix": Finding.INVALID,
    "zone": Finding.INVALID,
    "tld": Finding.INVALID,
    "active": Finding.REGISTERED,
    "parked": Finding.REGISTERED,
    "marketed": Finding.REGISTERED,
    "expiring": Finding.REGISTERED,
    "priced": Finding.REGISTERED,
    "transferable": Finding.REGISTERED,
    "deleting": Finding.DROPPING,
}


def parse_fastly(value: Any, domain: str) -> Finding:
    """Fastly Domain Research and Domainr v2. An estimate is never live."""
    entry = _find_entry(value, domain, "domain", "status") or _find_entry(value, domain, "domain", "")
    words = _lower_word(entry, "status").split()
    if not words:
        return Finding.NOTHING
    finding = _FASTLY.get(words[-1], Finding.NOTHING)
    if finding is Finding.LIVE and any(_FASTLY.get(word) not in {Finding.LIVE, Finding.NOTHING} for word in words):
        return Finding.NOTHING
    if finding in {Finding.REGISTERED, Finding.PREMIUM} and "inactive" in words:
        return Finding.PREMIUM
    if finding is Finding.LIVE and _lower_word(entry, "scope") == "estimate":
        return Finding.CACHED
    return finding


def parse_whoisxml(value: Any, domain: str) -> Finding:
    """DomainInfo: never live, for the default mode asks DNS alone."""
    entry = _find_entry(_as_object(value).get("DomainInfo"), domain, "domainName", "")
    known = {"available": Finding.CACHED, "unavailable": Finding.UNAVAILABLE}
    return known.get(_lower_word(entry, "domainAvailability"), Finding.NOTHING)


JSON_VENDORS: dict[str, Callable[[Any, str], Finding]] = {
    "ovh": parse_ovh,
    "fastly": parse_fastly,
    "domainr": parse_fastly,
    "whoisxml": parse_whoisxml,
}

_TAG = re.compile(r"<(ApiResponse|DomainCheckResult)\b([^<>]{0,4000})>")
_ATTRIBUTE = re.compile(r"([A-Za-z]{1,40})\s{0,4}=\s{0,4}\"([^\"<]{0,300})\"")
_THROTTLE = re.compile(r"too many requests|rate limit|limit exceeded", re.IGNORECASE)


def parse_namecheap(body: str, domain: str) -> Finding:
    """namecheap.domains.check. Only the attributes of two tags are looked at: no XML parser, so no entities to expand."""
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        return Finding.NOTHING
    status, results = "", []
    for tag, inside in _TAG.findall(body[:200_000]):
        attributes = dict(_ATTRIBUTE.findall(inside))
        if tag == "ApiResponse":
            status = attributes.get("Status", "").lower()
        elif _is_domain(attributes.get("Domain"), domain):
            results.append(attributes)
    if status != "ok":
        return Finding.THROTTLED if _THROTTLE.search(body[:20_000]) else Finding.ERROR
    if len(results) != 1:
        return Finding.NOTHING
    result = results[0]
    if result.get("ErrorNo", "0") != "0":
        return Finding.ERROR
    answer = (result.get("Available", "").lower(), result.get("IsPremiumName", "").lower())
    known = {("true", "false"): Finding.LIVE, ("true", "true"): Finding.PREMIUM}
    return Finding.UNAVAILABLE if answer[0] == "false" else known.get(answer, Finding.NOTHING)


def _find_entry(value: Any, domain: str, key: str, listed: str) -> dict[str, Any]:
    """The object whose `key` is the domain: the value itself, or the only such member of its list `listed`; {} for none."""
    top = _as_object(value)
    if listed and isinstance(top.get(listed), list):
        found = [entry for entry in _list_objects(top[listed]) if _is_domain(entry.get(key), domain)]
        return found[0] if len(found) == 1 else {}
    return top if _is_domain(top.get(key), domain) else {}


def _is_domain(name: Any, domain: str) -> bool:
    return isinstance(name, str) and normalise_to_alabel(name) == domain


def _as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list_objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in list_members(value) if isinstance(item, dict))


def _lower_word(entry: dict[str, Any], *keys: str) -> str:
    """The value of the first of the keys that holds a text, in lower case; "" where none does."""
    for key in keys:
        if isinstance(value := entry.get(key), str):
            return value[:300].strip().lower()
    return ""
