"""Finding name servers from the root: which servers serve a suffix, and where a host lives (RFC 1034 section 5.3.3).

Everything the world says is bounded: queries, depth and time of one walk, name servers and addresses of one zone, zones kept. A
delegation only ever leads further down, so no answer can send a walk in circles or replace a zone above the server that spoke.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from common.clients.dns.delegation_steps import Kind, Step, is_below
from common.clients.dns.transport import Endpoint
from common.core.parsers.dns_wire import AAAA, NS, A, Bits
from common.errors import ClientError, TimedOut

#: Bounds of one walk: queries sent, seconds, name servers without glue that lead to each other, aliases of one host.
MOST_QUERIES = 64
WALK_SECONDS = 10.0
MOST_DEPTH = 8
MOST_ALIASES = 8
#: Name servers without glue are looked up until a zone has this many addresses.
ENOUGH_ADDRESSES = 4
#: A zone is kept for its TTL within these bounds, in seconds; one that could not be refreshed for `RETRY_SECONDS` more.
SHORTEST_TTL, LONGEST_TTL = 300, 172_800
RETRY_SECONDS = 60.0
#: Seconds that a failed search, and a suffix that does not exist, are remembered.
FAILURE_SECONDS = 5.0
GONE_SECONDS = 300.0
#: Most zones kept of each kind; the oldest are forgotten first.
MOST_ZONES = 8192


class SuffixGoneError(ClientError):
    """The tree above says that the suffix does not exist."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone and its servers. `name` is the owner of its SOA record: for a suffix without a cut of its own, a zone above it."""

    name: str
    endpoints: tuple[Endpoint, ...]
    expires: float  # epoch seconds


@dataclass(slots=True)
class Walk:
    """What one search may still cost. `deadline` is loop time in seconds."""

    deadline: float
    queries: int = MOST_QUERIES

    def spend(self) -> float:
        """Pay for one query; the seconds left. Raises ClientError."""
        left = self.deadline - asyncio.get_running_loop().time()
        self.queries -= 1
        if self.queries < 0:
            raise ClientError(f"more than {MOST_QUERIES} queries for one name")
        if left <= 0:
            raise TimedOut("no time left to find the name servers")
        return left


@dataclass(slots=True)
class _SearchResult:
    """The result of the last search for a suffix: a zone, or why there is none. Times in epoch seconds."""

    until: float
    zone: Zone | None = None
    failure: ClientError | None = None
    lame_at: float = 0.0


T = TypeVar("T")
Ask = Callable[[Zone, str, int, Walk], Awaitable[Step]]


