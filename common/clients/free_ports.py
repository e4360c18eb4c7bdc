"""Asks the kernel whether an address can be listened on, before anything is started that would fail on it."""

from __future__ import annotations

import errno
import os
import socket

#: What "every address" is called in endpoints.
_ANY = {"*": "0.0.0.0", "": "0.0.0.0"}  # noqa: S104  # bound for a moment, never listened on


def why_not_listenable(host: str, port: int) -> str:
    """Why this TCP address cannot be listened on, as the end of a sentence; "" where it can. Port 0 always can."""
    if not port:
        return ""
    try:
        found = socket.getaddrinfo(_ANY.get(host, host), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        return f"cannot be resolved: {error.strerror or error}"
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                # As the servers do: what an earlier run closed a moment ago is free, what is listened on is not.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "is in use by another program"
            return f"cannot be listened on: {os.strerror(error.errno or 0)}"
    return ""
