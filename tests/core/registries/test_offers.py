"""Comparing registrars: what an answer says in words, when it is definitive, and which offer is the cheapest."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.core.model.evidence import Offer, Outcome, Reading, unknown_reading
from common.core.parsers.registrar import _READINGS
from common.core.registries.offers import (
    Bid,
    describe_answer,
    find_cheapest,
    is_creatable,
    is_definitive_answer,
    is_sandbox,
)
from common.core.registries.sources import Source

LIVE = Source(method="registrar:cloudflare", url="https://a.example")
SANDBOX = Source(method="registrar:cloudflare", url="https://a.example", proof=False)
FLAGGED = Source(method="registrar:godaddy", url="https://b.example")
HINT = Source(method="registrar:whoisxml", url="https://c.example", proof=False)
FREE = Reading(Outcome.UNREGISTERED, "registrar_available_live", "it can be created")
MAYBE = Reading(Outcome.UNREGISTERED, "registrar_available_cached", "it may be free")
PREMIUM = Reading(Outcome.PREMIUM, "registrar_premium", "at a price of its own")
TAKEN = Reading(Outcome.UNAVAILABLE, "registrar_unavailable", "it cannot be created")
ERROR = unknown_reading("registrar_error", "HTTP 500")
THROTTLED = Reading(Outcome.THROTTLED, "registrar_throttled", "slow down")


@pytest.mark.parametrize(
    ("source", "reading", "definitive"),
    [
        (LIVE, FREE, True),
        (LIVE, PREMIUM, True),
        (LIVE, TAKEN, True),
        (LIVE, MAYBE, False),
        (LIVE, ERROR, False),
        (LIVE, THROTTLED, False),
        (SANDBOX, FREE, False),
        (HINT, FREE, False),
        (FLAGGED, FREE, True),
        (FLAGGED, PREMIUM, False),
        (FLAGGED, TAKEN, False),
    ],
)
def test_an_answer_is_definitive_only_if_it_came_from_the_registry(source: Source, reading: Reading, definitive: bool) -> None:
    """Neither a sandbox nor a cache nor an error is; of a vendor that marks definitive answers only a marked one is."""
    assert is_definitive_answer(source, reading) is definitive


@pytest.mark.parametrize(
    ("reading", "creatable"), [(FREE, True), (MAYBE, True), (PREMIUM, True), (TAKEN, False), (ERROR, False)]
)
def test_a_name_can_be_created_at_a_list_price_or_a_premium_one(reading: Reading, creatable: bool) -> None:
    """Whatever the answer proves."""
    assert is_creatable(reading) is creatable


@pytest.mark.parametrize(("source", "sandbox"), [(LIVE, False), (SANDBOX, True), (HINT, False)])
def test_a_service_that_only_hints_is_no_sandbox(source: Source, sandbox: bool) -> None:
    """It knows of real names, it just proves nothing."""
    assert is_sandbox(source) is sandbox


def test_an_epp_account_without_proof_is_a_sandbox() -> None:
    """It is no vendor of the table."""
    assert is_sandbox(Source(method="epp", url="epp.example:700", proof=False))
    assert not is_sandbox(Source(method="epp", url="epp.example:700"))
    assert is_definitive_answer(Source(method="epp", url="epp.example:700"), FREE)


@pytest.mark.parametrize("finding", [key for _, key, _ in _READINGS.values()])
def test_every_finding_of_registrars_has_words(finding: str) -> None:
    """Those that say nothing about the name are errors, all others have words of their own."""
    said = describe_answer(Reading(Outcome.UNKNOWN, finding, "x"))

    silent = ("registrar_unparsed", "registrar_missing", "registrar_error")
    assert (said == "error") == (finding in silent)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ("registrar_available_live", "can be created"),
        ("registrar_available_cached", "may be free"),
        ("registrar_premium", "premium"),
        ("registrar_unavailable", "cannot be created"),
        ("registrar_registered", "registered"),
        ("registrar_aftermarket", "for sale"),
        ("registrar_reserved", "reserved"),
        ("registrar_dropping", "being deleted"),
        ("registrar_invalid", "not a valid name"),
        ("registrar_unsupported", "not sold here"),
        ("registrar_throttled", "rate limited"),
        ("registrar_refused", "key refused"),
        ("registrar_timeout", "error"),
    ],
)
def test_an_answer_is_described_in_a_few_words(finding: str, words: str) -> None:
    """By what was found."""
    assert describe_answer(Reading(Outcome.UNKNOWN, finding, "x")) == words


def bid(method: str, price: str | None, currency: str = "USD", years: int = 1) -> Bid:
    """An offer of a registrar."""
    return Bid(method, Offer(price=None if price is None else Decimal(price), currency=currency, years=years))


def test_the_cheapest_offer_is_found_in_each_currency() -> None:
    """Prices in different currencies are not compared; of equal ones the first counts."""
    found = find_cheapest([bid("b", "9.99"), bid("a", "10.00"), bid("c", "9.99"), bid("e", "12", "EUR"), bid("f", "11", "EUR")])

    assert [item.method for item in found] == ["f", "b"]


def test_a_price_is_compared_by_the_year() -> None:
    """Ten years for 90 are cheaper than one for 10."""
    assert find_cheapest([bid("a", "10"), bid("b", "90", years=10)]) == [bid("b", "90", years=10)]


@pytest.mark.parametrize("offer", [bid("a", None), bid("a", "10", "")])
def test_an_offer_without_price_or_currency_is_left_out(offer: Bid) -> None:
    """There is nothing to compare."""
    assert find_cheapest([offer]) == []
