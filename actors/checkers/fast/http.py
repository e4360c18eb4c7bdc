"""HTTP: does a web server answer at the name? It repeats DNS at a higher cost; its use is the hint "for sale".

The names come from outside, so each may resolve to anything: every address of every hop is vetted, and the connection goes to
the vetted address itself.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlsplit

from actors.checkers.contract import Context
from common.clients.address_guard import Guard
from common.clients.dns import host_resolver
from common.clients.host_addresses import Resolver
from common.clients.http_client import HttpAnswer, HttpClient, RequestOptions, redirect_target
from common.core.model.evidence import Observation, Reading, unknown_reading
from common.core.parsers import http as parser
from common.core.registries.registrable_names import is_wire_name
from common.errors import ClientError, Refused, TimedOut
from common.messages import Task

#: Seconds for everything, redirects included.
TOTAL = 5.0
#: Most redirects followed.
MOST_REDIRECTS = 2
#: Bytes of headers accepted.
HEADER_LIMIT = 16 * 1024


def create(context: Context) -> HttpChecker:
    """The checker of this file."""
    return HttpChecker(context)


class _Hop(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str


class HttpChecker:
    """HEAD requests to the name, then to where it redirects. `resolver` is ours unless a test brings one."""

    method = "http"

    def __init__(self, context: Context, resolver: Resolver | None = None) -> None:
        self._context = context
        self._guard = Guard(context.settings)
        self._resolver = resolver or host_resolver(context.settings)
        self._client = HttpClient(context.settings, self._guard, resolver=self._resolver, keep_alive=False)

    async def check(self, task: Task) -> Observation:
        """Ask once. Trouble is an observation with outcome unknown."""
        began = self._context.monotonic()
        deadline = began + min(TOTAL, task.budget_ms / 1000)
        answer: HttpAnswer | None = None
        try:
            if not is_wire_name(task.domain):
                raise Refused("not a name that can be asked for")
            first = _Hop("http", task.domain, self._context.settings.http_port, "/")
            answer = await self._head(first, deadline)
            reading = parser.parse_web_answer(answer.status, answer.headers, task.domain)
            reading = await self._follow(first, answer, reading, deadline)
        except ClientError as error:
            reading = unknown_reading("http_silent", str(error))
        return Observation(
            self.method,
            reading,
            server=task.domain,
            address=f"{answer.address}/tcp" if answer else "",
            duration_ms=round((self._context.monotonic() - began) * 1000, 1),
            status=answer.status if answer else None,
            digest=sha256(repr(sorted(answer.headers.items())).encode()).hexdigest() if answer else "",
            excerpt=_excerpt(answer) if answer else "",
        )

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _follow(self, hop: _Hop, answer: HttpAnswer, reading: Reading, deadline: float) -> Reading:
        """The reading of the last answer that speaks about the name. The first one is the proof; the others are hints."""
        for _ in range(MOST_REDIRECTS):
            # The request went to an address; a relative target belongs to the name.
            target = redirect_target(answer, f"{hop.scheme}://{hop.host}:{hop.port}{hop.path}")
            if target is None:
                break
            try:
                hop = self._hop(target, hop)
                answer = await self._head(hop, deadline)
            except ClientError:
                break
            later = parser.parse_web_answer(answer.status, answer.headers, hop.host)
            if "for sale" in later.reason:
                return later
        return reading

    def _hop(self, target: str, before: _Hop) -> _Hop:
        try:
            parts = urlsplit(target)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError as error:
            raise Refused("a redirect to no URL") from error
        settings = self._context.settings
        usual = settings.https_port if parts.scheme == "https" else settings.http_port
        if parts.scheme not in {"http", "https"} or (before.scheme == "https" and parts.scheme == "http"):
            raise Refused("a redirect to another scheme, or from https to http")
        if port not in {None, 80, 443, settings.http_port, settings.https_port}:
            raise Refused(f"a redirect to port {port}")
        if not is_wire_name(host):
            raise Refused("a redirect to an address")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _Hop(parts.scheme, host, port or usual, path[:1000])

    async def _head(self, hop: _Hop, deadline: float) -> HttpAnswer:
        left = deadline - self._context.monotonic()
        if left <= 0:
            raise TimedOut("no time left")
        addresses = await self._resolver.addresses(hop.host)
        # One private address among public ones is an attack, not a mistake worth tolerating.
        for address in addresses:
            self._guard.check(address)
        if not addresses:
            raise ClientError(f"{hop.host} has no address")
        literal = min(addresses, key=lambda address: ":" in address)
        authority = f"[{literal}]" if ":" in literal else literal
        left = deadline - self._context.monotonic()
        if left <= 0:
            raise TimedOut("no time left")
        host = hop.host if hop.port in {80, 443} else f"{hop.host}:{hop.port}"
        return await self._client.request(
            "HEAD",
            f"{hop.scheme}://{authority}:{hop.port}{hop.path}",
            headers={"Host": host},
            limit=0,
            seconds=left,
            options=RequestOptions(max_header=HEADER_LIMIT, server_hostname=hop.host if hop.scheme == "https" else None),
        )


def _excerpt(answer: HttpAnswer) -> str:
    """Status, server and target: enough to see what answered."""
    shown = [f"HTTP {answer.status}"]
    shown += [f"{key}: {answer.headers[key][:300]}" for key in ("location", "server", "content-type") if key in answer.headers]
    return "\n".join(shown)
