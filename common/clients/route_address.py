"""The address of this host on the way to another one."""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import ip_address


def find_route_address(host: str, port: int = 9) -> str | None:
    """The address from which this host would talk to another; None where there is no route, or one to this host itself.

    Nothing is sent: a UDP socket that is connected only asks the kernel for the route. The look-up of a name may block.
    """
    with suppress(OSError):
        for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
            with suppress(OSError), socket.socket(family, kind) as sock:
                sock.connect(address)
                found: str = sock.getsockname()[0].partition("%")[0]
                if not ip_address(found).is_loopback:
                    return found
    return None
