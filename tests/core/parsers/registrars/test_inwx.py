"""INWX: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.inwx import wants_second_factor
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse

FREE = {"domain": A, "avail": 1, "status": "free", "checkmethod": "domcheck", "price": 4.65, "currency": "EUR"}
PREMIUM = {"currency": "EUR", "prices": {"create": {"price": 500.5}, "renew": {"price": 30}, "transfer": {"price": 40}}}


def check(*entries: Any, **more: Any) -> dict[str, Any]:
    """An answer with these entries."""
    return {"code": 1000, "msg": "Command completed successfully", "resData": {"domain": list(entries)}} | more


def seen(**more: Any) -> Answer:
    """What a free name says with other members."""
    return answer("inwx", check(FREE | more))


def test_a_free_name_is_told_with_its_price() -> None:
    """Where its currency is told."""
    assert seen() == Answer(Finding.LIVE, offer("4.65", "EUR"), "domcheck")
    assert seen(currency=None).offer == Offer(premium=False)


@pytest.mark.parametrize("status", ["free", "available", "", None, "FREE"])
def test_a_free_name_may_be_called_so(status: Any) -> None:
    """Or not at all."""
    assert seen(status=status).finding is Finding.LIVE


@pytest.mark.parametrize("status", ["taken", "pending", "connect", "not free"])
def test_an_available_name_with_an_unknown_word_says_nothing(status: str) -> None:
    """The two contradict each other."""
    assert seen(status=status) == Answer(Finding.NOTHING, said=status)


@pytest.mark.parametrize("method", ["dns", "whois", "DNS lookup", "cached"])
def test_what_did_not_come_from_the_registry_is_a_hint(method: str) -> None:
    """By the name of the method."""
    assert seen(checkmethod=method) == Answer(Finding.CACHED, offer("4.65", "EUR"), method.lower())


def test_a_name_that_cannot_be_created_is_told() -> None:
    """Whatever its status is called."""
    assert seen(avail=0, status="taken", premium=PREMIUM) == Answer(Finding.UNAVAILABLE, said="taken")


@pytest.mark.parametrize("available", [*JUNK, -1, 2, "1", "true", 1.5])
def test_any_other_availability_says_nothing(available: Any) -> None:
    """Neither free nor taken."""
    assert seen(avail=available).finding is Finding.NOTHING


def test_a_premium_name_has_prices_of_its_own() -> None:
    """Of the registration and of a further year."""
    assert seen(premium=PREMIUM) == Answer(Finding.PREMIUM, offer("500.5", "EUR", premium=True, renewal="30"))


@pytest.mark.parametrize(
    "premium", [True, 1, "yes", [1], {"a": 1}, {"prices": 5}, {"prices": {"create": 5}, "currency": "EUR"}]
)
def test_a_premium_name_may_have_no_price(premium: Any) -> None:
    """It is never told at list price."""
    told = seen(premium=premium)

    assert (told.finding, told.offer is not None and told.offer.price) == (Finding.PREMIUM, None)


@pytest.mark.parametrize("premium", [None, False, 0, "", {}, []])
def test_an_empty_member_makes_no_premium_name(premium: Any) -> None:
    """It is there of every name, perhaps."""
    assert seen(premium=premium).finding is Finding.LIVE


def test_names_are_told_apart() -> None:
    """In any order; one that is missing or there twice says nothing."""
    taken = {"domain": "B.COM", "avail": 0}
    found = parse("inwx", check(taken, FREE), (A, B, "d.com")).answers

    assert {name: one.finding for name, one in found.items()} == {A: Finding.LIVE, B: Finding.UNAVAILABLE}
    assert parse("inwx", check(FREE, FREE)).answers == {}


@pytest.mark.parametrize(
    ("code", "text", "finding"),
    [
        (2200, "Authentication error", Finding.REFUSED),
        (2201, "Authorization error", Finding.REFUSED),
        (2202, "Invalid authorization information", Finding.REFUSED),
        (2501, "Authentication error; server closing connection", Finding.REFUSED),
        (2502, "Session limit exceeded; server closing connection", Finding.THROTTLED),
        (2400, "Too many requests", Finding.THROTTLED),
        (2400, "Rate limit", Finding.THROTTLED),
        (2400, "API limit exceeded", Finding.THROTTLED),
        (2400, "Command failed", Finding.ERROR),
        (1001, "Command completed successfully; action pending", Finding.ERROR),
        (0, None, Finding.ERROR),
    ],
)
def test_errors_are_told_by_their_code(code: int, text: Any, finding: Finding) -> None:
    """Even with an entry about the name beside it."""
    assert parse("inwx", check(FREE, code=code, msg=text)) == fail_whole(finding, f"code {code}")


@pytest.mark.parametrize("code", [None, "1000", 1000.5, [], {}])
def test_an_answer_without_a_code_says_nothing(code: Any) -> None:
    """Only the whole number is success."""
    assert parse("inwx", check(FREE, code=code)) == fail_whole(Finding.NOTHING)


def test_other_statuses_are_errors() -> None:
    """The vendor knows only 200."""
    assert parse("inwx", check(FREE), status=404) == fail_whole(Finding.ERROR, "HTTP 404")


@pytest.mark.parametrize("data", [*JUNK, {"domain": 5}, {"domain": [5, {"domain": 5}]}])
def test_an_answer_of_another_form_is_about_no_name(data: Any) -> None:
    """And is no error either."""
    assert parse("inwx", check(resData=data)) == Parsed({})


def test_a_login_that_waits_for_a_second_factor_is_a_refusal() -> None:
    """So that the operator is told what is missing."""
    assert parse("inwx", check(resData={"tfa": "GOOGLE-AUTH"})) == fail_whole(Finding.REFUSED, "a second factor is asked for")
    assert parse("inwx", check(resData={"tfa": "0"})) == Parsed({})
    assert parse("inwx", check(resData={"tfa": "GOOGLE-AUTH", "domain": [FREE]})).answers[A].finding is Finding.LIVE


@pytest.mark.parametrize(
    ("value", "wanted"), [("GOOGLE-AUTH", True), ("1", True), ([], True), ("0", False), (0, False), ("", False)]
)
def test_a_second_factor_is_asked_for_by_any_word_but_none(value: Any, wanted: bool) -> None:
    """An account without one has none or "0" there."""
    assert wants_second_factor({"tfa": value}) is wanted
    assert not wants_second_factor({})
