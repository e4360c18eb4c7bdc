"""Read the answers of registrars' availability APIs, one function per vendor: decoded body and A-label name to a Finding.

Forms as the vendors document them. An answer must name the domain asked wherever its form has a field for it; an unknown word
and a name missing from a list mean nothing.
"""

from __future__ import annotations

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


def parse_godaddy(value: Any, domain: str) -> Finding:
    """v1 and v3 `available`; only `definitive` answers were verified with the registry. `domains` in bulk answers."""
    entry = _find_entry(value, domain, "domain", "domains")
    free = entry.get("available") if entry else None
    if not isinstance(free, bool):
        return Finding.NOTHING
    if not free:
        return Finding.UNAVAILABLE
    if _lower_word(entry, "inventory") not in {"", "standard", "registry", "core"}:
        return Finding.PREMIUM
    return Finding.LIVE if entry.get("definitive") is True else Finding.CACHED


def parse_porkbun(value: Any, domain: str) -> Finding:
    """v3 checkDomain: `avail` and `premium` are "yes" or "no". The answer does not repeat the name, the URL carried it."""
    top = _as_object(value)
    if _lower_word(top, "status") != "success":
        code = f"{_lower_word(top, 'code')} {_lower_word(top, 'message')}"
        return Finding.THROTTLED if "rate_limit" in code or "checks within" in code else Finding.ERROR
    answer = _as_object(top.get("response"))
    if "domain" in answer and not _is_domain(answer["domain"], domain):
        return Finding.NOTHING
    word = _lower_word(answer, "avail")
    if word == "no":
        return Finding.UNAVAILABLE
    if word != "yes" or _lower_word(answer, "type") not in {"", "registration"}:
        return Finding.NOTHING
    premium = _lower_word(answer, "premium")
    return Finding.PREMIUM if premium == "yes" else Finding.LIVE if premium == "no" else Finding.CACHED


def parse_gandi(value: Any, domain: str) -> Finding:
    """v5 domain/check: the product whose process is `create`."""
    for product in _list_objects(_as_object(value).get("products")):
        if _lower_word(product, "process") != "create" or not _is_domain(product.get("name"), domain):
            continue
        status = _lower_word(product, "status")
        if status == "available":
            prices = [price for price in _list_objects(product.get("prices")) if price.get("type") == "premium"]
            return Finding.PREMIUM if prices else Finding.LIVE
        known = {
            "available_premium": Finding.PREMIUM,
            "unavailable": Finding.UNAVAILABLE,
            "unavailable_premium": Finding.UNAVAILABLE,
            "unavailable_restricted": Finding.RESERVED,
            "available_reserved": Finding.RESERVED,
            "reserved_corporate": Finding.RESERVED,
            "error_invalid": Finding.INVALID,
        }
        return known.get(status, Finding.NOTHING)
    return Finding.NOTHING


def parse_namecom(value: Any, domain: str) -> Finding:
    """checkAvailability: only `purchaseType` registration is a free name; a missing `purchasable` is not free."""
    entry = _find_entry(value, domain, "domainName", "results")
    if not entry:
        return Finding.NOTHING
    if entry.get("purchasable") is not True:
        return Finding.UNAVAILABLE
    if _lower_word(entry, "purchaseType") != "registration":
        return Finding.REGISTERED if _lower_word(entry, "purchaseType").startswith("aftermarket") else Finding.NOTHING
    return Finding.PREMIUM if entry.get("premium") is True else Finding.LIVE


def parse_cloudflare(value: Any, domain: str) -> Finding:
    """registrar/domain-check: only two of its reasons speak about the name, the others about what is sold."""
    top = _as_object(value)
    if top.get("success") is not True:
        return Finding.ERROR
    entry = _find_entry(top.get("result"), domain, "name", "domains")
    if not entry:
        return Finding.NOTHING
    reason = _lower_word(entry, "reason")
    if entry.get("registrable") is True and not reason:
        return Finding.LIVE if _lower_word(entry, "tier") in {"", "standard"} else Finding.PREMIUM
    known = {"domain_unavailable": Finding.UNAVAILABLE, "domain_premium": Finding.PREMIUM}
    return known.get(reason, Finding.UNSUPPORTED if reason.startswith("extension_") else Finding.NOTHING)


JSON_VENDORS: dict[str, Callable[[Any, str], Finding]] = {
    "godaddy": parse_godaddy,
    "porkbun": parse_porkbun,
    "gandi": parse_gandi,
    "namecom": parse_namecom,
    "cloudflare": parse_cloudflare,
}


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
