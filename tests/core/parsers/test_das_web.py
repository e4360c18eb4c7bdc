"""Availability services over HTTP and in JSON: a status, a type or a number that is not known says nothing."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.evidence import Outcome
from common.core.parsers.das_json import (
    LIST_LIMIT,
    MOST_AUCTIONS,
    NAME_LIMIT,
    parse_br_status,
    parse_ee_auctions,
    read_ee_auctions,
)
from common.core.parsers.das_web import parse_das_response

BR, EE, SE = "registro.br", "repp.internet.ee", "free.iis.se"


def br(**members):
    """An answer of registro.br about a.com.br."""
    return json.dumps({"fqdn": "a.com.br"} | members).encode()


@pytest.mark.parametrize(
    ("status", "outcome", "finding"),
    [
        (0, Outcome.UNREGISTERED, "das_available"),
        (2, Outcome.REGISTERED, "das_not_available"),
        (3, Outcome.RESERVED, "das_not_allowed"),
        (5, Outcome.DROPPING, "das_release_process"),
        *((status, Outcome.UNKNOWN, "das_unparsed") for status in (1, 4, 6, -1, "0", False, 0.0, None, [], {})),
    ],
)
def test_each_known_number_of_registro_br_has_its_meaning(status, outcome, finding):
    """All others are unknown, also what only looks like 0."""
    reading = parse_br_status(br(status=status), "a.com.br")

    assert (reading.outcome, reading.finding) == (outcome, finding)


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        (br(status=0, fqdn="b.com.br"), "das_wrong_name"),
        (br(status=0, fqdn=5), "das_wrong_name"),
        (br(status=0, fqdnace="b.com.br"), "das_wrong_name"),
        (b'{"status": 0, "status": 2}', "das_bad_json"),
        (b'{"status": 0', "das_bad_json"),
        (b"[0]", "das_bad_json"),
        (b"", "das_bad_json"),
        (b'{"status": 0, "x": "' + b"x" * NAME_LIMIT + b'"}', "das_bad_json"),
        (b'{"a":' * 50 + b"0" + b"}" * 50, "das_bad_json"),
    ],
)
def test_broken_json_is_no_free_name(body, finding):
    """Another name, two statuses, cut, no object, too large, too deep."""
    reading = parse_br_status(body, "a.com.br")

    assert (reading.outcome, reading.finding) == (Outcome.UNKNOWN, finding)


@pytest.mark.parametrize(
    "members",
    [{}, {"fqdn": "A.com.br."}, {"fqdn": "", "fqdnace": ""}, {"fqdn": "b\u00fccher.com.br", "fqdnace": "a.com.br"}],
)
def test_the_name_is_known_by_its_a_label(members):
    """In any case; an answer that repeats no name is the answer to its request."""
    assert parse_br_status(br(status=0, **members), "a.com.br").outcome is Outcome.UNREGISTERED


def auctions(*rows):
    """A list of auctions."""
    return json.dumps({"count": len(rows), "auctions": rows}).encode()


def test_auctions_are_read_by_their_a_labels():
    """Rows of another shape are left out."""
    rows = ({"domain_name": "b\u00fccher.ee", "punycode_domain_name": "XN--BCHER-KVA.ee."}, {"domain_name": "a.ee"})
    odd = (5, {}, {"domain_name": 5}, {"domain_name": "x" * 254}, [])
    longest = "x" * 253

    names = parse_ee_auctions(auctions(*rows, *odd, {"domain_name": longest}))

    assert names == {"xn--bcher-kva.ee", "a.ee", longest}
    assert (read_ee_auctions(names, "a.ee").outcome, read_ee_auctions(names, "a.ee").finding) == (
        Outcome.DROPPING,
        "das_auction",
    )
    assert (read_ee_auctions(names, "b.ee").outcome, read_ee_auctions(names, "b.ee").finding) == (
        Outcome.UNKNOWN,
        "das_not_listed",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"auctions": {}}',
        b'{"auctions": [], "auctions": [1]}',
        auctions(*range(MOST_AUCTIONS + 1)),
        b'{"auctions": []}' + b" " * LIST_LIMIT,
    ],
)
def test_what_is_no_list_of_auctions_is_an_error(body):
    """An empty list is one."""
    assert parse_ee_auctions(auctions()) == parse_ee_auctions(auctions(*range(MOST_AUCTIONS))) == frozenset()
    with pytest.raises(ValueError, match=r".+"):
        parse_ee_auctions(body)
    assert parse_das_response(200, {}, body, "a.ee", EE).finding == "das_bad_json"


@pytest.mark.parametrize(
    ("server", "domain", "body", "finding"),
    [
        (SE, "a.se", b"free a.se", "das_available"),
        (SE, "a.se", b"occupied a.se", "das_not_available"),
        (SE, "a.se", b"not_valid a.se", "das_not_allowed"),
        (SE, "a.se", b"free b.se", "das_unparsed"),
        (SE, "a.se", b"free", "das_unparsed"),
        (SE, "a.se", b" <p>free a.se</p>", "das_html"),
        (SE, "a.se", b"\xff\xfe", "das_unparsed"),
        (BR, "a.com.br", br(status=0), "das_available"),
        (BR, "a.com.br", b"<html>", "das_html"),
        (BR, "a.com.br", b"free a.com.br", "das_bad_json"),
        (EE, "a.ee", auctions({"domain_name": "a.ee"}), "das_auction"),
        (EE, "a.ee", auctions(), "das_not_listed"),
        ("REGISTRO.br:443", "a.com.br", br(status=2), "das_not_available"),
    ],
)
def test_a_body_is_read_in_the_form_of_its_service(server, domain, body, finding):
    """Text for one, numbers for the next, a list for the third."""
    assert parse_das_response(200, {}, body, domain, server).finding == finding


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "finding", "wait"),
    [
        (429, {"Retry-After": "90"}, Outcome.THROTTLED, "das_throttled", 90.0),
        (429, {}, Outcome.THROTTLED, "das_throttled", None),
        (503, {"retry-after": "5"}, Outcome.THROTTLED, "das_throttled", 5.0),
        (503, {"Retry-After": "Tue, 01 Dec 2026 00:01:00 GMT"}, Outcome.THROTTLED, "das_throttled", 60.0),
        (403, {"Retry-After": "7"}, Outcome.UNKNOWN, "das_refused", 7.0),
        (401, {}, Outcome.UNKNOWN, "das_refused", None),
        (302, {"Location": "https://elsewhere.example/"}, Outcome.UNKNOWN, "das_redirect", None),
        (500, {"Retry-After": "7"}, Outcome.UNKNOWN, "das_5xx", 7.0),
        (404, {"Retry-After": "7"}, Outcome.UNKNOWN, "das_status", 7.0),
        (204, {}, Outcome.UNKNOWN, "das_status", None),
        (299, {}, Outcome.UNKNOWN, "das_status", None),
        (300, {}, Outcome.UNKNOWN, "das_redirect", None),
        (399, {}, Outcome.UNKNOWN, "das_redirect", None),
        (400, {}, Outcome.UNKNOWN, "das_status", None),
        (499, {}, Outcome.UNKNOWN, "das_status", None),
        (0, {}, Outcome.UNKNOWN, "das_status", None),
    ],
)
def test_only_a_200_says_something_about_the_name(status, headers, outcome, finding, wait):
    """Whatever the body says."""
    now = 1_796_083_200.0  # 1 December 2026, midnight UTC
    reading = parse_das_response(status, headers, br(status=0), "a.com.br", BR, now=now)

    assert (reading.outcome, reading.finding, reading.retry_after) == (outcome, finding, wait)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10), st.sampled_from(["a.com.br", "b.com.br"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["status", "fqdn", "auctions", "x"]), inner),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 999),
    st.one_of(st.binary(max_size=100), _JSON.map(lambda value: json.dumps(value).encode())),
    st.sampled_from([BR, EE, SE, ""]),
)
def test_any_response_gives_a_reading(status, body, server):
    """Never an error, and free only by the number 0 or the word."""
    reading = parse_das_response(status, {}, body, "a.com.br", server)

    assert len(reading.reason) <= 300
    if reading.outcome is Outcome.UNREGISTERED:
        assert status == 200
        assert b'"status": 0' in body if server == BR else b"free" in body.lower() or b"available" in body.lower()
