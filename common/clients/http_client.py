"""HTTP for hostile ends: every address vetted, every size and every second bounded, nothing followed, nothing remembered.

Two gates, because either alone leaks: the resolver drops what the guard refuses, and the socket factory sees the final address
of every connection, IP literals included, which never reach a resolver.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import zlib
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from common.clients.address_guard import Guard
from common.clients.host_addresses import Resolver, SystemResolver
from common.clients.keyed_turns import KeyedSemaphore
from common.clients.tls_context import create_tls_context
from common.config import Settings
from common.errors import ClientError, ConnectionRefused, Refused, TimedOut, TooLarge
from common.version import user_agent

#: Bytes of all header lines together, unless a request says otherwise.
HEADER_LIMIT = 32 * 1024
#: Longest single header line, in bytes.
LINE_LIMIT = 8190
#: Connections kept to one host: registries count them.
PER_HOST = 2
#: How much more than the body's limit may come over the wire, in bytes: compressed noise that unpacks to nothing.
_WIRE_SLACK = 64 * 1024
_CHUNK = 64 * 1024
#: Bytes of the buffer that asyncio has for each TLS connection. Its own 256 KiB would be most of the memory with many
#: connections to registries; a TLS record has at most 16 KiB (RFC 8446 section 5.1).
SSLProtocol.max_size = 32 * 1024
#: Seconds for the closing handshake of a WebSocket.
_WS_CLOSE = aiohttp.ClientWSTimeout(ws_close=1.0)
WebSocket = aiohttp.ClientWebSocketResponse[bool]
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """One answer. `headers` in lower case, the first of equal ones; `body` at most the limit, `truncated` where it had more.

    Of Set-Cookie, which comes several times (RFC 6265 section 3), all are kept, one a line.
    `address` is what was connected to, "192.0.2.1:443" or "[2001:db8::1]:443"; `url` what was asked.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    address: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpStream:
    """An answer whose body is still to come, `pieces` of it as sent, packed or not. `headers` and `url` as in `HttpAnswer`."""

    status: int
    headers: dict[str, str]
    url: str
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """Rarer parameters. `max_header` in bytes; `server_hostname` is the name in TLS where the URL holds an address."""

    body: bytes | None = None
    max_header: int = HEADER_LIMIT
    ipv4_only: bool = False
    server_hostname: str | None = None


_PLAIN = RequestOptions()


def redirect_target(answer: HttpAnswer, base: str = "") -> str | None:
    """The absolute URL that a redirect points to; None for any other answer, or where it makes no sense.

    `base` is what a relative target is joined to, the URL that was asked where it is not given.
    """
    location = answer.headers.get("location", "")
    if answer.status not in {301, 302, 303, 307, 308} or not location or len(location) > 2000:
        return None
    try:
        target = urljoin(base or answer.url, location.strip())
        return target if urlsplit(target).hostname else None
    except ValueError:
        return None


