"""WhoisXML API, `GET /api/v1` (domain-availability.whoisxmlapi.com/api/documentation): one name, the key in the query.

By default only DNS is asked, which is fast and often wrong; `mode=DNS_AND_WHOIS` also reads WHOIS, which may come from a cache:
"available" is a hint either way. Errors have a number `code` and `messages`, or in the older API (`WhoisService`, which gives
the same `DomainInfo`) an `ErrorMessage` with an `errorCode`; both also come with a status of 200. At most 30 calls a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import as_object, find_text, lower_word, match_entries, read_json

_WORDS = {"available": Finding.CACHED, "unavailable": Finding.UNAVAILABLE}
_CODES = {401: Finding.REFUSED, 402: Finding.REFUSED, 403: Finding.REFUSED, 429: Finding.THROTTLED}
_REFUSALS = ("authenticate", "api_key")


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    top = as_object(value)
    if "DomainInfo" not in top:
        return _parse_error(top)
    entries = match_entries([as_object(top["DomainInfo"])], "domainName", names)
    return Parsed({name: _parse_entry(entry) for name, entry in entries.items()})


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    word = lower_word(entry, "domainAvailability")
    return Answer(_WORDS.get(word, Finding.NOTHING), said=word)


def _parse_error(top: Mapping[str, Any]) -> Parsed:
    old, code = as_object(top.get("ErrorMessage")), top.get("code")
    if lower_word(old, "errorCode").startswith(_REFUSALS):
        return fail_whole(Finding.REFUSED, find_text(old, "msg", "errorCode"))
    finding = _CODES.get(code, Finding.ERROR) if isinstance(code, int) else Finding.ERROR
    return fail_whole(finding, find_text(top, "messages") or find_text(old, "msg", "errorCode"))


parse_answer = read_json(_parse)
