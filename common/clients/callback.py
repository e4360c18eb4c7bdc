"""Posting callbacks: one signed request per attempt, bounded in time and bytes. What the answer means is decided elsewhere.

The URL is the operator's own, so private networks are fine. Link-local and metadata addresses never are (they hand out cloud
credentials), which is checked on the address of each connection, whatever the name resolved to.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import aiohttp
from yarl import URL

from common.clock import monotonic
from common.config import Settings
from common.core.addresses import in_networks, parse
from common.core.parsers.retry_after import parse_retry_after
from common.core.signatures import sign
from common.messages import Delivery, DeliveryResult

#: Seconds for the TCP connection, for everything, and for reading an answer whose status is known already.
CONNECT, TOTAL, DRAIN = 5.0, 15.0, 1.0
#: Most bytes read of an answer: enough to use the connection again, nobody looks at them.
ANSWER_LIMIT = 65_536
#: Open connections at the same time, per process.
CONNECTIONS = 64

#: Link-local networks, and the metadata services that live outside of them: AWS (IPv6), Alibaba, Oracle, Azure.
DENIED = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",
        "fe80::/10",
        "fd00:ec2::254/128",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "168.63.129.16/32",
    )
)
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_SIX_TO_FOUR = ip_network("2002::/16")  # RFC 3056


class _DeniedError(OSError):
    """An address that callbacks never go to; an OSError, so that aiohttp tries the next address of the host."""


class CallbackSender:
    """Posts to API_CALLBACK_URL. One per event loop; `close` it in the end."""

    def __init__(self, settings: Settings) -> None:
        self._url = URL(settings.api_callback_url) if settings.api_callback_url else None
        self._token = settings.api_auth_token
        if self._url is not None and self._token:
            self._url = self._url.with_user(None)  # one Authorization header only, and the token is the one we were told
        self._secrets = settings.callback_secret
        self._allowed = settings.allowed_private_networks
        self._agent = "domain-monitor" + (f" (+{settings.user_agent_contact})" if settings.user_agent_contact else "")
        self._tls = ssl.create_default_context()
        if settings.tls_ca_file is not None:
            self._tls.load_verify_locations(settings.tls_ca_file)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, delivery: Delivery, now: float) -> DeliveryResult:
        """Make one attempt. Never raises for what the endpoint does: status 0 and a text say that no answer came.

        `now` in epoch seconds is the time that gets signed. The text names the host and the trouble, never the path, the
        token or the body.
        """
        if self._url is None:
            return DeliveryResult(delivery.attempt, error="API_CALLBACK_URL is not set")
        started = monotonic()
        status, retry_after, problem = 0, None, ""
        budget = min(TOTAL, max(delivery.budget_ms / 1000 - DRAIN, 0.1))
        try:
            async with asyncio.timeout(budget) as deadline:
                status, retry_after = await self._post(self._url, delivery, now, deadline)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            problem = f"no answer within {budget:g} s" if type(error) is TimeoutError else _explain(error)
        if status and not 200 <= status < 300:
            problem = f"answered {status}"
        text = f"{(self._url.host or '')[:253]}: {problem}" if problem else ""
        return DeliveryResult(delivery.attempt, status, text, (monotonic() - started) * 1000, retry_after)

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, url: URL, delivery: Delivery, now: float, deadline: asyncio.Timeout) -> tuple[int, float | None]:
        # A redirected POST becomes a GET without a body, gets its 200 and the event is gone: redirects are failures.
        request = self._opened().post(url, data=delivery.body, headers=self._headers(delivery, now), allow_redirects=False)
        async with request as response:
            deadline.reschedule(None)  # the status is known: nothing that follows may turn it into a failure
            await _drain(response)
            return response.status, parse_retry_after(response.headers.get("Retry-After"), now)

    def _headers(self, delivery: Delivery, now: float) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._agent,
            "Accept-Encoding": "identity",
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(int(now)),
            "Idempotency-Key": delivery.event_id,
            "dm-attempt": str(delivery.number),
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._secrets:
            headers["webhook-signature"] = sign(self._secrets, delivery.event_id, int(now), delivery.body)
        if delivery.replay:
            headers["dm-replay"] = "1"
        return headers

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=self._tls, socket_factory=self._socket),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """The socket for one address of the endpoint: the last place before the connection, so nothing gets around it."""
        family, kind, protocol, _, address = info
        if is_denied(str(address[0])) and not in_networks(str(address[0]), self._allowed):
            raise _DeniedError(errno.EACCES, "link-local and metadata addresses are not allowed")
        return socket.socket(family, kind, protocol)


def is_denied(address: str) -> bool:
    """Whether an address literal is link-local or a metadata service, also when it hides inside an IPv6 address."""
    parsed = parse(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inner = _inner(parsed)
        return in_networks(parsed, DENIED) or (inner is not None and in_networks(inner, DENIED))
    return parsed is None or in_networks(parsed, DENIED)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a gateway would connect to; IPv4-mapped addresses are unpacked by `parse` already."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address((int(address) >> 80) & 0xFFFF_FFFF)
    return None


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end, so that the connection can serve again. A long or slow one is cut off."""
    size = 0
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(DRAIN):
            async for chunk in response.content.iter_chunked(8192):
                size += len(chunk)
                if size > ANSWER_LIMIT:
                    break
            else:
                return
    response.close()


_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the host name was not found"),
    (aiohttp.ClientSSLError, "the TLS certificate or handshake was not acceptable"),
    (aiohttp.ServerDisconnectedError, "the connection was closed without an answer"),
    (aiohttp.ServerTimeoutError, f"no connection within {CONNECT:g} s"),
    (aiohttp.ClientResponseError, "the answer was no acceptable HTTP"),
)


def _explain(error: Exception) -> str:
    """What went wrong, in our words: the library's own text may quote the URL."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, _DeniedError):
        return "its address is link-local or a metadata service, which ALLOWED_PRIVATE_NETWORKS does not allow"
    for kind, text in _CAUSES:
        if isinstance(error, kind):
            return text
    number = cause.errno if isinstance(cause, OSError) else None
    return f"the connection failed ({errno.errorcode.get(number or 0, type(error).__name__)})"
