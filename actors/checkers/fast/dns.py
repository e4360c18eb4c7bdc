"""DNS: is the name in the zone of its suffix? One NS question to the suffix's own servers, or to resolvers (DNS_MODE)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from actors.checkers.contract import Context
from common.clients.dns import (
    MOST_TRIES,
    DnsEngine,
    Endpoint,
    NotListeningError,
    Server,
    SuffixGoneError,
    Zone,
    shared_engine,
)
from common.core.evidence import EXCERPT_LIMIT, Observation, Outcome, Reading, unknown
from common.core.parsers import dns as parser
from common.core.parsers.dns_wire import NS, WireError, parse
from common.errors import ClientError, Refused, TimedOut
from common.messages import Task

#: Names whose last server is remembered, so that a second pass can ask another one.
_MOST_REMEMBERED = 10_000
#: A zone version this many seconds in the future is no time stamp.
_CLOCK_SKEW = 300.0
#: Unknown, yet another server of the same zone would say the same.
_FINAL = frozenset({"dns_auth_wildcard", "dns_recursive_alias", "dns_recursive_nodata"})
#: Signs that a server does not serve the suffix (any more).
_LAME = frozenset({"dns_refused", "dns_upward_referral", "dns_wrong_zone", "dns_not_authoritative", "dns_tld_gone"})


def create(context: Context) -> DnsChecker:
    """The checker of this file."""
    return DnsChecker(context)


@dataclass(slots=True)
class _Attempts:
    """What one task has seen so far."""

    deadline: float  # as `Context.monotonic` counts, in seconds
    zone: Zone | None = None
    last: Observation | None = None
    tried: int = 0
    lame: int = 0


class DnsChecker:
    """Asks up to three servers until one says something that counts."""

    method = "dns"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._last_used: OrderedDict[str, Endpoint] = OrderedDict()
        self._engine: DnsEngine | None = None

    async def check(self, task: Task) -> Observation:
        """Ask once, within `task.budget_ms`. A second pass (`confirm`) goes over TCP, to another address where there is one."""
        started = self._context.monotonic()
        attempts = _Attempts(started + task.budget_ms / 1000)
        try:
            found = await self._ask(task, attempts)
        except ClientError as error:
            found = attempts.last or self._trouble(error, attempts.zone)
        if attempts.tried and attempts.lame == attempts.tried:
            self._the_engine().lame(task.suffix)
        return msgspec.structs.replace(found, duration_ms=round((self._context.monotonic() - started) * 1000, 3))

    async def close(self) -> None:
        """End the searches for name servers that still run."""
        if self._engine is not None:
            await self._engine.close()

    def _the_engine(self) -> DnsEngine:
        if self._engine is None:
            self._engine = shared_engine(self._context.settings, self._context.now)
        return self._engine

    async def _ask(self, task: Task, attempts: _Attempts) -> Observation:
        engine = self._the_engine()
        zone = attempts.zone = await engine.zone(task.suffix, attempts.deadline - self._context.monotonic())
        last_used = self._last_used.get(task.domain)
        spared = [last_used] if task.confirm and last_used is not None else []
        tried: list[Endpoint] = []
        while attempts.tried < MOST_TRIES:
            server = engine.choose(zone, tried + spared) or engine.choose(zone, tried)
            left = attempts.deadline - self._context.monotonic()
            if server is None or left <= 0:
                break
            tried.append(server.endpoint)
            seconds = min(engine.try_seconds, left / (MOST_TRIES - attempts.tried))
            attempts.tried += 1
            attempts.last = found = await self._one(task, zone, server, seconds)
            if found.reading.outcome is not Outcome.UNKNOWN or found.reading.finding in _FINAL:
                self._remember(task.domain, server.endpoint)
                return found
            engine.servers.failed(server)
            attempts.lame += found.reading.finding in _LAME
        return attempts.last or self._silent(zone)

    async def _one(self, task: Task, zone: Zone, server: Server, seconds: float) -> Observation:
        """Ask one server; trouble is an observation that proves nothing."""
        engine = self._the_engine()
        suffix = task.suffix if engine.recursive else zone.name
        protocol = "tcp" if task.confirm else "udp"
        try:
            exchanged = await engine.ask(server, task.domain, NS, seconds, tcp=task.confirm)
        except ClientError as error:
            return self._trouble(error, zone, _address(server.endpoint, protocol))
        wire = exchanged.wire
        status, excerpt = None, ""
        try:
            message = parse(wire)
            status, excerpt = message.rcode, parser.describe(message)[:EXCERPT_LIMIT]
            reading = parser.judge(message, task.domain, suffix, recursive=engine.recursive)
        except WireError as error:
            reading = unknown("dns_malformed", f"not a well-formed DNS message: {error}")
        return Observation(
            self.method,
            self._dated(reading),
            server=_label(zone, server),
            address=_address(server.endpoint, "tcp" if exchanged.tcp else "udp"),
            status=status,
            digest=sha256(wire).hexdigest(),
            excerpt=excerpt,
            width=engine.servers.usable(zone.endpoints),
            refused=reading.finding == "dns_refused",
        )

    def _dated(self, reading: Reading) -> Reading:
        """Without a zone time that lies in the future."""
        if reading.fresh_at is None or reading.fresh_at <= self._context.now() + _CLOCK_SKEW:
            return reading
        return msgspec.structs.replace(reading, fresh_at=None)

    def _trouble(self, error: ClientError, zone: Zone | None, address: str = "") -> Observation:
        width = self._the_engine().servers.usable(zone.endpoints) if zone is not None else None
        return Observation(
            self.method,
            unknown(_finding(error), str(error)),
            server=zone.name if zone is not None else "",
            address=address,
            width=width,
            refused=isinstance(error, NotListeningError),
        )

    def _silent(self, zone: Zone) -> Observation:
        reading = unknown("dns_no_servers", "every known server stayed silent lately, or the time is up")
        return Observation(self.method, reading, server=zone.name, width=self._the_engine().servers.usable(zone.endpoints))

    def _remember(self, domain: str, endpoint: Endpoint) -> None:
        self._last_used[domain] = endpoint
        self._last_used.move_to_end(domain)
        if len(self._last_used) > _MOST_REMEMBERED:
            self._last_used.popitem(last=False)


def _finding(error: ClientError) -> str:
    if isinstance(error, SuffixGoneError):
        return "dns_suffix_gone"
    if isinstance(error, TimedOut):
        return "dns_timeout"
    return "dns_blocked" if isinstance(error, Refused) else "dns_unreachable"


def _label(zone: Zone, server: Server) -> str:
    """The zone asked; a resolver has none, so its address."""
    return zone.name or server.endpoint[0]


def _address(endpoint: Endpoint, protocol: str) -> str:
    host, port = endpoint
    return f"[{host}]:{port}/{protocol}" if ":" in host else f"{host}:{port}/{protocol}"
