"""Cloudflare Registrar: its answers."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding
from tests.core.parsers.registrars.readings import JUNK, A, B, answer, offer, parse

PRICING = {"registration_cost": "10.44", "renewal_cost": "11.50", "currency": "USD"}
FREE = {"name": A, "registrable": True, "tier": "standard", "pricing": PRICING}


def check(*entries: Any) -> dict[str, Any]:
    """An answer with these entries."""
    return {"success": True, "errors": [], "messages": [], "result": {"domains": list(entries)}}


def test_a_registrable_name_is_free_at_its_price() -> None:
    """Registration and renewal, in the currency that is named."""
    assert answer("cloudflare", check(FREE)) == Answer(Finding.LIVE, offer("10.44", renewal="11.50"), "standard")
    assert answer("cloudflare", check({**FREE, "tier": None})).finding is Finding.LIVE


def test_another_tier_is_premium() -> None:
    """At a price of its own."""
    seen = answer("cloudflare", check({**FREE, "tier": "Premium"}))

    assert seen == Answer(Finding.PREMIUM, offer("10.44", premium=True, renewal="11.50"), "Premium")


@pytest.mark.parametrize(
    ("reason", "finding"),
    [
        ("domain_unavailable", Finding.UNAVAILABLE),
        ("domain_premium", Finding.PREMIUM),
        ("extension_not_supported", Finding.UNSUPPORTED),
        ("extension_not_supported_via_api", Finding.UNSUPPORTED),
        ("extension_disallows_registration", Finding.UNSUPPORTED),
        ("something_new", Finding.NOTHING),
        ("", Finding.NOTHING),
    ],
)
def test_a_reason_speaks_of_the_name_or_of_its_suffix(reason: str, finding: Finding) -> None:
    """Whatever else the entry says."""
    seen = answer("cloudflare", check({"name": A, "registrable": False, "reason": reason}))

    assert seen == Answer(finding, said=reason)


def test_a_reason_wins_over_registrable() -> None:
    """A contradiction is not free."""
    assert answer("cloudflare", check({**FREE, "reason": "domain_unavailable"})).finding is Finding.UNAVAILABLE


@pytest.mark.parametrize("value", [*JUNK, 1, "true"])
def test_registrable_is_true_or_it_is_not(value: Any) -> None:
    """Nothing else counts as true."""
    assert answer("cloudflare", check({**FREE, "registrable": value})).finding is Finding.NOTHING


@pytest.mark.parametrize("value", JUNK)
def test_a_price_that_is_none_leaves_the_name_free(value: Any) -> None:
    """The offer says less."""
    seen = answer("cloudflare", check({**FREE, "pricing": value}))

    assert (seen.finding, seen.offer) == (Finding.LIVE, Offer(premium=False))


def test_an_error_speaks_of_no_name() -> None:
    """Also under status 200 and beside entries, with the first message."""
    wrong = {**check(FREE), "success": False, "errors": [{"message": "Too Much"}, {"message": "other"}]}

    assert parse("cloudflare", wrong).whole == Answer(Finding.ERROR, said="Too Much")
    assert parse("cloudflare", {**wrong, "errors": []}).whole == Answer(Finding.ERROR)
    assert parse("cloudflare", check(FREE), status=400).whole == Answer(Finding.ERROR, said="HTTP 400")


def test_names_are_told_apart() -> None:
    """In any order; one that is missing says nothing."""
    taken = {"name": B.upper(), "registrable": False, "reason": "domain_unavailable"}
    found = parse("cloudflare", check(taken, 5, FREE), (A, B, "c.com"))

    assert {name: one.finding for name, one in found.answers.items()} == {A: Finding.LIVE, B: Finding.UNAVAILABLE}
