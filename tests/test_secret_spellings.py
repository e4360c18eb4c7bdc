"""A secret is known however another program escapes it."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.secret_scrubber import Scrubber
from common.secret_spellings import match_spellings

KEY = 'pa"s&s<w/o\\r d'
ENCODERS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "quote": lambda text: quote(text, safe=""),
    "quote but slashes": quote,
    "quote_plus": quote_plus,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "HTML": html.escape,
    "HTML but quotes": lambda text: html.escape(text, quote=False),
}


def is_found(secret: str, text: str) -> bool:
    """Whether a text is a spelling of a secret and nothing else."""
    return re.fullmatch(match_spellings(secret), text, re.IGNORECASE) is not None


@pytest.mark.parametrize(
    "spelling",
    [
        'pa"s&s<w/o\\r d',
        'PA"S&S<W/O\\R D',
        "pa%22s%26s%3Cw%2Fo%5Cr%20d",
        "pa%22s%26s%3cw%2fo%5cr+d",
        "pa%2522s%2526s%253Cw%252Fo%255Cr%2520d",
        "pa%252522s%252526s%25253Cw%25252Fo%25255Cr%252520d",
        'pa\\"s&s<w/o\\\\r d',
        'pa\\"s&s<w\\/o\\\\r d',
        'pa\\\\\\"s&s<w\\\\/o\\\\\\\\r d',
        'pa\\\\\\\\\\\\\\"s&s<w/o\\\\\\\\\\\\\\\\r d',
        "pa\\u0022s\\u0026s\\u003cw\\u002Fo\\u005cr\\u0020d",
        "pa\\\\u0022s\\\\u0026s\\\\u003cw\\\\u002Fo\\\\u005cr\\\\u0020d",
        "pa\\x22s\\x26s\\x3cw\\x2fo\\x5cr\\x20d",
        "pa&quot;s&amp;s&lt;w/o\\r d",
        'pa"s&amp;s&lt;w/o\\r d',
        "pa&amp;quot;s&amp;amp;s&amp;lt;w/o\\r d",
        "pa&amp;amp;quot;s&amp;amp;amp;s&amp;amp;lt;w/o\\r d",
        "pa&#34;s&#38;s&#60;w&#47;o&#92;r&#32;d",
        "pa&#0034;s&#x26;s&#X3C;w&#x002f;o&bsol;r d",
        "pa&quot;s&amp;s&lt;w\\/o\\\\r d",
        "pa\\&quot;s&amp;s&lt;w\\/o\\\\r d",
        "pa%26quot%3Bs%26amp%3Bs%26%2360%3Bw%2Fo%5C%5Cr%2Bd",
        "pa%5C%22s%26s%3Cw%5C%2Fo%5C%5Cr%20d",
        "pa\\u0026quot;s\\u0026amp;s\\u0026lt;w/o\\\\r d",
    ],
)
def test_a_spelling_of_a_secret_is_it(spelling: str) -> None:
    """Each of them, and several at once."""
    assert is_found(KEY, spelling)


@pytest.mark.parametrize(
    "other",
    [
        "pas&s<w/or d",
        'pa"s s<w/o\\r d',
        'pa"s&s<w/o\\r-d',
        "pa%23s%26s%3Cw%2Fo%5Cr%20d",
        "pa&lt;s&amp;s&lt;w/o\\r d",
        '%70a"s&s<w/o\\r d',
    ],
)
def test_another_text_is_not(other: str) -> None:
    """A mark that is missing or is another one makes the difference; letters are never escaped."""
    assert not is_found(KEY, other)


@pytest.mark.parametrize(
    ("secret", "spelling"),
    [
        ("pässword", "p%C3%A4ssword"),
        ("pässword", "p\\u00e4ssword"),
        ("pässword", "p&auml;ssword"),
        ("key\U0001f600", "key\\ud83d\\ude00"),
        ("key\udc80", "key\udc80"),
        ("a\\\\b", "a\\\\\\\\b"),
        ("a\\&b", "a\\\\\\u0026b"),
        ('a""b', 'a\\"\\"b'),
        ("a b+c", "a+b%2Bc"),
        ("a&amp;b", "a&amp;amp;b"),
        ("a%2Fb", "a%252Fb"),
    ],
)
def test_a_mark_may_be_any_character(secret: str, spelling: str) -> None:
    """Also one outside of ASCII, a lone surrogate, several in a row, and what looks like an escape itself."""
    assert is_found(secret, spelling)
    assert is_found(secret, secret)


def test_nothing_of_a_secret_stays() -> None:
    """The escape before its first mark goes with it, and the longer of two secrets first."""
    scrubber = Scrubber(['"secret', '"secret/more'])

    assert scrubber.text('x \\"secret\\/more&quot;secret y') == "x ****** y"


@given(
    st.text("ab19\"'&<>/\\ +%;#u", min_size=4, max_size=12),
    st.sampled_from(sorted(ENCODERS)),
    st.sampled_from(sorted(ENCODERS)),
)
def test_what_encoders_make_of_a_secret_is_it(secret: str, first: str, second: str) -> None:
    """One of them, or one after another."""
    assert is_found(secret, ENCODERS[first](secret))
    assert is_found(secret, ENCODERS[second](ENCODERS[first](secret)))


@pytest.mark.parametrize("secret", ["\\" * 40, '\\"' * 20, "%25" * 20, "&amp;" * 20, "/" * 40])
def test_a_hostile_text_costs_no_more_than_its_length(secret: str) -> None:
    """Many escapes that are nearly the secret, over and over."""
    text = "".join(f"{encode(secret[:-1])}x" * 20 + "\\" * 2000 + "%25" * 500 for encode in ENCODERS.values())
    began = time.process_time()
    Scrubber([secret]).text(text)

    assert time.process_time() - began < 2
