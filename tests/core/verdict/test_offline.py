"""Judging recorded answers: one entry for all methods, and total."""

import base64
import json

import pytest

from common.core.model.evidence import Outcome, Reading
from common.core.verdict.offline import is_available, read_answer

MISSING = json.dumps({"rdapConformance": ["rdap_level_0"], "errorCode": 404, "title": "Not Found"})
TYPE = {"Content-Type": "application/rdap+json"}


def rdap(server, domain="example.com", suffix="com", status=404, body=MISSING):
    """The reading of a recorded RDAP answer."""
    return read_answer("rdap", server, domain, suffix, {"status": status, "headers": TYPE, "body": body})


@pytest.mark.parametrize(
    "server",
    [
        "rdap.verisign.com",
        "RDAP.verisign.com.",
        " rdap.verisign.com",
        "rdap.verisign.com/com/v1/",
        "https://rdap.verisign.com/com/v1/",
        "rdap.verisign.com:443",
    ],
)
def test_a_404_counts_from_the_registry_s_server(server):
    """However the server is written."""
    assert rdap(server).outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize("server", ["rdap.org", "rdap.nic.io", "rdap.example", "", "http://["])
def test_a_404_of_another_server_proves_nothing(server):
    """Aggregators, strangers, and other registries."""
    assert rdap(server, "example.io", "io").outcome is Outcome.UNKNOWN


def test_a_404_for_a_suffix_without_a_server_proves_nothing():
    """An unknown suffix has no server that could know."""
    assert rdap("rdap.mx", "example.zz", "zz").outcome is Outcome.UNKNOWN
    assert rdap("rdap.mx", "example.mx", "mx").outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize(
    ("domain", "suffix"), [("www.example.com", "com"), ("example.uk.com", "uk.com"), ("com", ""), ("", "")]
)
def test_a_404_for_a_name_that_cannot_be_registered_there_proves_nothing(domain, suffix):
    """Host names below a registered name, private suffixes and suffixes themselves are unknown to every registry."""
    assert rdap("rdap.verisign.com", domain, suffix).outcome is Outcome.UNKNOWN


def test_a_body_recorded_as_json_is_taken():
    """Recordings hold parsed bodies, too."""
    assert rdap("rdap.verisign.com", body=json.loads(MISSING)).outcome is Outcome.UNREGISTERED
    assert rdap("rdap.verisign.com", body=None).finding == "rdap_404_empty"


def test_every_method_is_reached():
    """whois, dns, http, das and registrars go to their parsers."""
    assert read_answer("das", "das.dns.be", "a.be", "be", {"text": "Status: AVAILABLE"}).finding == "das_available"
    assert read_answer("das", "das.dns.be", "a.be", "be", {"body": "Status: AVAILABLE"}).finding == "das_available"
    assert read_answer("http", "", "a.be", "be", {"status": 200, "headers": {}}).finding == "http_answer"
    assert read_answer("dns", "", "a.be", "be", {"outcome": "servfail"}).outcome is Outcome.UNKNOWN
    assert read_answer("dns", "", "a.be", "be", {"wire_b64": base64.b64encode(b"x").decode()}).outcome is Outcome.UNKNOWN
    assert read_answer("whois", "whois.dns.be", "a.be", "be", {"text": ""}).outcome is Outcome.UNKNOWN
    offer = {"name": "a.be", "registrable": True, "tier": "standard"}
    body = json.dumps({"success": True, "result": {"domains": [offer]}})
    reading = read_answer("registrar:cloudflare", "", "a.be", "be", {"status": 200, "body": body})
    assert reading.finding == "registrar_available_live"


