"""Namecheap: XML, an error of the call with a status of 200, an error of one name, prices of premium names only."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.core.model.evidence import Offer
from common.core.parsers.registrars.findings import Answer, Finding, Parsed
from common.core.parsers.registrars.namecheap import parse_answer

ORDINARY = Offer(premium=False)


def read(inside: str, *names: str, status: str = "OK") -> Parsed:
    """What an answer with this inside says."""
    head = '<?xml version="1.0" encoding="utf-8"?><ApiResponse xmlns="http://api.namecheap.com/xml.response"'
    return parse_answer(200, f'{head} Status="{status}">{inside}</ApiResponse>'.encode(), names or ("a.com",))


def result(**attributes: str) -> str:
    """The tag of a name: free and ordinary unless it says otherwise."""
    known = {"Domain": "a.com", "Available": "true", "ErrorNo": "0", "IsPremiumName": "false", "EapFee": "0.0", **attributes}
    inside = " ".join(f'{name}="{value}"' for name, value in known.items())
    return f"<DomainCheckResult {inside}/>"


def one(inside: str) -> Answer | None:
    """What an answer with these tags says about a.com."""
    return read(f"<CommandResponse>{inside}</CommandResponse>").answers.get("a.com")


@pytest.mark.parametrize(
    ("attributes", "answer"),
    [
        ({}, Answer(Finding.LIVE, ORDINARY)),
        ({"Available": "TRUE", "IsPremiumName": "False", "Domain": "A.COM."}, Answer(Finding.LIVE, ORDINARY)),
        ({"ErrorNo": "", "EapFee": ""}, Answer(Finding.LIVE, ORDINARY)),
        ({"Available": "false"}, Answer(Finding.UNAVAILABLE)),
        ({"Available": "maybe"}, Answer(Finding.NOTHING, said="maybe")),
        ({"IsPremiumName": "perhaps"}, Answer(Finding.NOTHING, said="an unknown word for premium")),
        ({"EapFee": "much"}, Answer(Finding.NOTHING, said="an unknown word for premium")),
        ({"ErrorNo": "3050", "Description": "No answer"}, Answer(Finding.ERROR, said="3050 No answer")),
        ({"ErrorNo": "2030280", "Available": "false"}, Answer(Finding.UNSUPPORTED, said="2030280")),
        ({"EapFee": "99.5"}, Answer(Finding.PREMIUM, Offer(premium=True))),
        ({"IsPremiumName": "true"}, Answer(Finding.PREMIUM, Offer(premium=True, currency="USD"))),
    ],
)
def test_a_name_is_read_by_its_attributes(attributes, answer):
    """Unknown words and an error of the name prove nothing; a fee of the early days makes it no ordinary one."""
    assert one(result(**attributes)) == answer


def test_a_name_that_may_be_premium_is_a_hint():
    """An answer without the attribute does not say that the list price is asked."""
    assert one('<DomainCheckResult Domain="a.com" Available="true"/>') == Answer(Finding.CACHED)


def test_a_premium_name_has_its_prices():
    """Exact, in US dollars; none where the early days cost more, and none that is zero."""
    prices = {"PremiumRegistrationPrice": "13000.0000", "PremiumRenewalPrice": "65.5000"}
    offer = Offer(premium=True, price=Decimal("13000.0000"), currency="USD", renewal=Decimal("65.5000"))

    assert one(result(IsPremiumName="true", **prices)) == Answer(Finding.PREMIUM, offer)
    assert one(result(IsPremiumName="true", EapFee="1", **prices)) == Answer(Finding.PREMIUM, Offer(premium=True))
    nothing = {"PremiumRegistrationPrice": "0", "PremiumRenewalPrice": "0"}
    assert one(result(IsPremiumName="true", **nothing)) == Answer(Finding.PREMIUM, Offer(premium=True, currency="USD"))


def test_names_are_told_apart_in_any_order():
    """Each gets its own; one that is not asked for, missing or there twice gets none."""
    tags = [result(Domain=name, Available=word) for name, word in (("c.com", "true"), ("b.com", "false"), ("a.com", "true"))]
    twice = [result(Domain="d.com"), result(Domain="d.com", Available="false")]
    parsed = read(f"<CommandResponse>{''.join(tags + twice)}</CommandResponse>", "a.com", "b.com", "d.com", "e.com")

    assert {name: answer.finding for name, answer in parsed.answers.items()} == {
        "a.com": Finding.LIVE,
        "b.com": Finding.UNAVAILABLE,
    }
    assert parsed.whole is None


@pytest.mark.parametrize(
    "inside", [result(), f"<Other>{result()}</Other>", f"<CommandResponse><x>{result()}</x></CommandResponse>"]
)
def test_a_result_counts_in_its_place_only(inside):
    """Not wherever a tag of its name may stand."""
    assert read(inside) == Parsed({})


@pytest.mark.parametrize(
    ("number", "text", "finding"),
    [
        ("1011102", "API Key is invalid or API access has not been enabled", Finding.REFUSED),
        ("1011150", "Parameter RequestIP is invalid", Finding.REFUSED),
        ("1017103", "Parameter UserName is disabled or locked", Finding.REFUSED),
        ("1017411", "Too many login attempts", Finding.THROTTLED),
        ("500000", "Slow down", Finding.THROTTLED),
        ("9999", "Too many requests, try later", Finding.THROTTLED),
        ("2011169", "Only 50 domains are allowed", Finding.ERROR),
        ("2030280", "TLD is not supported in API", Finding.UNSUPPORTED),
        ("", "", Finding.ERROR),
    ],
)
def test_an_error_of_the_call_says_nothing_about_names(number, text, finding):
    """Also where a result stands beside it."""
    inside = f'<Errors><Error Number="{number}">{text}</Error></Errors><CommandResponse>{result()}</CommandResponse>'

    assert read(inside, status="ERROR") == Parsed(whole=Answer(finding, said=f"{number} {text}".strip()))


def test_an_error_without_a_number_is_an_error():
    """Whatever is missing; a status that is not known is none of success."""
    assert read("", status="ERROR") == Parsed(whole=Answer(Finding.ERROR))
    assert read(f"<CommandResponse>{result()}</CommandResponse>", status="") == Parsed(whole=Answer(Finding.ERROR))


def test_a_suffix_that_is_not_sold_is_told_for_one_name_only():
    """Of several names the error does not say whose suffix it is."""
    inside = '<Errors><Error Number="2030280">no</Error></Errors>'

    assert read(inside, "a.com", "b.org", status="ERROR").whole == Answer(Finding.ERROR, said="2030280 no")


def test_another_status_is_an_error_whatever_the_body_says():
    """The API has no other."""
    body = f'<ApiResponse Status="OK"><CommandResponse>{result()}</CommandResponse></ApiResponse>'.encode()

    assert parse_answer(404, body, ["a.com"]) == Parsed(whole=Answer(Finding.ERROR, said="HTTP 404"))
    assert parse_answer(200, body, ["a.com"]).answers["a.com"].finding is Finding.LIVE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Please log in</body></html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><ApiResponse Status="OK"/>',
        b"<" * 90_000,
        b"<a>" * 90_000,
        b'<ApiResponse Status="OK">',
        b"\xff\xfe",
        b"<ApiResponse>" + b" " * 300_000 + b"</ApiResponse>",
        b'{"Status":"OK"}',
    ],
)
def test_what_is_no_answer_of_the_api_is_refused(body):
    """Pages, declarations, depth, size: as ValueError, which proves nothing."""
    with pytest.raises(ValueError, match=r"."):
        parse_answer(200, body, ["a.com"])
