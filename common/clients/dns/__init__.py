"""The DNS client: `shared_engine` for single queries, `shared_sweeps` for many, `host_resolver` for addresses of hosts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakKeyDictionary

from common import clock
from common.clients.address_guard import Guard
from common.clients.dns.engine import MOST_TRIES, AddressGuard, DnsEngine
from common.clients.dns.name_servers import NameServer
from common.clients.dns.sweep.sweep_engine import NO_SERVER, SweepEngine, SweepOutcome, UnusualAnswer
from common.clients.dns.transport import Endpoint, Exchanged, NoRouteError
from common.clients.dns.zone_finder import SuffixGoneError, Zone
from common.config import Settings

__all__ = [
    "MOST_TRIES",
    "NO_SERVER",
    "AddressGuard",
    "DnsEngine",
    "Endpoint",
    "Exchanged",
    "HostResolver",
    "NameServer",
    "NoRouteError",
    "SuffixGoneError",
    "SweepEngine",
    "SweepOutcome",
    "UnusualAnswer",
    "Zone",
    "host_resolver",
    "shared_engine",
    "shared_sweeps",
]

#: Seconds that one search for a host may take.
HOST_SECONDS = 10.0

_Key = tuple[int, Callable[[], float]]


class _Engines(NamedTuple):
    """The engines for some settings, kept with them so that the id of the settings cannot be used again meanwhile."""

    settings: Settings
    dns: DnsEngine
    sweeps: SweepEngine


_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Key, _Engines]] = WeakKeyDictionary()


def shared_engine(settings: Settings, now: Callable[[], float] = clock.now) -> DnsEngine:
    """The engine of the running loop for these settings: all DNS clients of a process share zones and circuits."""
    return _engines_for(settings, now).dns


def shared_sweeps(settings: Settings, now: Callable[[], float] = clock.now) -> SweepEngine:
    """The sweeps of the running loop for these settings, on top of `shared_engine`."""
    return _engines_for(settings, now).sweeps


def _engines_for(settings: Settings, now: Callable[[], float]) -> _Engines:
    engines = _engines.setdefault(asyncio.get_running_loop(), {})
    key = (id(settings), now)
    if key not in engines:
        bits = random.SystemRandom()
        engine = DnsEngine(settings, Guard(settings), bits, now)
        engines[key] = _Engines(settings, engine, SweepEngine(engine, bits, now))
    return engines[key]


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
