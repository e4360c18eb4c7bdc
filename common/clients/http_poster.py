"""POST over HTTP/1.1 to an endpoint of which only the status line is needed: found however the rest of its answer is spoiled.

Why not aiohttp, as everywhere else: its parser gives an answer whole or not at all. A header of 9 KiB, a blank in the name of
a header or two equal lengths take away the 200 before them, and with it the news that an event arrived. Its limits can be
widened, its strictness cannot be switched off, and only its private names lead to the bytes behind its errors. What is needed
here is a small part of a client: one method, no redirects, cookies, proxies or decoding, and an answer that is thrown away.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from yarl import URL

from common.clients.happy_eyeballs import dial_first
from common.clients.host_addresses import Resolver, SystemResolver
from common.core.parsers.http_answer import CHUNKED, body_length, find_field, find_head_end, find_status, skip_chunks
from common.core.registries.addresses import parse_address
from common.errors import ClientError, Refused, TimedOut

#: Seconds for a connection with its TLS handshake; until the next address is tried beside it; for an answer after its status.
CONNECT, ATTEMPT_DELAY, DRAIN = 5.0, 0.25, 1.0
#: Seconds for which a connection without work is kept, and most posts at the same time.
IDLE, MOST = 15.0, 64
#: Most bytes of an answer, interim ones (1xx) included: enough to use the connection again, they are not read.
ANSWER_LIMIT = 65_536
_SWITCHING = 101
_UNREADABLE = "the answer was no acceptable HTTP"


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """The final status, and the text of Retry-After where the endpoint refused and sent one."""

    status: int
    retry_after: str | None = None


class Poster:
    """Posts to one URL; a connection serves again only after a flawless answer. One per event loop, `close` it in the end.

    `allowed` judges the address of each connection; `most` is how many posts are made at the same time, `idle` for how many
    seconds a connection waits for the next.
    """

    def __init__(
        self,
        url: URL,
        tls: ssl.SSLContext,
        allowed: Callable[[str], bool],
        *,
        most: int = MOST,
        idle: float = IDLE,
        resolver: Resolver | None = None,
    ) -> None:
        self._url = url
        self._tls = tls if url.scheme == "https" else None
        self._allowed = allowed
        self._resolver = resolver or SystemResolver()
        self._turns = asyncio.Semaphore(most)
        self._seconds_idle = idle
        self._idle: list[_Wire] = []

    async def post(self, headers: Mapping[str, str], body: bytes, seconds: float) -> PostAnswer:
        """Make one attempt; the status of the answer comes within `seconds`, and DRAIN at most is spent on its rest.

        Raises ClientError with a text of ours (TimedOut, Refused), OSError of the connection, ValueError for a header that
        cannot be sent.
        """
        request = _request(self._url, headers, body)
        wire: _Wire | None = None
        answer: PostAnswer | None = None
        try:
            async with asyncio.timeout(seconds) as deadline, self._turns:
                wire = self._take()
                if wire is not None and not await wire.ask(request):
                    wire.abort()  # it closed while it waited for work, so most likely the request was not read
                    wire = None
                if wire is None:
                    wire = await self._connect()
                    await wire.ask(request)
                answer = PostAnswer(await wire.status())
                if 200 <= answer.status < 300:
                    deadline.reschedule(None)  # accepted: nothing that follows may turn it into a failure
                else:
                    answer = PostAnswer(answer.status, find_field(await wire.head(), "retry-after"))
                await self._settle(wire)
                wire = None
        except (TimeoutError, ClientError, OSError):
            if answer is None:
                raise
        finally:
            if wire is not None:
                wire.abort()
        return answer

    async def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop().abort()
        await asyncio.sleep(0)  # transports end in the loop's next round

    def _take(self) -> _Wire | None:
        """A connection that waits, and on which nothing came since its last answer."""
        while self._idle:
            wire = self._idle.pop()
            if wire.usable():
                wire.keep(None)
                return wire
            wire.abort()
        return None

    async def _settle(self, wire: _Wire) -> None:
        """Read a short answer to its end and keep the connection. A long, slow or flawed one is cut off."""
        clean = False
        with suppress(TimeoutError, ClientError, OSError, ValueError):
            async with asyncio.timeout(DRAIN):
                clean = await wire.drain()
        if clean:
            wire.keep(self._seconds_idle)
            self._idle.append(wire)
        else:
            wire.abort()

    async def _connect(self) -> _Wire:
        host = self._url.raw_host or ""
        try:
            async with asyncio.timeout(CONNECT):
                found = [host] if parse_address(host) is not None else await self._addresses(host)
                addresses = [address for address in found if self._allowed(address)]
                if found and not addresses:
                    raise Refused("its address is not allowed")
                return await dial_first(addresses, self._dial, _Wire.abort, ATTEMPT_DELAY)
        except TimeoutError as error:
            raise TimedOut(f"no connection within {CONNECT:g} s") from error
        except ssl.SSLError as error:
            raise ClientError("the TLS certificate or handshake was not acceptable") from error

    async def _addresses(self, host: str) -> list[str]:
        try:
            return await self._resolver.addresses(host)
        except ClientError as error:
            raise ClientError("the host name was not found") from error

    async def _dial(self, address: str) -> _Wire:
        """A connection to this very address: the name cannot change after it was judged."""
        name = (self._url.raw_host or "").rstrip(".") if self._tls is not None else None
        loop, port = asyncio.get_running_loop(), self._url.port or 0
        _, wire = await loop.create_connection(_Wire, address, port, ssl=self._tls, server_hostname=name)
        return wire


class _Wire(asyncio.Protocol):
    """One connection and the bytes that came over it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._start = 0  # where the answer begins, and in `_after` where its status ends
        self._after = 0
        self._ended = False
        self._trouble: Exception | None = None
        self._news = asyncio.Event()
        self._expiry: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what came; what is over the bound stays outside."""
        self._data += data
        if len(self._data) > ANSWER_LIMIT and self._transport is not None:
            self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come, and perhaps why."""
        self._trouble = exc
        self.eof_received()

    def usable(self) -> bool:
        """Whether the connection stands, and nothing came that was not asked for."""
        return not (self._ended or self._data or self._transport is None or self._transport.is_closing())

    def keep(self, seconds: float | None) -> None:
        """Wait for work, at most for so long; None: there is some."""
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = asyncio.get_running_loop().call_later(seconds, self.abort) if seconds is not None else None

    def abort(self) -> None:
        """End the connection now: waiting for a polite end would be waiting for the server."""
        self.keep(None)
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, request: bytes) -> bool:
        """Send, and wait for the first bytes of the answer; False where the connection ends before.

        The answer may come before everything is sent.
        """
        if self._transport is not None:
            self._transport.write(request)
        while not self._data and not self._ended:
            self._news.clear()
            await self._news.wait()
        return bool(self._data)

    async def status(self) -> int:
        """The final status. Raises ClientError where there is none, OSError where the connection broke."""
        while True:
            found = self._find_status()
            while found is None:
                await self._more()
                found = self._find_status()
            status, self._after = found
            if status >= 200 or status == _SWITCHING:
                return status
            self._start += len(await self.head())

    async def head(self) -> bytes:
        """The head of the answer whose status was found; as much as there is where the answer breaks off or has no end."""
        end = None
        with suppress(ClientError, OSError):
            while (end := find_head_end(self._data, self._after)) is None:
                await self._more()
        return bytes(self._data[self._start : end])

    async def drain(self) -> bool:
        """Read the rest of the answer; whether the connection can serve again: no flaw in it, and nothing behind it.

        Raises ValueError, ClientError and OSError for answers that were not.
        """
        head = await self.head()
        length, at = body_length(head), self._start + len(head)
        if length is None:
            return False
        over = False
        while not over:
            at, over = skip_chunks(self._data, at) if length == CHUNKED else (at, len(self._data) >= at + length)
            if not over:
                await self._more()
        return self._finish(at if length == CHUNKED else at + length)

    def _finish(self, end: int) -> bool:
        """Make ready for another request; whether nothing stands in its way."""
        clean = len(self._data) == end and self._transport is not None and not self._transport.get_write_buffer_size()
        self._data.clear()
        self._start = self._after = 0
        return clean and self.usable()

    def _find_status(self) -> tuple[int, int] | None:
        try:
            found = find_status(bytes(self._data[self._start : self._start + 80]))
        except ValueError as error:
            raise ClientError(_UNREADABLE) from error
        return (found[0], self._start + found[1]) if found is not None else None

    async def _more(self) -> None:
        """Wait for more bytes. Raises what ended the connection where none will come, ClientError where there are too many."""
        if len(self._data) > ANSWER_LIMIT:
            raise ClientError(_UNREADABLE)
        if self._ended:
            if self._trouble is not None:
                raise self._trouble
            raise ClientError(_UNREADABLE if self._data[self._start :] else "the connection was closed without an answer")
        self._news.clear()
        await self._news.wait()


def _request(url: URL, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes to send. Raises ValueError for a header that would be two."""
    sent = {"Host": url.host_port_subcomponent or "", "Accept": "*/*", **headers, "Content-Length": str(len(body))}
    lines = [f"POST {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    if any(character in line for line in lines for character in "\r\n\0"):
        raise ValueError("a header with a line break")
    return "\r\n".join([*lines, "", ""]).encode() + body
