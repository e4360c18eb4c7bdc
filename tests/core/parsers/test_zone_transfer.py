"""Messages of a zone transfer: read as the careful parser reads them, and total."""

import contextlib

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.parsers.zone_transfer import read_transfer_message

SOA = dns.rrset.from_text("se.", 900, "IN", "SOA", "a.nic.se. hostmaster.se. 7 1800 900 604800 900")


def message(*rrsets, number=5, flags=0x8400, question=True, additional=()):
    """The wire of an answer to a transfer of .se."""
    answer = dns.message.QueryMessage(number)
    answer.flags = flags
    if question:
        answer.question = dns.message.make_query("se", "AXFR").question
    answer.answer = list(rrsets)
    answer.additional = list(additional)
    return answer.to_wire(max_size=65_535)


def ns(owner, *hosts):
    """A delegation."""
    return dns.rrset.from_text(owner, 900, "IN", "NS", *(hosts or ("ns1.example.net.", f"ns2.{owner}")))


def test_owners_of_ns_records_below_the_apex_are_delegated():
    """Glue, the servers of the zone and signatures are no delegations; names come in lower case and once in a row."""
    glue = dns.rrset.from_text("ns2.b.se.", 900, "IN", "A", "198.18.0.1")
    ds = dns.rrset.from_text("a.se.", 900, "IN", "DS", "1 8 2 " + "ab" * 32)
    found = read_transfer_message(message(SOA, ns("se."), ns("A.se."), ds, ns("b.se."), glue), 5, "se")
    assert found.delegated == ["a.se", "b.se"]
    assert (found.serials, found.first, found.last, found.records) == ([7], True, False, 9)


def test_a_message_may_end_with_the_soa_and_have_no_question():
    """Later messages have the SOA record last, and need no question (RFC 5936 section 2.2.1)."""
    found = read_transfer_message(message(ns("c.se."), SOA, question=False), 5, "se")
    assert (found.delegated, found.serials, found.first, found.last) == (["c.se"], [7], False, True)


def test_a_dot_inside_a_label_makes_no_other_name():
    """The label `www.bank` below .se is not the name bank.se."""
    owner = b"\x08www.bank\xc0\x0c"
    wire = message(SOA) + owner + b"\0\x02\0\x01\0\0\0\0\0\x02\xc0\x0c"
    found = read_transfer_message(wire[:7] + b"\x02" + wire[8:], 5, "se")
    assert found.delegated == ["www\\.bank.se"]


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        (message(SOA, number=6), "another query"),
        (message(SOA, flags=0x8405), "rcode 5"),
        (message(SOA, flags=0x8600), "truncated"),
        (message(SOA, flags=0x0400), "no answer"),
        (message(SOA)[:-3], "cut off"),
        (message(SOA) + b"x", "behind the last"),
        (message(SOA, ns("other.test.")), "outside the zone"),
        (message(SOA, additional=[ns("a.se.")]), "behind the answers"),
        (message(SOA)[:4] + b"\0\x02" + message(SOA)[6:], "more than one question"),
        (message(SOA)[:12] + b"\xc0\x0c" + message(SOA)[16:], "points to itself"),
        (message(SOA)[:12] + b"\x02no" + message(SOA)[15:], "another zone"),
        (b"\0\x05", "cut off"),
    ],
)
def test_what_is_no_answer_is_said(wire, said):
    """One sentence for each way to be wrong."""
    with pytest.raises(ValueError, match=said):
        read_transfer_message(wire, 5, "se")


def test_pointers_are_followed_a_bounded_number_of_times():
    """A ladder of pointers is not climbed."""
    steps = [23, *(24 + 2 * step for step in range(1, 40))]  # each pointer to the one before it, the first to a name
    ladder = b"\x01a\0" + b"".join(b"\xc0" + bytes([target]) for target in steps)
    head = b"\0\x05\x84\0\0\0\0\x02\0\0\0\0" + b"\0\0\x10\0\x01\0\0\0\0" + len(ladder).to_bytes(2, "big")
    wire = head + ladder + b"\xc0" + bytes([len(head) + len(ladder) - 2]) + b"\0\x02\0\x01\0\0\0\0\0\0"
    with pytest.raises(ValueError, match="points to itself"):
        read_transfer_message(wire, 5, "se")


GOOD = message(SOA, ns("a.se."), ns("b.se."), SOA)


@given(st.binary(max_size=80), st.integers(0, len(GOOD)), st.integers(0, len(GOOD)))
def test_any_bytes_are_read_or_refused(noise, start, end):
    """Bytes of chance, and a good message with chance inside, end in a message or a ValueError."""
    for wire in (noise, GOOD[:start] + noise + GOOD[end:]):
        with contextlib.suppress(ValueError):
            assert read_transfer_message(wire, 5, "se").records >= 0
