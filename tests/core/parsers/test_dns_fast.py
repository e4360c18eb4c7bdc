"""The fast reader of DNS answers believes nothing that the careful parser does not, and reads what nearly all names get."""

from __future__ import annotations

import random

import dns.message
import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.parsers import dns as careful
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, UNUSUAL, classify_answer, read_soa_serial, shape_of
from common.core.parsers.dns_wire import NS, build_query, encode_name
from tests.core.parsers import dns_samples as samples
from tests.core.parsers.dns_fuzz import FINDINGS, QUESTIONS, believed, corpus, fuzz, mutated, rrset, soa

QUESTION = build_query("example.com", NS, 0)[12:-11]
COM = encode_name("com")


def code_of(wire: bytes, question: bytes = QUESTION, zone: bytes = COM) -> int:
    """What the fast reader says."""
    return classify_answer(wire, question, shape_of(question, zone))


def test_plain_answers_are_read() -> None:
    """A referral with glue is a delegation, NXDOMAIN with the zone's SOA record is one, with its serial."""
    denied = samples.NXDOMAIN.to_wire()

    assert code_of(samples.REFERRAL.to_wire()) == DELEGATED
    assert code_of(denied) == NXDOMAIN
    assert read_soa_serial(denied, shape_of(QUESTION, COM)) == 1_790_000_000


@pytest.mark.parametrize(("name", "zone"), QUESTIONS)
def test_every_kind_of_question_gets_its_plain_answers(name: str, zone: str) -> None:
    """Other suffixes, a suffix without a cut of its own, and long labels are read as well."""
    query = build_query(name, NS, 7, random.Random(3))
    referral = dns.message.make_response(dns.message.from_wire(query))
    referral.authority = [rrset(name, "NS", "ns1.host.net.", f"ns2.{name}.")]
    denial = dns.message.make_response(dns.message.from_wire(query))
    denial.authority = [soa(zone)]
    wire = denial.to_wire()

    assert believed(name, zone, query[12:-11], referral.to_wire()) == DELEGATED
    assert believed(name, zone, query[12:-11], wire[:2] + b"\x84\x03" + wire[4:]) == NXDOMAIN


def test_zone_may_be_spelled_out() -> None:
    """A server that does not compress names is read, in any letter case; another zone of the same length is not."""
    wire = samples.NXDOMAIN.to_wire()
    end = 12 + len(QUESTION)
    pointer = 0xC000 | 12 + len("example") + 1

    assert wire[end : end + 2] == pointer.to_bytes(2)
    for zone, expected in ((b"\3com\0", NXDOMAIN), (b"\3CoM\0", NXDOMAIN), (b"\3net\0", UNUSUAL), (b"\0", UNUSUAL)):
        # Only the owner is spelled out; what stands behind it moves, and the host names of the SOA record are spelled out, too.
        rest = dns.name.from_text("a.gtld.test.").to_wire() + dns.name.from_text("h.test.").to_wire() + bytes(20)
        record = zone + b"\0\6\0\1\0\0\0\1" + len(rest).to_bytes(2) + rest
        changed = wire[:11] + b"\0" + wire[12:end] + record

        assert code_of(changed) == expected
        assert believed("example.com", "com", QUESTION, changed) == expected


def test_samples_of_the_parser_agree() -> None:
    """Whatever the careful parser's own samples are, the fast reader never contradicts, and reads some of each kind."""
    seen = set()
    for made in (samples.REFERRAL, samples.NXDOMAIN, *(rule[1] for rule in samples.RULES + samples.RECURSIVE)):
        seen.add(believed("example.com", "com", QUESTION, made.to_wire()))

    assert seen == {DELEGATED, NXDOMAIN, UNUSUAL}


def test_honest_and_odd_answers_agree() -> None:
    """Over all sections, owners, flags and EDNS errors, DELEGATED and NXDOMAIN are exactly two findings."""
    codes = [believed(*case) for case in corpus()]

    assert set(codes) == {DELEGATED, NXDOMAIN, UNUSUAL}
    assert codes.count(UNUSUAL) > 0.9 * len(codes)


def test_changed_answers_agree() -> None:
    """Twenty thousand changed answers: the fast reader believes none that the careful parser does not."""
    codes = fuzz(20_000, seed=20261123)

    assert min(codes[DELEGATED], codes[NXDOMAIN], codes[UNUSUAL]) > 500


