"""Spaceship: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse

FREE = {"domain": A, "result": "available", "premiumPricing": []}
FIRST = {"operation": "register", "price": 2500.5, "currency": "USD"}
FURTHER = {"operation": "renew", "price": 80, "currency": "USD"}


def check(*entries: Any) -> dict[str, Any]:
    """An answer with these entries."""
    return {"domains": list(entries)}


@pytest.mark.parametrize("prices", [[], None])
def test_an_available_name_is_free_at_an_untold_price(prices: Any) -> None:
    """List prices stand elsewhere."""
    assert answer("spaceship", check({**FREE, "premiumPricing": prices})) == Answer(Finding.LIVE, Offer(premium=False))


def test_a_premium_name_is_told_with_its_prices() -> None:
    """That of the registration, and that of a further year."""
    seen = answer("spaceship", check({**FREE, "premiumPricing": [FURTHER, FIRST]}))

    assert seen == Answer(Finding.PREMIUM, offer("2500.5", premium=True, renewal="80"))


def test_a_renewal_in_another_currency_is_not_told() -> None:
    """An offer has one currency."""
    seen = answer("spaceship", check({**FREE, "premiumPricing": [FIRST, {**FURTHER, "currency": "EUR"}]}))

    assert seen.offer == offer("2500.5", premium=True)


@pytest.mark.parametrize("prices", [[5], [{}], [FURTHER], [{**FIRST, "currency": None}]])
def test_prices_that_tell_no_price_are_still_premium(prices: list[Any]) -> None:
    """They would not be there otherwise."""
    seen = answer("spaceship", check({**FREE, "premiumPricing": prices}))

    assert seen == Answer(Finding.PREMIUM, Offer(premium=True))


@pytest.mark.parametrize("prices", [5, "", "junk", {}, False])
def test_prices_of_another_form_say_nothing(prices: Any) -> None:
    """It could be premium."""
    assert answer("spaceship", check({**FREE, "premiumPricing": prices})) == Answer(Finding.NOTHING)


@pytest.mark.parametrize(
    ("result", "finding"),
    [
        ("taken", Finding.UNAVAILABLE),
        ("invalidDomainName", Finding.INVALID),
        ("tldNotSupported", Finding.UNSUPPORTED),
        ("unexpectedError", Finding.ERROR),
        ("somethingNew", Finding.NOTHING),
        ("", Finding.NOTHING),
    ],
)
def test_other_results_are_not_free(result: str, finding: Finding) -> None:
    """Each by its word."""
    assert answer("spaceship", check({**FREE, "result": result})) == Answer(finding, said=result)


@pytest.mark.parametrize("value", [*JUNK, True])
def test_a_result_that_is_no_word_says_nothing(value: Any) -> None:
    """Neither free nor taken."""
    assert answer("spaceship", check({**FREE, "result": value})).finding is Finding.NOTHING


def test_names_are_told_apart() -> None:
    """In any order; one that is missing says nothing."""
    found = parse("spaceship", check({"domain": B, "result": "taken"}, FREE), (A, B, "c.com"))

    assert {name: one.finding for name, one in found.answers.items()} == {A: Finding.LIVE, B: Finding.UNAVAILABLE}
    assert parse("spaceship", {"detail": "x"}, status=422).whole == Answer(Finding.ERROR, said="HTTP 422")
