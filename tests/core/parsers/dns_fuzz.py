"""Hostile DNS answers: every sample of the parser's tests, for several questions, mutated in many ways.

`python -m tests.core.parsers.dns_fuzz 1000000` searches for an answer that `dns_fast` accepts and the full parser does not.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from common.core.parsers import dns as careful
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, UNUSUAL, QuestionShape, classify_answer, shape_of
from common.core.parsers.dns_wire import NS, build_query, encode_name

FINDINGS = {DELEGATED: "dns_auth_referral", NXDOMAIN: "dns_auth_nxdomain"}
#: (name, zone asked): one, two and three labels below it, a suffix without a cut of its own, and the longest label.
QUESTIONS = (
    ("example.com", "com"),
    ("xn--bcher-kva.co.uk", "co.uk"),
    ("shop.co.test", "test"),
    ("a.b", "b"),
    ("x" * 63 + ".org", "org"),
)
_FLAGS = (0x8000, 0x8400, 0x8403, 0x8003, 0x8603, 0x8200, 0x8583, 0x81B0, 0x8405, 0x0400, 0xC403)
#: Bytes that mean something: pointers to the header, the question and its labels, types, lengths, flags.
_TELLING = (0, 1, 2, 3, 5, 6, 12, 13, 15, 20, 39, 41, 46, 63, 64, 0x80, 0x84, 0xC0, 0xC1, 0xFF)


def rrset(owner: str, rtype: str, *data: str) -> dns.rrset.RRset:
    """Records of one owner and type; names without the last dot."""
    return dns.rrset.from_text(owner + "." if owner else ".", 900, "IN", rtype, *data)


def soa(owner: str) -> dns.rrset.RRset:
    """The SOA record of a zone."""
    return rrset(owner, "SOA", "a.nic.test. hostmaster.test. 2026112301 1800 900 604800 900")


def answers(name: str, zone: str, query: bytes) -> Iterator[bytes]:
    """Answers to a query, honest and otherwise, as another implementation writes them."""
    owners = (name, zone, "", "other." + zone, "www." + name, "net")
    sections: list[tuple[list[dns.rrset.RRset], ...]] = [([], [], []), ([], [soa(zone), soa("net")], []), ([soa(zone)], [], [])]
    for owner in owners:
        hosts = rrset(owner, "NS", "ns1.host.net.", f"ns2.{name}.")
        sections += [
            ([], [soa(owner)], []),
            ([], [hosts], []),
            ([], [hosts], [rrset(f"ns2.{name}", "A", "192.0.2.1"), rrset(f"ns2.{name}", "AAAA", "2001:db8::1")]),
            ([], [hosts, soa(zone)], []),
            ([], [soa(zone), hosts], []),
            ([hosts], [], []),
            ([rrset(owner, "CNAME", "x.net.")], [soa(zone)], []),
            ([], [soa(zone), rrset(owner, "NSEC", "\\000.z. RRSIG NSEC TYPE128")], []),
            ([], [rrset(owner, "DS", "1 8 2 " + "ab" * 32), hosts], []),
        ]
    asked = dns.message.from_wire(query)
    for answer, authority, additional in sections:
        for edns in (-1, 0, 0x01000000):
            made = dns.message.make_response(asked)
            made.answer, made.authority, made.additional = answer, authority, additional
            made.use_edns(-1) if edns < 0 else made.use_edns(0, edns, 1232)
            wire = made.to_wire(max_size=65_535)
            for flags in _FLAGS:
                yield wire[:2] + flags.to_bytes(2) + wire[4:]


def mutated(wire: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, mostly behind the question; sometimes cut, doubled or grown."""
    data = bytearray(wire)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(2, len(data)) if rng.random() < 0.2 else rng.randrange(min(12, len(data) - 1), len(data))
        data[at] = rng.choice((rng.randrange(256), data[at] ^ (1 << rng.randrange(8)), rng.choice(_TELLING)))
    chance = rng.random()
    if chance < 0.05:
        del data[rng.randrange(len(data)) :]
    elif chance < 0.1:
        at = rng.randrange(len(data))
        data[at:at] = data[rng.randrange(len(data)) :][: rng.randrange(1, 20)]
    elif chance < 0.15:
        data += rng.randbytes(rng.randrange(1, 12))
    return bytes(data)


@cache
def corpus() -> list[tuple[str, str, bytes, bytes]]:
    """Name, zone, question section and answer of everything that is changed."""
    rng = random.Random(1)
    found = []
    for name, zone in QUESTIONS:
        query = build_query(name, NS, rng.getrandbits(16), rng)
        question = query[12:-11]
        found += [(name, zone, question, wire) for wire in answers(name, zone, query)]
    return found


@cache
def _shape(length: int, end: bytes, zone: str) -> QuestionShape:
    """One shape for all questions that may share it, with what it remembers."""
    return shape_of(bytes((length,)) + b"x" * length + end, encode_name(zone))


def believed(name: str, zone: str, question: bytes, wire: bytes) -> int:
    """The fast reader's code; fails where the careful parser does not say the same."""
    length = question[0]
    code = classify_answer(wire, question, _shape(length, question[length + 1 :].lower(), zone))
    if code != UNUSUAL:
        finding = careful.parse_dns_answer(wire, name, zone).finding
        assert finding == FINDINGS[code], (name, zone, wire.hex(), code, finding)
    return code


def fuzz(count: int, seed: int) -> Counter[int]:
    """Read `count` changed answers; how often each code came out."""
    rng = random.Random(seed)
    cases = corpus()
    usual = [case for case in cases if believed(*case) != UNUSUAL]
    codes: Counter[int] = Counter()
    for _ in range(count):
        name, zone, question, wire = rng.choice(usual if rng.random() < 0.7 else cases)
        codes[believed(name, zone, question, mutated(wire, rng))] += 1
    return codes


if __name__ == "__main__":
    print(fuzz(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
