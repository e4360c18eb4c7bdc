"""The DNS client of one process: asks addresses, knows which of them answer, and finds the servers of every suffix and host."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection
from functools import partial
from math import inf
from pathlib import Path
from typing import Protocol, TypeVar

from common import setting_parsers
from common.clients.dns.delegation_steps import Kind, Step, read_addresses, read_step
from common.clients.dns.name_servers import QUIRK_SECONDS, NameServer, NameServers
from common.clients.dns.transport import CaseLostError, Endpoint, Exchanged, NoRouteError, exchange
from common.clients.dns.zone_finder import MOST_ALIASES, Walk, Zone, ZoneFinder
from common.config import Settings
from common.core.builtin.root_servers import ROOT_ADDRESSES
from common.core.parsers.dns_wire import AAAA, FORMERR, NXDOMAIN, A, Bits, Message, WireError, build_query, parse_message
from common.errors import ClientError, Refused, TimedOut

#: Addresses tried for one question, and the most seconds given to each.
MOST_TRIES = 3
TRY_SECONDS = 2.0
#: Most exchanges under way at once: each holds a socket.
MOST_SOCKETS = 400
#: Seconds for which the guard's decision on an address holds.
_VETTED_SECONDS = 60.0
_RESOLV_CONF = Path("/etc/resolv.conf")
_RESOLVER_PORT = 53
T = TypeVar("T")


class AddressGuard(Protocol):
    """Decides which addresses may be asked; see `common.clients.address_guard`."""

    def allowed(self, address: str, /) -> bool:
        """Whether a connection to this address literal is allowed."""
        ...


class DnsEngine:
    """One per event loop. `rng` must be unpredictable in service (`random.SystemRandom()`); `now` gives epoch seconds."""

    def __init__(
        self,
        settings: Settings,
        guard: AddressGuard,
        rng: Bits,
        now: Callable[[], float],
        try_seconds: float = TRY_SECONDS,
    ) -> None:
        self._guard = guard
        self._rng = rng
        self._now = now
        self._port = settings.dns_port
        self.try_seconds = try_seconds
        roots = settings.dns_root_servers or ROOT_ADDRESSES
        root = Zone("", tuple(setting_parsers.split_host(text, settings.dns_port) for text in roots), inf)
        self.recursive = settings.dns_mode == "resolver"
        self.resolvers = Zone("", _resolver_endpoints(settings) if self.recursive else (), inf)
        # What the operator named may be private; what the network names may not.
        self._trusted = frozenset(root.endpoints if settings.dns_root_servers else ()) | frozenset(self.resolvers.endpoints)
        self.name_servers = NameServers(rng, now)
        self._finder = ZoneFinder(self._query_step, root, self._admit, rng, now)
        self._sockets = asyncio.Semaphore(MOST_SOCKETS)

    async def find_zone(self, suffix: str, seconds: float) -> Zone:
        """The zone that serves names below `suffix`, within `seconds`; in resolver mode the resolvers. Raises ClientError."""
        return self.resolvers if self.recursive else await self._finder.find_zone(suffix, seconds)

    def note_lame(self, suffix: str) -> None:
        """Note that none of the suffix's servers serves it any more (lame delegation)."""
        if not self.recursive:
            self._finder.note_lame(suffix)

    def choose_server(self, zone: Zone, avoid: Collection[Endpoint] = ()) -> NameServer | None:
        """A server of the zone to ask next; None where none is left."""
        return self.name_servers.choose(zone.endpoints, avoid)

    def vet_server(self, server: NameServer) -> None:
        """Raises Refused where the guard forbids the address; what the operator named is always allowed."""
        now = self._now()
        if server.vetted_until > now or server.endpoint in self._trusted:
            return
        if not self._guard.allowed(server.endpoint[0]):
            raise Refused(f"{server.endpoint[0]} may not be asked")
        server.vetted_until = now + _VETTED_SECONDS

    async def query(self, server: NameServer, name: str, rtype: int, seconds: float, *, tcp: bool = False) -> Exchanged:
        """Ask one address once, within `seconds`, and note how it answers. Raises ClientError."""
        self.vet_server(server)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        edns = server.plain_until <= self._now()
        exchanged = await self._exchange(server, self._build_query(server, name, rtype), seconds, tcp=tcp)
        if edns and exchanged.wire[3] & 0x0F == FORMERR:
            # RFC 6891 section 7: the answer of a server without EDNS.
            server.plain_until = self._now() + QUIRK_SECONDS
            exchanged = await self._exchange(server, self._build_query(server, name, rtype), deadline - loop.time(), tcp=tcp)
        return exchanged

    async def addresses(self, host: str, seconds: float) -> list[str]:
        """Every address of a host as the network gives it: the caller vets them. Raises ClientError."""
        host = host.lower().rstrip(".")
        if self.recursive:
            return await self._resolve_recursively(host, seconds)
        return await self._finder.find_addresses(host, seconds)

    async def close(self) -> None:
        """End what runs in the background."""
        await self._finder.close()

    async def _query_step(self, zone: Zone, name: str, rtype: int, walk: Walk) -> Step:
        """One step down the tree, at up to three addresses. Raises ClientError."""

        def useful(message: Message) -> Step | None:
            step = read_step(message, zone.name, name, rtype)
            return step if step.kind is not Kind.LAME else None

        return await self._first_useful(zone, name, rtype, walk, useful)

    async def _first_useful(self, zone: Zone, name: str, rtype: int, walk: Walk, useful: Callable[[Message], T | None]) -> T:
        """The first answer that `useful` makes something of. Raises ClientError."""
        tried: list[Endpoint] = []
        trouble = ClientError(f"no server of {zone.name or 'the root'} can be asked")
        while len(tried) < MOST_TRIES and (server := self.choose_server(zone, tried)) is not None:
            tried.append(server.endpoint)
            seconds = min(self.try_seconds, walk.spend() / (1 + MOST_TRIES - len(tried)))
            try:
                found = useful(parse_message((await self.query(server, name, rtype, seconds)).wire))
            except ClientError as error:
                trouble = error
            except WireError as error:
                trouble = ClientError(f"{server.endpoint[0]} sends broken messages: {error}")
            else:
                if found is not None:
                    return found
                trouble = ClientError(f"{server.endpoint[0]} does not serve {zone.name or 'the root'}")
            self.name_servers.note_failure(server)
        raise trouble

    async def _resolve_recursively(self, host: str, seconds: float) -> list[str]:
        """Ask the resolvers, and go on where they stop at an alias."""
        walk = Walk(asyncio.get_running_loop().time() + seconds)
        found: list[str] = []
        for rtype in (A, AAAA):
            name = host
            for _ in range(MOST_ALIASES + 1):
                end, addresses = await self._first_useful(
                    self.resolvers, name, rtype, walk, partial(_read_resolver_answer, name)
                )
                found += addresses
                if addresses or end == name:
                    break
                name = end
            else:
                raise ClientError(f"{host} is an alias without end")
        if not found:
            raise ClientError(f"{host} has no address")
        return list(dict.fromkeys(found))

    def _build_query(self, server: NameServer, name: str, rtype: int) -> bytes:
        now = self._now()
        rng = self._rng if server.lower_case_until <= now else None
        try:
            query_id = self._rng.getrandbits(16)
            return build_query(name, rtype, query_id, rng, recursive=self.recursive, edns=server.plain_until <= now)
        except ValueError as error:
            raise ClientError(str(error)) from error

    async def _exchange(self, server: NameServer, query: bytes, seconds: float, *, tcp: bool) -> Exchanged:
        await self._take_socket(seconds)
        sent_at = self._now()
        try:
            exchanged = await exchange(query, server.endpoint, seconds, tcp=tcp)
        except ClientError as error:
            self._note_failure(server, error, sent_at)
            raise
        finally:
            self._sockets.release()
        self.name_servers.note_answer(server)
        if exchanged.case_lost:
            server.lower_case_until = self._now() + QUIRK_SECONDS
        return exchanged

    async def _take_socket(self, seconds: float) -> None:
        if not self._sockets.locked():
            await self._sockets.acquire()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._sockets.acquire()
        except TimeoutError as error:
            raise ClientError(f"{MOST_SOCKETS} DNS queries are under way already") from error

    def _note_failure(self, server: NameServer, error: ClientError, sent_at: float) -> None:
        if isinstance(error, NoRouteError):
            self.name_servers.note_no_route(server)
        elif isinstance(error, TimedOut):
            self.name_servers.note_timeout(server, sent_at)
        else:
            self.name_servers.note_failure(server)
        if isinstance(error, CaseLostError):
            server.lower_case_until = self._now() + QUIRK_SECONDS

    def _admit(self, address: str) -> Endpoint | None:
        """The endpoint of a name server's address, unless the guard forbids it."""
        return (address, self._port) if self._guard.allowed(address) else None


def _read_resolver_answer(name: str, message: Message) -> tuple[str, tuple[str, ...]] | None:
    """Read a resolver's answer about a host: the end of its aliases and addresses; None for an error. Raises ClientError."""
    if message.rcode == NXDOMAIN:
        raise ClientError(f"{name} does not exist")
    return read_addresses(message, name) if message.rcode == 0 and message.is_answer and not message.is_truncated else None


def _resolver_endpoints(settings: Settings) -> tuple[Endpoint, ...]:
    if settings.dns_resolvers:
        return tuple(setting_parsers.split_host(text, _RESOLVER_PORT) for text in settings.dns_resolvers)
    try:
        with _RESOLV_CONF.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(65_536).splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    named = [row[1] for row in words if len(row) > 1 and row[0] == "nameserver" and _is_address(row[1])]
    # resolv.conf(5): without an entry the resolver of this host is meant.
    return tuple((address, _RESOLVER_PORT) for address in named) or (("127.0.0.1", _RESOLVER_PORT),)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
