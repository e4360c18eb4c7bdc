"""Secrets are taken out by value, wherever they turn up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.secret_scrubber import Scrubber, find_credentials, scrub_url, shown_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET https://user:pw@h.example/p?key=1 failed", "GET https://***@h.example/p?*** failed"),
        ("https://h.example/p", "https://h.example/p"),
        ("https://user@h.example", "https://***@h.example"),
        ("a://x?b 'c://y?d'", "a://x?*** 'c://y?***'"),
        ("https://h.example?a=https://u:p@x/", "https://h.example?***"),
        ("no url: //x?y", "no url: //x?y"),
    ],
)
def test_urls_lose_users_and_queries(text: str, expected: str) -> None:
    """What stays names the host, never the user or the key."""
    assert scrub_url(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://hooks.example/T000/B000/xyzSECRET", "https://hooks.example/..."),
        ("https://user:pw@h.example:8443/a?b=c#d", "https://h.example:8443/..."),
        ("https://h.example?key=1", "https://h.example/..."),
        ("https://h.example/#key", "https://h.example/..."),
        ("https://h.example/", "https://h.example/"),
        ("https://h.example", "https://h.example"),
        ("not https://h.example/x and ftp://u:p@h/y", "not https://h.example/... and ftp://h/..."),
        ("tcp://[::1]:5560", "tcp://[::1]:5560"),
        ("no url: //x/y", "no url: //x/y"),
    ],
)
def test_of_a_url_that_is_configured_only_the_host_is_shown(text: str, expected: str) -> None:
    """User, path and query may each hold a secret."""
    assert shown_url(text) == expected


@pytest.mark.parametrize(
    ("url", "secret", "harmless"),
    [
        ("https://hooks.example/T000/B000/xyzSECRET", {"xyzSECRET", "T000", "/T000/B000/xyzSECRET"}, {"hooks.example"}),
        ("https://h.example/list?key=abc123XYZ&page=2&format=json", {"abc123XYZ"}, {"/list", "json", "2"}),
        ("https://u:p%40ss@h.example/api/v1/domains.json", {"p@ss", "p%40ss"}, {"/api/v1/domains.json", "domains.json"}),
        ("https://h.example/", set(), {"/"}),
    ],
)
def test_what_may_be_a_secret_in_a_url_is_known_by_value(url: str, secret: set[str], harmless: set[str]) -> None:
    """A library quotes the path without the host; common words stay readable."""
    found = find_credentials(url)

    assert secret <= found
    assert not harmless & found


def test_secrets_are_found_anywhere_in_plain_data() -> None:
    """Keys, lists, nested maps and bytes are searched; the longest secret wins over its own beginning."""
    scrubber = Scrubber(["hunter22", "hunter2222", "abc"])

    assert scrubber.value({"hunter22": ["x hunter2222 y", b"hunter22", 5, None, ("hunter22",)]}) == {
        "***": ["x *** y", "***", 5, None, ["***"]]
    }
    assert scrubber.text("abc") == "abc", "three letters are no secret"


def test_a_secret_in_another_case_is_one() -> None:
    """A server that repeats it may write it so, and parsers compare words in lower case."""
    assert Scrubber(["Hunter22"]).text("hunter22 HUNTER22") == "*** ***"


def test_a_structure_without_end_is_cut() -> None:
    """Depth is bounded, so a list that contains itself ends."""
    endless: list[object] = []
    endless.append(endless)

    assert "***" in str(Scrubber(["hunter22"]).value(endless))


@given(st.text(max_size=200), st.text(alphabet="abcd:/?@*", min_size=4, max_size=8))
def test_no_text_keeps_the_secret(text: str, secret: str) -> None:
    """Wherever a secret stands, it is gone."""
    if "*" not in secret:
        assert secret not in Scrubber([secret]).text(text + secret + text)
