"""The host of an HTTP authority (`host[:port]`, RFC 9110 section 7.2), in one spelling, so that two of them can be compared."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

_AUTHORITY = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})))(?::[0-9]{0,5})?")


def host_of(authority: str) -> str | None:
    """The host in lower case, without port, brackets and closing dot; None where the text is no authority."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return None
    six = match["six"]
    if six is None:
        return match["name"].lower().removesuffix(".")
    try:
        return IPv6Address(six).compressed
    except AddressValueError:
        return None
