"""Porkbun, `POST /api/json/v3/domain/checkDomain/{name}` (porkbun.com/api/json/v3/spec): one name a call, prices in US dollars.

The answer does not repeat the name, the URL carried it. Errors have `status` "ERROR" and a `code`, under 400, and of a rate
limit also under 200 or 429. `limits` states the rate limit of the key (one check in ten seconds, or ten), `ttlRemaining` when
its window ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from common.core.model.evidence import Offer, Quota
from common.core.parsers.bounded_json import parse_bounded_json
from common.core.parsers.rate_limit_fields import LONGEST_WINDOW, stated_rate
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import BODY_LIMIT, as_object, find_text, is_domain, lower_word, make_offer, price_of

_REFUSED = ("invalid_api_key", "api_key_required", "invalid_token", "invalid_user")
#: By the word for "premium"; without it the price may be any.
_AVAILABLE = {"yes": Finding.PREMIUM, "no": Finding.LIVE, "": Finding.CACHED}
_IS_PREMIUM = {Finding.PREMIUM: True, Finding.LIVE: False}


def parse_answer(status: int, body: bytes, names: Sequence[str]) -> Parsed:
    """The finding for the one name, and the rate limit. Raises ValueError for a body that is not JSON."""
    if status not in {200, 400}:
        return fail_whole(Finding.ERROR, f"HTTP {status}")
    top = as_object(parse_bounded_json(body, BODY_LIMIT))
    if status != 200 or lower_word(top, "status") != "success":
        error = _parse_error(top)
        return Parsed(whole=error, quota=_read_quota(top, used_up=error.finding is Finding.THROTTLED))
    answers = {name: _parse_check(as_object(top.get("response")), name) for name in names} if len(names) == 1 else {}
    return Parsed(answers, quota=_read_quota(top, used_up=False))


def _parse_error(top: Mapping[str, Any]) -> Answer:
    code, message = lower_word(top, "code"), lower_word(top, "message")
    said = find_text(top, "code") or find_text(top, "message")
    if "rate_limit" in code or "checks within" in message:
        return Answer(Finding.THROTTLED, said=said)
    refused = code.startswith(_REFUSED) or message.startswith("invalid api key")
    return Answer(Finding.REFUSED if refused else Finding.ERROR, said=said)


def _parse_check(answer: Mapping[str, Any], name: str) -> Answer:
    if "domain" in answer and not is_domain(answer["domain"], name):
        return Answer(Finding.NOTHING)
    word = lower_word(answer, "avail")
    if word == "no":
        return Answer(Finding.UNAVAILABLE)
    if word != "yes" or lower_word(answer, "type") not in {"", "registration"}:
        return Answer(Finding.NOTHING)
    finding = _AVAILABLE.get(lower_word(answer, "premium"), Finding.NOTHING)
    return Answer(finding, None if finding is Finding.NOTHING else _read_offer(answer, premium=_IS_PREMIUM.get(finding)))


def _read_offer(answer: Mapping[str, Any], *, premium: bool | None) -> Offer:
    # Where more than a year has to be taken, it is not said for how many years the price is.
    price = price_of(answer.get("price")) if answer.get("minDuration", 1) == 1 else None
    renewal = price_of(as_object(as_object(answer.get("additional")).get("renewal")).get("price"))
    return make_offer(price, "USD", premium=premium, renewal=renewal)


def _read_quota(top: Mapping[str, Any], *, used_up: bool) -> Quota | None:
    limits = as_object(top.get("limits"))
    calls, wait = _count(limits.get("limit")), _count(top.get("ttlRemaining"))
    stated = stated_rate(calls, _count(limits.get("TTL")))
    used_up = used_up or 0 < calls <= _count(limits.get("used"))
    if not used_up or not 0 < wait <= LONGEST_WINDOW:
        return stated
    return structs.replace(stated or Quota(), wait=float(wait))


def _count(value: Any) -> int:
    """A whole number that stands there as such or as a text; 0 for anything else."""
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) if len(text) <= 9 and text.isdecimal() else 0
