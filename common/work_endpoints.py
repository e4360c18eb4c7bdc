"""Which sockets the bus has, given where it is: apart from `common.bus`, for what passes connections on without ZeroMQ."""

from __future__ import annotations

from common.errors import ConfigError


def tasks_endpoint(base: str) -> str:
    """Where tasks are published, given BUS_ENDPOINT or the base of a leader's sockets."""
    return base if base.startswith("tcp://") else f"{base}-tasks"


def inbox_endpoint(base: str) -> str:
    """Where the coordinator listens, given such a base; on tcp the port after the one named."""
    return _next_port(base, 1) if base.startswith("tcp://") else f"{base}-inbox"


def feed_endpoint(base: str) -> str:
    """Where the inner feed is on tcp, given such a base: two ports after the one named."""
    return _next_port(base, 2)


def _next_port(base: str, more: int) -> str:
    host, _, port = base.rpartition(":")
    if not port.isdigit():
        raise ConfigError([f"BUS_ENDPOINT: {base!r} has no port"])
    return f"{host}:{int(port) + more}"
