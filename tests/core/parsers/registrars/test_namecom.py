"""Name.com: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.parsers.registrars.findings import Answer, Finding
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse

FREE = {
    "domainName": A,
    "sld": "a",
    "tld": "com",
    "purchasable": True,
    "premium": False,
    "purchasePrice": 12.99,
    "purchaseType": "registration",
    "renewalPrice": 15.99,
}


def check(*entries: Any) -> dict[str, Any]:
    """An answer with these entries."""
    return {"results": list(entries)}


def test_a_purchasable_name_is_free_at_its_price() -> None:
    """In US dollars."""
    assert answer("namecom", check(FREE)) == Answer(Finding.LIVE, offer("12.99", renewal="15.99"))


def test_v4_leaves_out_what_is_false() -> None:
    """Without `premium` it is none, without `purchasable` it is not for sale."""
    short = {key: value for key, value in FREE.items() if key != "premium"}

    assert answer("namecom", check(short)).finding is Finding.LIVE
    assert answer("namecom", check({"domainName": A})) == Answer(Finding.UNAVAILABLE)


def test_a_premium_name_is_told_with_its_price() -> None:
    """It has one of its own."""
    seen = answer("namecom", check({**FREE, "premium": True, "purchasePrice": 2500}))

    assert seen == Answer(Finding.PREMIUM, offer("2500", premium=True, renewal="15.99"))


def test_a_refusal_comes_with_its_reason() -> None:
    """The vendor's own words."""
    seen = answer("namecom", check({**FREE, "purchasable": False, "reason": "Registered elsewhere"}))

    assert seen == Answer(Finding.UNAVAILABLE, said="Registered elsewhere")


@pytest.mark.parametrize(
    ("kind", "finding"),
    [
        ("aftermarket_sale", Finding.AFTERMARKET),
        ("expiring", Finding.REGISTERED),
        ("backorder", Finding.REGISTERED),
        ("transfer", Finding.NOTHING),
        ("something_new", Finding.NOTHING),
        ("", Finding.NOTHING),
    ],
)
def test_what_is_sold_otherwise_than_as_new_is_not_free(kind: str, finding: Finding) -> None:
    """A holder sells it, or it can only be waited for."""
    assert answer("namecom", check({**FREE, "purchaseType": kind})) == Answer(finding, said=kind)


@pytest.mark.parametrize("value", [*JUNK, 1, "true"])
@pytest.mark.parametrize("key", ["purchasable", "premium"])
def test_a_flag_that_is_none_says_nothing(key: str, value: Any) -> None:
    """Neither free nor taken."""
    assert answer("namecom", check({**FREE, key: value})) == Answer(Finding.NOTHING)


@pytest.mark.parametrize("value", [value for value in JUNK if value != 5])
def test_a_price_that_is_none_is_not_told(value: Any) -> None:
    """The name stays free."""
    assert answer("namecom", check({**FREE, "purchasePrice": value})).offer == offer(renewal="15.99")


def test_a_call_of_unsold_suffixes_alone_has_a_status_of_its_own() -> None:
    """Other errors say nothing."""
    assert parse("namecom", "", status=422).whole == Answer(Finding.UNSUPPORTED)
    assert parse("namecom", check(FREE), status=400).whole == Answer(Finding.ERROR, said="HTTP 400")


def test_names_are_told_apart() -> None:
    """In any order; one that is missing or stands twice says nothing."""
    taken = {**FREE, "domainName": B.upper(), "purchasable": False}
    twice = {**FREE, "domainName": "c.com"}
    found = parse("namecom", check(taken, twice, FREE, twice), (A, B, "c.com", "d.com"))

    assert {name: one.finding for name, one in found.answers.items()} == {A: Finding.LIVE, B: Finding.UNAVAILABLE}
