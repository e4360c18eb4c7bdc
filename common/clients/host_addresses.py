"""A cache of the addresses of hosts that many requests go to: concurrent look-ups of a host are shared.

The system's look-up blocks a thread for as long as a name server is silent. A host has one at a time, and hosts that gave no
address last time share half of the threads. So dead hosts can hold up the others only once, when more than the other half of
`MOST_THREADS` hang together that were never looked up before. What is kept is never trusted: the guard vets at each connection.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Protocol

from common.clients.dns import host_resolver
from common.config import Settings
from common.errors import ClientError

#: Seconds that addresses count as fresh, that a failure is remembered, and that old addresses serve while new ones are sought.
FRESH_SECONDS, FAILURE_SECONDS, STALE_SECONDS = 60.0, 5.0, 3600.0
#: Most hosts kept; the oldest are forgotten first.
MOST_HOSTS = 4096
#: Most addresses kept of one host.
MOST_ADDRESSES = 16
#: Look-ups of the system at once: each blocks a thread. A container has room for a few hundred in all.
MOST_THREADS = 64


class Resolver(Protocol):
    """Finds addresses; `common.clients.dns.host_resolver` is one."""

    async def addresses(self, host: str) -> list[str]:
        """Every address of a host, unvetted. Raises ClientError."""
        ...


class SystemResolver:
    """Asks the system, each time in a thread of its own, for which neither the caller nor the end of the process waits.

    At most `most` run at once, and of hosts that gave no address last time half as many.
    """

    def __init__(self, most: int = MOST_THREADS, look_up: Callable[[str], list[str]] | None = None) -> None:
        self._look_up = look_up or _look_up
        self._threads = asyncio.Semaphore(most)
        self._second_chances = asyncio.Semaphore(max(1, most // 2))
        self._failed: dict[str, None] = {}

    async def addresses(self, host: str) -> list[str]:
        """Every address of a host, unvetted. Raises ClientError."""
        places: list[asyncio.Semaphore] = []
        try:
            for place in (self._second_chances, self._threads) if host in self._failed else (self._threads,):
                await place.acquire()
                places.append(place)
            search = self._search(host, places)
        except BaseException:
            _release(places)
            raise
        try:
            found = await search
        except UnicodeError as error:
            raise ClientError(f"{host[:100]!r} is no host name") from error  # found out by the look-up's own IDNA step
        except OSError as error:
            raise ClientError(f"{host[:253]}: {error.strerror or type(error).__name__}") from error
        return list(dict.fromkeys(found))

    def _search(self, host: str, places: list[asyncio.Semaphore]) -> asyncio.Future[list[str]]:
        """Look up in a thread, which keeps the places until it ends, however soon the caller gives up."""
        loop = asyncio.get_running_loop()
        search: asyncio.Future[list[str]] = loop.create_future()

        def work() -> None:
            found, failure = list[str](), None
            try:
                found = self._look_up(host)
            except Exception as error:  # noqa: BLE001  # raised again where the answer is waited for
                failure = error
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(end, found, failure)

        def end(found: list[str], failure: Exception | None) -> None:
            _release(places)
            if failure is None:
                self._failed.pop(host, None)
            if search.done():
                return
            if failure is None:
                search.set_result(found)
            else:
                search.set_exception(failure)

        try:
            Thread(target=work, name="look-up", daemon=True).start()
        except RuntimeError as error:
            raise ClientError(f"{host[:253]}: no thread for its look-up") from error
        self._failed.pop(host, None)
        if len(self._failed) >= MOST_HOSTS:
            del self._failed[next(iter(self._failed))]
        self._failed[host] = None  # until it has answered
        return search


@dataclass(frozen=True, slots=True)
class _Held:
    """The result of the last look-up. Times are monotonic seconds."""

    fresh_until: float
    stale_until: float
    addresses: tuple[str, ...] = ()
    failure: str = ""


class HostCache:
    """Addresses by host, bounded. One per process and purpose. `monotonic` gives seconds."""

    def __init__(self, resolver: Resolver, monotonic: Callable[[], float]) -> None:
        self._resolver = resolver
        self._monotonic = monotonic
        self._held: dict[str, _Held] = {}
        self._running: dict[str, asyncio.Task[_Held]] = {}

    async def addresses(self, host: str) -> list[str]:
        """Every address of a host, unvetted. Raises ClientError."""
        if _is_address(host):
            return [host]
        held, now = self._held.get(host), self._monotonic()
        if held is None or held.fresh_until <= now:
            task = self._search(host)
            if held is None or held.stale_until <= now:
                # Not awaited itself: a caller whose time is up must not cancel it for the others.
                await asyncio.wait((task,))
                held = task.result() if not task.cancelled() else _Held(0.0, 0.0, failure="shutting down")
        if not held.addresses:
            raise ClientError(held.failure)
        return list(held.addresses)

    async def close(self) -> None:
        """End what is looked up."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _search(self, host: str) -> asyncio.Task[_Held]:
        """The look-up of this host that is under way, shared by all callers."""
        task = self._running.get(host)
        if task is None:
            task = self._running[host] = asyncio.get_running_loop().create_task(self._look_up(host))
            task.add_done_callback(lambda _: self._running.pop(host, None))
        return task

    async def _look_up(self, host: str) -> _Held:
        last = self._held.get(host)
        try:
            found = await self._resolver.addresses(host)
        except ClientError as error:
            now = self._monotonic()
            if last is not None and last.addresses and last.stale_until > now:
                held = _Held(now + FAILURE_SECONDS, last.stale_until, last.addresses)
            else:
                held = _Held(now + FAILURE_SECONDS, 0.0, failure=str(error))
        else:
            now = self._monotonic()
            held = _Held(now + FRESH_SECONDS, now + STALE_SECONDS, tuple(found[:MOST_ADDRESSES]), f"{host} has no address")
        self._held.pop(host, None)
        if len(self._held) >= MOST_HOSTS:
            del self._held[next(iter(self._held))]
        self._held[host] = held
        return held


def create_host_cache(settings: Settings, monotonic: Callable[[], float]) -> HostCache:
    """The host cache of a process: looked up through DNS_RESOLVERS where the operator names some, else as the system does."""
    if settings.dns_resolvers:
        return HostCache(host_resolver(settings), monotonic)
    return HostCache(SystemResolver(), monotonic)


def _release(places: list[asyncio.Semaphore]) -> None:
    for place in places:
        place.release()


def _look_up(host: str) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
