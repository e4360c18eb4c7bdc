"""One line out, one answer back over TCP (RFC 3912), bounded in bytes and seconds, to a vetted address only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from common.clients.happy_eyeballs import alternate_families, dial_first
from common.clients.host_addresses import Resolver, SystemResolver
from common.errors import ClientError, ConnectionRefused, Refused, TimedOut

#: Seconds after which the next address is tried beside one that says nothing, and most addresses tried. RFC 8305 recommends a
#: quarter of a second and at most two; a whole one keeps far servers, which count connections, from getting two for a question.
ATTEMPT_DELAY, MOST_ADDRESSES = 1.0, 3
_CHUNK = 16 * 1024
_SYSTEM = SystemResolver()
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter, str]  # the third is the address, for showing


@dataclass(frozen=True, slots=True)
class TcpAnswer:
    """What came back: `address` is "ip:port", `truncated` says that the answer was longer than the limit."""

    data: bytes
    address: str
    truncated: bool


async def query_server(
    host: str,
    port: int,
    line: bytes,
    *,
    limit: int,
    seconds: float,
    allowed: Callable[[str], bool],
    resolver: Resolver = _SYSTEM,
) -> TcpAnswer:
    """Send `line`, read until the server closes, at most `limit` bytes, in at most `seconds` for everything.

    Every address of the host must be `allowed`; the connection goes to the literal address that was vetted, so the name cannot
    change in between. Raises Refused, TimedOut, ConnectionRefused, ClientError (also for a connection that broke off: what is
    cut must not be read as a whole answer).
    """
    try:
        async with asyncio.timeout(seconds):
            addresses = _vetted(host, await resolver.addresses(host), allowed)
            return await _exchange(addresses, port, line, limit)
    except TimeoutError as error:
        raise TimedOut(f"{host} did not answer within {seconds:.1f} s") from error
    except ConnectionRefusedError as error:
        raise ConnectionRefused(f"{host} refused the connection") from error
    except OSError as error:
        raise ClientError(f"{host}: {error.strerror or type(error).__name__}") from error


class OthersFirstResolver:
    """A resolver that puts one address last: the one that gave the answer to be confirmed."""

    def __init__(self, resolver: Resolver, spare: str) -> None:
        """`spare` as an answer names it: "192.0.2.1:43" or "[2001:db8::1]:43"; "" for none."""
        self._resolver = resolver
        self._spare = spare.rpartition(":")[0].strip("[]")

    async def addresses(self, host: str) -> list[str]:
        """Every address of the host."""
        return sorted(await self._resolver.addresses(host), key=lambda address: address == self._spare)


def _vetted(host: str, addresses: list[str], allowed: Callable[[str], bool]) -> list[str]:
    forbidden = [address for address in addresses if not allowed(address)]
    if forbidden or not addresses:
        raise Refused(f"{host} resolves to {forbidden[0] if forbidden else 'nothing'}, which is not a public address")
    return addresses


async def _exchange(addresses: list[str], port: int, line: bytes, limit: int) -> TcpAnswer:
    reader, writer, address = await _connect(addresses, port)
    try:
        writer.write(line)
        await writer.drain()
        data = bytearray()
        while len(data) <= limit:
            chunk = await reader.read(_CHUNK)
            if not chunk:
                break
            data += chunk
        return TcpAnswer(bytes(data[:limit]), address, len(data) > limit)
    finally:
        writer.transport.abort()  # nothing is left to say: waiting for a polite end would be waiting for the server


async def _connect(addresses: list[str], port: int) -> _Streams:
    """The first connection that stands."""
    few = alternate_families(addresses)[:MOST_ADDRESSES]
    return await dial_first(few, lambda address: _dial(address, port), _hang_up, ATTEMPT_DELAY)


async def _dial(address: str, port: int) -> _Streams:
    reader, writer = await asyncio.open_connection(address, port, limit=_CHUNK * 2)
    shown = f"[{address}]" if ":" in address else address
    return reader, writer, f"{shown}:{port}"


def _hang_up(streams: _Streams) -> None:
    streams[1].transport.abort()
