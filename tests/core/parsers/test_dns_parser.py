"""What DNS answers prove: every rule, with messages made by another implementation."""

from __future__ import annotations

import dns.message
import pytest

from common.core.model.evidence import LIST_LIMIT, Outcome, Phase
from common.core.parsers import dns as parser
from common.core.parsers import dns_wire as wire
from tests.core.parsers.dns_samples import NXDOMAIN, RECURSIVE, REFERRAL, RULES, read, reply, rrset, soa


def test_referral_of_the_name_is_registered_with_its_name_servers() -> None:
    """AA=0, no answer and an NS set owned by the name: registered and delegated (RFC 1034 section 4.3.2)."""
    reading = parser.parse_dns_answer(REFERRAL.to_wire(), "Example.COM.", "com")

    assert (reading.outcome, reading.finding, reading.phase) == (Outcome.REGISTERED, "dns_auth_referral", Phase.ACTIVE)
    assert reading.fields.nameservers == ("ns1.example.com", "ns2.example.net")


def test_name_servers_kept_are_bounded() -> None:
    """However many name servers are listed, a reading keeps 32."""
    made = reply(authority=(rrset("example.com", "NS", *(f"ns{number}.example.com." for number in range(60))),))

    assert len(parser.parse_dns_answer(made.to_wire(), "example.com", "com").fields.nameservers) == LIST_LIMIT


def test_nxdomain_of_the_suffix_is_unregistered_and_dated() -> None:
    """A negative of com carries the Unix time of the zone version as its serial."""
    reading = parser.parse_dns_answer(NXDOMAIN.to_wire(), "example.com", "com")

    assert (reading.outcome, reading.finding) == (Outcome.UNREGISTERED, "dns_auth_nxdomain")
    assert (reading.serial, reading.fresh_at) == (1_790_000_000, 1_790_000_000.0)


@pytest.mark.parametrize(("suffix", "serial"), [("com", 2026112301), ("com", 7), ("org", 1_790_000_000)])
def test_serial_that_is_no_time_dates_nothing(suffix: str, serial: int) -> None:
    """Only com and net number their zones in Unix time, and only a plausible number is taken for one."""
    made = reply(name=f"example.{suffix}", rcode="NXDOMAIN", aa=True, authority=(soa(suffix, serial),))
    reading = parser.parse_dns_answer(made.to_wire(), f"example.{suffix}", suffix)

    assert (reading.outcome, reading.serial, reading.fresh_at) == (Outcome.UNREGISTERED, serial, None)


MEANING = {"dns_auth_referral": "registered", "dns_auth_nodata": "registered", "dns_auth_nxdomain": "unregistered"}


@pytest.mark.parametrize(("made", "finding"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_authoritative_rules(made: dns.message.Message, finding: str) -> None:
    """Only a delegation, a NODATA and a complete negative of the suffix mean something; the rest proves nothing."""
    assert read(made) == (MEANING.get(finding, "unknown"), finding)


@pytest.mark.parametrize(("made", "finding"), [rule[1:] for rule in RECURSIVE], ids=[rule[0] for rule in RECURSIVE])
def test_recursive_rules(made: dns.message.Message, finding: str) -> None:
    """A resolver's word has findings of its own, and an authoritative finding never comes from it."""
    meaning = {"dns_recursive_nxdomain": "unregistered", "dns_recursive_positive": "registered"}

    assert read(made, recursive=True) == (meaning.get(finding, "unknown"), finding)


def test_truncated_answer_proves_nothing() -> None:
    """TC=1 is unknown, even where the sections look complete."""
    for made in (REFERRAL, NXDOMAIN):
        data = bytearray(made.to_wire())
        data[2] |= 0x02

        assert read(bytes(data)) == ("unknown", "dns_truncated")


def test_extended_rcode_is_not_nxdomain() -> None:
    """Rcode 19 has 3 in the header; only with its upper bits from EDNS is it what it is (RFC 6891 section 6.1.3)."""
    data = NXDOMAIN.to_wire()
    option = bytearray(data)
    option[-6] = 1

    assert read(data) == ("unregistered", "dns_auth_nxdomain")
    assert read(bytes(option)) == ("unknown", "dns_rcode")


def test_query_opcode_and_direction_are_checked() -> None:
    """A query, or an answer to another kind of request, says nothing."""
    data = NXDOMAIN.to_wire()

    assert read(data[:2] + bytes((data[2] & 0x7F,)) + data[3:]) == ("unknown", "dns_malformed")
    assert read(data[:2] + bytes((data[2] | 0x10,)) + data[3:]) == ("unknown", "dns_malformed")


def test_name_outside_the_suffix_is_not_judged() -> None:
    """A zone says nothing about names that are not below it."""
    assert read(NXDOMAIN, suffix="org") == ("unknown", "dns_wrong_zone")
    assert read(NXDOMAIN, suffix="le.com") == ("unknown", "dns_wrong_zone")


def test_errors_without_a_question_keep_their_finding() -> None:
    """Servers that cannot read a query answer with a bare header."""
    assert read(b"\0\1\x80\x05" + bytes(8)) == ("unknown", "dns_refused")
    assert read(b"\0\1\x84\x03" + bytes(8)) == ("unknown", "dns_mismatch")


@pytest.mark.parametrize(
    ("word", "outcome", "finding"),
    [
        ("nxdomain", "unregistered", "dns_auth_nxdomain"),
        ("NXDOMAIN ", "unregistered", "dns_auth_nxdomain"),
        ("referral", "registered", "dns_auth_referral"),
        ("delegated", "registered", "dns_auth_referral"),
        ("nodata", "registered", "dns_auth_nodata"),
        ("servfail", "unknown", "dns_servfail"),
        ("refused", "unknown", "dns_refused"),
        ("timeout", "unknown", "dns_timeout"),
        ("wildcard", "unknown", "dns_auth_wildcard"),
        ("upward-referral", "unknown", "dns_upward_referral"),
        ("", "unknown", "dns_unparsed"),
        ("not nxdomain", "unknown", "dns_unparsed"),
    ],
)
def test_outcome_words(word: str, outcome: str, finding: str) -> None:
    """A recorded outcome word means what the answer itself would; an unheard word means nothing."""
    reading = parser.read_outcome(word)

    assert (reading.outcome.value, reading.finding) == (outcome, finding)


def test_description_is_readable_and_bounded() -> None:
    """The evidence names the code, the question and the records that matter, in a bounded text."""
    text = parser.describe_message(wire.parse_message(REFERRAL.to_wire()))

    assert text.splitlines()[:3] == ["NOERROR rd", "question example.com NS", "authority example.com NS ns2.example.net"]
    assert "serial 1790000000" in parser.describe_message(wire.parse_message(NXDOMAIN.to_wire()))
