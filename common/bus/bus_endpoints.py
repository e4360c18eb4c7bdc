"""Where each socket of the bus is, from the settings."""

from __future__ import annotations

from common.config import Settings
from common.errors import ConfigError
from common.socket_paths import socket_directory


def tasks_endpoint(base: str) -> str:
    """Where tasks are published, given BUS_ENDPOINT."""
    return base if base.startswith("tcp://") else f"{base}-tasks"


def inbox_endpoint(base: str) -> str:
    """Where the coordinator listens, given BUS_ENDPOINT; on tcp the port after the one named."""
    if not base.startswith("tcp://"):
        return f"{base}-inbox"
    host, _, port = base.rpartition(":")
    if not port.isdigit():
        raise ConfigError([f"BUS_ENDPOINT: {base!r} has no port"])
    return f"{host}:{int(port) + 1}"


def inner_feed_endpoint(settings: Settings) -> str:
    """Where the coordinator publishes for the processes of this host: a socket in a directory that only its user may enter."""
    return f"ipc://{socket_directory(settings.state_dir) / 'inner-feed'}"


def worker_topic(worker: str, boot: str) -> bytes:
    """The private topic of one start of one worker; the semicolon keeps it from being a prefix of another."""
    return f"{worker}#{boot};".encode()
