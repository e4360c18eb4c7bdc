"""Zone files: the names that a zone delegates."""

from __future__ import annotations

import pytest

from common.core.parsers.publications import zone_text
from common.core.publications.catalogue import zone_file_publication
from tests.core.parsers.publications.test_text_lists import problem_of, read

COM = zone_file_publication("com.zone.gz")
assert COM is not None
SOA = b"com. 900 in soa a.gtld-servers.net. nstld.example. 1 2 3 4 5\n"


def names(data: bytes) -> list[str]:
    """The names in a zone file of com."""
    assert COM is not None
    return [listed.name for listed in read(COM, data)]


def test_each_delegated_name_is_found_once() -> None:
    """However many name servers it has; the apex, glue and deeper names are none."""
    text = SOA + (
        b"com.\t172800\tin\tns\ta.gtld-servers.net.\n"
        b"A.com.\t172800\tin\tns\tns1.x.\na.com.\t172800\tin\tns\tns2.x.\na.com. 86400 in ds 1 2 3 AA\n"
        b"ns.a.com. 172800 in a 192.0.2.1\nb.c.com. ns x.\nd.com. NS x.\n"
    )

    assert names(text) == ["a.com", "d.com"]


def test_a_master_file_is_read_as_the_standard_says() -> None:
    """$ORIGIN, relative names, an owner left out, classes and TTLs in either order, comments, texts, parentheses (RFC 1035)."""
    text = b"""$TTL 1d
@ IN SOA a. b. ( 1 ; serial
  2 3
  4 5 )
a 300 NS ns ; not here.com. NS
  NS ns2
b IN 1w NS x.
  TXT "; ( c.com. NS"
$ORIGIN com.
c NS (
 x. )
$ORIGIN .
d.com NS x.
e.com. NS x.
"""

    assert names(text) == ["a.com", "b.com", "c.com", "d.com", "e.com"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"a.com. ns x.\n", "no SOA record of com."),
        (b"net. in soa a. b. 1 2 3 4 5\na.com. ns x.\n", "no SOA record of com."),
        (SOA + b"a.net. ns x.\n", "not below com."),
        (SOA + b"a.com. soa ( 1 2\n", "parentheses"),
        (SOA + b"a.com. soa (\n" + b"1\n" * (zone_text.MOST_LINES + 1), "spread over"),
        (SOA + b"$INCLUDE /etc/passwd\n", "$INCLUDE"),
        (SOA + b"<html>", "hold no name"),
    ],
)
def test_what_is_no_zone_file_is_refused(text: bytes, problem: str) -> None:
    """Nothing is read but the file itself."""
    if problem == "hold no name":
        assert names(text) == []  # a record of an unknown type says nothing
        return
    assert COM is not None
    assert problem in problem_of(COM, text)


def test_names_with_escapes_are_left_out() -> None:
    """They cannot be registered."""
    assert names(SOA + b"a\\.b.com. ns x.\na\\032.com. ns x.\nc.com. ns x.\n") == ["c.com"]
