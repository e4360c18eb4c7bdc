"""Answers of registrars' and resellers' availability APIs: from one HTTP answer to a Reading for each name.

A registrar that relays the registry's live answer proves that a name can be created. A cached "available" is a hint, and
"unavailable" does not say why: the name may be registered, reserved, or the suffix not sold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.core.model.evidence import Outcome, Quota, Reading, unknown_reading
from common.core.parsers.rate_limit_fields import parse_quota
from common.core.parsers.rdap_record import normalise_to_alabel
from common.core.parsers.registrars import (
    cloudflare,
    domainr,
    dynadot,
    gandi,
    godaddy,
    inwx,
    namecheap,
    namecom,
    namesilo,
    openprovider,
    ovh,
    porkbun,
    route53,
    spaceship,
    whoisxml,
)
from common.core.parsers.registrars.findings import Answer, Finding, Parse, Parsed, fail_whole
from common.core.parsers.retry_after import parse_retry_after

#: By vendor. A further one is added here.
PARSERS: dict[str, Parse] = {
    "cloudflare": cloudflare.parse_answer,
    "domainr": domainr.parse_answer,
    "dynadot": dynadot.parse_answer,
    "gandi": gandi.parse_answer,
    "godaddy": godaddy.parse_answer,
    "inwx": inwx.parse_answer,
    "namecheap": namecheap.parse_answer,
    "namecom": namecom.parse_answer,
    "namesilo": namesilo.parse_answer,
    "openprovider": openprovider.parse_answer,
    "ovh": ovh.parse_answer,
    "porkbun": porkbun.parse_answer,
    "route53": route53.parse_answer,
    "spaceship": spaceship.parse_answer,
    "whoisxml": whoisxml.parse_answer,
}
#: Other names under which recorded answers are known.
_ALIASES = {"fastly": "domainr", "name": "namecom"}
#: Vendors that send their own errors, a wrong password too, with a status of 500: their parsers read it.
_ERRORS_IN_500 = frozenset({"openprovider"})
#: Longest word of a vendor that is shown, in characters.
_SAID = 120

_READINGS = {
    Finding.LIVE: (Outcome.UNREGISTERED, "registrar_available_live", "the registrar can create it, verified with the registry"),
    Finding.CACHED: (Outcome.UNREGISTERED, "registrar_available_cached", "the registrar thinks that it can be created"),
    Finding.PREMIUM: (Outcome.PREMIUM, "registrar_premium", "the registrar can create it at a premium price"),
    Finding.UNAVAILABLE: (Outcome.UNAVAILABLE, "registrar_unavailable", "the registrar cannot create it"),
    Finding.REGISTERED: (Outcome.REGISTERED, "registrar_registered", "the service says that it is registered"),
    Finding.AFTERMARKET: (Outcome.REGISTERED, "registrar_aftermarket", "it is registered and for sale by its holder"),
    Finding.RESERVED: (Outcome.RESERVED, "registrar_reserved", "the service says that it is reserved or blocked"),
    Finding.DROPPING: (Outcome.DROPPING, "registrar_dropping", "the service says that it is being deleted"),
    Finding.INVALID: (Outcome.INVALID, "registrar_invalid", "the service refuses the name itself"),
    Finding.UNSUPPORTED: (Outcome.UNKNOWN, "registrar_unsupported", "the registrar does not sell the suffix"),
    Finding.THROTTLED: (Outcome.THROTTLED, "registrar_throttled", "the registrar says that we ask too much"),
    Finding.REFUSED: (Outcome.UNKNOWN, "registrar_refused", "the registrar refuses our key, address or account"),
    Finding.NOTHING: (Outcome.UNKNOWN, "registrar_unparsed", "an answer that says nothing about the name"),
    Finding.MISSING: (Outcome.UNKNOWN, "registrar_missing", "the name is missing from the answer"),
    Finding.ERROR: (Outcome.UNKNOWN, "registrar_error", "the registrar reports an error"),
}


def parse_registrar_answers(
    vendor: str, status: int, headers: Mapping[str, str], body: bytes, names: Sequence[str], now: float | None = None
) -> tuple[dict[str, Reading], Quota | None]:
    """What one HTTP answer of a registrar's API says about each of these names (A-labels), and about the rate limit. Total.

    `headers` with names in lower case; `now` in epoch seconds, for limits that are stated as dates.
    """
    quota = parse_quota(headers, now)
    parsed = _parse_status(vendor, status) or _parse_body(vendor, status, body, names)
    wait = parse_retry_after(headers.get("retry-after"), now)
    readings = {}
    for name in names:
        answer = parsed.whole or parsed.answers.get(name) or Answer(Finding.MISSING)
        readings[name] = _to_reading(answer, wait)
    return readings, parsed.quota or quota


def parse_registrar_answer(name: str, status: int, headers: Mapping[str, str], body: str, domain: str) -> Reading:
    """What one HTTP answer of the registrar API `name` says about `domain` (A-label). Total.

    Names are those of `PARSERS`, also with dots and hyphens ("name.com"), and "fastly".
    """
    vendor = name.strip().lower().replace(".", "").replace("-", "").replace("_", "")
    vendor = _ALIASES.get(vendor, vendor)
    if vendor not in PARSERS:
        return unknown_reading("registrar_unknown_vendor", f"no such registrar: {name[:60]!r}")
    heads = {key.lower(): value for key, value in headers.items()}
    asked = normalise_to_alabel(domain)
    readings, _ = parse_registrar_answers(vendor, status, heads, body.encode("utf-8", "replace"), [asked])
    return readings[asked]


def _parse_status(vendor: str, status: int) -> Parsed | None:
    """What the status alone decides; None where the body has to be read."""
    if status in {429, 503}:
        return fail_whole(Finding.THROTTLED, f"HTTP {status}")
    if status in {401, 402, 403}:
        return fail_whole(Finding.REFUSED, f"HTTP {status}")
    if status == 500 and vendor in _ERRORS_IN_500:
        return None
    return fail_whole(Finding.ERROR, f"HTTP {status}") if status >= 500 or status < 200 else None


def _parse_body(vendor: str, status: int, body: bytes, names: Sequence[str]) -> Parsed:
    try:
        return PARSERS[vendor](status, body, names)
    except ValueError as error:
        return fail_whole(Finding.NOTHING, f"not of the documented form: {error}")


def _to_reading(answer: Answer, wait: float | None) -> Reading:
    outcome, key, reason = _READINGS[answer.finding]
    said = _shorten(answer.said)
    return Reading(
        outcome,
        key,
        f"{reason} ({said})" if said else reason,
        retry_after=wait if outcome is Outcome.THROTTLED else None,
        offer=answer.offer,
    )


def _shorten(text: str) -> str:
    """At most `_SAID` characters, cut at a blank: half of a key that a vendor repeats would pass a scrubber of whole keys."""
    shown = "".join(mark for mark in text if mark.isprintable())
    return shown if len(shown) <= _SAID else shown[: _SAID + 1].rpartition(" ")[0]
