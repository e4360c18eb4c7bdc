"""Fastly Domain Research and Domainr v2: words in rising precedence, estimates, offers of the aftermarket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.domainr import parse_answer
from common.core.parsers.registrars.findings import Answer, Finding, Parsed


def read(top: Any, *names: str) -> Parsed:
    """What an answer says."""
    return parse_answer(200, json.dumps(top).encode(), names or ("a.com",))


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        ("inactive", Finding.LIVE),
        ("undelegated inactive", Finding.LIVE),
        ("Undelegated  INACTIVE ", Finding.LIVE),
        ("inactive undelegated", Finding.NOTHING),
        ("undelegated", Finding.NOTHING),
        ("unknown", Finding.NOTHING),
        ("unknown inactive", Finding.NOTHING),
        ("pending inactive", Finding.NOTHING),
        ("reserved inactive", Finding.NOTHING),
        ("active inactive", Finding.NOTHING),
        ("something-new inactive", Finding.NOTHING),
        ("inactive something-new", Finding.NOTHING),
        ("pending", Finding.NOTHING),
        ("", Finding.NOTHING),
        ("undelegated active", Finding.REGISTERED),
        ("active parked", Finding.REGISTERED),
        ("expiring", Finding.REGISTERED),
        ("active expiring", Finding.REGISTERED),
        ("active deleting", Finding.DROPPING),
        ("inactive reserved", Finding.RESERVED),
        ("disallowed", Finding.RESERVED),
        ("dpml", Finding.RESERVED),
        ("claimed", Finding.RESERVED),
        ("invalid", Finding.INVALID),
        ("suffix", Finding.INVALID),
        ("zone", Finding.INVALID),
        ("tld", Finding.INVALID),
        ("undelegated inactive premium", Finding.PREMIUM),
        ("undelegated marketed inactive priced transferable", Finding.PREMIUM),
        ("reserved inactive premium", Finding.NOTHING),
        ("undelegated premium", Finding.NOTHING),
        ("premium", Finding.NOTHING),
        ("active premium", Finding.AFTERMARKET),
        ("inactive parked premium", Finding.AFTERMARKET),
        ("active marketed", Finding.AFTERMARKET),
        ("undelegated marketed", Finding.AFTERMARKET),
        ("parked priced", Finding.AFTERMARKET),
        ("transferable", Finding.AFTERMARKET),
    ],
)
def test_the_last_word_counts(status, finding):
    """An unknown one, and one that does not fit to a free name, prove nothing; DNS alone does not either."""
    offer = Offer(premium=True) if finding is Finding.PREMIUM else None
    parsed = read({"domain": "A.com", "status": status})

    assert parsed == Parsed({"a.com": Answer(finding, offer, status.strip().lower())})
    assert read({"status": [{"domain": "b.com", "status": "active"}, {"domain": "a.com", "status": status}]}) == parsed


@pytest.mark.parametrize(
    ("scope", "finding"),
    [
        ("", Finding.LIVE),
        ("precise", Finding.LIVE),
        ("Estimate", Finding.CACHED),
        ("something-new", Finding.CACHED),
        (None, Finding.LIVE),
    ],
)
def test_an_estimate_is_a_hint(scope, finding):
    """Only the registry's own answer is live; an estimate of a taken name stays what it is."""
    assert read({"domain": "a.com", "status": "inactive", "scope": scope}).answers["a.com"].finding is finding
    taken = read({"domain": "a.com", "status": "active", "scope": scope})
    assert taken.answers["a.com"].finding is Finding.REGISTERED


def test_an_offer_of_the_aftermarket_is_no_price():
    """It is what a holder or a broker asks for."""
    entry = {"domain": "a.com", "status": "inactive premium", "offers": [{"vendor": "x", "currency": "USD", "price": "9"}]}

    assert read(entry).answers["a.com"].offer == Offer(premium=True)


@pytest.mark.parametrize("status", [None, 5, ["active"], {}])
def test_a_status_that_is_no_text_says_nothing(status):
    """Also where it is a list in the form of the older API."""
    answer = read({"domain": "a.com", "status": status}).answers.get("a.com")

    assert answer is None or answer.finding is Finding.NOTHING


def test_only_the_name_that_was_asked_for_counts():
    """Not another one, and not one that is there twice."""
    assert read({"domain": "b.com", "status": "inactive"}) == Parsed({})
    twice = [{"domain": "a.com", "status": "inactive"}, {"domain": "a.com", "status": "active"}]
    assert read({"status": twice}) == Parsed({})


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        *((code, Finding.REFUSED) for code in (401, 402, 403)),
        (429, Finding.THROTTLED),
        (404, Finding.ERROR),
        ("403", Finding.ERROR),
        ([403], Finding.ERROR),
        (None, Finding.ERROR),
    ],
)
def test_an_error_may_come_with_a_status_of_success(code, finding):
    """By its number; names that stand beside it do not count."""
    top = {"errors": [{"code": code, "message": "Why it Failed"}, {"code": 1}], "domain": "a.com", "status": "inactive"}

    assert read(top) == Parsed(whole=Answer(finding, said="Why it Failed"))


@pytest.mark.parametrize("top", [None, [], {}, {"errors": []}, {"errors": "x"}, {"domain": "a.com", "errors": []}])
def test_an_answer_without_a_status_says_nothing(top):
    """Whatever else it has."""
    assert all(answer.finding is Finding.NOTHING for answer in read(top).answers.values())


def test_another_status_is_an_error():
    """Whatever the body says."""
    body = b'{"domain":"a.com","status":"inactive"}'

    assert parse_answer(404, body, ["a.com"]) == Parsed(whole=Answer(Finding.ERROR, said="HTTP 404"))
