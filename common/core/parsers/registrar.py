"""Answers of registrars' and resellers' availability APIs: from one HTTP answer to a Reading.

A registrar that relays the registry's live answer proves that a name can be created. A cached "available" is a hint, and
"unavailable" proves little: the name may be reserved, or the suffix not sold. So "unavailable" has the outcome `unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping

from common.core.model.evidence import Outcome, Reading, unknown_reading
from common.core.parsers import bounded_json
from common.core.parsers.rdap_record import normalise_to_alabel
from common.core.parsers.registrar_vendors import JSON_VENDORS, Finding, parse_namecheap
from common.core.parsers.retry_after import parse_retry_after

#: Largest body parsed, in bytes.
BODY_LIMIT = 256 * 1024

_READINGS = {
    Finding.LIVE: (Outcome.UNREGISTERED, "registrar_available_live", "the registrar can create it, verified with the registry"),
    Finding.CACHED: (Outcome.UNREGISTERED, "registrar_available_cached", "the registrar thinks that it can be created"),
    Finding.UNAVAILABLE: (Outcome.UNKNOWN, "registrar_unavailable", "the registrar cannot create it"),
    Finding.REGISTERED: (Outcome.REGISTERED, "registrar_unavailable", "the service says that it is registered"),
    Finding.RESERVED: (Outcome.RESERVED, "registrar_reserved", "the service says that it is reserved or blocked"),
    Finding.DROPPING: (Outcome.DROPPING, "registrar_dropping", "the service says that it is being deleted"),
    Finding.PREMIUM: (Outcome.PREMIUM, "registrar_premium", "the registrar can create it at a premium price"),
    Finding.INVALID: (Outcome.INVALID, "registrar_invalid", "the service refuses the name itself"),
    Finding.THROTTLED: (Outcome.THROTTLED, "registrar_throttled", "the registrar says that we ask too much"),
    Finding.NOTHING: (Outcome.UNKNOWN, "registrar_unparsed", "an answer that says nothing about the name"),
    Finding.UNSUPPORTED: (Outcome.UNKNOWN, "registrar_unsupported", "the registrar does not sell the suffix"),
    Finding.ERROR: (Outcome.UNKNOWN, "registrar_error", "the registrar reports an error"),
}


def parse_registrar_answer(name: str, status: int, headers: Mapping[str, str], body: str, domain: str) -> Reading:
    """What one HTTP answer of the registrar API `name` says about `domain` (A-label). Total.

    Names: godaddy, namecheap, porkbun, gandi, ovh, namecom (name.com), cloudflare, fastly (domainr), whoisxml.
    """
    vendor = name.strip().lower().replace(".", "").replace("-", "").replace("_", "")
    if vendor not in JSON_VENDORS and vendor != "namecheap":
        return unknown_reading("registrar_unknown_vendor", f"no such registrar: {name[:60]!r}")
    heads = {key.lower(): value for key, value in headers.items()}
    if status in {429, 503}:
        wait = parse_retry_after(heads.get("retry-after"), None)
        return Reading(Outcome.THROTTLED, "registrar_throttled", f"the registrar limits us (HTTP {status})", retry_after=wait)
    if status != 200:
        refused = status in {401, 403}
        reason = f"the registrar refuses our key or address (HTTP {status})" if refused else f"HTTP {status}"
        return unknown_reading("registrar_refused" if refused else "registrar_status", reason)
    asked = normalise_to_alabel(domain)
    try:
        if vendor == "namecheap":
            return _to_reading(parse_namecheap(body[:BODY_LIMIT], asked))
        value = bounded_json.parse_bounded_json(body.encode("utf-8", "replace"), BODY_LIMIT)
    except ValueError as error:
        return unknown_reading("registrar_bad_json", f"no JSON: {error}")
    return _to_reading(JSON_VENDORS[vendor](value, asked))


def _to_reading(finding: Finding) -> Reading:
    outcome, key, reason = _READINGS[finding]
    return Reading(outcome, key, reason)
