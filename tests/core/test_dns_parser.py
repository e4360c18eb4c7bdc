"""What DNS answers prove: every rule, with messages made by another implementation, and bytes that are no message at all."""

from __future__ import annotations

import random

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.evidence import LIST_LIMIT, Outcome, Phase
from common.core.parsers import dns as parser
from common.core.parsers import dns_wire as wire

SOA_DATA = "a.gtld.test. hostmaster.test. {serial} 1800 900 604800 900"


def seeded(seed: int) -> random.Random:
    """Random numbers that are the same in every run."""
    return random.Random(seed)


def rrset(owner: str, rtype: str, *data: str, ttl: int = 900) -> dns.rrset.RRset:
    """Records of one owner and type; names without the last dot."""
    return dns.rrset.from_text(owner + "." if owner else ".", ttl, "IN", rtype, *data)


def soa(owner: str, serial: int = 2026112301) -> dns.rrset.RRset:
    """The SOA record of a zone."""
    return rrset(owner, "SOA", SOA_DATA.format(serial=serial))


def reply(
    *,
    name: str = "example.com",
    rcode: str = "NOERROR",
    aa: bool = False,
    answer: tuple[dns.rrset.RRset, ...] = (),
    authority: tuple[dns.rrset.RRset, ...] = (),
    additional: tuple[dns.rrset.RRset, ...] = (),
) -> dns.message.Message:
    """An answer to the NS question about `name`, as a server would send it."""
    made = dns.message.make_response(dns.message.make_query(name + ".", "NS", use_edns=0, payload=1232))
    made.set_rcode(dns.rcode.from_text(rcode))
    if aa:
        made.flags |= dns.flags.AA
    made.answer, made.authority, made.additional = list(answer), list(authority), list(additional)
    return made


def read(
    made: dns.message.Message | bytes, domain: str = "example.com", suffix: str = "com", *, recursive: bool = False
) -> tuple[str, str]:
    """Outcome and finding."""
    data = made if isinstance(made, bytes) else made.to_wire()
    reading = parser.read(data, domain, suffix, recursive=recursive)
    return reading.outcome.value, reading.finding


NAME_SERVERS = ("ns2.example.net.", "ns1.example.com.")
# One set per record: dnspython shuffles the records of a set.
REFERRAL = reply(
    authority=tuple(rrset("example.com", "NS", host) for host in NAME_SERVERS),
    additional=(rrset("ns1.example.com", "A", "192.0.2.1"),),
)
NXDOMAIN = reply(rcode="NXDOMAIN", aa=True, authority=(soa("com", 1_790_000_000),))


def test_referral_of_the_name_is_registered_with_its_name_servers() -> None:
    """AA=0, no answer and an NS set owned by the name: registered and delegated (RFC 1034 section 4.3.2)."""
    reading = parser.read(REFERRAL.to_wire(), "Example.COM.", "com")

    assert (reading.outcome, reading.finding, reading.phase) == (Outcome.REGISTERED, "dns_auth_referral", Phase.ACTIVE)
    assert reading.fields.nameservers == ("ns1.example.com", "ns2.example.net")


def test_name_servers_kept_are_bounded() -> None:
    """However many name servers are listed, a reading keeps 32."""
    made = reply(authority=(rrset("example.com", "NS", *(f"ns{number}.example.com." for number in range(60))),))

    assert len(parser.read(made.to_wire(), "example.com", "com").fields.nameservers) == LIST_LIMIT


def test_nxdomain_of_the_suffix_is_unregistered_and_dated() -> None:
    """A negative of com carries the Unix time of the zone version as its serial."""
    reading = parser.read(NXDOMAIN.to_wire(), "example.com", "com")

    assert (reading.outcome, reading.finding) == (Outcome.UNREGISTERED, "dns_auth_nxdomain")
    assert (reading.serial, reading.fresh_at) == (1_790_000_000, 1_790_000_000.0)


@pytest.mark.parametrize(("suffix", "serial"), [("com", 2026112301), ("com", 7), ("org", 1_790_000_000)])
def test_serial_that_is_no_time_dates_nothing(suffix: str, serial: int) -> None:
    """Only com and net number their zones in Unix time, and only a plausible number is taken for one."""
    made = reply(name=f"example.{suffix}", rcode="NXDOMAIN", aa=True, authority=(soa(suffix, serial),))
    reading = parser.read(made.to_wire(), f"example.{suffix}", suffix)

    assert (reading.outcome, reading.serial, reading.fresh_at) == (Outcome.UNREGISTERED, serial, None)


