"""Dates in the formats of registries."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.parsers.dates import iso_to_epoch, parse_date


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2021-06-05T23:59:59.0Z", "2021-06-05T23:59:59Z"),
        ("1999-02-17T00:00:00+13:00", "1999-02-16T11:00:00Z"),
        ("2019-12-04 00:00:00+02", "2019-12-03T22:00:00Z"),
        ("09-nov-2013", "2013-11-09"),
        ("13-Apr-10", "2010-04-13"),
        ("13-Apr-99", "1999-04-13"),
        ("16-abr-1997", "1997-04-16"),
        ("2009-Nov-16.", "2009-11-16"),
        ("19971127", "1997-11-27"),
        ("20121216134104", "2012-12-16T13:41:04Z"),
        ("19990518 #162310", "1999-05-18"),
        ("Fri Apr 19 23:15:57 GMT 2002", "2002-04-19T23:15:57Z"),
        ("Mar 25 01:57:22 PDT 2009", "2009-03-25T08:57:22Z"),
        ("Tue Feb  5 09:42:42 2004", "2004-02-05T09:42:42Z"),
        ("30th April 2003 at 00:00:00.000", "2003-04-30T00:00:00Z"),
        ("Monday 16th Jun 2014", "2014-06-16"),
        ("before Aug-1996", "1996-08-01"),
        ("2010. 07. 10.", "2010-07-10"),
        ("2009年07月10日", "2009-07-10"),
        ("2016/04/03 12:00:44 (JST)", "2016-04-03T03:00:44Z"),
        ("2026-11-09 00:00:00 (UTC+8)", "2026-11-08T16:00:00Z"),
        ("2010.03.25 12:27:24 MSK/MSD", "2010-03-25T09:27:24Z"),
        ("07-01-1998 00:00:00 GMT+1", "1998-01-06T23:00:00Z"),
        ("30.6.2006 00:00:00", "2006-06-30T00:00:00Z"),
        ("12/18/2001", "2001-12-18"),
        ("18 Apr 2003 03:30 PM", "2003-04-18T15:30:00Z"),
        ("2999-12-31", "2999-12-31"),
    ],
)
def test_every_known_format_is_read(text: str, iso: str) -> None:
    """Whatever a registry writes becomes one ISO form in UTC."""
    assert parse_date(text) == iso


@pytest.mark.parametrize(
    "text", ["", "not defined", "null", "0001-01-01T00:00:00Z", "2021-02-30", "31 Foo 2020", "1.2.3.4", "ns1.example.com"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    """Nothing is guessed."""
    assert parse_date(text) is None


def test_the_caller_says_whether_the_day_comes_first() -> None:
    """Two small numbers are ambiguous; a number above twelve is not."""
    assert parse_date("03/02/2020") == "2020-02-03"
    assert parse_date("03/02/2020", day_first=True) == "2020-02-03"
    assert parse_date("03/02/2020", day_first=False) == "2020-03-02"
    assert parse_date("31/01/2020", day_first=False) == "2020-01-31"


def test_epoch_counts_from_1970_in_utc() -> None:
    """A bare day counts from midnight UTC, garbage is None."""
    assert iso_to_epoch("2027-01-31T00:00:00Z") == iso_to_epoch("2027-01-31") == 1_801_353_600.0
    assert iso_to_epoch("soon") is None


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789-/.: TZ+janfebDecd年月()", max_size=90))
def test_any_text_gives_a_date_or_none(text: str) -> None:
    """The parser is total, and what it returns can be counted."""
    iso = parse_date(text)

    assert iso is None or iso_to_epoch(iso) is not None


@settings(max_examples=100, deadline=None)
@given(st.integers(473_385_600, 4_102_444_800))
def test_written_dates_come_back(seconds: int) -> None:
    """The same moment in several spellings is the same date."""
    at = dt.datetime.fromtimestamp(seconds, dt.UTC)
    iso = at.strftime("%Y-%m-%dT%H:%M:%SZ")

    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S UTC", "%d-%b-%Y %H:%M:%S UTC", "%Y%m%d%H%M%S", "%d.%m.%Y %H:%M:%S"):
        assert parse_date(at.strftime(form)) == iso
