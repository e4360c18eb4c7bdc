"""The DNS client: `shared_engine` for a process, `host_resolver` for clients that need the addresses of a host."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from weakref import WeakKeyDictionary

from common import clock
from common.clients.dns.engine import MOST_TRIES, AddressGuard, DnsEngine
from common.clients.dns.servers import Server
from common.clients.dns.transport import Endpoint, Exchanged, NoRouteError, NotListeningError
from common.clients.dns.zones import SuffixGoneError, Zone
from common.clients.guard import Guard
from common.config import Settings

__all__ = [
    "MOST_TRIES",
    "AddressGuard",
    "DnsEngine",
    "Endpoint",
    "Exchanged",
    "HostResolver",
    "NoRouteError",
    "NotListeningError",
    "Server",
    "SuffixGoneError",
    "Zone",
    "host_resolver",
    "shared_engine",
]

#: Seconds that one search for a host may take.
HOST_SECONDS = 10.0

_Key = tuple[int, Callable[[], float]]
_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Key, tuple[Settings, DnsEngine]]] = WeakKeyDictionary()


def shared_engine(settings: Settings, now: Callable[[], float] = clock.now) -> DnsEngine:
    """The engine of the running loop for these settings: everybody who asks DNS in a process shares zones and circuits."""
    engines = _engines.setdefault(asyncio.get_running_loop(), {})
    key = (id(settings), now)
    if key not in engines:
        # The settings are kept with the engine, so that their id cannot be used again meanwhile.
        engines[key] = (settings, DnsEngine(settings, Guard(settings), random.SystemRandom(), now))
    return engines[key][1]


class HostResolver:
    """The addresses of hosts, found like everything else: from the root, or through DNS_RESOLVERS."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def addresses(self, host: str) -> list[str]:
        """Every A and AAAA of a host, unvetted: let `Guard` decide before connecting. Raises ClientError."""
        return await shared_engine(self._settings).addresses(host, HOST_SECONDS)


def host_resolver(settings: Settings) -> HostResolver:
    """A resolver for HTTP and TCP clients."""
    return HostResolver(settings)
