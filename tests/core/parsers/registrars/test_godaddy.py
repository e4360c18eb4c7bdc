"""GoDaddy: its answers, of both versions."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse


def cost(value: Any, currency: str = "USD") -> dict[str, Any]:
    """A price in the smallest unit of its currency."""
    return {"currencyCode": currency, "value": value}


YEAR = {"term": "YEAR", "period": 1, "price": cost(1199), "renewalPrice": cost(2299)}
FREE = {"domain": A, "available": True, "definitive": True, "inventory": "REGISTRY", "prices": [YEAR]}


def check(**twisted: Any) -> dict[str, Any]:
    """An answer of v3 about one name, with other members."""
    return {"items": [{**FREE, **twisted}]}


def test_a_definitive_answer_is_free_at_its_price() -> None:
    """In cents."""
    assert answer("godaddy", check()) == Answer(Finding.LIVE, offer("11.99", renewal="22.99"))


@pytest.mark.parametrize("value", [False, *JUNK, 1, "true"])
def test_an_answer_that_is_not_definitive_is_a_hint(value: Any) -> None:
    """It was not verified with the registry."""
    assert answer("godaddy", check(definitive=value)) == Answer(Finding.CACHED, offer("11.99", renewal="22.99"))


@pytest.mark.parametrize("inventory", ["REGISTRY", "standard", "core", None])
def test_ordinary_names_are_free(inventory: Any) -> None:
    """By any word for them, or without one."""
    assert answer("godaddy", check(inventory=inventory)).finding is Finding.LIVE


def test_a_premium_name_counts_where_it_is_verified() -> None:
    """Names that their holders sell are called so too."""
    seen = answer("godaddy", check(inventory="PREMIUM"))

    assert seen == Answer(Finding.PREMIUM, offer("11.99", premium=True, renewal="22.99"))
    assert answer("godaddy", check(inventory="PREMIUM", definitive=False)) == Answer(Finding.NOTHING, said="PREMIUM")


@pytest.mark.parametrize("inventory", ["AUCTION", "", 5, [], {}])
def test_an_unknown_inventory_says_nothing(inventory: Any) -> None:
    """It could be anything."""
    assert answer("godaddy", check(inventory=inventory)).finding is Finding.NOTHING


@pytest.mark.parametrize("value", [*JUNK, 1, "true"])
def test_available_is_true_or_false(value: Any) -> None:
    """Nothing else counts."""
    assert answer("godaddy", check(available=value)).finding is Finding.NOTHING
    assert answer("godaddy", check(available=False)) == Answer(Finding.UNAVAILABLE)


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("UNSUPPORTED_TLD", Finding.UNSUPPORTED),
        ("TLD_NOT_SUPPORTED", Finding.UNSUPPORTED),
        ("MISMATCH_FORMAT", Finding.INVALID),
        ("SOMETHING_NEW", Finding.ERROR),
    ],
)
def test_an_item_may_have_an_error_of_its_own(name: str, finding: Finding) -> None:
    """Whatever else it says."""
    assert answer("godaddy", check(error={"name": name})) == Answer(finding, said=name)


@pytest.mark.parametrize("error", [5, "junk", [], {}, {"name": 5}, False])
def test_an_error_of_another_form_is_an_error(error: Any) -> None:
    """Only without one the item counts."""
    assert answer("godaddy", check(error=error)) == Answer(Finding.ERROR)
    assert answer("godaddy", check(error=None)).finding is Finding.LIVE


@pytest.mark.parametrize("other", [{"period": 2}, {"period": None}, {"term": "MONTH"}, {"term": None}])
def test_the_price_is_that_of_one_year(other: dict[str, Any]) -> None:
    """Another one does not count, whether it comes first or alone."""
    wrong = {**YEAR, **other, "price": cost(1)}

    assert answer("godaddy", check(prices=[wrong, YEAR])).offer == offer("11.99", renewal="22.99")
    assert answer("godaddy", check(prices=[wrong])).offer == Offer(premium=False)


@pytest.mark.parametrize(
    ("currency", "first", "further"), [("JPY", "1199", "2299"), ("KWD", "1.199", "2.299"), ("EUR", "11.99", "22.99")]
)
def test_prices_are_in_the_smallest_unit_of_their_currency(currency: str, first: str, further: str) -> None:
    """Which is not a hundredth everywhere."""
    year = {**YEAR, "price": cost(1199, currency), "renewalPrice": cost(2299, currency)}

    assert answer("godaddy", check(prices=[year])).offer == offer(first, currency, renewal=further)


def test_a_renewal_in_another_currency_is_not_told() -> None:
    """An offer has one currency."""
    assert answer("godaddy", check(prices=[{**YEAR, "renewalPrice": cost(1, "EUR")}])).offer == offer("11.99")


@pytest.mark.parametrize("value", [None, "", "junk", [], {}, -1, 11.99, "1199", True, 10**38])
def test_prices_of_another_form_are_not_told(value: Any) -> None:
    """The name stays free."""
    assert answer("godaddy", check(prices=value)).offer == Offer(premium=False)
    assert answer("godaddy", check(prices=[{**YEAR, "price": value}])).offer == Offer(premium=False)
    assert answer("godaddy", check(prices=[{**YEAR, "price": cost(value)}])).offer == offer(renewal="22.99")


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: {"domains": [one], "errors": []}])
def test_v1_is_read_as_well(wrap: Any) -> None:
    """A single name, or its bulk call; its prices count in other units and are not read."""
    old = {"domain": A.upper(), "available": True, "definitive": True, "price": 11990000, "currency": "USD", "period": 1}

    assert answer("godaddy", wrap(old)) == Answer(Finding.LIVE, Offer(premium=False))
    assert answer("godaddy", wrap({**old, "available": False})) == Answer(Finding.UNAVAILABLE)


def test_items_win_over_the_list_of_v1() -> None:
    """An answer has one of them."""
    assert answer("godaddy", {"domains": [{"domain": A, "available": False}], **check()}).finding is Finding.LIVE


def test_names_are_told_apart() -> None:
    """In any order; one that is missing says nothing."""
    found = parse("godaddy", {"items": [{"domain": B, "available": False}, FREE]}, (A, B, "c.com"))

    assert {name: one.finding for name, one in found.answers.items()} == {A: Finding.LIVE, B: Finding.UNAVAILABLE}


@pytest.mark.parametrize(
    "value", [*JUNK, {"items": FREE}, {"items": 5, **FREE}, {"code": "ACCESS_DENIED"}, {**FREE, "domain": B}]
)
def test_what_names_no_such_name_says_nothing(value: Any) -> None:
    """Errors, other names, other forms."""
    assert parse("godaddy", value).answers == {}
    assert parse("godaddy", FREE, status=422).whole == Answer(Finding.ERROR, said="HTTP 422")
