"""Members of JSON whose form cannot be trusted: each reader takes what is documented and nothing else."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import (
    BODY_LIMIT,
    as_object,
    currency_of,
    find_text,
    is_domain,
    list_objects,
    lower_word,
    make_offer,
    match_entries,
    price_in_smallest_unit,
    price_of,
    read_json,
)

IDN, ALABEL = "Bücher.example", "xn--bcher-kva.example"
#: More digits than a price has.
LONG = "0." + "1" * 60


def echo(value: Any, names: Any) -> Parsed:
    """A parser that says what it was given."""
    return fail_whole(Finding.NOTHING, json.dumps([value, list(names)]))


def test_json_of_a_status_of_200_is_read() -> None:
    """With the names that were asked for."""
    assert read_json(echo)(200, b'{"a": [1]}', ["a.com"]).whole == Answer(Finding.NOTHING, said='[{"a": [1]}, ["a.com"]]')


@pytest.mark.parametrize("status", [199, 201, 203, 204, 301, 400, 404, 422])
def test_any_other_status_is_an_error_of_the_call(status: int) -> None:
    """Its body is not looked at."""
    assert read_json(echo)(status, b"{}", ["a.com"]) == Parsed(whole=Answer(Finding.ERROR, said=f"HTTP {status}"))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b"\xff", b'"' + b"x" * BODY_LIMIT + b'"', b"[" * 99 + b"]" * 99, b"1" * 41, b"1." + b"1" * 40]
)
def test_a_body_that_is_not_json_or_too_much_of_it_is_refused(body: bytes) -> None:
    """The caller says that it is not of the documented form."""
    with pytest.raises(ValueError, match=r"\S"):
        read_json(echo)(200, body, [])


def test_a_body_as_long_as_may_be_is_read() -> None:
    """The limit is the last length that is."""
    body = b'"' + b"x" * (BODY_LIMIT - 2) + b'"'

    assert read_json(echo)(200, body, []).whole is not None


def test_a_failure_of_the_whole_call_says_nothing_about_names() -> None:
    """With and without a word."""
    assert fail_whole(Finding.THROTTLED, "slow") == Parsed({}, Answer(Finding.THROTTLED, None, "slow"), None)
    assert fail_whole(Finding.ERROR) == Parsed({}, Answer(Finding.ERROR, None, ""), None)


@pytest.mark.parametrize("value", [None, 5, "x", [], [{}], True])
def test_what_is_no_object_is_an_empty_one(value: Any) -> None:
    """An object is itself."""
    assert as_object(value) == {}
    assert as_object({"a": 1}) == {"a": 1}


def test_of_a_list_only_objects_count_and_a_bounded_number() -> None:
    """Whatever else stands between them."""
    assert list(list_objects([5, {"a": 1}, None, [{}], "x", {}])) == [{"a": 1}, {}]
    assert len(list(list_objects([{}] * 100_000))) == 200


@pytest.mark.parametrize("value", [None, 5, "ab", {"a": {}}, {"0": {}}])
def test_what_is_no_list_has_no_objects(value: Any) -> None:
    """Neither texts nor objects."""
    assert list(list_objects(value)) == []


def test_a_word_is_lower_case_without_blanks_around_it() -> None:
    """Of the first key that holds a text; bounded before anything is done with it."""
    entry = {"a": 5, "b": None, "c": "  Available ", "d": "other", "e": "x" * 1000, "f": "", "g": " " * 300 + "x"}

    assert lower_word(entry, "a", "b", "c", "d") == "available"
    assert lower_word(entry, "d", "c") == "other"
    assert lower_word(entry, "f", "c") == ""
    assert lower_word(entry, "a", "z") == ""
    assert lower_word(entry, "e") == "x" * 300
    assert find_text(entry, "a", "c") == "Available"
    assert lower_word(entry, "g") == ""


@pytest.mark.parametrize("name", [ALABEL, ALABEL.upper(), IDN, f" {IDN}. ", "bücher.example"])
def test_a_name_is_known_in_any_spelling(name: str) -> None:
    """Of case, of script, with a final dot."""
    assert is_domain(name, ALABEL)


@pytest.mark.parametrize("name", [None, 5, [ALABEL], "", "b.example", f"www.{ALABEL}", "xn--bcher-kva.example.com"])
def test_another_name_is_another_name(name: Any) -> None:
    """And what is no text is none."""
    assert not is_domain(name, ALABEL)


def test_entries_are_found_by_name_in_any_order() -> None:
    """Whatever the spelling; what was not asked for is left out."""
    first, second, other = {"n": IDN, "x": 1}, {"n": "A.COM."}, {"n": "c.com"}

    assert match_entries([other, second, first], "n", ["a.com", ALABEL, "b.com"]) == {"a.com": second, ALABEL: first}


def test_a_name_with_two_entries_has_none() -> None:
    """Also in two spellings, also where they are equal or a third follows; the others count."""
    one = {"n": "a.com"}
    found = match_entries([one, {"n": "b.com"}, {"n": "A.com"}, one], "n", ["a.com", "b.com"])

    assert found == {"b.com": {"n": "b.com"}}


def test_entries_without_a_name_belong_to_no_name() -> None:
    """Nor do those whose name is no text."""
    entries = [{}, {"n": None}, {"n": 5}, {"n": ["a.com"]}, {"m": "a.com"}, {"n": ""}]

    assert match_entries(entries, "n", ["a.com"]) == {}


@pytest.mark.parametrize(
    ("value", "price"),
    [
        (12.99, "12.99"),
        (10.44, "10.44"),
        (0.1 + 0.2, None),
        (15, "15"),
        (0, "0"),
        ("10.44", "10.44"),
        (" 10.4400 ", "10.4400"),
        ("1e3", "1e3"),
        (Decimal("9.5"), "9.5"),
        (10**9, "1000000000"),
        (10**9 + 1, None),
        ("1000000000.000001", None),
        ("0.000001", "0.000001"),
        ("0.0000001", None),
        (-1, None),
        ("-0.01", None),
        (True, None),
        (False, None),
        (None, None),
        ("", None),
        ("free", None),
        ("1,000.00", None),
        ("$5", None),
        ("5 USD", None),
        ("NaN", None),
        ("sNaN", None),
        ("Infinity", None),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
        ("1e999999999", None),
        (LONG, None),
        ("0" * 39 + "5", "5"),
        (" " * 100 + "5", "5"),
        ("0" * 40 + "5", None),
        ("9" * 100_000, None),
        ([5], None),
        ({"value": 5}, None),
    ],
)
def test_a_price_is_a_number_or_a_text_of_one(value: Any, price: str | None) -> None:
    """Exact, without a sign or a currency, and one that can be meant."""
    assert price_of(value) == (None if price is None else Decimal(price))


def test_a_price_keeps_its_digits() -> None:
    """A float is what it is written as, not its binary value."""
    assert str(price_of(10.44)) == "10.44"
    assert str(price_of("10.40")) == "10.40"


@pytest.mark.parametrize(
    ("value", "currency", "price"),
    [
        (1199, "USD", "11.99"),
        (1199, "EUR", "11.99"),
        (1199, "", "11.99"),
        (1199, "JPY", "1199"),
        (1199, "KRW", "1199"),
        (1199, "KWD", "1.199"),
        (1199, "TND", "1.199"),
        (0, "USD", "0"),
        (10**11, "USD", "1000000000"),
        (10**11 + 1, "USD", None),
        (-1, "USD", None),
        (10**39, "USD", None),
        (11.99, "USD", None),
        ("1199", "USD", None),
        (True, "USD", None),
        (None, "USD", None),
        ([1], "USD", None),
    ],
)
def test_a_price_in_the_smallest_unit_is_a_whole_number(value: Any, currency: str, price: str | None) -> None:
    """A hundredth, and all of it or a thousandth where the currency has such (ISO 4217)."""
    assert price_in_smallest_unit(value, currency) == (None if price is None else Decimal(price))


def test_a_price_in_cents_has_two_digits() -> None:
    """As it is written in that currency."""
    assert str(price_in_smallest_unit(1200, "USD")) == "12.00"


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("USD", "USD"),
        (" eur ", "EUR"),
        ("", ""),
        ("$", ""),
        ("US", ""),
        ("USDT", ""),
        ("U5D", ""),
        ("ÄÖÜ", ""),
        (None, ""),
        (840, ""),
        (["USD"], ""),
    ],
)
def test_a_currency_is_a_code_of_three_letters(value: Any, currency: str) -> None:
    """In capitals."""
    assert currency_of(value) == currency


def test_an_offer_carries_its_prices_in_a_currency() -> None:
    """Either may be missing."""
    first, further = Decimal(5), Decimal(6)

    assert make_offer(first, "USD", premium=True, renewal=further) == Offer(True, first, "USD", further)
    assert make_offer(None, "USD", premium=None) == Offer(None, None, "USD", None)
    assert make_offer(first, "USD", premium=False) == Offer(False, first, "USD")


def test_a_price_without_a_currency_is_not_told() -> None:
    """A number alone says nothing."""
    assert make_offer(Decimal(5), "", premium=False, renewal=Decimal(6)) == Offer(premium=False)
