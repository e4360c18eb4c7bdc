"""Posting callbacks: one signed request per attempt, bounded in time and bytes. What the answer means is decided elsewhere.

A status line of 2xx says that the event arrived, whatever is wrong with the answer behind it.

The URL is the operator's own, so private networks are fine. Link-local and metadata addresses never are (they hand out cloud
credentials), which is checked on the address of each connection, whatever the name resolved to.
"""

from __future__ import annotations

import errno
import ssl
from base64 import b64encode

from yarl import URL

from common.clients.address_guard import CustomerGuard
from common.clients.http_poster import DRAIN, Poster
from common.clock import monotonic
from common.config import Settings
from common.core.outbox.signatures import sign_body
from common.core.parsers.retry_after import parse_retry_after
from common.errors import ClientError, Refused
from common.messages import Delivery, DeliveryResult
from common.version import user_agent

#: Seconds for everything until the status is known.
TOTAL = 15.0


class CallbackSender:
    """Posts to API_CALLBACK_URL. One per event loop; `close` it in the end."""

    def __init__(self, settings: Settings) -> None:
        self._url = URL(settings.api_callback_url) if settings.api_callback_url else None
        self._token = settings.api_auth_token
        self._secrets = settings.callback_secret
        self._guard = CustomerGuard(settings)
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
            answer = await self._poster_for(self._url).post(self._headers(delivery, now), delivery.body, budget)
            status, retry_after = answer.status, parse_retry_after(answer.retry_after, now)
        except (ClientError, OSError, ValueError) as error:
            problem = f"no answer within {budget:g} s" if type(error) is TimeoutError else _explain_failure(error)
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
            headers["webhook-signature"] = sign_body(self._secrets, delivery.event_id, int(now), delivery.body)
        if delivery.replay:
            headers["dm-replay"] = "1"
        return headers

    def _poster_for(self, url: URL) -> Poster:
        if self._poster is None:
            self._poster = Poster(url, self._tls, self._guard.allowed)
        return self._poster


def _explain_failure(error: Exception) -> str:
    """What went wrong, in our words: a library's own text may quote the URL."""
    if isinstance(error, Refused):
        return CustomerGuard.REASON
    if isinstance(error, ClientError):
        return str(error)
    number = error.errno if isinstance(error, OSError) else None
    return f"the connection failed ({errno.errorcode.get(number or 0, type(error).__name__)})"
