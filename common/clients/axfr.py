"""A zone from its name servers by transfer (AXFR, RFC 5936), message by message and never whole in memory.

The transfer is asked for only where the serial of the zone is another than the one read before (one query). It counts only
where it begins and ends with the same SOA record; anything else is a ClientError, and what came before it is worth nothing.
Signed with TSIG (RFC 8945) where there is a key.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig

from common.clients.happy_eyeballs import alternate_families, dial_first
from common.clients.host_addresses import Resolver, SystemResolver
from common.clock import monotonic
from common.core.parsers.zone_transfer import read_transfer_message
from common.errors import ClientError, ConnectionClosed, ConnectionRefused, Refused, TimedOut, TooLarge

#: Seconds after which the next address of the server is tried beside one that says nothing.
ATTEMPT_DELAY = 1.0
_SYSTEM = SystemResolver()
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class TsigKey:
    """A key that a server wants its queries signed with: name, base64 secret, and algorithm as in RFC 8945 section 6."""

    name: str
    secret: str
    algorithm: str = "hmac-sha256"

    def __repr__(self) -> str:
        return f"TsigKey({self.name!r}, {self.algorithm!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferBounds:
    """What a transfer may cost: bytes, records and messages; seconds in all, and seconds until the next message."""

    most_bytes: int = 4 << 30
    most_records: int = 100_000_000
    most_messages: int = 10_000_000
    seconds: float = 3600.0
    silence: float = 30.0


DEFAULT_BOUNDS = TransferBounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneServer:
    """Which zone is asked for, and where. `seen_serial`: the one read before, None to transfer in any case."""

    zone: str
    host: str
    port: int = 53
    key: TsigKey | None = None
    seen_serial: int | None = None


class ZoneTransfer:
    """A transfer under way. `serial` is that of the zone; where it is the one seen before, `unchanged`, and nothing comes."""

    def __init__(self, server: ZoneServer, streams: _Streams, bounds: TransferBounds) -> None:
        self.serial = 0
        self.unchanged = False
        self.size = 0  # bytes that have come
        self.records = 0
        self._server = server
        self._zone = server.zone.lower().rstrip(".")
        self._reader, self._writer = streams
        self._bounds = bounds
        self._until = monotonic() + bounds.seconds

    async def ask_serial(self) -> None:
        """Learn the serial by one query. Raises ClientError."""
        query = self._create_query(dns.rdatatype.SOA)
        await self._send(query)
        answer = _Signatures(query, self._server.key).read_message(await self._read_message(), last=True)
        if answer.id != query.id or answer.rcode() != dns.rcode.NOERROR:
            raise ClientError(f"{self._server.host}: no serial of {self._zone} ({dns.rcode.to_text(answer.rcode())})")
        found = answer.get_rrset(answer.answer, query.question[0].name, dns.rdataclass.IN, dns.rdatatype.SOA)
        if found is None or len(found) != 1:
            raise ClientError(f"{self._server.host}: no serial of {self._zone}")
        self.serial = int(found[0].serial)
        self.unchanged = self.serial == self._server.seen_serial

    async def read_delegations(self) -> AsyncIterator[list[str]]:
        """Names that are delegated, in batches of a message each, some of them twice.

        They are proven once this ends; raises ClientError where the transfer is not whole.
        """
        if self.unchanged:
            return
        query = self._create_query(dns.rdatatype.AXFR)
        await self._send(query)
        signatures = _Signatures(query, self._server.key) if self._server.key else None
        ended, number = False, 0
        while not ended:
            wire = await self._read_message()
            try:
                message = read_transfer_message(wire, query.id, self._zone)
            except ValueError as error:
                raise ClientError(f"{self._server.host}: {error}") from None
            ended = self._take_serials(message.serials, number, first=message.first, last=message.last)
            if signatures is not None:
                signatures.read_message(wire, last=ended)
            number += 1
            self._count_records(message.records, number)
            yield message.delegated

    def _take_serials(self, serials: list[int], number: int, *, first: bool, last: bool) -> bool:
        """Whether the transfer ends with this message. Raises ClientError where its SOA records are not where they belong."""
        starting = number == 0
        if starting:
            if not first:
                raise ClientError(f"{self._server.host}: the transfer does not begin with the SOA record")
            self.serial = serials[0]
        rest = serials[1:] if starting else serials
        if not rest:
            return False
        if rest != [self.serial] or not last:
            raise ClientError(f"{self._server.host}: the transfer does not end with the SOA record that it began with")
        return True

    def _count_records(self, records: int, messages: int) -> None:
        self.records += records
        if not records:
            raise ClientError(f"{self._server.host}: a message of the transfer without records")
        if self.records > self._bounds.most_records or messages > self._bounds.most_messages:
            raise TooLarge(f"{self._server.host}: a zone of more than {self._bounds.most_records} records")

    def _create_query(self, kind: dns.rdatatype.RdataType) -> dns.message.QueryMessage:
        query = dns.message.make_query(self._zone, kind, id=secrets.randbelow(1 << 16), flags=0)
        if (key := self._server.key) is not None:
            query.use_tsig(_keyring(key))
        return query

    async def _send(self, query: dns.message.Message) -> None:
        wire = query.to_wire()
        self._writer.write(len(wire).to_bytes(2, "big") + wire)
        await self._writer.drain()

    async def _read_message(self) -> bytes:
        left = self._until - monotonic()
        try:
            async with asyncio.timeout(max(0.0, min(left, self._bounds.silence))):
                size = int.from_bytes(await self._reader.readexactly(2), "big")
                wire = await self._reader.readexactly(size)
        except TimeoutError as error:
            late = left < self._bounds.silence
            seconds = self._bounds.seconds if late else self._bounds.silence
            raise TimedOut(f"{self._server.host}: {'not whole' if late else 'silent'} after {seconds:g} s") from error
        except asyncio.IncompleteReadError as error:
            raise ConnectionClosed(f"{self._server.host}: the connection ends before the transfer does") from error
        self.size += size + 2
        if self.size > self._bounds.most_bytes:
            raise TooLarge(f"{self._server.host}: a zone of more than {self._bounds.most_bytes} bytes")
        return wire


class _Signatures:
    """Checks what a server signed; a message of an exchange without a key is only parsed."""

    def __init__(self, query: dns.message.Message, key: TsigKey | None) -> None:
        self._query = query
        self._keyring = None if key is None else _keyring(key)
        self._context: Any = None

    def read_message(self, wire: bytes, *, last: bool) -> dns.message.Message:
        """The message. Raises ClientError where it is broken, or not signed as it has to be (RFC 8945 section 5.3.1)."""
        try:
            found = dns.message.from_wire(
                wire,
                keyring=self._keyring,
                request_mac=self._query.mac,
                xfr=True,
                tsig_ctx=self._context,
                multi=self._keyring is not None,
            )
        except (dns.exception.DNSException, ValueError, KeyError) as error:
            raise ClientError(f"not a message, or not signed with our key ({type(error).__name__})") from error
        first, self._context = self._context is None, found.tsig_ctx
        if self._keyring is not None and (first or last) and not found.had_tsig:
            raise ClientError(f"a message without a signature ({dns.rcode.to_text(found.rcode())})")
        return found


def _keyring(key: TsigKey) -> dict[dns.name.Name, dns.tsig.Key]:
    name = dns.name.from_text(key.name)
    return {name: dns.tsig.Key(name, key.secret, key.algorithm)}


@asynccontextmanager
async def open_transfer(
    server: ZoneServer,
    allowed: Callable[[str], bool],
    *,
    resolver: Resolver = _SYSTEM,
    bounds: TransferBounds = DEFAULT_BOUNDS,
) -> AsyncIterator[ZoneTransfer]:
    """Connect to a name server and learn the serial of a zone; the connection is closed at the end.

    Every address of the host must be `allowed`. Raises Refused, TimedOut, ConnectionRefused, or ClientError for the rest.
    """
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(bounds.silence):
            reader, writer = await _connect(server, await resolver.addresses(server.host), allowed)
        transfer = ZoneTransfer(server, (reader, writer), bounds)
        await transfer.ask_serial()
        yield transfer
    except TimeoutError as error:
        raise TimedOut(f"{server.host}: no connection within {bounds.silence:g} s") from error
    except ConnectionRefusedError as error:
        raise ConnectionRefused(f"{server.host} refused the connection") from error
    except OSError as error:
        raise ClientError(f"{server.host}: {error.strerror or type(error).__name__}") from error
    finally:
        if writer is not None:
            writer.transport.abort()  # nothing is left to say: waiting for a polite end would be waiting for the server


async def _connect(server: ZoneServer, addresses: list[str], allowed: Callable[[str], bool]) -> _Streams:
    forbidden = [address for address in addresses if not allowed(address)]
    if forbidden or not addresses:
        raise Refused(f"{server.host} resolves to {forbidden[0] if forbidden else 'nothing'}, which is not a public address")

    async def dial(address: str) -> _Streams:
        return await asyncio.open_connection(address, server.port)

    return await dial_first(alternate_families(addresses), dial, lambda streams: streams[1].transport.abort(), ATTEMPT_DELAY)
