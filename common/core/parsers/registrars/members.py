"""Read members of decoded JSON whose form cannot be trusted: the wrong type is as if the member were missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from common.core.builtin.tlds import split_words
from common.core.model.evidence import Offer, is_price
from common.core.parsers.bounded_json import MAX_DIGITS, parse_bounded_json
from common.core.parsers.rdap_record import list_members, normalise_to_alabel
from common.core.parsers.registrars.findings import Finding, Parse, Parsed, ParseJson, fail_whole

#: Largest body parsed, in bytes.
BODY_LIMIT = 256 * 1024
#: Currencies whose smallest unit is not a hundredth (ISO 4217): the number of their decimals.
_DECIMALS = {
    **dict.fromkeys(split_words("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"), 0),
    **dict.fromkeys(split_words("BHD IQD JOD KWD LYD OMR TND"), 3),
}


def read_json(parse: ParseJson) -> Parse:
    """A parser of whole answers from one of decoded JSON: any status but 200 is an error of the call."""

    def parse_answer(status: int, body: bytes, names: Sequence[str]) -> Parsed:
        if status != 200:
            return fail_whole(Finding.ERROR, f"HTTP {status}")
        return parse(parse_bounded_json(body, BODY_LIMIT), names)

    return parse_answer


def as_object(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list, a bounded number; none where it is no list."""
    return (item for item in list_members(value) if isinstance(item, dict))


def find_text(entry: Mapping[str, Any], *keys: str) -> str:
    """The value of the first of the keys that holds a text, as it is written, bounded; "" where none does."""
    for key in keys:
        if isinstance(value := entry.get(key), str):
            return value[:300].strip()
    return ""


def lower_word(entry: Mapping[str, Any], *keys: str) -> str:
    """The value of the first of the keys that holds a text, in lower case; "" where none does."""
    return find_text(entry, *keys).lower()


def is_domain(name: Any, domain: str) -> bool:
    """Whether a value is that A-label name, in any spelling."""
    return isinstance(name, str) and normalise_to_alabel(name) == domain


def match_entries(entries: Iterable[Mapping[str, Any]], key: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The entry of each name by its member `key`, whatever the order; a name with two entries has none."""
    asked, found, twice = set(names), dict[str, Mapping[str, Any]](), set[str]()
    for entry in entries:
        named = entry.get(key)
        name = normalise_to_alabel(named) if isinstance(named, str) else ""
        if name not in asked:
            continue
        if name in found:
            twice.add(name)
        found[name] = entry
    return {name: entry for name, entry in found.items() if name not in twice}


def price_of(value: Any) -> Decimal | None:
    """A price in units of its currency, from a number or a decimal text; None for anything else."""
    text = str(value).strip()  # what is neither gives no decimal
    if len(text) > MAX_DIGITS:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return price if is_price(price) else None


def price_in_smallest_unit(value: Any, currency: str) -> Decimal | None:
    """A price from a whole number of the currency's smallest units: cents, but yen for JPY and thousandths for KWD."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    price = Decimal(value).scaleb(-_DECIMALS.get(currency, 2))
    return price if is_price(price) else None


def currency_of(value: Any) -> str:
    """An ISO 4217 code in capitals; "" where the value is none."""
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if len(text) == 3 and text.isascii() and text.isalpha() else ""


def make_offer(price: Decimal | None, currency: str, *, premium: bool | None, renewal: Decimal | None = None) -> Offer:
    """An offer for a year; a price without a currency is not told."""
    if not currency:
        return Offer(premium=premium)
    return Offer(premium=premium, price=price, currency=currency, renewal=renewal)
