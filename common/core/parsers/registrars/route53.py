"""Amazon Route 53 Domains, `CheckDomainAvailability` (docs.aws.amazon.com/Route53): one name, JSON 1.1.

The answer does not repeat the name. `Price` only comes with AVAILABLE; its `PriceType` tells a premium name from an ordinary
one, and older answers, which sold no premium names, have neither. PENDING: the registry was slow, the same question may be
repeated at once. Errors come with status 400 and their name in `__type`; `InvalidInput` does not say what is not acceptable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.core.parsers.bounded_json import parse_bounded_json
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import BODY_LIMIT, as_object, currency_of, lower_word, make_offer, price_of

_WORDS = {
    "available_reserved": Finding.RESERVED,
    "available_preorder": Finding.UNAVAILABLE,
    "unavailable": Finding.UNAVAILABLE,
    "unavailable_premium": Finding.UNAVAILABLE,
    "unavailable_restricted": Finding.RESERVED,
    "reserved": Finding.RESERVED,
    "invalid_name_for_tld": Finding.INVALID,
}
_ERRORS = {
    "unsupportedtld": Finding.UNSUPPORTED,
    **dict.fromkeys(
        ("throttlingexception", "throttling", "toomanyrequestsexception", "requestlimitexceeded", "limitexceededexception"),
        Finding.THROTTLED,
    ),
    **dict.fromkeys(
        (
            *("unrecognizedclientexception", "invalidsignatureexception", "accessdeniedexception", "expiredtokenexception"),
            *("incompletesignatureexception", "missingauthenticationtokenexception", "invalidclienttokenid", "optinrequired"),
        ),
        Finding.REFUSED,
    ),
}


def parse_answer(status: int, body: bytes, names: Sequence[str]) -> Parsed:
    """What an answer says about the one name asked for. Raises ValueError for a body that is no JSON."""
    top = as_object(parse_bounded_json(body, BODY_LIMIT))
    if status != 200:
        error = lower_word(top, "__type").rpartition("#")[2]
        return fail_whole(_ERRORS.get(error, Finding.ERROR), error or f"HTTP {status}")
    if len(names) != 1:
        return fail_whole(Finding.NOTHING)
    return Parsed({names[0]: _parse_word(top)})


def _parse_word(top: Mapping[str, Any]) -> Answer:
    word = lower_word(top, "Availability")
    if word != "available":
        return Answer(_WORDS.get(word, Finding.NOTHING), said=word)
    price = as_object(top.get("Price"))
    kind = lower_word(price, "PriceType")
    if kind not in {"", "standard", "registry_premium"}:
        return Answer(Finding.NOTHING, said=kind)
    premium = kind == "registry_premium"
    offer = make_offer(price_of(price.get("Price")), currency_of(price.get("Currency")), premium=premium if kind else None)
    return Answer(Finding.PREMIUM if premium else Finding.LIVE, offer)
