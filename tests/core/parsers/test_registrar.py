"""Registrars: what one says about a name, vendor by vendor."""

import json

import pytest

from common.core.model.evidence import Outcome
from common.core.parsers.registrar import parse_registrar_answer
from common.core.parsers.registrar_vendors import JSON_VENDORS

LIVE, CACHED, TAKEN = "registrar_available_live", "registrar_available_cached", "registrar_unavailable"
NOTHING, PREMIUM, ERROR = "registrar_unparsed", "registrar_premium", "registrar_error"


def gandi(status, process="create", **more):
    """An answer of Gandi."""
    return {
        "products": [
            {"name": "a.com", "process": "transfer", "status": "available"},
            {"name": "a.com", "process": process, "status": status} | more,
        ]
    }


CASES = [
    ("godaddy", {"domain": "a.com", "available": True, "definitive": True}, LIVE),
    ("godaddy", {"domain": "A.COM", "available": True, "definitive": False}, CACHED),
    ("godaddy", {"domain": "a.com", "available": True}, CACHED),
    ("godaddy", {"domain": "a.com", "available": False, "definitive": True}, TAKEN),
    ("godaddy", {"domain": "a.com", "available": True, "definitive": True, "inventory": "premium"}, PREMIUM),
    ("godaddy", {"domains": [{"domain": "b.com", "available": True}, {"domain": "a.com", "available": False}]}, TAKEN),
    ("godaddy", {"domains": [{"domain": "b.com", "available": True, "definitive": True}], "errors": []}, NOTHING),
    ("godaddy", {"domain": "b.com", "available": True, "definitive": True}, NOTHING),
    ("godaddy", {"domain": "a.com", "available": "true", "definitive": True}, NOTHING),
    ("godaddy", {"code": "ACCESS_DENIED"}, NOTHING),
    ("porkbun", {"status": "SUCCESS", "response": {"avail": "yes", "type": "registration", "premium": "no"}}, LIVE),
    ("porkbun", {"status": "SUCCESS", "response": {"avail": "yes", "premium": "yes"}}, PREMIUM),
    ("porkbun", {"status": "SUCCESS", "response": {"avail": "no", "premium": "no"}}, TAKEN),
    ("porkbun", {"status": "ERROR", "code": "RATE_LIMIT_EXCEEDED"}, "registrar_throttled"),
    ("porkbun", {"status": "ERROR", "message": "bad key"}, ERROR),
    ("gandi", gandi("available"), LIVE),
    ("gandi", gandi("available_premium"), PREMIUM),
    ("gandi", gandi("unavailable"), TAKEN),
    ("gandi", gandi("pending"), NOTHING),
    ("gandi", gandi("available", process="renew"), NOTHING),
    (
        "namecom",
        {"results": [{"domainName": "a.com", "purchasable": True, "premium": False, "purchaseType": "registration"}]},
        LIVE,
    ),
    (
        "name.com",
        {"results": [{"domainName": "a.com", "purchasable": True, "premium": True, "purchaseType": "registration"}]},
        PREMIUM,
    ),
    ("namecom", {"results": [{"domainName": "a.com", "purchasable": True, "purchaseType": "aftermarket_sale"}]}, TAKEN),
    ("namecom", {"results": [{"domainName": "a.com"}]}, TAKEN),
    ("namecom", {"results": []}, NOTHING),
    (
        "cloudflare",
        {"success": True, "result": {"domains": [{"name": "a.com", "registrable": True, "tier": "standard"}]}},
        LIVE,
    ),
    (
        "cloudflare",
        {"success": True, "result": {"domains": [{"name": "a.com", "registrable": False, "reason": "domain_unavailable"}]}},
        TAKEN,
    ),
    (
        "cloudflare",
        {"success": True, "result": {"domains": [{"name": "a.com", "registrable": False, "reason": "domain_premium"}]}},
        PREMIUM,
    ),
    (
        "cloudflare",
        {
            "success": True,
            "result": {"domains": [{"name": "a.com", "registrable": False, "reason": "extension_not_supported"}]},
        },
        "registrar_unsupported",
    ),
    ("cloudflare", {"success": False, "errors": [{}]}, ERROR),
]


@pytest.mark.parametrize(("vendor", "value", "finding"), CASES)
def test_each_vendor_is_read_by_its_own_form(vendor, value, finding):
    """Live, cached, taken, premium, or nothing: never more than the vendor says, and only about the name asked."""
    reading = parse_registrar_answer(vendor, 200, {}, value if isinstance(value, str) else json.dumps(value), "a.com")

    assert reading.finding == finding
    assert (reading.outcome is Outcome.UNREGISTERED) == (finding in {LIVE, CACHED})


@pytest.mark.parametrize(
    ("status", "finding"),
    [(401, "registrar_refused"), (403, "registrar_refused"), (404, "registrar_status"), (500, "registrar_status")],
)
def test_errors_are_never_verdicts(status, finding):
    """Keys, addresses and breakage."""
    assert parse_registrar_answer("godaddy", status, {}, "{}", "a.com").finding == finding


def test_limits_are_told_with_their_time():
    """429 with Retry-After."""
    reading = parse_registrar_answer("porkbun", 429, {"Retry-After": "10"}, "", "a.com")

    assert (reading.outcome, reading.retry_after) == (Outcome.THROTTLED, 10.0)


def test_an_unknown_vendor_proves_nothing():
    """A new name in a recording is no reason to fail."""
    assert parse_registrar_answer("acme", 200, {}, "{}", "a.com").finding == "registrar_unknown_vendor"


@pytest.mark.parametrize("vendor", JSON_VENDORS)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "5",
        "[]",
        "{}",
        "[[[]]]",
        '{"domains":5,"results":{},"products":"x","result":[]}',
        "[" * 90_000,
        "NaN",
        "\ud800",
    ],
)
def test_any_body_gives_a_reading(vendor, body):
    """Wrong shapes of every kind."""
    assert parse_registrar_answer(vendor, 200, {}, body, "a.com").outcome is Outcome.UNKNOWN
