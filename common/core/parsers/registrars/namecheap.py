"""Namecheap, `namecheap.domains.check` (namecheap.com/support/api/methods/domains/check): XML, up to 50 names.

Parameters go into the body of a POST, so that the key is in no URL. Every answer has a status of 200; `Status` of the root says
whether it is an error, whose numbers stand in namecheap.com/support/api/global-parameters and error-codes. `ErrorNo` of a name
is its own error. Only premium names come with prices, in US dollars; `EapFee` is what the early days of a suffix cost more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from common.core.builtin.tlds import split_words
from common.core.model.evidence import Offer
from common.core.parsers.bounded_xml import find_child, find_children, local_name, parse_bounded_xml, read_text
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import BODY_LIMIT, find_text, lower_word, make_offer, match_entries, price_of

#: User, key, address or account are missing, wrong, not listed or locked. 1011102 is also an account without API access.
_REFUSED = split_words(
    "1010101 1010102 1010105 1011102 1011105 1011150 1016103 1017101 1017103 1017105 1017150 1017410 1019103"
)
_CODES = {**dict.fromkeys(_REFUSED, Finding.REFUSED), "500000": Finding.THROTTLED, "1017411": Finding.THROTTLED}
#: The suffix is not sold over the API.
_UNSUPPORTED = "2030280"
#: The first words of the limit's sentence, whose number is not documented.
_TOO_MANY = "too many requests"
_CURRENCY = "USD"
_YES_OR_NO = {"true": True, "false": False}


def parse_answer(status: int, body: bytes, names: Sequence[str]) -> Parsed:
    """What one answer says about these names (A-labels). Raises ValueError for a body that is no answer of this API."""
    if status != 200:
        return fail_whole(Finding.ERROR, f"HTTP {status}")
    root = parse_bounded_xml(body, BODY_LIMIT)
    if local_name(root) != "ApiResponse":
        raise ValueError("not an ApiResponse")
    if lower_word(root.attrib, "Status") != "ok":
        return _parse_error(root, names)
    results = [child.attrib for child in find_children(find_child(root, "CommandResponse"), "DomainCheckResult")]
    return Parsed({name: _parse_result(result) for name, result in match_entries(results, "Domain", names).items()})


def _parse_error(root: Element, names: Sequence[str]) -> Parsed:
    error = find_child(root, "Errors", "Error")
    code, text = "" if error is None else find_text(error.attrib, "Number"), read_text(error)
    said = f"{code} {text}".strip()
    if text.lower().startswith(_TOO_MANY):
        return fail_whole(Finding.THROTTLED, said)
    if code == _UNSUPPORTED and len(names) == 1:
        return fail_whole(Finding.UNSUPPORTED, said)
    return fail_whole(_CODES.get(code, Finding.ERROR), said)


def _parse_result(result: Mapping[str, str]) -> Answer:
    error = find_text(result, "ErrorNo")
    if error not in {"", "0"}:
        finding = Finding.UNSUPPORTED if error == _UNSUPPORTED else Finding.ERROR
        return Answer(finding, said=f"{error} {find_text(result, 'Description')}".strip())
    available = _YES_OR_NO.get(lower_word(result, "Available"))
    if available is None:
        return Answer(Finding.NOTHING, said=find_text(result, "Available"))
    if not available:
        return Answer(Finding.UNAVAILABLE)
    if "IsPremiumName" not in result:
        return Answer(Finding.CACHED)
    premium, fee = _YES_OR_NO.get(lower_word(result, "IsPremiumName")), price_of(result.get("EapFee") or "0")
    if premium is None or fee is None:
        return Answer(Finding.NOTHING, said="an unknown word for premium")
    return Answer(Finding.PREMIUM if premium or fee else Finding.LIVE, _read_offer(result, premium=premium, early=bool(fee)))


def _read_offer(result: Mapping[str, str], *, premium: bool, early: bool) -> Offer:
    """The prices of a premium name; none with a fee of the early days, which does not say whether it is in the price."""
    if not premium or early:
        return make_offer(None, "", premium=early)
    price, renewal = price_of(result.get("PremiumRegistrationPrice")), price_of(result.get("PremiumRenewalPrice"))
    return make_offer(price or None, _CURRENCY, premium=True, renewal=renewal or None)
