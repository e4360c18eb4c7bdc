"""DNS: is the name in the zone of its suffix? One NS question to the suffix's own servers, or to resolvers (DNS_MODE)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from actors.checkers.contract import Context
from common.clients.dns import (
    MOST_TRIES,
    NO_SERVER,
    DnsEngine,
    Endpoint,
    Exchanged,
    NameServer,
    SuffixGoneError,
    SweepEngine,
    SweepOutcome,
    Zone,
    shared_engine,
    shared_sweeps,
)
from common.core.model.evidence import EXCERPT_LIMIT, Observation, Outcome, Reading, unknown_reading
from common.core.parsers import dns as parser
from common.core.parsers.dns_wire import NS, WireError, parse_message
from common.errors import ClientError, ConnectionRefused, Refused, TimedOut
from common.messages import Task
from common.worker_sweeps import SweepFindings

#: Sweeps of one process at once: enough to keep a core busy while some wait for slow servers.
SWEEPS = 16
#: Unusual answers of a sweep read in a row.
_MOST_IN_A_ROW = 64
#: A zone version this many seconds in the future is no time stamp.
_CLOCK_SKEW = 300.0


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
        self._engine: DnsEngine | None = None
        self.sweeps = 0 if context.settings.dns_mode == "resolver" else SWEEPS

    async def check(self, task: Task) -> Observation:
        """Ask once, within `task.budget_ms`. A second pass (`confirm`) goes over TCP, to another address where there is one."""
        started = self._context.monotonic()
        attempts = _Attempts(started + task.budget_ms / 1000)
        try:
            found = await self._query_zone(task, attempts)
        except ClientError as error:
            found = attempts.last or self._observe_failure(error, attempts.zone)
        if attempts.tried and attempts.lame == attempts.tried:
            self._get_engine().note_lame(task.suffix)
        return msgspec.structs.replace(found, duration_ms=round((self._context.monotonic() - started) * 1000, 3))

    async def sweep(self, suffix: str, names: Sequence[str], seconds: float, *, pace: float | None = None) -> SweepFindings:
        """Ask about many names of one suffix within `seconds`, `pace` queries a second to each address.

        Where the suffix's servers cannot be found, answer nothing at all, and in resolver mode, that is the trouble told.
        """
        try:
            swept = await self._sweeps().sweep(suffix, names, seconds, pace=pace)
        except ClientError as error:
            return SweepFindings(trouble=self._observe_failure(error, None))
        zone = swept.zone
        if swept.trouble is not None:
            return SweepFindings(trouble=self._observe_failure(swept.trouble, zone))
        serial = swept.serials[0] if swept.serials else None
        return SweepFindings(
            server=zone.name,
            width=self._get_engine().name_servers.count_usable(zone.endpoints),
            codes=swept.codes,
            served=swept.served,
            addresses=_served_addresses(swept),
            serial=serial,
            fresh_at=None if serial is None else self._unless_future(parser.zone_time(zone.name, serial)),
            observations=await self._unusual_observations(names, swept),
            asked=swept.sent,
            lost=swept.lost,
            truncated=swept.truncated,
            delay_ms=None if swept.delay is None else round(swept.delay * 1000, 3),
        )

    async def _unusual_observations(self, names: Sequence[str], swept: SweepOutcome) -> dict[int, Observation]:
        """The unusual answers as observations; other checks get their turn meanwhile, for there may be thousands."""
        found: dict[int, Observation] = {}
        for index, answer in swept.unusual.items():
            found[index] = self._observe_answer(names[index], swept.zone, answer.endpoint, Exchanged(answer.wire, answer.tcp))
            if not len(found) % _MOST_IN_A_ROW:
                await asyncio.sleep(0)
        return found

    async def close(self) -> None:
        """End the searches for name servers that still run."""
        if self._engine is not None:
            await self._engine.close()

    def _get_engine(self) -> DnsEngine:
        if self._engine is None:
            self._engine = shared_engine(self._context.settings, self._context.now)
        return self._engine

    def _sweeps(self) -> SweepEngine:
        return shared_sweeps(self._context.settings, self._context.now)

    async def _query_zone(self, task: Task, attempts: _Attempts) -> Observation:
        engine = self._get_engine()
        zone = attempts.zone = await engine.find_zone(task.suffix, attempts.deadline - self._context.monotonic())
        spared = [endpoint for endpoint in zone.endpoints if task.spare.rpartition("/")[0] == _format_endpoint(endpoint)]
        tried: list[Endpoint] = []
        while attempts.tried < MOST_TRIES:
            server = engine.choose_server(zone, tried + spared) or engine.choose_server(zone, tried)
            left = attempts.deadline - self._context.monotonic()
            if server is None or left <= 0:
                break
            tried.append(server.endpoint)
            seconds = min(engine.try_seconds, left / (MOST_TRIES - attempts.tried))
            attempts.tried += 1
            attempts.last = found = await self._query_server(task, zone, server, seconds)
            if found.reading.outcome is not Outcome.UNKNOWN or found.reading.finding in parser.FINAL:
                return found
            engine.name_servers.note_failure(server)
            attempts.lame += found.reading.finding in parser.LAME
        return attempts.last or self._observe_silence(zone)

    async def _query_server(self, task: Task, zone: Zone, server: NameServer, seconds: float) -> Observation:
        """Ask one server; trouble is an observation that proves nothing."""
        engine = self._get_engine()
        protocol = "tcp" if task.confirm else "udp"
        try:
            exchanged = await engine.query(server, task.domain, NS, seconds, tcp=task.confirm)
        except ClientError as error:
            return self._observe_failure(error, zone, _format_address(server.endpoint, protocol))
        return self._observe_answer(task.domain, zone, server.endpoint, exchanged, task.suffix if engine.recursive else None)

    def _observe_answer(
        self, domain: str, zone: Zone, endpoint: Endpoint, exchanged: Exchanged, suffix: str | None = None
    ) -> Observation:
        """An answer with its circumstances; `suffix` where it is not the zone asked."""
        engine, wire = self._get_engine(), exchanged.wire
        status, excerpt = None, ""
        try:
            message = parse_message(wire)
            status, excerpt = message.rcode, parser.describe_message(message)[:EXCERPT_LIMIT]
            reading = parser.interpret_message(message, domain, suffix or zone.name, recursive=engine.recursive)
        except WireError as error:
            reading = unknown_reading("dns_malformed", f"not a well-formed DNS message: {error}")
        return Observation(
            self.method,
            self._without_future_time(reading),
            server=zone.name or endpoint[0],  # a resolver has no zone
            address=_format_address(endpoint, "tcp" if exchanged.tcp else "udp"),
            status=status,
            digest=sha256(wire).hexdigest(),
            excerpt=excerpt,
            width=engine.name_servers.count_usable(zone.endpoints),
            refused=reading.finding == parser.REFUSAL,
        )

    def _without_future_time(self, reading: Reading) -> Reading:
        """Without a zone time that lies in the future."""
        return msgspec.structs.replace(reading, fresh_at=self._unless_future(reading.fresh_at))

    def _unless_future(self, at: float | None) -> float | None:
        return None if at is not None and at > self._context.now() + _CLOCK_SKEW else at

    def _observe_failure(self, error: ClientError, zone: Zone | None, address: str = "") -> Observation:
        width = self._get_engine().name_servers.count_usable(zone.endpoints) if zone is not None else None
        return Observation(
            self.method,
            unknown_reading(_finding(error), str(error)),
            server=zone.name if zone is not None else "",
            address=address,
            width=width,
            refused=isinstance(error, ConnectionRefused),
        )

    def _observe_silence(self, zone: Zone) -> Observation:
        reading = unknown_reading("dns_no_servers", "every known server stayed silent lately, or the time is up")
        return Observation(
            self.method, reading, server=zone.name, width=self._get_engine().name_servers.count_usable(zone.endpoints)
        )


def _finding(error: ClientError) -> str:
    if isinstance(error, SuffixGoneError):
        return "dns_suffix_gone"
    if isinstance(error, TimedOut):
        return "dns_timeout"
    return "dns_blocked" if isinstance(error, Refused) else "dns_unreachable"


def _served_addresses(swept: SweepOutcome) -> tuple[str, ...]:
    """What the numbers in `served` stand for; those over TCP only where one of them is used."""
    count = len(swept.servers)
    used = [number for number in set(swept.served) if number != NO_SERVER]
    told = range(2 * count if max(used, default=0) >= count else count)
    return tuple(_format_address(endpoint, "tcp" if tcp else "udp") for endpoint, tcp in map(swept.served_by, told))


def _format_address(endpoint: Endpoint, protocol: str) -> str:
    return f"{_format_endpoint(endpoint)}/{protocol}"


def _format_endpoint(endpoint: Endpoint) -> str:
    host, port = endpoint
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
