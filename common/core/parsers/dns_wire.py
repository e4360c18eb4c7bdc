"""DNS messages as bytes: parse them within bounds, and build queries (RFC 1035 section 4, RFC 6891).

Names are text: lower case, without the final dot, the root is "". A byte that no host name holds becomes a backslash and three
digits, so that a label with a dot inside is never taken for two. What an answer means is decided in `common.core.parsers.dns`.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple, Protocol

from msgspec import Struct

A, NS, CNAME, SOA, AAAA, DNAME, OPT, NSEC = 1, 2, 5, 6, 28, 39, 41, 47
IN = 1
#: Bits of the header's second word (RFC 1035 section 4.1.1).
QR, AA, TC, RD, RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
OPCODE_MASK, RCODE_MASK = 0x7800, 0x000F
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
TYPE_NAMES = {A: "A", NS: "NS", CNAME: "CNAME", SOA: "SOA", AAAA: "AAAA", DNAME: "DNAME", OPT: "OPT", NSEC: "NSEC"}
RCODE_NAMES = {
    NOERROR: "NOERROR",
    FORMERR: "FORMERR",
    SERVFAIL: "SERVFAIL",
    NXDOMAIN: "NXDOMAIN",
    NOTIMP: "NOTIMP",
    REFUSED: "REFUSED",
}

#: Largest DNS message, in bytes (RFC 1035 section 4.2.2).
MAX_WIRE = 65_535
#: Most records read of one message; the largest honest referral has under a hundred.
MAX_RECORDS = 512
#: Most compression pointers followed in one name.
MAX_POINTERS = 64
#: The UDP payload size announced in EDNS, in bytes: fits every path without fragments (DNS flag day 2020).
UDP_SIZE = 1232

_HEADER = 12
_EDNS = b"\0" + OPT.to_bytes(2) + UDP_SIZE.to_bytes(2) + bytes(6)
_PLAIN = b"abcdefghijklmnopqrstuvwxyz0123456789-_."
_CASE_BIT = bytes(0x20 if chr(byte).isascii() and chr(byte).isalpha() else 0 for byte in range(256))


class WireError(ValueError):
    """Raised for bytes that are no well-formed DNS message."""


class Bits(Protocol):
    """A source of random bits: `random.SystemRandom()` in service, `random.Random(seed)` in tests."""

    def getrandbits(self, k: int, /) -> int:
        """`k` random bits as an integer."""
        ...


class Record(Struct, frozen=True, gc=False):
    """One resource record; its data is `wire[start:end]` of the message, because names inside may point anywhere before."""

    owner: str
    rtype: int
    rclass: int
    ttl: int
    start: int
    end: int


class Question(NamedTuple):
    """The entry of the question section."""

    name: str
    rtype: int
    rclass: int


class Message(Struct, frozen=True):
    """One parsed message. `rcode` is the full code: that of the header extended by EDNS."""

    wire: bytes
    flags: int
    rcode: int
    question: Question | None
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()

    @property
    def is_answer(self) -> bool:
        """QR is set and the opcode is QUERY."""
        return self.flags & (QR | OPCODE_MASK) == QR

    @property
    def is_authoritative(self) -> bool:
        """AA is set."""
        return bool(self.flags & AA)

    @property
    def is_truncated(self) -> bool:
        """TC is set: the sections are incomplete."""
        return bool(self.flags & TC)


def parse_message(wire: bytes) -> Message:
    """Parse a message; of a truncated one only header and question. Raises WireError for what is malformed or too large."""
    if not _HEADER <= len(wire) <= MAX_WIRE:
        raise WireError(f"{len(wire)} bytes")
    flags = int.from_bytes(wire[2:4])
    counts = [int.from_bytes(wire[at : at + 2]) for at in (4, 6, 8, 10)]
    if counts[0] > 1 or sum(counts) > MAX_RECORDS:
        raise WireError(f"counts {counts}")
    question, at = _read_question(wire) if counts[0] else (None, _HEADER)
    rcode = flags & RCODE_MASK
    if flags & TC:
        return Message(wire, flags, rcode, question)
    sections = []
    for count in counts[1:]:
        records, at = _read_records(wire, at, count)
        sections.append(records)
    if at != len(wire):
        raise WireError(f"{len(wire) - at} bytes too many")
    return Message(wire, flags, rcode | _extended_rcode(sections[2]), question, *sections)


def read_name(wire: bytes, start: int) -> tuple[str, int]:
    """The name at `start` and the offset behind it. Raises WireError; pointers must lead backwards, so that every name ends."""
    labels: list[bytes] = []
    at = limit = start
    after = pointers = 0
    length = 1
    size = len(wire)
    while True:
        if at >= size:
            raise WireError("name runs past the end")
        octet = wire[at]
        if octet == 0:
            return _join_labels(labels), after or at + 1
        if octet >= 0xC0:
            target = int.from_bytes(wire[at : at + 2]) & 0x3FFF
            pointers += 1
            if at + 2 > size or target >= limit or pointers > MAX_POINTERS:
                raise WireError("bad compression pointer")
            after = after or at + 2
            limit = at = target
            continue
        end = at + 1 + octet
        length += octet + 1
        if octet > 63 or end > size or length > 255:
            raise WireError("bad label")
        labels.append(wire[at + 1 : end])
        at = end


def encode_name(name: str) -> bytes:
    """A name as uncompressed labels in lower case. Raises ValueError for characters or lengths that no host name has."""
    raw = name.lower().encode("ascii")
    if raw.translate(None, _PLAIN):
        raise ValueError(f"{name[:80]!r} holds a character that no host name has")
    if not raw:
        return b"\0"
    labels = raw.split(b".")
    if len(raw) > 253 or any(not 0 < len(label) < 64 for label in labels):
        raise ValueError(f"{name[:80]!r} has a label or a length outside RFC 1035")
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def build_query(
    name: str, rtype: int, query_id: int, rng: Bits | None = None, *, recursive: bool = False, edns: bool = True
) -> bytes:
    """Build one query of class IN. `rng` mixes the case of its letters (0x20), `recursive` sets RD, `edns` adds an OPT record.

    The OPT record announces 1232 bytes with DO=0. Raises ValueError where the name cannot be encoded.
    """
    labels = encode_name(name)
    if rng is not None:
        mask = int.from_bytes(labels.translate(_CASE_BIT)) & rng.getrandbits(8 * len(labels))
        labels = (int.from_bytes(labels) ^ mask).to_bytes(len(labels))
    flags = b"\x01\x00" if recursive else b"\0\0"
    counts = b"\0\1\0\0\0\0\0\1" if edns else b"\0\1\0\0\0\0\0\0"
    question = labels + rtype.to_bytes(2) + b"\0\1"
    return query_id.to_bytes(2) + flags + counts + question + (_EDNS if edns else b"")


def matches_query(wire: bytes, query: bytes) -> bool:
    """Whether `wire` answers `query`: id, QR, opcode and the question byte for byte, letter case included (RFC 5452)."""
    end = _question_end(query)
    return _is_reply(wire, query) and wire[4:6] == b"\0\1" and wire[_HEADER:end] == query[_HEADER:end]


def matches_query_but_case(wire: bytes, query: bytes) -> bool:
    """Like `matches_query`, but the question may come back in another letter case."""
    end = _question_end(query)
    return _is_reply(wire, query) and wire[4:6] == b"\0\1" and wire[_HEADER:end].lower() == query[_HEADER:end].lower()


def is_bare_error(wire: bytes, query: bytes) -> bool:
    """Whether `wire` is an error reply without a question. It proves nothing, so nothing is gained by forging one."""
    return _is_reply(wire, query) and wire[4:6] == b"\0\0" and wire[3] & 0x0F in (FORMERR, SERVFAIL, NOTIMP, REFUSED)


def target_of(message: Message, record: Record) -> str:
    """The name in the data of an NS, CNAME or DNAME record. Raises WireError."""
    name, end = read_name(message.wire, record.start)
    if end != record.end:
        raise WireError("name does not fill its record")
    return name


def serial_of(message: Message, record: Record) -> int:
    """The serial in the data of an SOA record. Raises WireError."""
    _, at = read_name(message.wire, record.start)
    _, at = read_name(message.wire, at)
    if at + 20 != record.end:
        raise WireError("SOA of another length")
    return int.from_bytes(message.wire[at : at + 4])


def address_of(message: Message, record: Record) -> str:
    """The address in the data of an A or AAAA record. Raises WireError."""
    data = message.wire[record.start : record.end]
    if len(data) != (4 if record.rtype == A else 16):
        raise WireError("address of another length")
    return str(ipaddress.ip_address(data))


def nsec_has(message: Message, record: Record, rtype: int) -> bool:
    """Whether the type bitmap of an NSEC record names `rtype` (RFC 4034 section 4.1.2). Raises WireError."""
    _, at = read_name(message.wire, record.start)
    wire, end, window = message.wire, record.end, rtype >> 8
    found = False
    while at < end:
        size = wire[at + 1] if at + 2 <= end else 0
        if not 1 <= size <= 32 or at + 2 + size > end:
            raise WireError("bad type bitmap")
        octet = (rtype & 0xFF) >> 3
        if wire[at] == window and octet < size:
            found = found or bool(wire[at + 2 + octet] & (0x80 >> (rtype & 7)))
        at += 2 + size
    return found


def _read_question(wire: bytes) -> tuple[Question, int]:
    name, at = read_name(wire, _HEADER)
    if at + 4 > len(wire):
        raise WireError("question runs past the end")
    return Question(name, int.from_bytes(wire[at : at + 2]), int.from_bytes(wire[at + 2 : at + 4])), at + 4


def _read_records(wire: bytes, at: int, count: int) -> tuple[tuple[Record, ...], int]:
    records = []
    for _ in range(count):
        owner, at = read_name(wire, at)
        start = at + 10
        end = start + int.from_bytes(wire[at + 8 : start])
        if start > len(wire) or end > len(wire):
            raise WireError("record runs past the end")
        rtype, rclass = int.from_bytes(wire[at : at + 2]), int.from_bytes(wire[at + 2 : at + 4])
        ttl = int.from_bytes(wire[at + 4 : at + 8])
        records.append(Record(owner=owner, rtype=rtype, rclass=rclass, ttl=ttl, start=start, end=end))
        at = end
    return tuple(records), at


def _extended_rcode(additional: tuple[Record, ...]) -> int:
    """The upper bits of the rcode, which EDNS keeps in the TTL of the OPT record (RFC 6891 section 6.1.3)."""
    return next((record.ttl >> 24 << 4 for record in additional if record.rtype == OPT and record.owner == ""), 0)


def _join_labels(labels: list[bytes]) -> str:
    raw = b".".join(labels).lower()
    if not raw.translate(None, _PLAIN) and raw.count(b".") == max(0, len(labels) - 1):
        return raw.decode("ascii")
    return ".".join("".join(_escape_octet(octet) for octet in label.lower()) for label in labels)


def _escape_octet(octet: int) -> str:
    return chr(octet) if octet in _PLAIN and octet != 0x2E else f"\\{octet:03d}"


def _question_end(query: bytes) -> int:
    return query.index(0, _HEADER) + 5


def _is_reply(wire: bytes, query: bytes) -> bool:
    return len(wire) >= _HEADER and wire[:2] == query[:2] and wire[2] & 0xF8 == 0x80
