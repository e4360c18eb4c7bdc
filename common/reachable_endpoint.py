"""Endpoints as settings name them, and as the other side has to write them."""

from __future__ import annotations

_ANYWHERE = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - replaced here, never bound


def connectable_endpoint(endpoint: str) -> str:
    """Where to connect for an endpoint that may be written as one to bind: every address means this machine."""
    scheme, _, rest = endpoint.partition("://")
    host, _, port = rest.rpartition(":")
    return f"{scheme}://{_ANYWHERE[host]}:{port}" if scheme == "tcp" and host in _ANYWHERE else endpoint