@pytest.mark.parametrize(
    ("server", "domain", "answer", "finding"),
    [
        ("das.dns.be", "a.be", {"text": "RC: 0\nDomain: a.be\nStatus: NOT AVAILABLE"}, "das_not_available"),
        ("das.dns.be:4343", "a.be", {"status": 200, "text": "Domain: a.be\nStatus: AVAILABLE"}, "das_available"),
        ("free.iis.se", "a.se", {"status": 200, "headers": {}, "body": "free a.se"}, "das_available"),
        ("http://free.iis.se/free?q=a.se", "a.se", {"body": "free a.se"}, "das_available"),
        ("free.iis.se", "a.se", {"status": 429, "headers": {"Retry-After": "9"}, "body": ""}, "das_throttled"),
        ("https://registro.br/v2/ajax/avail/raw/a.com.br", "a.com.br", {"status": 200, "body": {"status": 0}}, "das_available"),
        ("registro.br", "a.com.br", {"body": {"status": 5, "fqdn": "a.com.br"}}, "das_release_process"),
        ("repp.internet.ee", "a.ee", {"status": 200, "body": {"auctions": [{"domain_name": "a.ee"}]}}, "das_auction"),
        ("repp.internet.ee", "b.ee", {"status": 200, "body": {"auctions": [{"domain_name": "a.ee"}]}}, "das_not_listed"),
        ("127.0.0.1", "a.com.br", {"status": 200, "body": {"status": 2}}, "das_not_available"),  # in the form of the suffix
        ("127.0.0.1", "a.com.br", {"status": 200, "body": {"status": 0}}, "das_other_host"),
        ("das.dns.be", "a.eu", {"text": "Domain: a.eu\nStatus: AVAILABLE"}, "das_other_host"),
        ("das.dns.be", "www.a.be", {"text": "Domain: www.a.be\nStatus: AVAILABLE"}, "das_other_host"),
        ("das.dns.be", "-.be", {"text": "Domain: -.be\nStatus: AVAILABLE"}, "das_other_host"),
        ("", "a.zz", {"text": "Domain: a.zz\nStatus: AVAILABLE"}, "das_other_host"),
        ("registro.br", "a.com.br", {"status": "200", "body": ""}, "input_bad"),
        ("registro.br", "a.com.br", {"status": True, "body": ""}, "input_bad"),
        ("registro.br", "a.com.br", {"status": 200, "body": 5}, "input_bad"),
        ("registro.br", "a.com.br", {"status": 200, "headers": [], "body": ""}, "input_bad"),
        ("das.dns.be", "a.be", {"text": 5}, "input_bad"),
    ],
)
def test_answers_of_availability_services_are_read_in_their_form(server, domain, answer, finding):
    """As text, or with a status; a free name counts only from the service of the zone above it."""
    assert read_answer("das", server, domain, domain.partition(".")[2], answer).finding == finding


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("", {}),
        ("telepathy", {}),
        ("whois", {}),
        ("whois", {"text": 5}),
        ("rdap", {}),
        ("rdap", {"status": "200"}),
        ("rdap", {"status": True}),
        ("rdap", {"status": -1}),
        ("rdap", {"status": 200, "headers": []}),
        ("rdap", {"status": 200, "body": 5}),
        ("http", {"headers": {}}),
        ("dns", {}),
        ("dns", {"wire_b64": "***"}),
        ("dns", {"wire_b64": 5}),
        ("das", {}),
        ("registrar", {"status": 200, "body": 5}),
    ],
)
def test_wrong_input_is_unknown_with_a_reason(method, answer):
    """The reason names what is wrong with the line."""
    reading = read_answer(method, "", "a.be", "be", answer)

    assert (reading.outcome, reading.finding) == (Outcome.UNKNOWN, "input_bad")
    assert reading.reason


def test_headers_of_any_shape_are_taken():
    """Header values that are no texts are left out."""
    answer = {"status": 404, "headers": {"content-type": 5, "x": None}, "body": MISSING}

    assert read_answer("rdap", "rdap.verisign.com", "example.com", "com", answer).outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize(
    ("outcome", "finding", "expected"),
    [
        (Outcome.UNREGISTERED, "rdap_404_json", True),
        (Outcome.UNREGISTERED, "whois_free", True),
        (Outcome.UNREGISTERED, "dns_auth_nxdomain", None),
        (Outcome.UNREGISTERED, "registrar_available_cached", None),
        (Outcome.REGISTERED, "rdap_200_match", False),
        (Outcome.RESERVED, "rdap_404_blocked", False),
        (Outcome.DROPPING, "whois_dropzone", False),
        (Outcome.PREMIUM, "registrar_premium", False),
        (Outcome.UNKNOWN, "registrar_unavailable", False),
        (Outcome.UNKNOWN, "rdap_html", None),
        (Outcome.THROTTLED, "rdap_429", None),
        (Outcome.INVALID, "rdap_400", None),
    ],
)
def test_available_means_at_list_price_and_proven(outcome, finding, expected):
    """NXDOMAIN and a cached hint prove no availability; what is taken, kept or premium is not available."""
    assert is_available(Reading(outcome, finding, "")) is expected
