"""Dynadot: errors as words with a status of 200, prices as sentences."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.dynadot import parse_answer
from common.core.parsers.registrars.findings import Answer, Finding, Parsed

SENTENCE = "Registration Price: 2.04 in USD and Renewal price: 12.98 in USD and Domain is not a Premium Domain"
OFFER = Offer(premium=False, price=Decimal("2.04"), currency="USD", renewal=Decimal("12.98"))
FREE = {"DomainName": "a.com", "Available": "yes", "Price": SENTENCE}


def read(top: Any, *names: str) -> Parsed:
    """What an answer says."""
    return parse_answer(200, json.dumps(top).encode(), names or ("a.com",))


def one(**members: Any) -> Answer | None:
    """What an entry with these members says about a.com."""
    return read({"SearchResponse": {"ResponseCode": "0", "SearchResults": [{**FREE, **members}]}}).answers.get("a.com")


@pytest.mark.parametrize(
    ("members", "answer"),
    [
        ({}, Answer(Finding.LIVE, OFFER)),
        ({"Status": "success", "Available": "Yes", "DomainName": "A.COM"}, Answer(Finding.LIVE, OFFER)),
        ({"Status": ""}, Answer(Finding.LIVE, OFFER)),
        ({"Available": "no"}, Answer(Finding.UNAVAILABLE)),
        ({"Available": "soon"}, Answer(Finding.NOTHING, said="soon")),
        ({"Available": True}, Answer(Finding.NOTHING)),
        ({"Status": "error", "Error": "Invalid Domain"}, Answer(Finding.ERROR, said="Invalid Domain")),
        ({"Status": "offline"}, Answer(Finding.ERROR, said="offline")),
        ({"Status": "system_busy"}, Answer(Finding.THROTTLED, said="system_busy")),
    ],
)
def test_a_name_is_read_by_its_words(members, answer):
    """Its own error and unknown words prove nothing."""
    assert one(**members) == answer


@pytest.mark.parametrize(
    ("price", "finding", "offer"),
    [
        (
            SENTENCE.replace("not a Premium", "a Premium"),
            Finding.PREMIUM,
            Offer(True, Decimal("2.04"), "USD", Decimal("12.98")),
        ),
        (SENTENCE.replace("2.04", "13,000.50"), Finding.LIVE, Offer(False, Decimal("13000.50"), "USD", Decimal("12.98"))),
        (SENTENCE.replace("12.98 in USD", "12.98 in EUR"), Finding.LIVE, Offer(False, Decimal("2.04"), "USD")),
        (SENTENCE.replace("2.04 in USD", "2.04"), Finding.LIVE, Offer(premium=False)),
        ("77.00 in EUR", Finding.CACHED, Offer(None, Decimal("77.00"), "EUR")),
        ("77.00 in EUROS", Finding.CACHED, Offer()),
        ("about 77.00 in EUR", Finding.CACHED, Offer()),
        ("9" * 300 + " in USD", Finding.CACHED, Offer()),
        ("Premium", Finding.PREMIUM, Offer(premium=True)),
        (None, Finding.CACHED, Offer()),
        (77, Finding.CACHED, Offer()),
    ],
)
def test_the_sentence_says_price_and_premium(price, finding, offer):
    """Where it does not say that the name is no premium one, it is a hint; an odd sentence has no price."""
    assert one(Price=price) == Answer(finding, offer)


def test_names_are_told_apart_in_any_order():
    """Each gets its own; one that is missing or there twice gets none."""
    results = [{**FREE, "DomainName": name} for name in ("c.com", "b.com", "a.com", "d.com", "d.com")]
    results[1]["Available"] = "no"
    parsed = read({"SearchResponse": {"ResponseCode": 0, "SearchResults": results}}, "a.com", "b.com", "d.com", "e.com")

    assert parsed == Parsed({"a.com": Answer(Finding.LIVE, OFFER), "b.com": Answer(Finding.UNAVAILABLE)})


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        ({"Error": "Invalid Key"}, Finding.REFUSED),
        ({"Error": "This IP is not on the list"}, Finding.REFUSED),
        ({"Error": "You do not have permission"}, Finding.REFUSED),
        ({"Error": "unauthorised"}, Finding.REFUSED),
        ({"Error": "unauthorized"}, Finding.REFUSED),
        ({"Error": "forbidden"}, Finding.REFUSED),
        ({"Error": "not allowed"}, Finding.REFUSED),
        ({"Status": "system_busy", "Error": "later"}, Finding.THROTTLED),
        ({"Error": "too many requests for this key"}, Finding.THROTTLED),
        ({"Error": "rate limit"}, Finding.THROTTLED),
        ({"Status": "over_quota"}, Finding.THROTTLED),
        ({"Error": "limit exceeded"}, Finding.THROTTLED),
        ({"Error": "only one thread"}, Finding.THROTTLED),
        ({"Error": "monkey shipment"}, Finding.ERROR),
        ({"Status": "offline"}, Finding.ERROR),
        ({}, Finding.ERROR),
    ],
)
@pytest.mark.parametrize("around", ["SearchResponse", "Response"])
def test_an_error_of_the_call_is_read_by_its_words(words, finding, around):
    """Under either name; names that stand beside it do not count."""
    parsed = read({around: {"ResponseCode": "-1", "SearchResults": [FREE], **words}})

    assert parsed == Parsed(whole=Answer(finding, said=words.get("Error", words.get("Status", ""))))


@pytest.mark.parametrize("top", [None, [], {}, {"SearchResponse": {"SearchResults": [FREE]}}, {"Results": [FREE]}])
def test_an_answer_without_a_code_is_an_error(top):
    """Whatever else it has."""
    assert read(top) == Parsed(whole=Answer(Finding.ERROR))


@pytest.mark.parametrize("code", ["00", 0.5, True, False, None, [0], "0000000", ""])
def test_only_zero_is_success(code):
    """A number or a text."""
    assert read({"SearchResponse": {"ResponseCode": code, "SearchResults": [FREE]}}).whole == Answer(Finding.ERROR)


def test_another_status_is_an_error():
    """Whatever the body says."""
    body = json.dumps({"SearchResponse": {"ResponseCode": "0", "SearchResults": [FREE]}}).encode()

    assert parse_answer(404, body, ["a.com"]) == Parsed(whole=Answer(Finding.ERROR, said="HTTP 404"))
