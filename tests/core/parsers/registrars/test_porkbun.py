"""Porkbun: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Quota
from common.core.parsers.registrars.findings import Answer, Finding
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse

FREE = {
    "avail": "yes",
    "type": "registration",
    "price": "9.73",
    "firstYearPromo": "yes",
    "regularPrice": "10.37",
    "premium": "no",
    "minDuration": 1,
    "additional": {"renewal": {"type": "renewal", "price": "10.37"}},
}
LIMITS = {"TTL": "10", "limit": "10", "used": 1}


def check(**twisted: Any) -> dict[str, Any]:
    """An answer about a free name, with other members."""
    return {"status": "SUCCESS", "response": {**FREE, **twisted}}


def drop(key: str) -> dict[str, Any]:
    """An answer about a free name without a member."""
    return {"status": "SUCCESS", "response": {name: value for name, value in FREE.items() if name != key}}


def test_an_available_name_is_free_at_what_the_first_year_costs() -> None:
    """The promotional price is what would be paid now."""
    assert answer("porkbun", check()) == Answer(Finding.LIVE, offer("9.73", renewal="10.37"))


def test_a_premium_name_is_told_with_its_price() -> None:
    """It has one of its own."""
    seen = answer("porkbun", check(premium="yes"))

    assert seen == Answer(Finding.PREMIUM, offer("9.73", premium=True, renewal="10.37"))


def test_without_a_word_on_premium_it_is_a_hint() -> None:
    """An older form; an unknown word says nothing."""
    assert answer("porkbun", drop("premium")) == Answer(Finding.CACHED, offer("9.73", premium=None, renewal="10.37"))
    assert answer("porkbun", check(premium="maybe")) == Answer(Finding.NOTHING)


@pytest.mark.parametrize("twisted", [{"minDuration": 2}, {"minDuration": "1"}, {"minDuration": None}, {"price": "free"}])
def test_a_price_for_an_untold_time_is_not_told(twisted: dict[str, Any]) -> None:
    """Nor one that is none."""
    assert answer("porkbun", check(**twisted)).offer == offer(renewal="10.37")


def test_without_a_shortest_time_it_is_a_year() -> None:
    """Older answers do not have it."""
    assert answer("porkbun", drop("minDuration")).offer == offer("9.73", renewal="10.37")


@pytest.mark.parametrize("value", JUNK)
def test_a_renewal_of_another_form_is_not_told(value: Any) -> None:
    """At either level."""
    assert answer("porkbun", check(additional=value)).offer == offer("9.73")
    assert answer("porkbun", check(additional={"renewal": value})).offer == offer("9.73")


def test_an_unavailable_name_is_not_free() -> None:
    """It does not say why."""
    assert answer("porkbun", check(avail="no")) == Answer(Finding.UNAVAILABLE)


@pytest.mark.parametrize("twisted", [{"avail": value} for value in JUNK] + [{"type": "transfer"}, {"domain": B}, {"domain": 5}])
def test_what_is_not_said_of_a_registration_of_the_name_says_nothing(twisted: dict[str, Any]) -> None:
    """Unknown words, other purchases, another name."""
    assert answer("porkbun", check(**twisted)) == Answer(Finding.NOTHING)


def test_the_name_may_stand_there() -> None:
    """As it was asked for."""
    assert answer("porkbun", check(domain=A.upper())).finding is Finding.LIVE
    assert answer("porkbun", drop("type")).finding is Finding.LIVE


def test_an_answer_without_a_name_is_about_one_name() -> None:
    """Two cannot be told apart."""
    assert parse("porkbun", check(), (A, B)).answers == {}


@pytest.mark.parametrize("value", JUNK)
def test_an_answer_of_another_form_says_nothing(value: Any) -> None:
    """Whatever stands in place of the response."""
    assert answer("porkbun", {"status": "SUCCESS", "response": value}) == Answer(Finding.NOTHING)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("error", "finding", "said"),
    [
        ({"code": "RATE_LIMIT_EXCEEDED", "message": "Slow"}, Finding.THROTTLED, "RATE_LIMIT_EXCEEDED"),
        (
            {"message": "1 out of 1 checks within 10 seconds used."},
            Finding.THROTTLED,
            "1 out of 1 checks within 10 seconds used.",
        ),
        ({"code": "INVALID_API_KEYS_001"}, Finding.REFUSED, "INVALID_API_KEYS_001"),
        ({"code": "API_KEY_REQUIRED"}, Finding.REFUSED, "API_KEY_REQUIRED"),
        ({"code": "INVALID_TOKEN"}, Finding.REFUSED, "INVALID_TOKEN"),
        ({"code": "INVALID_USER"}, Finding.REFUSED, "INVALID_USER"),
        ({"message": "Invalid API key. (001)"}, Finding.REFUSED, "Invalid API key. (001)"),
        ({"code": "INVALID_DOMAIN", "message": "No"}, Finding.ERROR, "INVALID_DOMAIN"),
        ({}, Finding.ERROR, ""),
    ],
)
def test_errors_are_told_by_their_code(status: int, error: dict[str, str], finding: Finding, said: str) -> None:
    """Or by the message, where there is no code."""
    found = parse("porkbun", {"status": "ERROR", **error, "response": FREE}, status=status)

    assert (found.answers, found.whole) == ({}, Answer(finding, said=said))


def test_another_status_is_an_error() -> None:
    """Also where the body says success."""
    assert parse("porkbun", check(), status=400).whole == Answer(Finding.ERROR)
    assert parse("porkbun", check(), status=404).whole == Answer(Finding.ERROR, said="HTTP 404")


@pytest.mark.parametrize(
    ("limits", "left", "quota"),
    [
        (LIMITS, 9, Quota(rate=1.0)),
        ({**LIMITS, "limit": 1}, 9, Quota(rate=0.1, wait=9.0)),
        ({**LIMITS, "used": "10"}, "10", Quota(rate=1.0, wait=10.0)),
        ({**LIMITS, "used": 11}, 0, Quota(rate=1.0)),
        ({**LIMITS, "used": 11}, 1, Quota(rate=1.0, wait=1.0)),
        ({**LIMITS, "used": 11}, 86_400, Quota(rate=1.0, wait=86_400.0)),
        ({**LIMITS, "used": 11}, 86_401, Quota(rate=1.0)),
        ({**LIMITS, "TTL": "000000010"}, 9, Quota(rate=1.0)),
        ({**LIMITS, "TTL": "0000000010"}, 9, None),
        ({**LIMITS, "limit": 0, "used": 0}, 9, None),
        ({**LIMITS, "TTL": 0}, 9, None),
        ({**LIMITS, "TTL": True}, 9, None),
        ({**LIMITS, "TTL": "1234567890"}, 9, None),
        ({**LIMITS, "limit": -1}, 9, None),
        ({"used": 5}, 9, None),
        (None, 9, None),
    ],
)
def test_the_rate_limit_is_read_from_the_answer(limits: Any, left: Any, quota: Quota | None) -> None:
    """Checks in so many seconds, and the wait once they are used up."""
    found = parse("porkbun", {**check(), "limits": limits, "ttlRemaining": left})

    assert (found.quota, len(found.answers)) == (quota, 1)


def test_a_limit_that_was_met_tells_its_wait() -> None:
    """With the rate where it stands there too; another error tells none."""
    error = {"status": "ERROR", "code": "RATE_LIMIT_EXCEEDED", "ttlRemaining": 7}

    assert parse("porkbun", error).quota == Quota(wait=7.0)
    assert parse("porkbun", {**error, "limits": LIMITS}, status=400).quota == Quota(rate=1.0, wait=7.0)
    assert parse("porkbun", {**error, "code": "INVALID_DOMAIN"}).quota is None
