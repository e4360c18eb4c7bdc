"""The header of the proxy: the bytes of the specification, and nothing else is taken for it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from common.errors import MessageError
from common.peers import Peers, ProxiedPeer
from common.proxy_header import LARGEST, SIGNATURE, encode_header, parse_header

ELSEWHERE = ProxiedPeer(ip_address("192.0.2.7"), 4711, local=False)
HERE = ProxiedPeer(ip_address("2001:db8::1"), 65535, local=True)
V4 = encode_header(ELSEWHERE, ("198.51.100.9", 8000))
ADDRESSES = bytes([192, 0, 2, 7, 198, 51, 100, 9, 0x12, 0x67, 0x1F, 0x40])


def header(body: bytes, command: int = 0x21, family: int = 0x11, length: int | None = None) -> bytes:
    """A header with any content."""
    return SIGNATURE + bytes([command, family]) + (len(body) if length is None else length).to_bytes(2, "big") + body


def test_it_is_the_header_of_the_specification() -> None:
    """Signature, version 2 and PROXY, TCP over IPv4, length, addresses, ports, and a field of a private type."""
    assert bytes.fromhex("0D0A0D0A000D0A515549540A") + b"\x21\x11\x00\x10" + ADDRESSES + b"\xe0\x00\x01\x00" == V4
    assert encode_header(HERE, ("2001:db8::2", 1))[12:16] == b"\x21\x21\x00\x28"


@pytest.mark.parametrize(("peer", "own"), [(ELSEWHERE, "198.51.100.9"), (HERE, "2001:db8::2"), (HERE, "fe80::1%eth0")])
def test_what_is_written_is_read(peer: ProxiedPeer, own: str) -> None:
    """Address, port and the word about this machine come back, whatever follows."""
    written = encode_header(peer, (own, 8000))

    assert parse_header(written + b"GET / HTTP/1.1\r\n") == (peer, len(written))


def test_a_peer_and_an_own_address_of_two_families_are_refused() -> None:
    """One header holds one family; a name is no address."""
    for own in ("::1", "localhost"):
        with pytest.raises(ValueError, match=r"192\.0\.2\.7"):
            encode_header(ELSEWHERE, (own, 8000))


def test_every_beginning_asks_for_more() -> None:
    """A header that arrives byte by byte is waited for."""
    assert [parse_header(V4[:length]) for length in range(len(V4))] == [None] * len(V4)


def test_other_fields_are_passed_over() -> None:
    """As the protocol asks of a receiver."""
    assert parse_header(header(ADDRESSES + b"\x04\x00\x02ab\xe0\x00\x01\x01\x05\x00\x00")) == (
        ProxiedPeer(ELSEWHERE.address, 4711, local=True),
        16 + 12 + 5 + 4 + 3,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.9 4711 8000\r\n",
        b"\r\n\r\n\0\r\nQUIX",
        header(ADDRESSES + b"\xe0\0\1\1", command=0x20),  # LOCAL
        header(ADDRESSES + b"\xe0\0\1\1", command=0x11),  # version 1
        header(ADDRESSES + b"\xe0\0\1\1", family=0x12),  # UDP
        header(ADDRESSES + b"\xe0\0\1\1", family=0x31),  # a unix socket
        header(ADDRESSES + b"\xe0\0\1\1", family=0x21),  # too short for IPv6
        header(ADDRESSES[:-1]),
        header(b"", length=LARGEST - 16 + 1),
        header(ADDRESSES),
        header(ADDRESSES + b"\xe0\0"),
        header(ADDRESSES + b"\xe0\0\0"),
        header(ADDRESSES + b"\xe0\0\1\2"),
        header(ADDRESSES + b"\xe0\0\2\1\1"),
        header(ADDRESSES + b"\xe0\0\1\1\x04\0\2a"),
        header(ADDRESSES + b"\xe0\0\1\0\xe0\0\1\1"),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    """Other protocols and versions, other kinds of connection, lengths that lie, and no or two words about the machine."""
    with pytest.raises(MessageError):
        parse_header(data)


def test_the_largest_header_is_waited_for() -> None:
    """So many bytes are taken, and no more."""
    assert parse_header(header(b"", length=LARGEST - 16)) is None


@pytest.mark.parametrize("peer", [ELSEWHERE, HERE])
def test_the_word_of_the_proxy_decides(peer: ProxiedPeer) -> None:
    """Whether a peer is at this machine is not judged again by an address of another network."""
    assert Peers(lambda: 0.0, lambda: frozenset({ELSEWHERE.address})).is_local(peer) is peer.local
