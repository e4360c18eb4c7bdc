"""NameSilo: codes with a status of 200, three lists in several forms, prices in US dollars."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding, Parsed
from common.core.parsers.registrars.namesilo import parse_answer

FREE = {"domain": "a.com", "price": 17.29, "renew": "18.50", "premium": 0, "duration": 1}
OFFER = Offer(premium=False, price=Decimal("17.29"), currency="USD", renewal=Decimal("18.50"))


def read(reply: Any, *names: str) -> Parsed:
    """What an answer with this reply says."""
    return parse_answer(200, json.dumps({"request": {}, "reply": reply}).encode(), names or ("a.com",))


def one(**lists: Any) -> Answer | None:
    """What these lists say about a.com."""
    return read({"code": 300, "detail": "success", **lists}).answers.get("a.com")


@pytest.mark.parametrize(
    "available",
    [
        [FREE],
        FREE,
        {"domain": FREE},
        {"domain": [FREE]},
        [5, None, [FREE], {"domain": 5}, FREE, {"domain": "b.com"}],
        [{**FREE, "domain": "A.Com."}],
    ],
)
def test_a_free_name_is_found_in_every_form_of_the_list(available):
    """One member may come alone or inside of an object."""
    assert one(available=available) == Answer(Finding.LIVE, OFFER)


@pytest.mark.parametrize("unavailable", [["b.com", "a.com"], "a.com", {"domain": "a.com"}, {"domain": ["a.com"]}])
def test_a_name_of_the_second_list_is_unavailable(unavailable):
    """With or without other members."""
    assert one(available=[], unavailable=unavailable) == Answer(Finding.UNAVAILABLE)


def test_an_invalid_name_speaks_of_its_suffix():
    """We ask for well-formed names only."""
    assert one(invalid=["a.com"]) == Answer(Finding.UNSUPPORTED, said="invalid")


@pytest.mark.parametrize(
    ("members", "answer"),
    [
        ({"premium": "0"}, Answer(Finding.LIVE, OFFER)),
        ({"premium": 1}, Answer(Finding.PREMIUM, Offer(True, Decimal("17.29"), "USD", Decimal("18.50")))),
        ({"premium": "1"}, Answer(Finding.PREMIUM, Offer(True, Decimal("17.29"), "USD", Decimal("18.50")))),
        ({"premium": 2}, Answer(Finding.NOTHING, said="an unknown word for premium")),
        ({"premium": False}, Answer(Finding.NOTHING, said="an unknown word for premium")),
        ({"premium": None}, Answer(Finding.NOTHING, said="an unknown word for premium")),
        ({"premium": [0]}, Answer(Finding.NOTHING, said="an unknown word for premium")),
        ({"duration": 10}, Answer(Finding.LIVE, Offer(premium=False))),
        ({"duration": "1"}, Answer(Finding.LIVE, OFFER)),
        ({"price": "free"}, Answer(Finding.LIVE, Offer(False, None, "USD", Decimal("18.50")))),
        ({"price": -1, "renew": True}, Answer(Finding.LIVE, Offer(False, None, "USD"))),
    ],
)
def test_price_and_premium_are_read_by_their_words(members, answer):
    """A price for ten years is none for one; what is no price is not told."""
    assert one(available=[{**FREE, **members}]) == answer


@pytest.mark.parametrize("entry", ["a.com", {"domain": "a.com"}, {"domain": "a.com", "price": "17.29"}])
def test_a_name_that_may_be_premium_is_a_hint(entry):
    """The older form does not say it."""
    answer = one(available=[entry])

    assert answer is not None
    assert answer.finding is Finding.CACHED
    assert answer.offer is not None
    assert answer.offer.premium is None


def test_a_price_without_a_duration_is_for_a_year():
    """As in the older form."""
    assert one(available={key: value for key, value in FREE.items() if key != "duration"}) == Answer(Finding.LIVE, OFFER)


def test_a_name_in_two_lists_has_no_answer():
    """Nor has one that is in none."""
    assert one(available=[FREE], unavailable=["a.com"]) is None
    assert one() is None
    assert read({"code": 300, "unavailable": ["b.com"]}, "a.com", "b.com").answers == {"b.com": Answer(Finding.UNAVAILABLE)}


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        *((code, Finding.REFUSED) for code in ("109", 110, "111", "112", 113, "116", "120")),
        (400, Finding.THROTTLED),
        ("400", Finding.THROTTLED),
        (115, Finding.ERROR),
        ("301", Finding.ERROR),
        ("300.0", Finding.ERROR),
    ],
)
def test_an_error_comes_with_a_code(code, finding):
    """A number or a text; names that stand beside it do not count."""
    parsed = read({"code": code, "detail": "Why it Failed", "available": [FREE]})

    assert parsed == Parsed(whole=Answer(finding, said=f"{code} Why it Failed"))


@pytest.mark.parametrize("reply", [None, [], {}, {"code": True}, {"code": 300.0}, {"code": [300]}, {"available": [FREE]}])
def test_a_reply_without_a_code_is_an_error(reply):
    """Whatever else it has."""
    assert read(reply) == Parsed(whole=Answer(Finding.ERROR))


def test_a_success_is_a_number_or_a_text():
    """Both are seen."""
    assert read({"code": "300", "unavailable": ["a.com"]}) == read({"code": 300, "unavailable": ["a.com"]})
    assert read({"code": " 300 ", "unavailable": ["a.com"]}).whole is None


def test_a_list_without_end_is_cut():
    """No answer names more than were asked for."""
    assert one(unavailable=["é.com"] * 5000 + ["a.com"]) is None


def test_another_status_is_an_error():
    """Whatever the body says."""
    body = json.dumps({"reply": {"code": 300, "available": [FREE]}}).encode()

    assert parse_answer(404, body, ["a.com"]) == Parsed(whole=Answer(Finding.ERROR, said="HTTP 404"))
