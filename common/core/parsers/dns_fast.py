"""Recognise without a full parser the two DNS answers that nearly all names get: a plain referral, and NXDOMAIN with its SOA.

`classify_answer` accepts one form of each and returns UNUSUAL for everything else, which `common.core.parsers.dns` then parses.
It never accepts more than that parser does: DELEGATED is only returned where that one finds dns_auth_referral, NXDOMAIN only
where it finds dns_auth_nxdomain (RFC 1034 section 4.3.2, RFC 2308 section 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

#: OPEN: no usable answer so far. UNASKED: no query was sent, because the servers rate limit or refuse this client.
OPEN, DELEGATED, NXDOMAIN, UNUSUAL, UNASKED = range(5)

_HEADER = 12
#: Most NS records, and most records behind them, in a form that counts as usual.
_MOST_NS = 64
_MOST_OTHERS = 128
#: Most sets of NS records remembered for one shape.
_MOST_SECTIONS = 4096
#: Most compression pointers in one name; one more is still far from where the careful parser stops.
_MOST_POINTERS = 16
_NAME_NS_IN = b"\xc0\x0c\0\x02\0\x01"  # owner: a pointer to the question's name
_SOA_IN = b"\0\x06\0\x01"
_IN = b"\0\x01"
_OPT = 41


class QuestionShape(Struct, frozen=True):
    """What questions have in common that differ only in the letters of their first label. Offsets in the message."""

    end: int  # of the question section
    starts: tuple[int, ...]  # where the labels of the name begin; empty: no question that can be judged
    zone: bytes  # the zone asked, encoded in lower case
    zone_at: int  # where its name begins
    sections: dict[bytes, tuple[int, ...]]  # sets of NS records read before, with the offsets of their hosts


def shape_of(question: bytes, zone: bytes) -> QuestionShape:
    """The shape of a question section: one name, type and class. `zone` is the zone asked, encoded in lower case."""
    starts = _label_starts(question)
    at = len(question) - 4 - len(zone)
    below = at > 0 and _HEADER + at in starts and question[at:-4].lower() == zone and question[-2:] == _IN
    return QuestionShape(_HEADER + len(question), starts if below else (), zone, _HEADER + at, {})


def classify_answer(wire: bytes, question: bytes, shape: QuestionShape) -> int:
    """Classify an answer as DELEGATED, NXDOMAIN or UNUSUAL. `question` is the question section as sent, `shape` its shape.

    Total: any bytes give a code. The caller has matched the id. Among questions of one shape the code depends on nothing but
    flags, counts and the bytes behind the question, so it may be cached by these.
    """
    if len(wire) < shape.end or wire[_HEADER : shape.end] != question or not shape.starts:
        return UNUSUAL
    flags = (wire[2] & 0xFE) << 8 | wire[3] & 0x0F
    try:
        if flags == 0x8403 and wire[4:11] == b"\0\x01\0\0\0\x01\0" and wire[11] <= 1:
            return NXDOMAIN if _is_zone_denial(wire, shape) else UNUSUAL
        if flags == 0x8000 and wire[4:8] == b"\0\x01\0\0":
            return DELEGATED if _is_delegation(wire, shape) else UNUSUAL
    except IndexError:
        pass
    return UNUSUAL


def read_soa_serial(wire: bytes, shape: QuestionShape) -> int:
    """The SOA serial of an answer that `classify_answer` found to be NXDOMAIN."""
    at = _skip_name(wire, _skip_name(wire, _skip_name(wire, shape.end, shape) + 10, shape), shape)
    return int.from_bytes(wire[at : at + 4])


def _is_zone_denial(wire: bytes, shape: QuestionShape) -> bool:
    """Whether the answer holds one SOA record, owned by the zone asked, and at most an OPT record behind it."""
    end = shape.end
    if wire[end] >= 0xC0:
        own = (wire[end] & 0x3F) << 8 | wire[end + 1] == shape.zone_at
        at = end + 2
    else:
        at = end + len(shape.zone)
        own = wire[end:at].lower() == shape.zone
    if not own or wire[at : at + 4] != _SOA_IN:
        return False
    data_end = at + 10 + (wire[at + 8] << 8 | wire[at + 9])
    if _skip_name(wire, _skip_name(wire, at + 10, shape), shape) + 20 != data_end:
        return False
    return _skip_other_records(wire, data_end, wire[11], shape, ()) == len(wire)


def _is_delegation(wire: bytes, shape: QuestionShape) -> bool:
    """Whether the authority section holds only NS records, all owned by the name asked."""
    others = wire[10] << 8 | wire[11]
    count = wire[8] << 8 | wire[9]
    if not 0 < count <= _MOST_NS or others > _MOST_OTHERS:
        return False
    at = shape.end
    for _ in range(count):
        at += 12 + (wire[at + 10] << 8 | wire[at + 11])
    section = wire[shape.end : at]
    hosts = shape.sections.get(section)
    if hosts is None:
        hosts = _host_offsets(wire[:at], count, shape)  # without what follows: the result may depend on nothing else
        if len(shape.sections) < _MOST_SECTIONS:
            shape.sections[section] = hosts
    return bool(hosts) and _skip_other_records(wire, at, others, shape, hosts) == len(wire)


def _host_offsets(wire: bytes, count: int, shape: QuestionShape) -> tuple[int, ...]:
    """The offsets of the host names in `count` NS records owned by the name asked; empty if one is any other record."""
    hosts = []
    at = shape.end
    for _ in range(count):
        data_end = at + 12 + (wire[at + 10] << 8 | wire[at + 11])
        if wire[at : at + 6] != _NAME_NS_IN or _skip_name(wire, at + 12, shape) != data_end:
            return ()
        hosts.append(at + 12)
        at = data_end
    return tuple(hosts)


def _skip_other_records(wire: bytes, at: int, count: int, shape: QuestionShape, hosts: Sequence[int]) -> int:
    """The offset behind `count` additional records: addresses, and an OPT record without an error; -1 for anything else.

    `hosts` are offsets of names read before: most owners point there.
    """
    for _ in range(count):
        octet = wire[at]
        if octet >= 0xC0 and (octet & 0x3F) << 8 | wire[at + 1] in hosts:
            at += 2
        else:
            at = _skip_name(wire, at, shape)
        if at < 0 or (wire[at + 1] == _OPT and wire[at] == 0 and (octet or wire[at + 4])):
            return -1
        at += 10 + (wire[at + 8] << 8 | wire[at + 9])
    return at


def _skip_name(wire: bytes, start: int, shape: QuestionShape) -> int:
    """The offset behind the name at `start`, or -1. Raises IndexError where the name runs past the end.

    The bounds are those of `dns_wire.read_name`; besides, a pointer into the question may only lead to a label there.
    """
    if start < 0:
        return -1
    at = limit = start
    after = pointers = 0
    length = 1
    while octet := wire[at]:
        if octet >= 0xC0:
            target = (octet & 0x3F) << 8 | wire[at + 1]
            pointers += 1
            if target >= limit or pointers > _MOST_POINTERS or (target < shape.end and target not in shape.starts):
                return -1
            after = after or at + 2
            limit = at = target
            continue
        at += octet + 1
        length += octet + 1
        if octet > 63 or length > 255:
            return -1
    return after or at + 1


def _label_starts(question: bytes) -> tuple[int, ...]:
    starts = []
    at, last = 0, len(question) - 5
    while at < last and 0 < question[at] <= 63:
        starts.append(_HEADER + at)
        at += question[at] + 1
    return tuple(starts) if at == last and question[at] == 0 else ()
