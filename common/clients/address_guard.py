"""Decides where a connection may go: `common.core.registries.addresses`, and what only this host knows, its own addresses.

`Guard` is for names of strangers. `CustomerGuard` is for the two URLs that the operator sets: private networks are fine there,
but link-local and metadata addresses have to be named, for a name can be made to point at them without the operator.
"""

from __future__ import annotations

import socket
from ipaddress import IPv6Address

from common.config import Settings
from common.core.registries.addresses import Address, in_networks, is_metadata, is_public, parse_address
from common.errors import Refused


class Guard:
    """Lets public addresses through, and those of `ALLOWED_PRIVATE_NETWORKS`; never one of this host's own otherwise."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = settings.allowed_private_networks

    def allowed(self, address: str) -> bool:
        """Whether a connection to this address literal is allowed. Total: no address, no."""
        parsed = parse_address(address)
        if parsed is None:
            return False
        if in_networks(parsed, self._allowed):
            return True
        return is_public(parsed) and not is_own_address(parsed)

    def check(self, address: str) -> None:
        """Raise Refused unless the address is allowed."""
        if not self.allowed(address):
            raise Refused(f"{address} is not a public address")

    def vet(self, host: str, addresses: list[str]) -> list[str]:
        """The addresses of a host where all of them are allowed. Raises Refused where one is not, or there is none."""
        forbidden = [address for address in addresses if not self.allowed(address)]
        if forbidden or not addresses:
            raise Refused(f"{host} resolves to {forbidden[0] if forbidden else 'nothing'}, which is not a public address")
        return addresses


class CustomerGuard:
    """Lets every address through but link-local and metadata ones, and those if `ALLOWED_PRIVATE_NETWORKS` names them."""

    #: What is told where an address is refused.
    REASON = "its address is link-local or a metadata service, which ALLOWED_PRIVATE_NETWORKS does not allow"

    def __init__(self, settings: Settings) -> None:
        self._allowed = settings.allowed_private_networks

    def allowed(self, address: str) -> bool:
        """Whether a connection to this address literal is allowed. Total: no address, no."""
        return not is_metadata(address) or in_networks(address.partition("%")[0], self._allowed)


class StreamGuard(Guard):
    """For a stream server of the operator's: as `CustomerGuard`; in clear text only this host and private networks."""

    def __init__(self, settings: Settings, *, clear_text: bool) -> None:
        super().__init__(settings)
        self._operators = CustomerGuard(settings)
        self._clear_text = clear_text

    def allowed(self, address: str) -> bool:
        """Whether a connection to this address literal is allowed. Total: no address, no."""
        if not self._operators.allowed(address):
            return False
        return not self._clear_text or not is_public(address) or in_networks(address, self._allowed)


def is_own_address(address: Address) -> bool:
    """Whether the address belongs to an interface of this host.

    A datagram socket that is connected to one of our own addresses gets that very address as its source. Nothing is
    sent, and unlike a list made at start this follows addresses that come and go.
    """
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return parse_address(str(probe.getsockname()[0])) == address
    except OSError:
        return False
