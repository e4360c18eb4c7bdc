"""Availability services: a word in its place is a verdict, the same word elsewhere is not."""

import pytest

from common.core.model.evidence import Outcome
from common.core.parsers.das import parse_das_answer

FREE, TAKEN, THROTTLED, UNKNOWN = Outcome.UNREGISTERED, Outcome.REGISTERED, Outcome.THROTTLED, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("server", "domain", "text", "outcome"),
    [
        ("das.dns.be:4343", "a.be", "% DAS of .be\r\nDomain:\ta.be\r\nStatus:\tAVAILABLE\r\n", FREE),
        ("das.dns.be", "a.be", "RC: 0\nDomain: a.be\nStatus: NOT AVAILABLE\n", TAKEN),
        ("das.dns.be", "a.be", "Domain: a.be\nStatus: NOT ALLOWED\n", Outcome.INVALID),
        ("das.dns.be", "a.be", "RC: -1\nDomain: a.be\n", UNKNOWN),
        ("das.dns.be", "a.be", "RC: -2\n", THROTTLED),
        ("das.dns.be", "a.be", "RC: -3\n", THROTTLED),
        ("das.dns.be", "a.be", "% Excessive querying, grace period of 2 seconds\nDomain: a.be\nStatus: AVAILABLE\n", THROTTLED),
        ("das.eu", "a.eu", "Domain: a\nStatus: AVAILABLE\n", FREE),
        ("das.eu", "a.eu", "Domain: a\nStatus: REGISTERED\n", TAKEN),
        ("das.eu", "a.eu", "Domain: a\nStatus: RESERVED\n", Outcome.RESERVED),
        ("das.eu", "a.eu", "Domain: b\nStatus: AVAILABLE\n", UNKNOWN),
        ("das.nic.it", "a.it", "AVAILABLE\n", FREE),
        ("das.nic.it", "a.it", "UNAVAILABLE\n", TAKEN),
        ("das.domreg.lt", "a.lt", "Domain: a.lt\nStatus: registered\n", TAKEN),
        ("das.arnes.si", "a.si", "Domain a.si is available\n", FREE),
        ("das.arnes.si", "a.si", "Domain a.si is forbidden\n", Outcome.RESERVED),
        ("finger.norid.no", "a.no", '% text\nThe domain "a.no" is available\n', FREE),
        ("finger.norid.no", "a.no", "a.no is delegated\n", TAKEN),
        ("finger.norid.no", "a.no", "a.no cannot be registered\n", Outcome.RESERVED),
        ("free.iis.se", "a.se", "free a.se\n", FREE),
        ("free.iis.se", "a.se", "occupied a.se\n", TAKEN),
        ("free.iis.se", "a.se", "free b.se\n", UNKNOWN),
        ("dac.nic.uk:2043", "a.uk", "a.uk,N\r\n", FREE),
        ("dac.nic.uk", "a.uk", "a.uk,Y,N,2001-01-01,2030-01-01,TAG\r\n", TAKEN),
        ("dac.nic.uk", "a.uk", "a.uk,B,30\r\n", THROTTLED),
        ("dac.nic.uk", "a.uk", "b.uk,N\r\n", UNKNOWN),
        ("das.example", "a.be", "Names that are available can be registered.\n", UNKNOWN),
        ("das.example", "a.be", "a.be is available\na.be is registered\n", UNKNOWN),
        ("das.example", "a.be", "Status: maybe\n", UNKNOWN),
        ("das.example", "a.be", "", UNKNOWN),
        ("das.example", "a.be", "\x00\xff" * 50, UNKNOWN),
        ("das.example", "", "AVAILABLE", FREE),
        ("das.example", "a.be", "available\n" * 5000, UNKNOWN),
    ],
)
def test_each_service_is_read_by_its_own_form(server, domain, text, outcome):
    """The status in its field, about the right name, and not in a rate limited answer."""
    assert parse_das_answer(text, domain, server).outcome is outcome


def test_a_block_has_a_retry_after():
    """Nominet's B is followed by the seconds of the block."""
    assert parse_das_answer("a.uk,B,30", "a.uk", "dac.nic.uk").retry_after == 30.0
    assert parse_das_answer("a.uk,B,x", "a.uk", "dac.nic.uk").retry_after is None
