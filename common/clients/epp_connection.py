"""One connection to an EPP server over TLS (RFC 5734): one message out, one message back, to a vetted address only."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from common.clients.address_guard import Guard
from common.clients.happy_eyeballs import alternate_families, dial_first
from common.clients.host_addresses import Resolver
from common.core.parsers.epp.commands import make_hello
from common.core.parsers.epp.frames import HEADER, make_frame, read_header
from common.core.parsers.epp.responses import Greeting, parse_greeting
from common.errors import ClientError, ConnectionClosed, ConnectionRefused

#: Seconds after which the next address is tried beside one that says nothing, and most addresses tried.
ATTEMPT_DELAY, MOST_ADDRESSES = 1.0, 3
_BUFFER = 64 * 1024
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class EppConnection:
    """Made by `open_connection`. A connection on which an exchange failed or was cut short is of no more use: abort it."""

    def __init__(self, host: str, streams: _Streams) -> None:
        self._host = host
        self._reader, self._writer = streams
        peer = self._writer.get_extra_info("peername")
        #: What is connected to: "192.0.2.1:700" or "[2001:db8::1]:700".
        self.address = f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
        self.greeting = Greeting("", "en", (), ())

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed it, as far as that is known without asking."""
        return not (self._reader.at_eof() or self._writer.is_closing())

    async def exchange(self, message: bytes) -> bytes:
        """Send one message and return the next one that comes.

        Raises ConnectionClosed where the server closed the connection instead, and ClientError for any other trouble. The
        caller bounds the time.
        """
        with self._translate():
            self._writer.write(make_frame(message))
            await self._writer.drain()
            return await self._read_message()

    async def ask_for_greeting(self) -> None:
        """Say hello, which keeps the session open. Raises ClientError where no greeting comes back."""
        self._take_greeting(await self.exchange(make_hello()))

    async def await_greeting(self) -> None:
        """Read the greeting that a server sends first. Raises ClientError."""
        with self._translate():
            data = await self._read_message()
        self._take_greeting(data)

    def abort(self) -> None:
        """End it at once: nothing is left to say."""
        self._writer.transport.abort()

    @contextmanager
    def _translate(self) -> Iterator[None]:
        """Trouble with the socket as errors of a client."""
        try:
            yield
        except ConnectionError as error:
            raise ConnectionClosed(f"{self._host} has closed the connection") from error
        except OSError as error:
            raise ClientError(f"{self._host}: {error.strerror or type(error).__name__}") from error

    def _take_greeting(self, data: bytes) -> None:
        try:
            self.greeting = parse_greeting(data)
        except ValueError as error:
            raise ClientError(f"{self._host} sends no greeting: {error}"[:300]) from error

    async def _read_message(self) -> bytes:
        try:
            header = await self._reader.readexactly(HEADER)
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                raise ConnectionClosed(f"{self._host} has closed the connection") from error
            raise ClientError(f"{self._host} has closed the connection inside a header") from error
        try:
            return await self._reader.readexactly(read_header(header))
        except asyncio.IncompleteReadError as error:
            raise ClientError(f"{self._host} has closed the connection inside a message") from error
        except ValueError as error:
            raise ClientError(f"{self._host} sends {error}") from error


async def open_connection(host: str, port: int, tls: ssl.SSLContext, guard: Guard, resolver: Resolver) -> EppConnection:
    """A connection whose greeting has been read. Raises Refused, ConnectionRefused, ClientError. The caller bounds the time."""

    async def dial(address: str) -> _Streams:
        return await asyncio.open_connection(address, port, ssl=tls, server_hostname=host, limit=_BUFFER)

    try:
        addresses = alternate_families(guard.vet(host, await resolver.addresses(host)))[:MOST_ADDRESSES]
        connection = EppConnection(host, await dial_first(addresses, dial, _hang_up, ATTEMPT_DELAY))
    except ConnectionRefusedError as error:
        raise ConnectionRefused(f"{host} refused the connection") from error
    except ssl.SSLCertVerificationError as error:
        raise ClientError(f"{host}: its certificate is not trusted: {error.verify_message}"[:300]) from error
    except OSError as error:
        raise ClientError(f"{host}: {error.strerror or type(error).__name__}") from error
    try:
        await connection.await_greeting()
    except BaseException:
        connection.abort()
        raise
    return connection


def _hang_up(streams: _Streams) -> None:
    streams[1].transport.abort()
