"""Amazon Route 53 Domains: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding, fail_whole
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse

PRICE = {"Price": 12.5, "Currency": "USD", "PriceType": "STANDARD"}
FREE = {"Availability": "AVAILABLE", "Price": PRICE}


def test_an_available_name_is_told_with_its_price() -> None:
    """At the ordinary price of its suffix."""
    assert answer("route53", FREE) == Answer(Finding.LIVE, offer("12.5"))


def test_a_premium_name_is_told_with_its_price() -> None:
    """By the type of the price."""
    value = FREE | {"Price": PRICE | {"PriceType": "REGISTRY_PREMIUM"}}

    assert answer("route53", value) == Answer(Finding.PREMIUM, offer("12.5", premium=True))


def test_older_answers_have_no_type_and_no_price() -> None:
    """Premium names were not sold then; nothing is promised about it."""
    untyped = {"Price": 12.5, "Currency": "USD"}

    assert answer("route53", {"Availability": "AVAILABLE", "Price": untyped}) == Answer(
        Finding.LIVE, offer("12.5", premium=None)
    )
    assert answer("route53", {"Availability": "AVAILABLE"}) == Answer(Finding.LIVE, Offer())


@pytest.mark.parametrize("kind", ["AFTERMARKET", "junk"])
def test_an_unknown_type_of_price_says_nothing(kind: str) -> None:
    """It could be premium."""
    assert answer("route53", FREE | {"Price": PRICE | {"PriceType": kind}}) == Answer(Finding.NOTHING, said=kind.lower())


@pytest.mark.parametrize("price", [*JUNK, {"Price": "x", "Currency": "USD"}, {"Price": 5, "Currency": None}])
def test_a_price_of_another_form_is_not_told(price: Any) -> None:
    """The name is available all the same."""
    told = answer("route53", FREE | {"Price": price})

    assert (told.finding, told.offer is not None and told.offer.price) == (Finding.LIVE, None)


@pytest.mark.parametrize(
    ("word", "finding"),
    [
        ("AVAILABLE_RESERVED", Finding.RESERVED),
        ("AVAILABLE_PREORDER", Finding.UNAVAILABLE),
        ("UNAVAILABLE", Finding.UNAVAILABLE),
        ("UNAVAILABLE_PREMIUM", Finding.UNAVAILABLE),
        ("UNAVAILABLE_RESTRICTED", Finding.RESERVED),
        ("RESERVED", Finding.RESERVED),
        ("INVALID_NAME_FOR_TLD", Finding.INVALID),
        ("DONT_KNOW", Finding.NOTHING),
        ("PENDING", Finding.NOTHING),
        ("AVAILABLE_SOON", Finding.NOTHING),
    ],
)
def test_other_words_are_not_free(word: str, finding: Finding) -> None:
    """Even with a price beside them."""
    assert answer("route53", FREE | {"Availability": word}) == Answer(finding, said=word.lower())


@pytest.mark.parametrize("value", [*JUNK, *({"Availability": word} for word in JUNK), {"availability": "AVAILABLE"}])
def test_an_answer_of_another_form_says_nothing(value: Any) -> None:
    """Neither free nor taken."""
    assert answer("route53", value).finding is Finding.NOTHING


def test_an_answer_to_several_names_says_nothing() -> None:
    """It does not tell which it is about."""
    assert parse("route53", FREE, (A, B)) == fail_whole(Finding.NOTHING)


@pytest.mark.parametrize(
    ("error", "finding"),
    [
        ("UnsupportedTLD", Finding.UNSUPPORTED),
        ("ThrottlingException", Finding.THROTTLED),
        ("Throttling", Finding.THROTTLED),
        ("TooManyRequestsException", Finding.THROTTLED),
        ("RequestLimitExceeded", Finding.THROTTLED),
        ("LimitExceededException", Finding.THROTTLED),
        ("UnrecognizedClientException", Finding.REFUSED),
        ("InvalidSignatureException", Finding.REFUSED),
        ("AccessDeniedException", Finding.REFUSED),
        ("ExpiredTokenException", Finding.REFUSED),
        ("IncompleteSignatureException", Finding.REFUSED),
        ("MissingAuthenticationTokenException", Finding.REFUSED),
        ("InvalidClientTokenId", Finding.REFUSED),
        ("OptInRequired", Finding.REFUSED),
        ("InvalidInput", Finding.ERROR),
        ("TLDInMaintenance", Finding.ERROR),
        ("SomethingNew", Finding.ERROR),
    ],
)
def test_errors_are_told_by_their_type(error: str, finding: Finding) -> None:
    """With or without the service's name before it; what is not acceptable about a name is not told."""
    wanted = fail_whole(finding, error.lower())

    assert parse("route53", FREE | {"__type": error}, status=400) == wanted
    assert parse("route53", FREE | {"__type": f"com.amazon.coral#{error}"}, status=400) == wanted


@pytest.mark.parametrize("value", [*JUNK, FREE, {"__type": 5}])
def test_an_error_without_a_type_is_told_by_its_status(value: Any) -> None:
    """Whatever else stands there."""
    assert parse("route53", value, status=400) == fail_whole(Finding.ERROR, "HTTP 400")
