"""Answers recorded from older interfaces, under the names of then; what a vendor says is bounded without cutting a key."""

from __future__ import annotations

import json

import pytest

from common.core.parsers.registrar import parse_registrar_answer


def test_what_a_vendor_says_is_cut_at_a_blank():
    """Half of a key that a vendor repeats would pass a scrubber that knows whole keys."""
    detail = "w" * 100 + " the key 0123456789abcdef is wrong"
    body = json.dumps({"reply": {"code": "9", "detail": detail}})
    reading = parse_registrar_answer("namesilo", 200, {}, body, "a.com")

    assert reading.reason == f"the registrar reports an error (9 {'w' * 100} the key)"
    unbroken = json.dumps({"reply": {"code": "9", "detail": "w" * 200}})
    assert parse_registrar_answer("namesilo", 200, {}, unbroken, "a.com").reason == "the registrar reports an error (9)"
    exact = json.dumps({"reply": {"code": "9", "detail": "w" * 118}})
    assert parse_registrar_answer("namesilo", 200, {}, exact, "a.com").reason.endswith(f"(9 {'w' * 118})")


@pytest.mark.parametrize(
    ("vendor", "body", "finding"),
    [
        ("fastly", {"domain": "a.com", "status": "undelegated inactive"}, "registrar_available_live"),
        ("domainr", {"status": [{"domain": "a.com", "status": "inactive", "summary": "inactive"}]}, "registrar_available_live"),
        ("WhoisXML", {"DomainInfo": {"domainName": "a.com", "domainAvailability": "AVAILABLE"}}, "registrar_available_cached"),
    ],
)
def test_recorded_answers_of_older_interfaces_are_still_read(vendor, body, finding):
    """Under the names under which they were recorded."""
    assert parse_registrar_answer(vendor, 200, {}, json.dumps(body), "a.com").finding == finding
