"""OVHcloud: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding, fail_whole
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse


def price(label: str, value: Any, currency: Any = "EUR") -> dict[str, Any]:
    """One price of an offer."""
    return {"label": label, "price": {"currencyCode": currency, "text": f"{value}", "value": value}}


PRICES = [price("PRICE", 6.99), price("RENEW", 7.49), price("DISCOUNT", 2), price("FEE", 0), price("TOTAL", 4.99)]
CREATE = {"action": "create", "orderable": True, "pricingMode": "create-default", "phase": "ga", "prices": PRICES}
TRANSFER = {"action": "transfer", "orderable": True, "pricingMode": "transfer-default", "phase": "ga"}
PREMIUM = CREATE | {"pricingMode": "create-premium"}


def seen(*offers: Any) -> Answer:
    """What these offers say about the name."""
    return answer("ovh", list(offers))


@pytest.mark.parametrize("mode", ["create-default", "default", "CREATE-DEFAULT"])
def test_an_offer_that_creates_makes_a_name_free(mode: str) -> None:
    """At its price after discounts, and that of a further year."""
    assert seen(CREATE | {"pricingMode": mode}) == Answer(Finding.LIVE, offer("4.99", "EUR", renewal="7.49"))


def test_old_recordings_spell_the_mode_otherwise() -> None:
    """And have no phase."""
    assert seen({"action": "create", "orderable": True, "pricingmode": "create-default"}).finding is Finding.LIVE


def test_without_a_total_the_price_counts() -> None:
    """Before discounts."""
    assert seen(CREATE | {"prices": PRICES[:1]}).offer == offer("6.99", "EUR")


def test_a_renewal_in_another_currency_is_not_told() -> None:
    """An offer has one currency."""
    assert seen(CREATE | {"prices": [price("TOTAL", 5), price("RENEW", 6, "USD")]}).offer == offer("5", "EUR")


@pytest.mark.parametrize(
    "prices",
    [
        *JUNK,
        [5],
        [{"label": 5}],
        [{"label": "TOTAL"}],
        [price("TOTAL", "x", "E")],
        [price("TOTAL", 5, None)],
        [price("FEE", 5)],
    ],
)
def test_a_free_name_may_have_no_price(prices: Any) -> None:
    """It is free all the same."""
    assert seen(CREATE | {"prices": prices}) == Answer(Finding.LIVE, Offer(premium=False))


@pytest.mark.parametrize("mode", ["create-premium", "premium"])
def test_a_premium_name_is_told_with_its_price(mode: str) -> None:
    """It is never told at list price."""
    assert seen(CREATE | {"pricingMode": mode}) == Answer(Finding.PREMIUM, offer("4.99", "EUR", premium=True, renewal="7.49"))


def test_a_name_for_sale_by_its_holder_is_told_as_such() -> None:
    """Also beside an offer to transfer it; its price is no registration."""
    sale = CREATE | {"pricingMode": "create-aftermarket1"}

    assert seen(sale) == seen(TRANSFER, sale) == Answer(Finding.AFTERMARKET)


@pytest.mark.parametrize(
    "offers",
    [
        [TRANSFER],
        [TRANSFER | {"orderable": False}],
        [CREATE | {"orderable": False}],
        [CREATE | {"orderable": "true"}],
        [CREATE | {"orderable": 1}],
        [CREATE | {"action": "trade"}],
    ],
)
def test_a_name_without_an_offer_that_creates_it_is_unavailable(offers: list[Any]) -> None:
    """Whatever else is offered."""
    assert seen(*offers) == Answer(Finding.UNAVAILABLE, said=offers[0]["action"])


def test_no_offer_at_all_says_nothing() -> None:
    """The suffix may not be sold; what has no action is no offer."""
    assert seen() == seen({}) == seen({"action": 1}) == Answer(Finding.NOTHING)


@pytest.mark.parametrize("mode", [*JUNK, "create-special", "create-default-2"])
def test_an_unknown_mode_says_nothing(mode: Any) -> None:
    """It could be premium."""
    assert seen(CREATE | {"pricingMode": mode}).finding is Finding.NOTHING


@pytest.mark.parametrize("phase", ["sunrise", "landrush", "claims"])
def test_an_offer_before_general_availability_says_nothing(phase: str) -> None:
    """Only some applicants can take it up."""
    assert seen(CREATE | {"phase": phase}).finding is Finding.NOTHING


@pytest.mark.parametrize(
    "offers",
    [[CREATE, TRANSFER], [PREMIUM, TRANSFER], [CREATE, PREMIUM], [CREATE, CREATE | {"pricingMode": "create-aftermarket"}]],
)
def test_offers_that_contradict_each_other_say_nothing(offers: list[Any]) -> None:
    """A free name cannot be transferred."""
    assert seen(*offers).finding is seen(*reversed(offers)).finding is Finding.NOTHING


def test_of_several_offers_the_first_tells_the_price() -> None:
    """They say the same of the name."""
    assert seen(CREATE, CREATE | {"prices": [price("TOTAL", 9)]}).offer == offer("4.99", "EUR", renewal="7.49")


def test_three_actions_are_enough_for_a_reason() -> None:
    """Of however many offers."""
    assert seen(*[TRANSFER] * 4).said == "transfer transfer transfer"


def test_an_offer_that_cannot_be_ordered_contradicts_nothing() -> None:
    """Transfers are listed of free names too, perhaps."""
    assert seen(CREATE, TRANSFER | {"orderable": False}, CREATE).finding is Finding.LIVE


def test_an_offer_about_another_name_does_not_count() -> None:
    """Where it says so."""
    assert seen(CREATE | {"domain": B}).finding is Finding.NOTHING
    assert seen(CREATE | {"domain": 5}).finding is Finding.NOTHING
    assert seen(TRANSFER, CREATE | {"domain": B}).finding is Finding.UNAVAILABLE
    assert seen(CREATE | {"domain": "A.COM."}).finding is Finding.LIVE


@pytest.mark.parametrize("value", [*(value for value in JUNK if not isinstance(value, list)), True])
def test_an_answer_that_is_no_list_says_nothing(value: Any) -> None:
    """Of any other type."""
    assert parse("ovh", value) == fail_whole(Finding.NOTHING)


def test_members_that_are_no_offers_are_left_out() -> None:
    """Also in the list of prices."""
    assert seen(5, None, [], CREATE | {"prices": [5, *PRICES]}).finding is Finding.LIVE


def test_an_answer_to_several_names_says_nothing() -> None:
    """It does not tell which it is about."""
    assert parse("ovh", [CREATE], (A, B)) == fail_whole(Finding.NOTHING)


@pytest.mark.parametrize(
    ("status", "code", "finding"),
    [
        (400, "INVALID_SIGNATURE", Finding.REFUSED),
        (400, "INVALID_KEY", Finding.REFUSED),
        (400, "INVALID_CREDENTIAL", Finding.REFUSED),
        (400, "NOT_CREDENTIAL", Finding.REFUSED),
        (400, "NOT_GRANTED_CALL", Finding.REFUSED),
        (400, "FORBIDDEN", Finding.REFUSED),
        (400, "QUERY_TIME_OUT", Finding.ERROR),
        (404, "", Finding.ERROR),
        (404, None, Finding.ERROR),
    ],
)
def test_errors_are_told_by_their_code(status: int, code: Any, finding: Finding) -> None:
    """A wrong signature is the key's fault; the rest proves nothing."""
    said = code.lower() if code else f"HTTP {status}"

    assert parse("ovh", {"errorCode": code}, status=status) == fail_whole(finding, said)


def test_offers_with_another_status_do_not_count() -> None:
    """Only 200 is an answer."""
    assert parse("ovh", [CREATE], status=404) == fail_whole(Finding.ERROR, "HTTP 404")
