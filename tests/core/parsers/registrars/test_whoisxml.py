"""WhoisXML API: three words, never proof, errors in two forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.core.parsers.registrars.findings import Answer, Finding, Parsed
from common.core.parsers.registrars.whoisxml import parse_answer


def read(top: Any) -> Parsed:
    """What an answer says about a.com."""
    return parse_answer(200, json.dumps(top).encode(), ["a.com"])


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("AVAILABLE", Answer(Finding.CACHED, said="available")),
        ("UNAVAILABLE", Answer(Finding.UNAVAILABLE, said="unavailable")),
        ("UNDETERMINED", Answer(Finding.NOTHING, said="undetermined")),
        (True, Answer(Finding.NOTHING)),
        (None, Answer(Finding.NOTHING)),
    ],
)
def test_available_is_a_hint(word, answer):
    """What it knows may be from DNS or a cache."""
    assert read({"DomainInfo": {"domainName": "A.com", "domainAvailability": word}}) == Parsed({"a.com": answer})


@pytest.mark.parametrize("info", [None, [], {}, "AVAILABLE", {"domainName": "b.com", "domainAvailability": "AVAILABLE"}])
def test_only_the_name_that_was_asked_for_counts(info):
    """An answer about another name, or about none, says nothing."""
    assert read({"DomainInfo": info, "code": 403}) == Parsed({})


@pytest.mark.parametrize(
    ("top", "finding", "said"),
    [
        *(({"code": code, "messages": "Access Restricted"}, Finding.REFUSED, "Access Restricted") for code in (401, 402, 403)),
        ({"code": 429, "messages": "Too Many Requests"}, Finding.THROTTLED, "Too Many Requests"),
        ({"code": 422, "messages": {"domainName": ["Invalid"]}}, Finding.ERROR, ""),
        ({"code": "403", "messages": "x"}, Finding.ERROR, "x"),
        ({"code": [403]}, Finding.ERROR, ""),
        ({"ErrorMessage": {"errorCode": "API_KEY_02", "msg": "No such Key"}}, Finding.REFUSED, "No such Key"),
        ({"ErrorMessage": {"errorCode": "AUTHENTICATE_03"}}, Finding.REFUSED, "AUTHENTICATE_03"),
        ({"ErrorMessage": {"errorCode": "WHOIS_01", "msg": "Nothing found"}}, Finding.ERROR, "Nothing found"),
        ({"ErrorMessage": "Nothing found"}, Finding.ERROR, ""),
        ({}, Finding.ERROR, ""),
        ([], Finding.ERROR, ""),
        (None, Finding.ERROR, ""),
    ],
)
def test_an_error_is_read_in_both_forms(top, finding, said):
    """With a status of success, too."""
    assert read(top) == Parsed(whole=Answer(finding, said=said))


def test_another_status_is_an_error():
    """Whatever the body says."""
    body = b'{"DomainInfo":{"domainName":"a.com","domainAvailability":"AVAILABLE"}}'

    assert parse_answer(404, body, ["a.com"]) == Parsed(whole=Answer(Finding.ERROR, said="HTTP 404"))
