"""Gandi: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse

PRICE = {"duration_unit": "y", "min_duration": 1, "max_duration": 1, "price_before_taxes": 12.5, "price_after_taxes": 15}


def product(status: Any = "available", **twisted: Any) -> dict[str, Any]:
    """What can be created."""
    return {"name": A, "process": "create", "status": status, "prices": [PRICE], **twisted}


def check(*products: Any, currency: Any = "EUR") -> dict[str, Any]:
    """An answer with these products, after one for transfers."""
    return {"currency": currency, "grid": "A", "products": [{**product(), "process": "transfer"}, *products], "taxes": []}


def test_a_name_that_can_be_created_is_free_at_its_price_before_taxes() -> None:
    """In the currency of the account."""
    assert answer("gandi", check(product())) == Answer(Finding.LIVE, offer("12.5", "EUR"))
    assert answer("gandi", check(product(), currency=None)).offer == Offer(premium=False)


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        ("available_premium", Finding.PREMIUM),
        ("unavailable", Finding.UNAVAILABLE),
        ("unavailable_premium", Finding.UNAVAILABLE),
        ("unavailable_restricted", Finding.RESERVED),
        ("available_reserved", Finding.RESERVED),
        ("reserved_corporate", Finding.UNSUPPORTED),
        ("error_eoi", Finding.UNSUPPORTED),
        ("error_invalid", Finding.INVALID),
        ("error_refused", Finding.ERROR),
        ("error_timeout", Finding.ERROR),
        ("error_unknown", Finding.ERROR),
        ("pending", Finding.NOTHING),
        ("available_preorder", Finding.NOTHING),
        ("something_new", Finding.NOTHING),
        *((value, Finding.NOTHING) for value in JUNK),
    ],
)
def test_other_statuses_are_not_free(status: Any, finding: Finding) -> None:
    """Each by its word."""
    assert answer("gandi", check(product(status))).finding is finding


def test_a_status_is_shown_and_offers_nothing() -> None:
    """Prices of a name that cannot be created are none."""
    assert answer("gandi", check(product("Pending"))) == Answer(Finding.NOTHING, said="Pending")


@pytest.mark.parametrize("status", ["available", "available_premium"])
def test_a_premium_price_makes_a_premium_name(status: str) -> None:
    """Wherever it stands among the prices."""
    prices = [{**PRICE, "type": "premium", "price_before_taxes": 900}, {**PRICE, "min_duration": 2}]

    for listed in (prices, prices[::-1]):
        seen = answer("gandi", check(product(status, prices=listed)))
        assert seen == Answer(Finding.PREMIUM, offer("900", "EUR", premium=True))


def test_a_premium_price_of_a_name_that_cannot_be_created_is_none() -> None:
    """The status decides."""
    assert answer("gandi", check(product("unavailable", prices=[{**PRICE, "type": "premium"}]))).finding is Finding.UNAVAILABLE


@pytest.mark.parametrize(
    "other",
    [
        {"min_duration": 2},
        {"duration_unit": "m"},
        {"options": {"period": "sunrise"}},
        {"min_duration": None},
        {"duration_unit": None},
    ],
)
def test_the_price_is_that_of_a_first_year_in_the_open_period(other: dict[str, Any]) -> None:
    """Another price does not count, whether it comes first or alone."""
    wrong = {**PRICE, **other, "price_before_taxes": 99}

    assert answer("gandi", check(product(prices=[wrong, {**PRICE, "options": {"period": "golive"}}]))).offer == offer(
        "12.5", "EUR"
    )
    assert answer("gandi", check(product(prices=[wrong]))) == Answer(Finding.LIVE, offer(None, "EUR"))


@pytest.mark.parametrize("value", JUNK)
def test_prices_of_another_form_are_not_told(value: Any) -> None:
    """The name stays free."""
    assert answer("gandi", check(product(prices=value))) == Answer(Finding.LIVE, offer(None, "EUR"))
    assert answer("gandi", check(product(prices=[value]))) == Answer(Finding.LIVE, offer(None, "EUR"))


def test_only_creating_the_name_that_was_asked_for_counts() -> None:
    """Transfers, other names, two products, none: nothing is said."""
    for products in ([], [product(process="renew")], [product(name=B)], [product(), product("unavailable")], [5]):
        assert parse("gandi", check(*products)).answers == {}
    assert parse("gandi", {"currency": "EUR", "products": "x"}).answers == {}
    assert parse("gandi", check(product()), status=404).whole == Answer(Finding.ERROR, said="HTTP 404")
