"""Openprovider: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Offer, Outcome
from common.core.parsers.registrar import parse_registrar_answers
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse

PRICES = {"product": {"price": 9.99, "currency": "USD"}, "reseller": {"price": 8.5, "currency": "EUR"}}
FREE = {"domain": A, "status": "free", "is_premium": False, "price": PRICES}
PREMIUM = {"currency": "EUR", "price": {"create": 75.0, "renew": 20}}


def check(*entries: Any, **more: Any) -> dict[str, Any]:
    """An answer with these entries."""
    return {"code": 0, "desc": "", "data": {"results": list(entries)}} | more


def seen(**more: Any) -> Answer:
    """What a free name says with other members."""
    return answer("openprovider", check(FREE | more))


def test_a_free_name_costs_what_this_account_pays() -> None:
    """In its currency, and not in the registry's."""
    assert seen() == Answer(Finding.LIVE, offer("8.5", "EUR"))


@pytest.mark.parametrize(
    "own", [None, {}, {"price": 8.5}, {"price": "x", "currency": "EUR"}, {"price": 8.5, "currency": "euros"}]
)
def test_without_the_accounts_price_the_registrys_is_told(own: Any) -> None:
    """A price without a currency is none."""
    assert seen(price={**PRICES, "reseller": own}).offer == offer("9.99")


@pytest.mark.parametrize("prices", [*JUNK, {"product": 5, "reseller": []}])
def test_a_free_name_may_have_no_price(prices: Any) -> None:
    """It is free all the same."""
    assert seen(price=prices) == Answer(Finding.LIVE, Offer(premium=False))


def test_an_answer_that_does_not_speak_of_premium_is_taken_for_a_list_price() -> None:
    """Without the promise that it is one."""
    assert seen(is_premium=None) == Answer(Finding.LIVE, offer("8.5", "EUR", premium=None))


@pytest.mark.parametrize("flag", [True, None])
def test_a_premium_name_has_prices_of_its_own(flag: bool | None) -> None:
    """Also where only they tell that it is one."""
    assert seen(is_premium=flag, premium=PREMIUM) == Answer(Finding.PREMIUM, offer("75.0", "EUR", premium=True, renewal="20"))


@pytest.mark.parametrize("premium", [*JUNK, {"currency": "EUR", "price": 75}, {"price": {"create": 75}}])
def test_a_premium_name_may_have_no_price(premium: Any) -> None:
    """It is never told at list price."""
    told = seen(is_premium=True, premium=premium)

    assert (told.finding, told.offer is not None and told.offer.price) == (Finding.PREMIUM, None)


def test_an_ordinary_name_may_carry_empty_premium_prices() -> None:
    """The flag counts."""
    assert seen(is_premium=False, premium=PREMIUM).finding is Finding.LIVE


@pytest.mark.parametrize("flag", [0, 1, "no", "true", "", [], {}, [True]])
def test_a_flag_of_another_form_says_nothing(flag: Any) -> None:
    """It could be premium."""
    assert seen(is_premium=flag).finding is Finding.NOTHING


@pytest.mark.parametrize(
    ("reason", "finding"),
    [
        ("Domain exists", Finding.REGISTERED),
        ("Object exists", Finding.REGISTERED),
        ("In use", Finding.REGISTERED),
        ("Domain does not exists", Finding.UNAVAILABLE),
        ("Reserved name", Finding.RESERVED),
        ("This name is blocked by the registry", Finding.RESERVED),
        ("Invalid extension. This domain extension is not enabled for your account", Finding.UNSUPPORTED),
        ("Something new", Finding.UNAVAILABLE),
        ("", Finding.UNAVAILABLE),
    ],
)
def test_a_name_that_cannot_be_created_is_told_by_its_reason(reason: str, finding: Finding) -> None:
    """Unknown reasons are no more than that."""
    assert seen(status="active", reason=reason) == Answer(finding, said=reason.lower())


