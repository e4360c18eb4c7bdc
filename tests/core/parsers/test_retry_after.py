"""Retry-After: seconds or a date, never trusted blindly."""

import pytest

from common.core.parsers.retry_after import parse_http_date, parse_retry_after

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 1.0),
        ("999999999999", 86_400.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 86_400.0),  # two digits mean this century
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 1.0),
        ("Mon, 01 Jan 2035 00:00:00 GMT", 86_400.0),
        ("Sun, 99 Nov 1994 08:50:37 GMT", None),
        ("Sun, 06 Foo 1994 08:50:37 GMT", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 10_000, None),
        (None, None),
    ],
)
def test_seconds_and_dates_are_read_and_bounded(value, expected):
    """Both forms of RFC 9110 give seconds between one and a day; garbage gives nothing."""
    assert parse_retry_after(value, NOW) == expected


def test_a_date_needs_to_know_the_time():
    """Without a clock a date says nothing, a number still does."""
    assert parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", None) is None
    assert parse_retry_after("5", None) == 5.0


def test_http_dates_are_epoch_seconds():
    """The example of RFC 9110 section 5.6.7."""
    assert parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == NOW
