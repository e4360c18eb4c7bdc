"""The way from this instance to the leader: unix sockets where both see the same directory, else tcp."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from common.bus.bus_endpoints import local_addresses
from common.bus.curve_keys import public_key
from common.clients.route_address import find_route_address
from common.config import Settings
from common.setting_parsers import ANYWHERE
from common.socket_paths import socket_directory
from common.store.lease_contract import Addresses, Leader
from common.work_endpoints import feed_endpoint

#: Changes with each start of the kernel, and is the same in all containers above it (random(4)).
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_REMEDY = (
    "set BUS_ENDPOINT=tcp://0.0.0.0:5550, one BUS_SECRET_KEY and, where that does not help, INSTANCE_ADDRESS on all instances"
)


class Way(NamedTuple):
    """Where the leader is reached, and why it is not, with the remedy; "" where it is."""

    addresses: Addresses
    trouble: str = ""


def leader_addresses(settings: Settings, epoch: int) -> Addresses:
    """Where an instance is reached as the leader of an epoch, here and on other hosts. The look-up of a name may block."""
    here = local_addresses(settings, epoch)
    outside = _find_outside(settings)
    return here._replace(server_key=public_key(settings), outside=outside, place=find_place(here.bus))


def find_place(bus: str) -> str:
    """What tells whether two processes see the same directory for the sockets of a bus on ipc; "" where it is not known.

    A path alone does not: every container has the same. Kernel, device and inode do, whatever the path.
    """
    try:
        directory = Path(bus.removeprefix("ipc://")).parent.stat()
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(f"{boot} {directory.st_dev} {directory.st_ino}".encode()).hexdigest()[:16]


def _find_outside(settings: Settings) -> str:
    """BUS_ENDPOINT as other hosts reach it; "" where they do not, or no address is known."""
    scheme, _, rest = settings.bus_endpoint.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme != "tcp":
        return ""
    found = settings.instance_address or (host if host not in ANYWHERE else _find_own_address(settings))
    bare = (found or "").strip("[]")
    return f"tcp://[{bare}]:{port}" if ":" in bare else f"tcp://{bare}:{port}" if bare else ""


def _find_own_address(settings: Settings) -> str | None:
    """The address of this host on the way to the server of the store; None where the store is a file, or on this host."""
    if settings.store_in_file:
        return None
    server = urlsplit(settings.store_url).netloc.rpartition("@")[2].split(",")[0]
    host = server.partition("]")[0].lstrip("[") if server.startswith("[") else server.partition(":")[0]
    return find_route_address(host) if host else None


def choose_way(settings: Settings, leader: Leader) -> Way:
    """The way to this leader."""
    own = public_key(settings)
    if not leader.place or find_place(leader.bus) == leader.place:
        way = leader.addresses()
    elif leader.outside:
        way = Addresses(leader.outside, feed_endpoint(leader.outside), leader.server_key)
    else:
        nowhere = f"ipc://{socket_directory(settings.state_dir) / 'unreachable'}"
        what = f"instance {leader.instance} leads on another host, and its address is not known"
        return Way(Addresses(nowhere, nowhere), f"{what}; {_REMEDY}")
    if own != leader.server_key:
        what = f"instance {leader.instance} leads with another BUS_SECRET_KEY"
        return Way(way, f"{what}; all instances of one store need the same, and none of them BUS_SERVER_KEY")
    return Way(way)
