"""Posting callbacks: one signed request per attempt, bounded in time and bytes. What the answer means is decided elsewhere.

A status line of 2xx says that the event arrived, whatever is wrong with the answer behind it.

The URL is the operator's own, so private networks are fine. Link-local and metadata addresses never are (they hand out cloud
credentials), which is checked on the address of each connection, whatever the name resolved to.
"""

from __future__ import annotations

import errno
import ssl
from base64 import b64encode
from ipaddress import IPv4Address, IPv6Address, ip_network

from yarl import URL

from common.clients.poster import DRAIN, Poster
from common.clock import monotonic
from common.config import Settings
from common.core.addresses import in_networks, parse
from common.core.parsers.retry_after import parse_retry_after
from common.core.signatures import sign
from common.errors import ClientError, Refused
from common.messages import Delivery, DeliveryResult
from common.version import user_agent

#: Seconds for everything until the status is known.
TOTAL = 15.0

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


class CallbackSender:
    """Posts to API_CALLBACK_URL. One per event loop; `close` it in the end."""

    def __init__(self, settings: Settings) -> None:
        self._url = URL(settings.api_callback_url) if settings.api_callback_url else None
        self._token = settings.api_auth_token
        self._secrets = settings.callback_secret
        self._allowed = settings.allowed_private_networks
        self._agent = user_agent(settings.user_agent_contact)
        self._tls = ssl.create_default_context()
        if settings.tls_ca_file is not None:
            self._tls.load_verify_locations(settings.tls_ca_file)
        self._poster: Poster | None = None

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
            # A redirected POST becomes a GET without a body, gets its 200 and the event is gone: redirects are failures.
            answer = await self._opened(self._url).post(self._headers(delivery, now), delivery.body, budget)
            status, retry_after = answer.status, parse_retry_after(answer.retry_after, now)
        except (ClientError, OSError, ValueError) as error:
            problem = f"no answer within {budget:g} s" if type(error) is TimeoutError else _explain(error)
        if status and not 200 <= status < 300:
            problem = f"answered {status}"
        text = f"{(self._url.host or '')[:253]}: {problem}" if problem else ""
        return DeliveryResult(delivery.attempt, status, text, (monotonic() - started) * 1000, retry_after)

    async def close(self) -> None:
        """Release connections."""
        if self._poster is not None:
            await self._poster.close()
            self._poster = None

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
        elif self._url is not None and (self._url.user or self._url.password):
            headers["Authorization"] = (
                "Basic " + b64encode(f"{self._url.user or ''}:{self._url.password or ''}".encode()).decode()
            )
        if self._secrets:
            headers["webhook-signature"] = sign(self._secrets, delivery.event_id, int(now), delivery.body)
        if delivery.replay:
            headers["dm-replay"] = "1"
        return headers

    def _opened(self, url: URL) -> Poster:
        if self._poster is None:
            self._poster = Poster(url, self._tls, self._may_connect)
        return self._poster

    def _may_connect(self, address: str) -> bool:
        """Whether a connection may go to this address: the last place before it, so nothing gets around it."""
        return not is_denied(address) or in_networks(address, self._allowed)


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


def _explain(error: Exception) -> str:
    """What went wrong, in our words: a library's own text may quote the URL."""
    if isinstance(error, Refused):
        return "its address is link-local or a metadata service, which ALLOWED_PRIVATE_NETWORKS does not allow"
    if isinstance(error, ClientError):
        return str(error)
    number = error.errno if isinstance(error, OSError) else None
    return f"the connection failed ({errno.errorcode.get(number or 0, type(error).__name__)})"