def test_code_may_be_remembered_by_what_follows_the_question() -> None:
    """For other letters in the first label the same bytes behind the question mean the same, to both readers."""
    rng = random.Random(5)
    for name, zone, question, wire in rng.sample(corpus(), 400):
        label, _, suffix = name.partition(".")
        other = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in label) + "." + suffix
        asked = build_query(other, NS, 0, rng)[12:-11]
        for answer in (wire, *(mutated(wire, rng) for _ in range(20))):
            code = believed(name, zone, question, answer)
            end = 12 + len(question)
            if code != UNUSUAL and answer[12:end] == question:
                moved = answer[:12] + asked + answer[end:]

                assert believed(other, zone, asked, moved) == code
                assert careful.parse_dns_answer(moved, other, zone).finding == FINDINGS[code]


def test_remembered_name_servers_depend_on_nothing_behind_them() -> None:
    """A host that is spelled with bytes behind the NS records may be whole in one answer and broken in the next."""
    shape = shape_of(QUESTION, COM)
    record = b"\xc0\x0c\0\2\0\1\0\0\0\1"
    into = 12 + len(QUESTION) + len(record) + 2 + 1
    # The letter "?" of the first host is a length of 63 where the pointer of the second one leads.
    section = record + b"\0\4\1?\xc0\x0c" + record + b"\0\2" + (0xC000 | into).to_bytes(2)
    option = b"\0\0\x29\4\xd0\0\0\0\0\0\x30"
    head = b"\0\1\x80\0\0\1\0\0\0\2\0\1" + QUESTION + section + option
    findings = set()
    for padding in (b"\0" * 48, b"\x3f" * 48, b"\xc0\x0c" * 24, b"\xc0\xff" * 24, b"\0" * 48):
        finding = careful.parse_dns_answer(head + padding, "example.com", "com").finding
        findings.add(finding)

        assert classify_answer(head + padding, QUESTION, shape) == UNUSUAL or finding == "dns_auth_referral"

    assert findings == {"dns_auth_referral", "dns_malformed"}


def test_every_cut_is_unusual() -> None:
    """An answer that lost its end, or has something behind it, is for the careful parser."""
    for made in (samples.REFERRAL, samples.NXDOMAIN):
        wire = made.to_wire()
        assert {code_of(wire[:size]) for size in range(len(wire))} == {UNUSUAL}
        assert code_of(wire + b"\0") == UNUSUAL


def test_letter_case_is_part_of_the_question() -> None:
    """An answer to the question in another case is not believed, nor one that answers a name outside the zone."""
    wire = samples.NXDOMAIN.to_wire()

    assert code_of(wire[:12] + wire[12:29].swapcase() + wire[29:]) == UNUSUAL
    assert code_of(wire, zone=encode_name("org")) == UNUSUAL
    assert code_of(wire, zone=encode_name("example.com")) == UNUSUAL
    assert code_of(wire, zone=b"\0") == UNUSUAL
    assert code_of(wire, zone=b"\x06le\x03com\0") == UNUSUAL


def test_questions_that_are_none_are_unusual() -> None:
    """A broken name or another class as question gives no verdict."""
    for question in (b"", b"\0\0\2\0\1", b"\x40" + b"a" * 64 + b"\3com\0\0\2\0\1", QUESTION[:-1] + b"\3", b"\3com\3com"):
        for flags in (0x8403, 0x8000):
            wire = b"\0\1" + flags.to_bytes(2) + b"\0\1\0\0\0\1\0\0" + question + bytes(40)
            assert code_of(wire, question) == UNUSUAL


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([0x8403, 0x8000, 0x8503, 0x8100]), st.integers(0, 3), st.integers(0, 2))
def test_noise_behind_a_true_question_is_believed_by_both_or_none(data: bytes, flags: int, ns: int, others: int) -> None:
    """Any bytes behind our question: a code, never an exception, and never more belief than the careful parser has."""
    wire = b"\0\1" + flags.to_bytes(2) + b"\0\1\0\0" + ns.to_bytes(2) + others.to_bytes(2) + QUESTION + data

    believed("example.com", "com", QUESTION, wire)
