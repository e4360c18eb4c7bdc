"""One message of a zone transfer (RFC 5936), read without building records: who is delegated, and where the SOA stands.

A zone of millions of delegations passes through here, so only owner names are put together; record data is skipped. Total:
whatever comes is a `TransferMessage` or a ValueError with one sentence.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!IIH")
_SERIAL = struct.Struct("!I")
#: Types, each with the class behind it as on the wire: IN for records of a zone.
_NS, _SOA = 2 << 16 | 1, 6 << 16 | 1
_OPT, _TSIG = 41, 250
#: QR, opcode, TC and rcode of the flags (RFC 1035 section 4.1.1); all but QR have to be zero.
_FLAGS, _ANSWER, _TRUNCATED, _RCODE = 0xFA0F, 0x8000, 0x0200, 0x000F
#: Longest name, in bytes (RFC 1035 section 2.3.4), and most compression pointers followed in one.
_LONGEST_NAME, _MOST_POINTERS = 255, 16


@dataclass(frozen=True, slots=True)
class TransferMessage:
    """`delegated`: owners of NS records below the apex, A-labels in lower case, repeated ones once in a row.

    `serials` are those of the SOA records of the apex, `first` and `last` say whether the first and the last record are such,
    `records` counts the answers.
    """

    delegated: list[str]
    serials: list[int]
    first: bool
    last: bool
    records: int


def read_transfer_message(wire: bytes, identity: int, zone: str) -> TransferMessage:
    """Read one message of the transfer of `zone` (A-labels, no final dot) whose query had this id.

    Raises ValueError where it is no answer to that query, is refused, broken, or holds records of another zone.
    """
    try:
        return _read(wire, identity, zone.encode("ascii"))
    except (IndexError, struct.error) as error:
        raise ValueError("a message is cut off") from error


def _read(wire: bytes, identity: int, zone: bytes) -> TransferMessage:
    number, flags, questions, answers, authorities, additional = _HEADER.unpack_from(wire)
    if number != identity:
        raise ValueError("an answer to another query")
    _check_flags(flags)
    if questions > 1:
        raise ValueError("more than one question")
    known: dict[int, bytes] = {}
    at = _HEADER.size
    if questions:
        asked, at = _read_name(wire, at, known)
        if asked != zone:
            raise ValueError("an answer about another zone")
        at += 4
    found, at = _read_answers(wire, at, answers, zone, known)
    _skip_rest(wire, at, authorities + additional, known)
    return found


def _check_flags(flags: int) -> None:
    if flags & _RCODE:
        raise ValueError(f"the server refuses the transfer (rcode {flags & _RCODE})")
    if flags & _TRUNCATED:
        raise ValueError("a message over TCP that calls itself truncated")
    if flags & _FLAGS != _ANSWER:
        raise ValueError("a message that is no answer")


def _read_answers(wire: bytes, at: int, count: int, zone: bytes, known: dict[int, bytes]) -> tuple[TransferMessage, int]:
    delegated: list[str] = []
    serials: list[int] = []
    first = last = False
    before, below = b"", b"." + zone
    for place in range(count):
        owner, at = _read_name(wire, at, known)
        kind, _, size = _FIXED.unpack_from(wire, at)
        at += _FIXED.size + size
        if at > len(wire):
            raise ValueError("a message is cut off")
        last = kind == _SOA and owner == zone
        first = first or (last and not place)
        if last:
            serials.append(_read_serial(wire, at - size, at, known))
        elif kind == _NS and owner not in (before, zone):
            if not owner.endswith(below):
                raise ValueError("it delegates a name outside the zone")
            before = owner
            delegated.append(owner.decode("latin-1"))
    return TransferMessage(delegated, serials, first, last, count), at


def _read_serial(wire: bytes, at: int, end: int, known: dict[int, bytes]) -> int:
    """The serial of a SOA record whose data stands here (RFC 1035 section 3.3.13)."""
    for _ in range(2):
        _, at = _read_name(wire, at, known)
    if end - at != 20:
        raise ValueError("a broken SOA record")
    return int(_SERIAL.unpack_from(wire, at)[0])


def _skip_rest(wire: bytes, at: int, count: int, known: dict[int, bytes]) -> None:
    """Look at what may stand behind the answers: EDNS and TSIG, nothing else, and not a byte more."""
    for _ in range(count):
        _, at = _read_name(wire, at, known)
        kind, _, size = _FIXED.unpack_from(wire, at)
        if kind >> 16 not in (_OPT, _TSIG):
            raise ValueError("records behind the answers")
        at += _FIXED.size + size
    if at != len(wire):
        raise ValueError("bytes behind the last record" if at < len(wire) else "a message is cut off")


def _read_name(wire: bytes, start: int, known: dict[int, bytes]) -> tuple[bytes, int]:
    """The name at a place, in lower case without its final dot, and where the next field begins.

    `known` holds the names of this message by place: most owners are one label and a pointer. A pointer has to point back
    (RFC 1035 section 4.1.4), so a name has an end.
    """
    parts: list[bytes] = []
    here = bound = start
    end = pointers = 0
    while length := wire[here]:
        if length >= 0xC0:
            target = (length & 0x3F) << 8 | wire[here + 1]
            end = end or here + 2
            if (tail := known.get(target)) is not None:
                parts.append(tail)
                break
            pointers += 1
            if target >= bound or pointers > _MOST_POINTERS:
                raise ValueError("a name that points to itself")
            here = bound = target
            continue
        if length >= 0x40:
            raise ValueError("a label of an unknown kind")
        label = wire[here + 1 : here + 1 + length]
        parts.append(label if b"." not in label else label.replace(b".", b"\\."))
        here += 1 + length
        if here - bound > _LONGEST_NAME:
            raise ValueError("a name of more than 255 bytes")
    name = b".".join(parts).lower()
    if len(name) > _LONGEST_NAME:
        raise ValueError("a name of more than 255 bytes")
    known[start] = name
    return name, end or here + 1
