"""Fastly Domain Research, `GET /domain-management/v1/tools/status` (fastly.com/documentation), and Domainr v2, its predecessor.

Fastly answers about one name, Domainr v2 with a list `status` of the same objects. `status` has words in rising precedence:
the last one counts. `inactive` is a name that can be registered, asked of the registry unless `scope` says that it is an
estimate; `undelegated` alone was read in DNS, also where the registry did not answer within 30 seconds, and proves nothing.
Errors may come with a status of 200, as a list `errors`. `offers` are those of the aftermarket, no registration prices.
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
    read_json,
)

#: What the last word says. Those of the aftermarket and `premium` also need the others, see `_read_for_sale`.
_WORDS = {
    "inactive": Finding.LIVE,
    "active": Finding.REGISTERED,
    "parked": Finding.REGISTERED,
    "expiring": Finding.REGISTERED,
    "deleting": Finding.DROPPING,
    **dict.fromkeys(("disallowed", "reserved", "dpml", "claimed"), Finding.RESERVED),
    **dict.fromkeys(("invalid", "suffix", "zone", "tld"), Finding.INVALID),
}
_FOR_SALE = {"marketed", "priced", "transferable", "premium"}
#: Words beside `inactive` that do not contradict it.
_FREE = {"inactive", "undelegated"}
#: Values of `scope` for answers that the registry gave; Domainr v2 has no such member and knows no others.
_PRECISE = {"", "precise"}
_ERRORS = {401: Finding.REFUSED, 402: Finding.REFUSED, 403: Finding.REFUSED, 429: Finding.THROTTLED}


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    top = as_object(value)
    errors = list(list_objects(top.get("errors")))
    if errors:
        code = errors[0].get("code")
        finding = _ERRORS.get(code, Finding.ERROR) if isinstance(code, int) else Finding.ERROR
        return fail_whole(finding, find_text(errors[0], "message"))
    entries = list_objects(top["status"]) if isinstance(top.get("status"), list) else [top]
    return Parsed({name: _parse_entry(entry) for name, entry in match_entries(entries, "domain", names).items()})


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    status = lower_word(entry, "status")
    words = status.split()
    finding = _read_words(words)
    if finding is Finding.LIVE and lower_word(entry, "scope") not in _PRECISE:
        finding = Finding.CACHED
    offer = make_offer(None, "", premium=True) if finding is Finding.PREMIUM else None
    return Answer(finding, offer, status)


def _read_words(words: Sequence[str]) -> Finding:
    last = words[-1] if words else ""
    if last in _FOR_SALE:
        return _read_for_sale(words)
    finding = _WORDS.get(last, Finding.NOTHING)
    return Finding.NOTHING if finding is Finding.LIVE and not _FREE.issuperset(words) else finding


def _read_for_sale(words: Sequence[str]) -> Finding:
    """By whom a name is offered: by the registry where it can be created, else by its holder."""
    if "active" in words or "parked" in words:
        return Finding.AFTERMARKET
    if "inactive" in words:
        return Finding.PREMIUM if (_FREE | _FOR_SALE).issuperset(words) else Finding.NOTHING
    return Finding.NOTHING if words[-1] == "premium" else Finding.AFTERMARKET


parse_answer = read_json(_parse)