class ZoneFinder:
    """Walks and remembers. `ask` puts one question to a zone's servers and never returns a LAME step: it raises ClientError."""

    def __init__(
        self, ask: Ask, root: Zone, admit: Callable[[str], Endpoint | None], rng: Bits, now: Callable[[], float]
    ) -> None:
        self._ask = ask
        self._root = root
        self._admit = admit
        self._rng = rng
        self._now = now
        self._cuts: dict[str, Zone] = {}
        self._suffixes: dict[str, _SearchResult] = {}
        self._running: dict[str, asyncio.Task[_SearchResult]] = {}

    async def find_zone(self, suffix: str, seconds: float) -> Zone:
        """The zone that serves names below `suffix`. Searches for the same suffix are shared. Raises ClientError."""
        held = self._suffixes.get(suffix)
        if held is None or held.until <= self._now():
            held = await self._share_search(suffix, seconds)
        if held.zone is not None:
            return held.zone
        # A new error each time: one that several callers raise would collect all their tracebacks.
        raise type(held.failure)(str(held.failure)) if held.failure else ClientError(f"no servers for {suffix}")

    async def find_addresses(self, host: str, seconds: float) -> list[str]:
        """Every address of a host, following aliases. Raises ClientError."""
        walk = Walk(asyncio.get_running_loop().time() + min(seconds, WALK_SECONDS))
        found, _ = await self._addresses(host, walk, ())
        if not found:
            raise ClientError(f"{host} has no address")
        return found

    def note_lame(self, suffix: str) -> None:
        """None of the suffix's servers serves it any more: search again, at most once a minute."""
        held, now = self._suffixes.get(suffix), self._now()
        if held is not None and held.zone is not None and held.lame_at + RETRY_SECONDS <= now:
            held.until, held.lame_at = 0.0, now
            for name in [name for name in self._cuts if suffix == name or is_below(suffix, name)]:
                del self._cuts[name]

    async def close(self) -> None:
        """End every search."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _share_search(self, suffix: str, seconds: float) -> _SearchResult:
        task = self._running.get(suffix)
        if task is None:
            task = self._running[suffix] = asyncio.create_task(self._search(suffix))
            task.add_done_callback(lambda _: self._running.pop(suffix, None))
        done, _ = await asyncio.wait((task,), timeout=seconds)
        if not done:
            raise TimedOut(f"no time left to find the servers of {suffix}")
        if task.cancelled():
            raise ClientError("shutting down")
        return task.result()

    async def _search(self, suffix: str) -> _SearchResult:
        last = self._suffixes.get(suffix)
        lame_at = last.lame_at if last else 0.0
        try:
            zone = await self._descend(suffix, Walk(asyncio.get_running_loop().time() + WALK_SECONDS))
            held = _SearchResult(zone.expires, zone, lame_at=lame_at)
        except SuffixGoneError as error:
            held = _SearchResult(self._now() + GONE_SECONDS, failure=error)
        except ClientError as error:
            if last is not None and last.zone is not None:
                held = _SearchResult(self._now() + RETRY_SECONDS, last.zone, lame_at=lame_at)
            else:
                held = _SearchResult(self._now() + FAILURE_SECONDS, failure=error)
        _keep_bounded(self._suffixes, suffix, held)
        return held

    async def _descend(self, suffix: str, walk: Walk) -> Zone:
        zone = self._root
        labels = suffix.split(".")
        for count in range(1, len(labels) + 1):
            name = ".".join(labels[-count:])
            zone = self._fresh_zone(name) or await self._cut_at(zone, name, walk)
        return zone

    async def _cut_at(self, zone: Zone, name: str, walk: Walk) -> Zone:
        """The zone that serves `name` itself, seen from a zone above: another one, or the same where there is no cut."""
        while zone.name != name:
            step = await self._ask(zone, name, NS, walk)
            if step.kind in (Kind.CUT, Kind.RECORDS):
                # A server of the parent that answers for the child serves the child, too.
                spare = zone.endpoints if step.kind is Kind.RECORDS else ()
                zone = await self._enter_delegation(step, walk, (), spare)
            elif step.kind is Kind.NODATA:
                return replace(zone, name=step.owner)
            elif step.kind is Kind.NXDOMAIN and step.owner == zone.name:
                raise SuffixGoneError(f"{name} does not exist in the zone {zone.name or 'of the root'}")
            else:
                raise ClientError(f"{name} is an alias or not served as a zone")
        return zone

    async def _enter_delegation(self, step: Step, walk: Walk, chain: tuple[str, ...], spare: tuple[Endpoint, ...] = ()) -> Zone:
        """The zone of a delegation, with the addresses of its servers. Raises ClientError where there is none."""
        found = [address for _, address in step.addresses]
        ttl = step.ttl
        with_glue = {host for host, _ in step.addresses}
        for host in self._shuffled([host for host in step.hosts if host not in with_glue]):
            if len(found) >= ENOUGH_ADDRESSES:
                break
            try:
                more, its_ttl = await self._addresses(host, walk, chain)
            except ClientError:
                if walk.queries <= 0:
                    break
                continue
            found += more
            ttl = min(ttl, its_ttl)
        endpoints = tuple(dict.fromkeys(endpoint for endpoint in map(self._admit, found) if endpoint is not None)) or spare
        if not endpoints:
            raise ClientError(f"no usable address of a name server of {step.owner}")
        zone = Zone(step.owner, endpoints, self._now() + min(max(ttl, SHORTEST_TTL), LONGEST_TTL))
        _keep_bounded(self._cuts, zone.name, zone)
        return zone

    async def _addresses(self, host: str, walk: Walk, chain: tuple[str, ...]) -> tuple[list[str], int]:
        """The addresses of a host and the seconds they may be kept. `chain` holds the hosts whose search led here."""
        if host in chain or len(chain) >= MOST_DEPTH:
            raise ClientError(f"the name servers lead in circles at {host}")
        seen = [host]
        while len(seen) <= MOST_ALIASES + 1:
            zone, step = await self._find_answering_zone(seen[-1], walk, (*chain, host))
            if step.kind is not Kind.ALIAS:
                return await self._both_families(zone, step, seen[-1], walk)
            if step.owner in seen:
                break
            seen.append(step.owner)
        raise ClientError(f"{host} is an alias without end")

    async def _find_answering_zone(self, name: str, walk: Walk, chain: tuple[str, ...]) -> tuple[Zone, Step]:
        """Walk from the closest known zone to the one that answers for the A records of `name`."""
        zone = self._closest_zone(name)
        while True:
            step = await self._ask(zone, name, A, walk)
            if step.kind is not Kind.CUT:
                return zone, step
            zone = await self._enter_delegation(step, walk, chain)

    async def _both_families(self, zone: Zone, step: Step, name: str, walk: Walk) -> tuple[list[str], int]:
        if step.kind is Kind.NXDOMAIN:
            raise ClientError(f"{name} does not exist")
        found = [address for _, address in step.addresses]
        ttl = step.ttl or SHORTEST_TTL
        try:
            second = await self._ask(zone, name, AAAA, walk)
        except ClientError:
            if not found:
                raise
        else:
            found += [address for _, address in second.addresses if second.kind is Kind.RECORDS]
        return found, ttl

    def _fresh_zone(self, name: str) -> Zone | None:
        zone = self._cuts.get(name)
        return zone if zone is not None and zone.expires > self._now() else None

    def _closest_zone(self, name: str) -> Zone:
        labels = name.split(".")
        known = (self._fresh_zone(".".join(labels[at:])) for at in range(len(labels)))
        return next((zone for zone in known if zone is not None), self._root)

    def _shuffled(self, hosts: list[str]) -> list[str]:
        return sorted(hosts, key=lambda _: self._rng.getrandbits(32))


def _keep_bounded(kept: dict[str, T], name: str, value: T) -> None:
    kept.pop(name, None)
    if len(kept) >= MOST_ZONES:
        del kept[next(iter(kept))]
    kept[name] = value
