"""Registrars: what one says about a name, vendor by vendor."""

import json

import pytest

from common.core.model.evidence import Outcome
from common.core.parsers.registrar import parse_registrar_answer

LIVE, CACHED, TAKEN = "registrar_available_live", "registrar_available_cached", "registrar_unavailable"
NOTHING, PREMIUM, ERROR = "registrar_unparsed", "registrar_premium", "registrar_error"


def nc(attributes, status="OK"):
    """An answer of Namecheap."""
    result = f"<CommandResponse><DomainCheckResult {attributes}/></CommandResponse>"
    return f'<?xml version="1.0"?><ApiResponse Status="{status}">{result}</ApiResponse>'


CASES = [
    ("namecheap", nc('Domain="a.com" Available="true" ErrorNo="0" IsPremiumName="false"'), LIVE),
    ("namecheap", nc('Domain="a.com" Available="true" ErrorNo="0" IsPremiumName="true"'), PREMIUM),
    ("namecheap", nc('Domain="a.com" Available="false" ErrorNo="0" IsPremiumName="false"'), TAKEN),
    ("namecheap", nc('Domain="a.com" Available="true" ErrorNo="2030" IsPremiumName="false"'), ERROR),
    ("namecheap", nc('Domain="b.com" Available="true" ErrorNo="0" IsPremiumName="false"'), NOTHING),
    ("namecheap", nc('Domain="a.com" Available="true" IsPremiumName="false"', "ERROR"), ERROR),
    ("namecheap", '<!DOCTYPE x [<!ENTITY a "b">]>' + nc('Domain="a.com" Available="true" IsPremiumName="false"'), NOTHING),
    ("namecheap", "<" * 100_000, ERROR),
    ("ovh", [{"action": "create", "orderable": True, "pricingMode": "create-default"}], LIVE),
    ("ovh", [{"action": "create", "orderable": True, "pricingMode": "create-premium"}], PREMIUM),
    ("ovh", [{"action": "transfer", "orderable": True, "pricingMode": "transfer-default"}], TAKEN),
    ("ovh", [{"action": "create", "orderable": False, "pricingMode": "create-default"}], TAKEN),
    ("ovh", [], NOTHING),
    ("fastly", {"domain": "a.com", "status": "undelegated inactive"}, LIVE),
    ("fastly", {"domain": "a.com", "status": "undelegated inactive", "scope": "estimate"}, CACHED),
    ("domainr", {"status": [{"domain": "a.com", "status": "inactive"}]}, LIVE),
    ("fastly", {"domain": "a.com", "status": "undelegated"}, NOTHING),
    ("fastly", {"domain": "a.com", "status": "unknown"}, NOTHING),
    ("fastly", {"domain": "a.com", "status": "active parked"}, TAKEN),
    ("fastly", {"domain": "a.com", "status": "undelegated inactive premium"}, PREMIUM),
    ("fastly", {"domain": "a.com", "status": "inactive reserved"}, "registrar_reserved"),
    ("fastly", {"domain": "a.com", "status": "reserved inactive"}, NOTHING),
    ("fastly", {"domain": "a.com", "status": "deleting"}, "registrar_dropping"),
    ("fastly", {"domain": "a.com", "status": "something-new"}, NOTHING),
    ("whoisxml", {"DomainInfo": {"domainName": "a.com", "domainAvailability": "AVAILABLE"}}, CACHED),
    ("whoisxml", {"DomainInfo": {"domainName": "a.com", "domainAvailability": "UNAVAILABLE"}}, TAKEN),
    ("whoisxml", {"DomainInfo": {"domainName": "a.com", "domainAvailability": "UNDETERMINED"}}, NOTHING),
]


@pytest.mark.parametrize(("vendor", "value", "finding"), CASES)
def test_each_vendor_is_read_by_its_own_form(vendor, value, finding):
    """Live, cached, taken, premium, or nothing: never more than the vendor says, and only about the name asked."""
    reading = parse_registrar_answer(vendor, 200, {}, value if isinstance(value, str) else json.dumps(value), "a.com")

    assert reading.finding == finding
    assert (reading.outcome is Outcome.UNREGISTERED) == (finding in {LIVE, CACHED})