NSEC_NXNAME = rrset("example.com", "NSEC", "\\000.example.com. RRSIG NSEC TYPE128")
NSEC_PLAIN = rrset("example.com", "NSEC", "z.com. A RRSIG NSEC")
RULES = [
    (
        "the server serves the child, too",
        reply(aa=True, answer=(rrset("example.com", "NS", "ns.x.net."),)),
        "dns_auth_referral",
    ),
    ("NS answer without AA", reply(answer=(rrset("example.com", "NS", "ns.x.net."),)), "dns_not_authoritative"),
    ("NODATA", reply(aa=True, authority=(soa("com"),)), "dns_auth_nodata"),
    ("NODATA of the child zone", reply(aa=True, authority=(soa("example.com"),)), "dns_auth_nodata"),
    ("NODATA without AA", reply(authority=(soa("com"),)), "dns_not_authoritative"),
    ("NODATA of the root", reply(aa=True, authority=(soa(""),)), "dns_wrong_zone"),
    ("NODATA of another zone", reply(aa=True, authority=(soa("net"),)), "dns_wrong_zone"),
    ("compact denial", reply(aa=True, authority=(soa("com"), NSEC_NXNAME)), "dns_auth_nxdomain"),
    ("NSEC without NXNAME", reply(aa=True, authority=(soa("com"), NSEC_PLAIN)), "dns_auth_nodata"),
    ("compact denial of another zone", reply(aa=True, authority=(soa("net"), NSEC_NXNAME)), "dns_wrong_zone"),
    ("NXDOMAIN without AA", reply(rcode="NXDOMAIN", authority=(soa("com"),)), "dns_not_authoritative"),
    ("NXDOMAIN without SOA", reply(rcode="NXDOMAIN", aa=True), "dns_no_soa"),
    ("NXDOMAIN of the root", reply(rcode="NXDOMAIN", aa=True, authority=(soa(""),)), "dns_tld_gone"),
    ("NXDOMAIN of another zone", reply(rcode="NXDOMAIN", aa=True, authority=(soa("net"),)), "dns_wrong_zone"),
    ("NXDOMAIN of two zones", reply(rcode="NXDOMAIN", aa=True, authority=(soa("com"), soa("net"))), "dns_wrong_zone"),
    ("NXDOMAIN of the name's own zone", reply(rcode="NXDOMAIN", aa=True, authority=(soa("example.com"),)), "dns_wrong_zone"),
    (
        "NXDOMAIN of an alias",
        reply(rcode="NXDOMAIN", aa=True, answer=(rrset("example.com", "CNAME", "x.com."),), authority=(soa("com"),)),
        "dns_contradiction",
    ),
    (
        "NXDOMAIN with a delegation",
        reply(rcode="NXDOMAIN", aa=True, authority=(soa("com"), rrset("example.com", "NS", "ns.x.net."))),
        "dns_contradiction",
    ),
    ("CNAME", reply(aa=True, answer=(rrset("example.com", "CNAME", "parking.com."),)), "dns_auth_wildcard"),
    ("DNAME", reply(aa=True, answer=(rrset("com", "DNAME", "net."),)), "dns_auth_wildcard"),
    ("address", reply(aa=True, answer=(rrset("example.com", "A", "192.0.2.1"),)), "dns_auth_wildcard"),
    ("answer for another name", reply(aa=True, answer=(rrset("other.com", "NS", "ns.x.net."),)), "dns_mismatch"),
    ("upward referral to the root", reply(authority=(rrset("", "NS", "a.root-servers.net."),)), "dns_upward_referral"),
    ("sideways referral", reply(authority=(rrset("net", "NS", "a.gtld.net."),)), "dns_upward_referral"),
    ("referral to the suffix", reply(authority=(rrset("com", "NS", "a.gtld.net."),)), "dns_wrong_zone"),
    (
        "referral of two owners",
        reply(authority=(rrset("example.com", "NS", "a.x.net."), rrset("net", "NS", "a.x.net."))),
        "dns_upward_referral",
    ),
    ("nothing", reply(aa=True), "dns_empty"),
    ("SERVFAIL", reply(rcode="SERVFAIL"), "dns_servfail"),
    ("REFUSED", reply(rcode="REFUSED"), "dns_refused"),
    ("FORMERR", reply(rcode="FORMERR"), "dns_formerr"),
    ("NOTIMP", reply(rcode="NOTIMP"), "dns_notimp"),
    ("NOTAUTH", reply(rcode="NOTAUTH"), "dns_rcode"),
    ("SERVFAIL with a full negative", reply(rcode="SERVFAIL", aa=True, authority=(soa("com"),)), "dns_servfail"),
    ("another question", reply(name="other.com", rcode="NXDOMAIN", aa=True, authority=(soa("com"),)), "dns_mismatch"),
]
MEANING = {"dns_auth_referral": "registered", "dns_auth_nodata": "registered", "dns_auth_nxdomain": "unregistered"}


