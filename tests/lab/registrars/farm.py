"""All emulated registrars of a lab, each on an address of its own, and the settings that point the product at them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.lab import net
from tests.lab.faults import FaultTable
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.registrars.emulator import Emulator, find_emulators

Serve = Callable[[web.Application, socket.socket, ssl.SSLContext], Awaitable[None]]


class RegistrarFarm:
    """`emulators` by vendor; `enabled` are those that `environment` gives the product keys for, none to begin with."""

    def __init__(self, registry: Registry, faults: FaultTable, queries: QueryLog) -> None:
        self.emulators: dict[str, Emulator] = {
            vendor: kind(registry, faults, queries) for vendor, kind in sorted(find_emulators().items())
        }
        self.enabled: set[str] = set()
        self.port = 0

    def addresses(self) -> list[str]:
        """Where they listen."""
        return [net.registrar_address(number) for number, _ in enumerate(self.emulators)]

    def url(self, vendor: str) -> str:
        """The base URL of one."""
        return f"https://{net.registrar_address(list(self.emulators).index(vendor))}:{self.port}"

    def enable(self, *vendors: str) -> None:
        """Let the product ask these; all of them where none is named."""
        self.enabled |= set(vendors or self.emulators)

    def environment(self) -> dict[str, str]:
        """The settings of the enabled ones."""
        found = {name: value for vendor in self.enabled for name, value in self.emulators[vendor].credentials.items()}
        return {**found, "REGISTRAR_URLS": ",".join(f"{vendor}={self.url(vendor)}" for vendor in self.emulators)}

    def secrets(self) -> list[str]:
        """Every credential of the enabled ones."""
        return [value for vendor in self.enabled for value in self.emulators[vendor].credentials.values()]


async def start_farm(farm: RegistrarFarm, serve: Serve, context: ssl.SSLContext) -> None:
    """Start every emulator; `serve(application, socket, context)` keeps one running."""
    farm.port, sockets = net.tcp_group(farm.addresses())
    for emulator, address in zip(farm.emulators.values(), farm.addresses(), strict=True):
        await serve(emulator.application(), sockets[address], context)
