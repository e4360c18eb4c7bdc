"""Where unix sockets live: their paths are short, whatever the state is called."""

from __future__ import annotations

import os
from pathlib import Path

#: Longest path of a unix socket on Linux in bytes (unix(7): 108 with the closing zero).
SOCKET_PATH_LIMIT = 107
#: Room left beside the longest name of a socket, and for what the bus appends to BUS_ENDPOINT, an epoch too, in bytes.
SOCKET_SUFFIX, BUS_SUFFIX = 10, 18
#: Ports of BUS_ENDPOINT on tcp: tasks, inbox and inner feed.
PORTS = 3


def socket_directory(state_dir: Path) -> Path:
    """Where unix sockets live: STATE_DIR/run, or a short path of our own where that would be too long for a socket."""
    if _fits(own := state_dir / "run"):
        return own
    import tempfile  # noqa: PLC0415  # for long paths alone: both would cost every health check some milliseconds
    from hashlib import sha256  # noqa: PLC0415

    name = f"domain-monitor-{os.getuid()}-{sha256(os.fsencode(state_dir)).hexdigest()[:16]}"
    short = Path(tempfile.gettempdir()) / name
    return short if _fits(short) else Path("/tmp") / name  # noqa: S108  # made private and checked by common.state_dir


def shard_ending(shard: int) -> str:
    """What the names of a shard's sockets end with; nothing for the first one."""
    return f"-s{shard}" if shard else ""


def shift_endpoint(endpoint: str, shards: int) -> str:
    """Where work sockets of a shard are, so many shards after that of this endpoint: on tcp three ports for each."""
    head, _, port = endpoint.rpartition(":")
    if not endpoint.startswith("tcp://") or not port.isdigit():
        return f"{endpoint}{shard_ending(shards)}"
    return f"{head}:{int(port) + PORTS * shards}"


def control_socket(instance_dir: Path) -> Path:
    """Where the control process of an instance takes connections from the proxy."""
    return socket_directory(instance_dir) / "control.sock"


def feed_socket(instance_dir: Path) -> Path:
    """Where the feed process of an instance does."""
    return socket_directory(instance_dir) / "feed.sock"


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory / "supervisor.sock")) + SOCKET_SUFFIX <= SOCKET_PATH_LIMIT