@pytest.mark.parametrize(("made", "finding"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_authoritative_rules(made: dns.message.Message, finding: str) -> None:
    """Only a delegation, a NODATA and a complete negative of the suffix mean something; the rest proves nothing."""
    assert read(made) == (MEANING.get(finding, "unknown"), finding)


RECURSIVE = [
    ("NXDOMAIN", reply(rcode="NXDOMAIN", authority=(soa("com"),)), "dns_recursive_nxdomain"),
    ("NXDOMAIN of a forwarder", reply(rcode="NXDOMAIN"), "dns_recursive_nxdomain"),
    ("NXDOMAIN of the root", reply(rcode="NXDOMAIN", authority=(soa(""),)), "dns_tld_gone"),
    ("NXDOMAIN of another zone", reply(rcode="NXDOMAIN", authority=(soa("example.com"),)), "dns_wrong_zone"),
    (
        "NXDOMAIN of an alias",
        reply(rcode="NXDOMAIN", answer=(rrset("example.com", "CNAME", "x.com."),)),
        "dns_contradiction",
    ),
    ("NS", reply(answer=(rrset("example.com", "NS", "ns.x.net."),)), "dns_recursive_positive"),
    ("CNAME", reply(answer=(rrset("example.com", "CNAME", "x.net."),)), "dns_recursive_alias"),
    ("NODATA", reply(authority=(soa("com"),)), "dns_recursive_nodata"),
    ("SERVFAIL", reply(rcode="SERVFAIL"), "dns_servfail"),
]


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
    assert wire.matches(good, query)
    assert not wire.matches(b"\x12\x35" + good[2:], query)
    assert not wire.matches(good[:2] + b"\0" + good[3:], query)
    assert not wire.matches(good[:2] + bytes((good[2] | 0x28,)) + good[3:], query)
    assert not wire.matches(swapped, query)
    assert wire.matches_but_case(swapped, query)
    assert not wire.matches(good[:12], query)
    assert not wire.matches(b"", query)
    assert wire.is_bare_error(good[:3] + b"\x05" + bytes(8), query)
    assert not wire.is_bare_error(good[:3] + b"\x03" + bytes(8), query)


def test_description_is_readable_and_bounded() -> None:
    """The evidence names the code, the question and the records that matter, in a bounded text."""
    text = parser.describe(wire.parse(REFERRAL.to_wire()))

    assert text.splitlines()[:3] == ["NOERROR rd", "question example.com NS", "authority example.com NS ns2.example.net"]
    assert "serial 1790000000" in parser.describe(wire.parse(NXDOMAIN.to_wire()))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600), st.booleans())
def test_any_bytes_give_a_reading(data: bytes, recursive: bool) -> None:
    """Reading is total, and noise is never a verdict."""
    assert parser.read(data, "example.com", "com", recursive=recursive).outcome is Outcome.UNKNOWN


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 3), st.sampled_from([0x8400, 0x8000, 0x8403, 0x8003]))
def test_noise_behind_a_true_question_gives_a_reading(tail: bytes, answers: int, flags: int) -> None:
    """With the right header and question in front, the record parser itself meets the noise."""
    question = b"\x07example\x03com\0\0\2\0\1"
    header = b"\0\1" + flags.to_bytes(2) + b"\0\1" + answers.to_bytes(2) + b"\0\2\0\1"

    assert parser.read(header + question + tail, "example.com", "com").outcome is not Outcome.UNREGISTERED


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

        assert parser.read(bytes(data), "example.com", "com").outcome is not Outcome.UNREGISTERED


def test_every_cut_of_an_answer_is_unknown() -> None:
    """An answer that lost its end proves nothing, wherever it was cut."""
    for made in (REFERRAL, NXDOMAIN):
        data = made.to_wire()
        for size in range(len(data)):
            assert read(data[:size])[0] == "unknown"


def test_wire_parser_agrees_with_another_implementation() -> None:
    """Sections, owners and targets are the same that dnspython reads."""
    for made in (REFERRAL, NXDOMAIN, *(rule[1] for rule in RULES)):
        mine = wire.parse(made.to_wire())
        theirs = dns.message.from_wire(made.to_wire())
        for records, rrsets in ((mine.answer, theirs.answer), (mine.authority, theirs.authority)):
            expected = [(item.name.to_text(omit_final_dot=True).strip("."), item.rdtype) for item in rrsets for _ in item]
            assert [(record.owner, record.rtype) for record in records] == expected
