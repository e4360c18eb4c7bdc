"""One line out, one answer back over TCP (RFC 3912), bounded in bytes and seconds, to a vetted address only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from common.clients.hosts import Resolver, SystemResolver
from common.errors import ClientError, Refused, TimedOut

_CHUNK = 16 * 1024
_SYSTEM = SystemResolver()


class TurnedAwayError(ClientError):
    """The server refused the connection: a way of saying "not you, not now"."""


@dataclass(frozen=True, slots=True)
class TcpAnswer:
    """What came back: `address` is "ip:port", `truncated` says that the answer was longer than the limit."""

    data: bytes
    address: str
    truncated: bool


async def ask(
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
    change in between. Raises Refused, TimedOut, TurnedAwayError, ClientError (also for a connection that broke off: what is
    cut must not be read as a whole answer).
    """
    try:
        async with asyncio.timeout(seconds):
            addresses = _vetted(host, await resolver.addresses(host), allowed)
            return await _exchange(addresses, port, line, limit)
    except TimeoutError as error:
        raise TimedOut(f"{host} did not answer within {seconds:.1f} s") from error
    except ConnectionRefusedError as error:
        raise TurnedAwayError(f"{host} refused the connection") from error
    except OSError as error:
        raise ClientError(f"{host}: {error.strerror or type(error).__name__}") from error


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


async def _connect(addresses: list[str], port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    trouble: OSError | None = None
    for address in addresses[:3]:
        try:
            reader, writer = await asyncio.open_connection(address, port, limit=_CHUNK * 2)
        except OSError as error:
            trouble = trouble or error
            continue
        shown = f"[{address}]" if ":" in address else address
        return reader, writer, f"{shown}:{port}"
    raise trouble or ClientError("no address")
