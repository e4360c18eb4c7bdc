"""Which callers are at this very machine: loopback and, where that is trusted, the network's default gateway.

A port that a container publishes to its host's loopback is reached through the gateway of the container's network, and
nothing else comes from there; a container beside ours calls from an address of its own. What comes through the proxy carries
its word about that (`common.proxy_header`).
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

Address = IPv4Address | IPv6Address

#: Where the kernel shows its routes (proc(5)), for IPv4 and IPv6.
ROUTES, ROUTES_6 = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
#: RTF_GATEWAY of linux/route.h: the route leads through a gateway.
THROUGH_GATEWAY = 0x2
#: Seconds that the gateways stay good once they were read.
GATEWAYS_GOOD = 5.0


def parse_address(text: str) -> Address | None:
    """An address without scope, one mapped into IPv6 (RFC 4291 section 2.5.5.2) as IPv4; None where the text is no address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(address: Address) -> bool:
    """Whether an address is this machine's own."""
    return address.is_loopback


def default_gateways(routes: Path = ROUTES, routes_6: Path = ROUTES_6) -> frozenset[Address]:
    """The default gateways by the kernel's routing tables; none where those cannot be read."""
    return frozenset({*_ipv4_gateways(routes), *_ipv6_gateways(routes_6)})


@dataclass(frozen=True, slots=True)
class ProxiedPeer:
    """The other end of a connection that the proxy passes on. `local`: it is at this machine, as the proxy sees it."""

    address: Address
    port: int
    local: bool


class Peers:
    """Tells callers at this machine from others. `find` names further trusted addresses; `now` is steady, in seconds."""

    def __init__(
        self,
        now: Callable[[], float],
        find: Callable[[], frozenset[Address]] = frozenset,
        loopback: Callable[[Address], bool] = is_loopback,
    ) -> None:
        self._now = now
        self._find = find
        self._loopback = loopback
        self._found: tuple[float, frozenset[Address]] | None = None

    def is_local(self, peername: object) -> bool:
        """Whether a caller, by its socket's peer name or the proxy's word, is at this machine. An unknown one is not."""
        if isinstance(peername, ProxiedPeer):
            return peername.local
        if not isinstance(peername, tuple) or not peername:
            return False
        address = parse_address(str(peername[0]))
        return address is not None and (self._loopback(address) or address in self._gateways())

    def _gateways(self) -> frozenset[Address]:
        # Networks come and go while we run.
        now = self._now()
        if self._found is None or not 0 <= now - self._found[0] < GATEWAYS_GOOD:
            self._found = (now, self._find())
        return self._found[1]


def _read_rows(path: Path) -> Iterator[list[str]]:
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return
    yield from (line.split() for line in text.splitlines())


def _ipv4_gateways(path: Path) -> Iterator[Address]:
    for row in _read_rows(path):
        if len(row) < 8 or row[1] != "00000000" or row[7] != "00000000":
            continue
        if len(gateway := _bytes(row[2], 4)) == 4 and _flags(row[3]) & THROUGH_GATEWAY:
            # Written as a number in the byte order of this host.
            yield IPv4Address(int.from_bytes(gateway, "big").to_bytes(4, sys.byteorder))


def _ipv6_gateways(path: Path) -> Iterator[Address]:
    for row in _read_rows(path):
        if len(row) < 10 or row[0] != "0" * 32 or row[1] != "00":
            continue
        if len(gateway := _bytes(row[4], 16)) == 16 and any(gateway) and _flags(row[8]) & THROUGH_GATEWAY:
            yield IPv6Address(gateway)


def _bytes(text: str, size: int) -> bytes:
    try:
        return bytes.fromhex(text)[:size]
    except ValueError:
        return b""


def _flags(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0