class HttpClient:
    """One per process and purpose. Without `keep_alive` every request has a connection of its own, as probes should.

    `resolver` None asks the system; `per_host` is how many requests to one host run at once, where connections are kept.
    """

    def __init__(
        self,
        settings: Settings,
        guard: Guard,
        *,
        resolver: Resolver | None = None,
        keep_alive: bool = True,
        per_host: int = PER_HOST,
    ) -> None:
        self._guard = guard
        self._resolver = _VettingResolver(guard, resolver)
        self._keep_alive = keep_alive
        self._agent = user_agent(settings.user_agent_contact)
        self._tls = create_tls_context(settings.tls_ca_file)
        self._turns = KeyedSemaphore(per_host) if keep_alive else None
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        limit: int,
        seconds: float,
        options: RequestOptions = _PLAIN,
    ) -> HttpAnswer:
        """Ask once. `limit` bounds the unpacked body in bytes (0: it is not read), `seconds` everything together.

        At most half of the time is spent on waiting for a turn, so that the rest is the server's own.

        Raises NotAsked where no turn came, Refused (address or scheme), TooLarge (headers), TimedOut, ConnectionRefused, or
        ClientError for the rest.
        A body above the limit is no error: it comes cut off, `truncated`.
        """
        host = _host(url)
        try:
            async with asyncio.timeout(seconds), self._turn(host, seconds / 2):
                return await self._exchange(method, url, headers, limit, options)
        except TimeoutError as error:
            raise TimedOut(f"{host}: no complete answer within {seconds:.1f} s") from error
        except aiohttp.ClientError as error:
            raise _translated(host, error) from error
        except (OSError, ValueError, zlib.error) as error:
            raise ClientError(f"{host}: {error}"[:300]) from error

    @asynccontextmanager
    async def open_stream(self, url: str, *, headers: Mapping[str, str], seconds: float) -> AsyncIterator[HttpStream]:
        """GET once, and give the answer before its body; `seconds` bound everything until the context ends.

        Raises as `request`, also from within the context while the body is read. How much is read is for the caller to bound.
        """
        host = _host(url)
        sent = {"User-Agent": self._agent, "Accept-Encoding": "identity", **headers}
        try:
            async with (
                asyncio.timeout(seconds),
                self._turn(host, seconds / 2),
                self._session(ipv4_only=False).get(url, headers=sent, allow_redirects=False) as response,
            ):
                found = _headers(response, HEADER_LIMIT)
                pieces = response.content.iter_chunked(_CHUNK)
                yield HttpStream(status=response.status, headers=found, url=url, pieces=pieces)
                response.close()  # what is left of the body is not waited for
        except TimeoutError as error:
            raise TimedOut(f"{host}: not read within {seconds:.1f} s") from error
        except aiohttp.ClientError as error:
            raise _translated(host, error) from error
        except OSError as error:
            raise ClientError(f"{host}: {error}"[:300]) from error

    @asynccontextmanager
    async def open_websocket(self, url: str, *, most_bytes: int, seconds: float, ping: float) -> AsyncIterator[WebSocket]:
        """Connect to a WebSocket (RFC 6455) at an http(s) URL within `seconds`; it is closed when the context ends.

        `most_bytes` bounds a message. A peer that answers no ping, one every `ping` seconds, is gone. Raises as `request`.
        """
        host = _host(url)
        try:
            async with asyncio.timeout(seconds) as connecting:
                async with self._session(ipv4_only=False).ws_connect(
                    url, headers={"User-Agent": self._agent}, max_msg_size=most_bytes, heartbeat=ping, timeout=_WS_CLOSE
                ) as socket_:
                    connecting.reschedule(None)
                    yield socket_
        except TimeoutError as error:
            raise TimedOut(f"{host}: not connected within {seconds:.1f} s") from error
        except aiohttp.WSServerHandshakeError as error:
            raise ClientError(f"{host}: no WebSocket there, status {error.status}") from error
        except aiohttp.ClientError as error:
            raise _translated(host, error) from error
        except OSError as error:
            raise ClientError(f"{host}: {error}"[:300]) from error

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _turn(self, host: str, seconds: float) -> AbstractAsyncContextManager[None]:
        return self._turns.acquire(host, seconds) if self._turns else nullcontext()

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], limit: int, options: RequestOptions
    ) -> HttpAnswer:
        sent = {"User-Agent": self._agent, "Accept-Encoding": "identity", **headers}
        session = self._session(ipv4_only=options.ipv4_only)
        async with session.request(
            method, url, headers=sent, data=options.body, allow_redirects=False, server_hostname=options.server_hostname
        ) as response:
            found = _headers(response, options.max_header)
            body, truncated = await _body(response, limit) if limit else (b"", False)
            address = cast("_Response", response).peer
            if truncated or not limit:
                response.close()
            return HttpAnswer(status=response.status, headers=found, body=body, truncated=truncated, address=address, url=url)

    def _session(self, *, ipv4_only: bool) -> aiohttp.ClientSession:
        if session := self._sessions.get(ipv4_only):
            return session
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            socket_factory=self._socket,
            family=socket.AF_INET if ipv4_only else socket.AF_UNSPEC,
            ssl=self._tls,
            use_dns_cache=False,
            limit=0,  # one for all hosts would let the slow ones hold up the others; for each host there are turns
            force_close=not self._keep_alive,
        )
        session = self._sessions[ipv4_only] = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
            max_line_size=LINE_LIMIT,
            max_field_size=LINE_LIMIT,
            response_class=_Response,
            middlewares=(_refuse_redirect,),
        )
        return session

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        family, kind, proto, _name, address = info
        if not self._guard.allowed(str(address[0])):
            raise _DeniedError(errno.EACCES, f"{address[0]} is not a public address")
        return socket.socket(family, kind, proto)


