"""DNS messages as bytes: queries, answers that match them, and whatever else may arrive."""

from __future__ import annotations

import dns.flags
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.evidence import Outcome
from common.core.parsers import dns as parser
from common.core.parsers import dns_wire as wire
from tests.core.parsers.dns_samples import NXDOMAIN, REFERRAL, RULES, read, seeded


def test_label_with_a_dot_inside_is_another_name() -> None:
    """The one label "example.com" under the root must not pass for two labels."""
    forged = NXDOMAIN.to_wire().replace(b"\x07example\x03com\0", b"\x0bexample.com\0", 1)

    assert read(forged)[0] == "unknown"


def test_compression_loops_and_forward_pointers_end() -> None:
    """Pointers lead backwards or the message is broken; a long chain of them is broken, too."""
    header = b"\0\1\x84\x03\0\1\0\0\0\1\0\0"
    loop = header + b"\xc0\x0c\0\2\0\1"
    forward = header + b"\xc0\x0e\0\0\2\0\1"
    chain = header + b"\0\0\2\0\1" + b"".join((0xC000 | at).to_bytes(2) for at in (12, *range(17, 17 + 2 * 200, 2)))

    for data in (loop, forward, chain):
        assert read(data) == ("unknown", "dns_malformed")
    with pytest.raises(wire.WireError):
        wire.read_name(chain, len(chain) - 2)


def test_large_and_trailing_bytes_are_refused() -> None:
    """A message has at most 65,535 bytes, at most 512 records, and nothing behind its last record."""
    assert read(bytes(65_536)) == ("unknown", "dns_malformed")
    assert read(NXDOMAIN.to_wire() + b"\0") == ("unknown", "dns_malformed")
    assert read(b"\0\1\x84\x03\0\1\xff\xff\xff\xff\xff\xff" + bytes(60_000)) == ("unknown", "dns_malformed")


def test_query_is_what_another_implementation_reads() -> None:
    """Id, RD, EDNS 1232 with DO=0, type and name; the case is mixed and the name still the same."""
    query = wire.build_query("some-example.co.uk", wire.NS, 0xBEEF, seeded(1))
    parsed = dns.message.from_wire(query)
    plain = dns.message.from_wire(wire.build_query("a.test", wire.A, 1, recursive=True, edns=False))

    assert (parsed.id, parsed.flags, parsed.payload, parsed.ednsflags) == (0xBEEF, 0, 1232, 0)
    assert parsed.question[0].name == dns.name.from_text("some-example.co.uk.")
    assert query != wire.build_query("some-example.co.uk", wire.NS, 0xBEEF)
    assert (plain.flags, plain.edns) == (dns.flags.RD, -1)


def test_case_mixing_touches_letters_only() -> None:
    """Every letter takes both cases over some queries; digits, hyphens and label lengths stay."""
    rng = seeded(5)
    queries = {wire.build_query("a1-z.com", wire.NS, 7, rng) for _ in range(64)}

    assert len(queries) > 15
    assert {query.lower() for query in queries} == {wire.build_query("a1-z.com", wire.NS, 7)}


@pytest.mark.parametrize(
    "name", ["a..com", "." * 3, "x" * 64 + ".com", ".".join(["abcdefgh"] * 32), "ex ample.com", "é.com", "a\0.com"]
)
def test_names_that_are_no_host_names_are_not_asked(name: str) -> None:
    """What cannot be encoded raises ValueError, so nothing else than the name ever reaches the wire."""
    with pytest.raises(ValueError):  # noqa: PT011 - the encoder's own errors are among them
        wire.build_query(name, wire.NS, 1)


def test_answer_matches_only_its_own_question() -> None:
    """Id, QR, opcode and the question byte for byte, letter case included (RFC 5452)."""
    query = wire.build_query("example.com", wire.NS, 0x1234, seeded(3))
    good = dns.message.make_response(dns.message.from_wire(query)).to_wire()
    question = slice(12, 29)
    swapped = good[:12] + good[question].swapcase() + good[29:]

    assert good[question] == query[question]
    assert wire.matches_query(good, query)
    assert not wire.matches_query(b"\x12\x35" + good[2:], query)
    assert not wire.matches_query(good[:2] + b"\0" + good[3:], query)
    assert not wire.matches_query(good[:2] + bytes((good[2] | 0x28,)) + good[3:], query)
    assert not wire.matches_query(swapped, query)
    assert wire.matches_query_but_case(swapped, query)
    assert not wire.matches_query(good[:12], query)
    assert not wire.matches_query(b"", query)
    assert wire.is_bare_error(good[:3] + b"\x05" + bytes(8), query)
    assert not wire.is_bare_error(good[:3] + b"\x03" + bytes(8), query)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600), st.booleans())
def test_any_bytes_give_a_reading(data: bytes, recursive: bool) -> None:
    """Reading is total, and noise is never a verdict."""
    assert parser.parse_dns_answer(data, "example.com", "com", recursive=recursive).outcome is Outcome.UNKNOWN


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 3), st.sampled_from([0x8400, 0x8000, 0x8403, 0x8003]))
def test_noise_behind_a_true_question_gives_a_reading(tail: bytes, answers: int, flags: int) -> None:
    """With the right header and question in front, the record parser itself meets the noise."""
    question = b"\x07example\x03com\0\0\2\0\1"
    header = b"\0\1" + flags.to_bytes(2) + b"\0\1" + answers.to_bytes(2) + b"\0\2\0\1"

    assert parser.parse_dns_answer(header + question + tail, "example.com", "com").outcome is not Outcome.UNREGISTERED


def test_mutated_referrals_never_read_as_unregistered() -> None:
    """No flipped bits, cut, doubled or swapped bytes turn a delegation into an absence."""
    rng = seeded(11)
    original = REFERRAL.to_wire()
    for _ in range(4000):
        data = bytearray(original)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data[at] = rng.choice((rng.randrange(256), data[at] ^ (1 << rng.randrange(8)), 0, 0xC0, 3, 6))
        if rng.random() < 0.2:
            data = data[: rng.randrange(len(data))]

        assert parser.parse_dns_answer(bytes(data), "example.com", "com").outcome is not Outcome.UNREGISTERED


def test_every_cut_of_an_answer_is_unknown() -> None:
    """An answer that lost its end proves nothing, wherever it was cut."""
    for made in (REFERRAL, NXDOMAIN):
        data = made.to_wire()
        for size in range(len(data)):
            assert read(data[:size])[0] == "unknown"


def test_wire_parser_agrees_with_another_implementation() -> None:
    """Sections, owners and targets are the same that dnspython reads."""
    for made in (REFERRAL, NXDOMAIN, *(rule[1] for rule in RULES)):
        mine = wire.parse_message(made.to_wire())
        theirs = dns.message.from_wire(made.to_wire())
        for records, rrsets in ((mine.answer, theirs.answer), (mine.authority, theirs.authority)):
            expected = [(item.name.to_text(omit_final_dot=True).strip("."), item.rdtype) for item in rrsets for _ in item]
            assert [(record.owner, record.rtype) for record in records] == expected