@pytest.mark.parametrize("status", [*JUNK, True, "pending", "freed"])
def test_other_statuses_say_nothing(status: Any) -> None:
    """Neither free nor taken."""
    assert seen(status=status).finding is Finding.NOTHING


def test_names_are_told_apart() -> None:
    """In any order; one that is missing or there twice says nothing."""
    taken = {"domain": "B.COM", "status": "active"}
    found = parse("openprovider", check(taken, FREE, {"domain": "c.com", "status": "free"}), (A, B, "d.com")).answers

    assert {name: one.finding for name, one in found.items()} == {A: Finding.LIVE, B: Finding.UNAVAILABLE}
    assert parse("openprovider", check(FREE, FREE)).answers == {}


@pytest.mark.parametrize(
    "value", [*JUNK, {"data": 5}, {"data": {"results": 5}}, {"code": 0, "data": {"results": [5, FREE | {"domain": 5}]}}]
)
def test_an_answer_of_another_form_is_about_no_name(value: Any) -> None:
    """And is no error either."""
    assert parse("openprovider", value) == Parsed({})


def test_an_answer_without_a_code_is_read() -> None:
    """It is there where something went wrong."""
    assert parse("openprovider", {"data": {"results": [FREE]}}).answers[A].finding is Finding.LIVE


@pytest.mark.parametrize(
    ("code", "text", "finding"),
    [
        (196, "Authentication/Authorization Failed", Finding.REFUSED),
        (10005, "Access denied", Finding.REFUSED),
        (50, "Calls limit has been reached", Finding.THROTTLED),
        (4007, "API access temporarily blocked because of excessive use", Finding.THROTTLED),
        (999, "Calls limit has been reached", Finding.THROTTLED),
        (399, "Something new", Finding.ERROR),
        (10005, "No extension of access", Finding.REFUSED),
        (-1, None, Finding.ERROR),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_errors_are_told_by_their_code_whatever_the_status(code: int, text: Any, finding: Finding, status: int) -> None:
    """Even with an entry about the name beside it."""
    assert parse("openprovider", check(FREE, code=code, desc=text), status=status) == fail_whole(finding, f"code {code}")


def test_an_error_about_a_suffix_says_nothing_about_the_names_beside_it() -> None:
    """It is not told which of them it was."""
    value = check(code=311, desc="Invalid extension", data=None)

    assert parse("openprovider", value) == fail_whole(Finding.UNSUPPORTED, "code 311")
    assert parse("openprovider", value, (A, B)) == fail_whole(Finding.ERROR, "code 311")


@pytest.mark.parametrize("code", ["0", None, [], {}, 0.5])
def test_a_code_of_another_form_is_an_error(code: Any) -> None:
    """Only a 0 is success."""
    assert parse("openprovider", check(FREE, code=code)) == fail_whole(Finding.ERROR)


@pytest.mark.parametrize("status", [201, 400, 404, 500])
def test_a_success_comes_with_status_200(status: int) -> None:
    """Nothing else counts."""
    assert parse("openprovider", check(FREE), status=status) == fail_whole(Finding.ERROR, f"HTTP {status}")


@pytest.mark.parametrize(
    ("status", "finding"), [(500, "registrar_refused"), (502, "registrar_error"), (401, "registrar_refused")]
)
def test_the_body_of_a_status_of_500_is_read(status: int, finding: str) -> None:
    """A wrong password is refused that way; a gateway's trouble is none of the vendor's words."""
    readings, _ = parse_registrar_answers("openprovider", status, {}, b'{"code": 196, "desc": "x", "data": null}', [A])

    assert (readings[A].outcome, readings[A].finding) == (Outcome.UNKNOWN, finding)


def test_a_page_with_status_500_is_trouble() -> None:
    """A proxy's page is no JSON."""
    readings, _ = parse_registrar_answers("openprovider", 500, {}, b"<html>", [A])

    assert (readings[A].outcome, readings[A].finding) == (Outcome.UNKNOWN, "registrar_unparsed")