class _DeniedError(OSError):
    """The socket factory's refusal; aiohttp passes nothing but OSError through."""


class _Response(aiohttp.ClientResponse):
    """Remembers the address it came from: the connection is gone when the answer is returned."""

    peer = ""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        name = connection.transport.get_extra_info("peername") if connection.transport else None
        if name:
            self.peer = f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
        return await super().start(connection)


async def _refuse_redirect(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Let no WebSocket be redirected: aiohttp would follow, in clear text too."""
    response = await handler(request)
    if "Upgrade" in request.headers and 300 <= response.status < 400:
        response.close()
        raise aiohttp.ClientPayloadError("redirected")
    return response


class _VettingResolver(AbstractResolver):
    """Only the addresses that the guard lets through; with none left the request is refused."""

    def __init__(self, guard: Guard, resolver: Resolver | None) -> None:
        self._guard = guard
        self._resolver = resolver or SystemResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Vetted addresses of a host. Raises Refused, and OSError where there are none."""
        found = await self._resolver.addresses(host)
        vetted = [address for address in found if self._guard.allowed(address)]
        if found and not vetted:
            raise Refused(f"{host} has no public address")
        fitting = [address for address in vetted if family != socket.AF_INET or ":" not in address]
        if not fitting:
            raise OSError(errno.EADDRNOTAVAIL, f"{host} has no address")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in fitting
        ]

    async def close(self) -> None:
        """Nothing to release."""


def _host(url: str) -> str:
    """The host, for errors: a URL may carry a key in its query. Raises Refused for anything but http and https."""
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
    except ValueError as error:
        raise Refused("not a URL") from error
    if scheme not in {"http", "https"} or not host:
        raise Refused(f"not an http(s) URL: {scheme[:20]}:")
    return host[:253]


def _headers(response: aiohttp.ClientResponse, limit: int) -> dict[str, str]:
    if sum(len(key) + len(value) + 4 for key, value in response.raw_headers) > limit:
        raise TooLarge(f"{response.url.host}: more than {limit} bytes of headers")
    found: dict[str, str] = {}
    for key, value in response.headers.items():
        # Bytes that are no UTF-8 come as lone surrogates, which nothing further on can carry.
        text, name = value.encode("utf-8", "replace").decode(), key.lower()
        found[name] = f"{found[name]}\n{text}" if name == "set-cookie" and name in found else found.get(name, text)
    return found


async def _body(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """The unpacked body and whether it was cut off. Raises ClientError for a packing we did not ask for and cannot open."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        raise ClientError(f"{response.url.host}: content encoding {encoding[:40]!r}")
    unpack = zlib.decompressobj(wbits=47) if encoding not in {"identity", ""} else None
    body, wire = bytearray(), 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        wire += len(chunk)
        body += unpack.decompress(chunk, limit + 1 - len(body)) if unpack else chunk
        if len(body) > limit or wire > limit + _WIRE_SLACK:
            return bytes(body[:limit]), True
    if unpack and wire and not unpack.eof:
        raise ClientError(f"{response.url.host}: the compressed body is cut off")
    return bytes(body), False


def _translated(host: str, error: aiohttp.ClientError) -> ClientError:
    """Our error for one of aiohttp's, without the URL, which may hold a key."""
    cause = getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(cause, _DeniedError):
        return Refused(f"{host}: {cause.strerror}")
    if isinstance(error, aiohttp.ClientResponseError):
        message = str(error.message)
        if "Got more than" in message or "Too many" in message:
            return TooLarge(f"{host}: more headers than accepted")
        return ClientError(f"{host}: not HTTP: {message.splitlines()[0][:200] if message else ''}")
    if isinstance(cause, (ConnectionRefusedError, ConnectionResetError)) or isinstance(error, aiohttp.ServerDisconnectedError):
        return ConnectionRefused(f"{host}: connection refused or reset")
    if isinstance(error, aiohttp.ClientPayloadError):
        return ClientError(f"{host}: the body is cut off or broken")
    return ClientError(f"{host}: {type(error).__name__}: {cause}"[:300])
