"""Where each socket of the bus is, from the settings."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from common.config import Settings
from common.socket_paths import shard_ending, socket_directory
from common.store.lease_contract import Addresses
from common.work_endpoints import inbox_endpoint, tasks_endpoint


def local_addresses(settings: Settings, epoch: int) -> Addresses:
    """Where the processes of this host reach the leader of an epoch: sockets of its own, named by the epoch.

    A second bind on a path would take over new connections without a word, while the first keeps those it has.
    """
    directory = socket_directory(settings.state_dir)
    shard = shard_ending(settings.shard)
    base = settings.bus_endpoint if settings.bus_endpoint.startswith("ipc://") else f"ipc://{directory / 'bus'}{shard}"
    return Addresses(f"{base}-{epoch}", f"ipc://{directory / 'inner-feed'}{shard}-{epoch}")


def remove_sockets_before(settings: Settings, epoch: int) -> None:
    """Remove the socket files that leaders of earlier epochs left. What is connected there stays connected."""
    mine = local_addresses(settings, epoch)
    for endpoint in (tasks_endpoint(mine.bus), inbox_endpoint(mine.bus), mine.feed):
        head, _, tail = endpoint.removeprefix("ipc://").rpartition(f"-{epoch}")
        of_any_epoch = re.compile(rf"{re.escape(Path(head).name)}-([0-9]{{1,18}}){re.escape(tail)}")
        with suppress(OSError):
            for path in Path(head).parent.iterdir():
                if (found := of_any_epoch.fullmatch(path.name)) and int(found[1]) < epoch:
                    path.unlink()


def worker_topic(worker: str, boot: str) -> bytes:
    """The private topic of one start of one worker; the semicolon keeps it from being a prefix of another."""
    return f"{worker}#{boot};".encode()


def pulse_topic(topic: bytes) -> bytes:
    """Where the pulse for a worker is published: a subscription to its private topic, which begins so, brings it too."""
    return topic + b"pulse"
