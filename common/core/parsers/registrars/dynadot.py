"""Dynadot, `GET /api3.json?command=search` (dynadot.com/domain/api-commands): one name, with bulk accounts up to 100.

The key can only be in the query. Regular accounts may have one call under way and 60 in a minute. `ResponseCode` is 0 for
success; errors come with a status of 200, as a word or a sentence. `Status` of a name is that of its query, and says nothing
about the name. With `show_price=1` the price is a sentence in the account's currency, which also says whether the name is
premium: "Registration Price: 10.88 in USD and Renewal price: 10.88 in USD and Domain is not a Premium Domain". The older form
"77.00 in USD" does not say it, and is no more than a hint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import (
    as_object,
    currency_of,
    find_text,
    list_objects,
    lower_word,
    make_offer,
    match_entries,
    price_of,
    read_json,
)

_AMOUNT = r"([0-9][0-9,]{0,15}(?:\.[0-9]{1,6})?) in ([a-z]{3})\b"
_REGISTRATION = re.compile(rf"(?:registration price: )?{_AMOUNT}")
_RENEWAL = re.compile(rf"\brenewal price: {_AMOUNT}")
#: What the words of an error mean, the first that fits.
_ERRORS = (
    (re.compile(r"busy|too many|rate limit|quota|exceeded|thread"), Finding.THROTTLED),
    (re.compile(r"\bkey\b|\bip\b|permission|authori[sz]|forbidden|not allowed"), Finding.REFUSED),
)


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    top = as_object(value)
    response = as_object(top.get("SearchResponse")) or as_object(top.get("Response"))
    if str(response.get("ResponseCode")) != "0":
        return fail_whole(_read_error(response), find_text(response, "Error", "Status"))
    entries = match_entries(list_objects(response.get("SearchResults")), "DomainName", names)
    return Parsed({name: _parse_entry(entry) for name, entry in entries.items()})


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    if lower_word(entry, "Status") not in {"", "success"}:
        return Answer(_read_error(entry), said=find_text(entry, "Error", "Status"))
    word = lower_word(entry, "Available")
    if word == "no":
        return Answer(Finding.UNAVAILABLE)
    if word != "yes":
        return Answer(Finding.NOTHING, said=word)
    price = lower_word(entry, "Price")
    premium = _read_premium(price)
    finding = {True: Finding.PREMIUM, False: Finding.LIVE, None: Finding.CACHED}[premium]
    return Answer(finding, _read_offer(price, premium=premium))


def _read_error(entry: Mapping[str, Any]) -> Finding:
    words = f"{lower_word(entry, 'Error')} {lower_word(entry, 'Status')}"
    return next((finding for pattern, finding in _ERRORS if pattern.search(words)), Finding.ERROR)


def _read_premium(price: str) -> bool | None:
    """Whether the sentence says that the name is premium; None where it does not mention it."""
    return "not a premium" not in price if "premium" in price else None


def _read_offer(price: str, *, premium: bool | None) -> Offer:
    registration, renewal = _REGISTRATION.match(price), _RENEWAL.search(price)
    if registration is None:
        return make_offer(None, "", premium=premium)
    amount, currency = registration.groups()
    again = renewal.group(1) if renewal is not None and renewal.group(2) == currency else None
    return make_offer(_read_amount(amount), currency_of(currency), premium=premium, renewal=_read_amount(again))


def _read_amount(text: str | None) -> Any:
    return price_of(text.replace(",", "")) if text is not None else None


parse_answer = read_json(_parse)
