"""Decide which IP addresses a request may be sent to: watched names, redirects and referrals are untrusted (SSRF)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from common.core.builtin.private_networks import (
    COMPATIBLE_V6,
    DENIED_V4,
    DENIED_V6,
    GLOBAL_V6,
    LOCAL_NAT64_V6,
    MAPPED_V6,
    METADATA,
    NAT64_V6,
    SIX_TO_FOUR_V6,
    TEREDO_V6,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_address(address: str | Address) -> Address | None:
    """Parse an address literal, an IPv4-mapped one to its IPv4 address; None for any other text."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed in MAPPED_V6:
        return IPv4Address(int(parsed) & 0xFFFF_FFFF)
    return parsed


def is_public(address: str | Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether the address is on the public internet, or inside a network of `allowed`. Total.

    IPv4-mapped and NAT64 addresses count as the IPv4 address inside; 6to4 and Teredo are denied whatever is inside, because
    both are out of use. Text that is no address is denied.
    """
    parsed = parse_address(address)
    if parsed is None:
        return False
    return in_networks(parsed, allowed) or _is_globally_reachable(parsed)


def in_networks(address: str | Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks holds the address (an IPv4-mapped one counts as IPv4)."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed.version == network.version and parsed in network for network in networks)


def is_metadata(address: str | Address) -> bool:
    """Whether the address is link-local or a cloud's metadata service, or is translated to one by a gateway.

    An address that embeds another (IPv4-mapped, NAT64, 6to4, Teredo) is checked for both. Text that is no address gives True.
    """
    parsed = parse_address(address.partition("%")[0] if isinstance(address, str) else address)
    if parsed is None or in_networks(parsed, METADATA):
        return True
    return isinstance(parsed, IPv6Address) and any(in_networks(inner, METADATA) for inner in _embedded_ipv4(parsed))


def _embedded_ipv4(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses to which a gateway may translate the address, in every place where they can be embedded."""
    bits = int(address)
    if address in NAT64_V6 or address in COMPATIBLE_V6:
        return [IPv4Address(bits & 0xFFFF_FFFF)]
    if address in LOCAL_NAT64_V6:  # behind a prefix of 48, 56, 64 or 96 bits, around the empty octet 8 (RFC 6052 section 2.2)
        octets = address.packed
        places = (octets[6:8] + octets[9:11], octets[7:8] + octets[9:12], octets[9:13], octets[12:16])
        return [IPv4Address(place) for place in places]
    if address in SIX_TO_FOUR_V6:
        return [IPv4Address((bits >> 80) & 0xFFFF_FFFF)]
    if address in TEREDO_V6:  # the server, and the client with every bit inverted
        return [IPv4Address((bits >> 64) & 0xFFFF_FFFF), IPv4Address(~bits & 0xFFFF_FFFF)]
    return []


def _is_globally_reachable(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in DENIED_V4)
    if address.scope_id is not None:
        return False
    if address in NAT64_V6:
        return _is_globally_reachable(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in GLOBAL_V6 and not any(address in network for network in DENIED_V6)
