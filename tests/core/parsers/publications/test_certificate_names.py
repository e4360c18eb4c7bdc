"""Messages of a stream of certificates: names out, a sign of life, or one kind of error, whatever the bytes are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.parsers.publications.certificate_names import (
    LARGEST_MESSAGE,
    MOST_NAMES,
    names_above,
    parse_certificate_names,
)
from common.errors import PublicationError

PIECES = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\u0000", b"\\ud800", b"null", b"1e999", b"-", b" ", b"\xff", b"\x00",
    b'"message_type"', b'"data"', b'"dns_entries"', b'"heartbeat"', b'"a.com"', b'"*.B.co.uk."',
    b'{"message_type":"dns_entries","data":[',
    b"]}", "\u00e9.com".encode(), b'"192.0.2.1"', b'"a@b.com"',
)  # fmt: skip
MESSAGES = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))


def message(*names: object, **more: object) -> bytes:
    """A message about one certificate."""
    return json.dumps({"message_type": "dns_entries", "data": list(names), **more}).encode()


def test_the_names_of_a_certificate_are_read() -> None:
    """In either order of the members, with members that are not known, as one server or the other writes them."""
    assert parse_certificate_names(message("example.com", "*.example.com")) == ["example.com", "example.com"]
    assert parse_certificate_names(b'{"data":["WWW.Example.co.UK."],"message_type":"dns_entries"}') == ["www.example.co.uk"]
    assert parse_certificate_names(message("xn--bcher-kva.example", seen={"a": [1]})) == ["xn--bcher-kva.example"]
    assert parse_certificate_names(message()) == []


def test_a_heartbeat_is_a_sign_of_life() -> None:
    """With a time or without."""
    assert parse_certificate_names(b'{"message_type":"heartbeat"}') is None
    assert parse_certificate_names(b'{"message_type":"heartbeat","timestamp":1790000000.5}') is None


def test_what_is_no_domain_name_is_left_out() -> None:
    """Certificates have addresses, mail addresses and texts as well."""
    odd = [
        "192.0.2.1",
        "2001:db8::1",
        "a@b.com",
        "",
        "*.",
        "com",
        "b\u00fccher.example",
        "a..com",
        "-a.com",
        "a b.com",
        "x." * 200 + "com",
    ]
    assert parse_certificate_names(message(*odd, "a.com")) == ["a.com"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (b"", "no certificate"),
        (b"[" * 100_000, "no certificate"),
        (b'{"message_type":"dns_entries","data":' + b"[" * 100_000, "no certificate"),
        (b'{"message_type":"dns_entries"}', "data"),
        (message(1), "no certificate"),
        (b'{"message_type":"dns_entries","data":"a.com"}', "no certificate"),
        (b'{"message_type":"dns_entries","data":["a.com"]', "no certificate"),
        (b"<html>", "no certificate"),
        (b'{"message_type":5}', "no certificate"),
        (message(*["a.com"] * (MOST_NAMES + 1)), "no certificate"),
        (message("a" * LARGEST_MESSAGE), "bytes, at most"),
        (b'{"message_type":"certificate_update","data":{"leaf_cert":{}}}', "/domains-only"),
        (b'{"message_type":"other"}', "'other' instead of dns_entries"),
    ],
)
def test_another_message_is_refused(wrong: bytes, said: str) -> None:
    """In one sentence."""
    with pytest.raises(PublicationError, match=said) as caught:
        parse_certificate_names(wrong)
    assert len(str(caught.value)) <= 200


def test_the_largest_certificate_is_read() -> None:
    """At the bound of names."""
    assert len(parse_certificate_names(message(*["a.com"] * MOST_NAMES)) or ()) == MOST_NAMES


def test_names_above_are_those_that_can_be_watched() -> None:
    """From two labels to six."""
    assert names_above("example.com") == ["example.com"]
    assert names_above("a.b.co.uk") == ["co.uk", "b.co.uk", "a.b.co.uk"]
    assert names_above("x.f.e.d.c.b.a") == ["b.a", "c.b.a", "d.c.b.a", "e.d.c.b.a", "f.e.d.c.b.a"]


@settings(max_examples=300, deadline=None)
@given(data=MESSAGES)
def test_any_bytes_give_names_or_an_error(data: bytes) -> None:
    """Names that can be watched, or lie below one that can."""
    try:
        found = parse_certificate_names(data)
    except PublicationError:
        return
    for name in found or ():
        assert name.isascii()
        assert name == name.lower()
        assert len(name) <= 253
        assert all(0 < len(label) <= 63 for label in name.split("."))
        assert names_above(name)
        assert all(name == above or name.endswith(f".{above}") for above in names_above(name))
