"""Where an instance runs: in namespaces of its own, as a container or another host does, or as plain processes.

A namespace reaches the lab, whose servers listen on addresses of the loopback network, through a bridge: the kernel may route
these (`route_localnet`), and in the namespace they are no addresses of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

#: The loopback networks of the lab (`tests.lab.net`).
_LAB_NETWORKS = (
    "127.43.0.0/16",
    "127.44.0.0/16",
    "127.53.0.0/16",
    "127.70.0.0/16",
    "127.80.0.0/16",
    "127.81.0.0/16",
    "127.90.0.0/16",
)
#: The networks are 10.210.0.0/24 to 10.210.255.0/24; so many of them are tried.
_NETWORKS, _TRIES = 210, 20
#: The number of the first host in the network; this machine is 1.
_FIRST = 2
_TOOLS = ("ip", "iptables", "tc", "unshare")


class HostError(RuntimeError):
    """A namespace could not be made, or a command in it failed."""


class Host(NamedTuple):
    """One place for an instance. `prefix`: what its command begins with; `address`: its own in the network of all hosts."""

    name: str
    prefix: tuple[str, ...] = ()
    address: str = "127.0.0.1"
    namespace: str = ""

    async def run(self, *command: str) -> str:
        """Run a command in the network of this host; its output. Raises HostError."""
        return await run_command("ip", "netns", "exec", self.namespace, *command)

    async def cut(self, address: str, *how: str) -> None:
        """Lose packets to and from an address: all of them, or those that further conditions of iptables name."""
        await self.run("iptables", "-A", "INPUT", "-s", address, *how, "-j", "DROP")
        await self.run("iptables", "-A", "OUTPUT", "-d", address, *how, "-j", "DROP")

    async def slow(self, rate: str, delay: str) -> None:
        """Let through only so much in a second, with a queue that holds so much time of it (tc-tbf(8))."""
        await self.run(
            *("tc", "qdisc", "replace", "dev", f"{self.namespace}c", "root", "tbf"),
            *("rate", rate, "burst", "4kb", "latency", delay),
        )

    async def heal(self) -> None:
        """Lose nothing more, and let everything through."""
        await self.run("iptables", "-F")
        with contextlib.suppress(HostError):  # there was none
            await self.run("tc", "qdisc", "delete", "dev", f"{self.namespace}c", "root")


class Network:
    """The hosts of one cluster. `plain`: all are this machine."""

    def __init__(self, label: str, number: int, *, plain: bool) -> None:
        self.plain = plain
        self._label = label
        self._number = number
        self._made: dict[int, str] = {}

    @property
    def address(self) -> str:
        """The address of this machine in the network."""
        return "127.0.0.1" if self.plain else f"10.{self._number >> 8}.{self._number & 255}.1"

    @property
    def bridge(self) -> str:
        """The interface of this machine in the network."""
        return f"{self._label}br"

    def addresses(self, count: int) -> list[str]:
        """The addresses that the first so many hosts have, or will have."""
        return [self._address_of(index) for index in range(_FIRST, _FIRST + count)]

    async def add_host(self, name: str, first: int = _FIRST, disk: tuple[Path, Path] | None = None) -> Host:
        """A further host, with the lowest address that is free from the one with the number `first` on.

        `disk`: a directory, and where the processes of this host alone see it.
        """
        if self.plain:
            return Host(name)
        index = next(index for index in range(first, 250) if index not in self._made)
        space = f"{self._label}n{index}"
        self._made[index] = space
        await _make_namespace(space, self.bridge, self.address.rpartition(".")[0], index)
        inside: tuple[str, ...] = ("ip", "netns", "exec", space, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
        if disk is not None:
            inside += ("sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', *map(str, disk))
        return Host(name, inside, self._address_of(index), space)

    async def remove_host(self, host: Host) -> None:
        """Take a host away, in which nothing runs any more."""
        for index, space in list(self._made.items()):
            if space == host.namespace:
                await run_command("ip", "netns", "delete", space)
                with contextlib.suppress(HostError):  # it goes with the namespace, perhaps a moment later
                    await run_command("ip", "link", "delete", f"{space}h")
                del self._made[index]

    def _address_of(self, index: int) -> str:
        return f"{self.address.rpartition('.')[0]}.{index}"

    async def close(self) -> None:
        """Remove all namespaces."""
        if self.plain:
            return
        for space in self._made.values():
            with contextlib.suppress(HostError):
                await run_command("ip", "netns", "delete", space)
        with contextlib.suppress(HostError):
            await run_command("ip", "link", "delete", self.bridge)


@asynccontextmanager
async def open_network(*, plain: bool = False) -> AsyncIterator[Network]:
    """A network of namespaces where this user may make them, else a plain one; all of it goes when the block ends."""
    network = Network("", 0, plain=True) if plain or not await can_isolate() else await _find_free_network()
    try:
        yield network
    finally:
        await network.close()


async def _find_free_network() -> Network:
    """A network that no other campaign on this machine has, with its bridge. Raises HostError."""
    numbers = list(range(_NETWORKS << 8, (_NETWORKS << 8) + 256))
    random.SystemRandom().shuffle(numbers)
    trouble = HostError("")
    for number in numbers[:_TRIES]:
        network = Network(f"dm{number & 255:02x}", number, plain=False)
        # An address of its own: that of its lowest port would change when a host goes, and others would look for it.
        hardware = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        try:
            await run_command("ip", "link", "add", network.bridge, "address", hardware, "type", "bridge")
        except HostError as error:
            trouble = error
            continue
        await run_command("ip", "address", "add", f"{network.address}/24", "dev", network.bridge)
        await run_command("ip", "link", "set", network.bridge, "up")
        _allow_local_routes(network.bridge)
        return network
    raise trouble


async def can_isolate() -> bool:
    """Whether this user may make network and process namespaces."""
    if os.geteuid() != 0 or not all(map(shutil.which, _TOOLS)):
        return False
    probe = f"dmprobe{os.getpid()}"
    try:
        await run_command("ip", "netns", "add", probe)
    except HostError:
        return False
    try:
        await run_command("ip", "netns", "exec", probe, "unshare", "--pid", "--fork", "--mount-proc", "true")
    except HostError:
        return False
    finally:
        await run_command("ip", "netns", "delete", probe)
    return True


async def _make_namespace(space: str, bridge: str, network: str, index: int) -> None:
    inside, outside = f"{space}c", f"{space}h"
    commands: Sequence[tuple[str, ...]] = (
        ("ip", "netns", "add", space),
        ("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", space),
        ("ip", "link", "set", outside, "master", bridge, "up"),
        ("ip", "-n", space, "link", "set", "lo", "up"),
        ("ip", "-n", space, "address", "flush", "dev", "lo"),
        ("ip", "-n", space, "address", "add", "127.0.0.1/32", "dev", "lo"),
        ("ip", "-n", space, "address", "add", f"{network}.{index}/24", "dev", inside),
        ("ip", "-n", space, "link", "set", inside, "up"),
        ("ip", "netns", "exec", space, "sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1"),
        *(("ip", "-n", space, "route", "add", lab, "via", f"{network}.1") for lab in _LAB_NETWORKS),
    )
    for command in commands:
        await run_command(*command)


def _allow_local_routes(interface: str) -> None:
    Path(f"/proc/sys/net/ipv4/conf/{interface}/route_localnet").write_text("1")


async def run_command(*command: str) -> str:
    """Run a command to its end; its output. Raises HostError with what it said."""
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await child.communicate()
    if child.returncode:
        raise HostError(f"{' '.join(command)}: {out.decode(errors='replace').strip()[:300]}")
    return out.decode(errors="replace")
