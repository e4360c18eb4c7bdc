"""The header before the first byte of a connection that the proxy passes on: which peer it comes from.

It is that of the PROXY protocol, version 2 (HAProxy: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, section 2.2),
with one field of the types that the protocol leaves to private use: whether the proxy takes the peer for one at this machine.
The proxy decides that, because loopback and the default gateway are those of its own network.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from common.errors import MessageError
from common.peers import ProxiedPeer, parse_address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
#: Most bytes of a header: the protocol guarantees that so many fit into one segment.
LARGEST = 536
#: Version 2, command PROXY; command LOCAL would say that the connection is the proxy's own, which never happens.
_PROXY = 0x21
#: TCP over IPv4 and IPv6 by the number of the protocol, and what follows it there: two addresses, two ports.
_FAMILIES: dict[int, tuple[type[IPv4Address | IPv6Address], int]] = {0x11: (IPv4Address, 4), 0x21: (IPv6Address, 16)}
#: Signature, version and command, family, bytes that follow; type and length of a field.
_FIXED, _FIELD = struct.Struct("!12sBBH"), struct.Struct("!BH")
#: PP2_TYPE_MIN_CUSTOM, the first type for private use. Its value is one byte: 1 at this machine, 0 elsewhere.
_AT_THIS_MACHINE = 0xE0


def encode_header(peer: ProxiedPeer, own: tuple[str, int]) -> bytes:
    """The header for a connection from a peer to an address of ours, both of one family: otherwise ValueError is raised."""
    target = parse_address(own[0])
    if target is None or target.version != peer.address.version:
        raise ValueError(f"no connection from {peer.address} to {own[0]!r}")
    family = 0x11 if target.version == 4 else 0x21
    field = _FIELD.pack(_AT_THIS_MACHINE, 1) + bytes([peer.local])
    body = peer.address.packed + target.packed + struct.pack("!HH", peer.port, own[1]) + field
    return _FIXED.pack(SIGNATURE, _PROXY, family, len(body)) + body


def parse_header(data: bytes) -> tuple[ProxiedPeer, int] | None:
    """The peer and the length of the header that data begins with, in bytes; None where more is needed.

    Raises MessageError where it is none, is longer than LARGEST, or does not say what ours says.
    """
    start = data[: len(SIGNATURE)]
    if start != SIGNATURE[: len(start)]:
        raise MessageError("no header of the PROXY protocol, version 2")
    if len(data) < _FIXED.size:
        return None
    _, command, family, length = _FIXED.unpack_from(data)
    if command != _PROXY or family not in _FAMILIES or _FIXED.size + length > LARGEST:
        raise MessageError("a header of the PROXY protocol that ours never is")
    end = _FIXED.size + length
    if len(data) < end:
        return None
    kind, size = _FAMILIES[family]
    body = data[_FIXED.size : end]
    if len(body) < 2 * size + 4:
        raise MessageError("a header of the PROXY protocol without addresses")
    (port,) = struct.unpack_from("!H", body, 2 * size)
    local = _read_fields(body[2 * size + 4 :]).get(_AT_THIS_MACHINE)
    if local not in {b"\0", b"\1"}:
        raise MessageError("a header of the PROXY protocol that does not say where its peer is")
    return ProxiedPeer(kind(body[:size]), port, local == b"\1"), end


def _read_fields(data: bytes) -> dict[int, bytes]:
    """The fields by their type. Raises MessageError where they do not end where the header ends, or one comes twice."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if len(data) - at < _FIELD.size:
            raise MessageError("a header of the PROXY protocol with half a field")
        kind, length = _FIELD.unpack_from(data, at)
        at += _FIELD.size
        if length > len(data) - at or kind in found:
            raise MessageError("a header of the PROXY protocol with a field that is too long or there twice")
        found[kind] = data[at : at + length]
        at += length
    return found
