"""RDAP: does the registry have an object of this name? One GET to the server that the registry names (RFC 7482, 9224)."""

from __future__ import annotations

import json
from hashlib import sha256
from urllib.parse import urlsplit

from actors.checkers.contract import Context
from common.clients.address_guard import Guard
from common.clients.host_addresses import Resolver, create_host_cache
from common.clients.http_client import HttpAnswer, HttpClient, RequestOptions, redirect_target
from common.core.model.evidence import EXCERPT_LIMIT, Observation, Reading, unknown_reading
from common.core.parsers import rdap as parser
from common.core.parsers.bounded_json import parse_bounded_json
from common.core.registries.directory import host_of
from common.core.registries.registrable_names import is_wire_name
from common.errors import ClientError, ConnectionRefused, NotAsked, Refused, TimedOut, TooLarge
from common.messages import Task
from common.registry_directory import load_directory

#: Most redirects followed.
MOST_REDIRECTS = 3
_FINDINGS = {
    Refused: "rdap_refused_address",
    TimedOut: "rdap_timeout",
    TooLarge: "rdap_too_large",
    ConnectionRefused: "rdap_turned_away",
}
_ACCEPT = "application/rdap+json, application/json;q=0.9"
#: What an excerpt keeps of an object: nothing about people.
_KEPT = (
    "objectClassName",
    "ldhName",
    "unicodeName",
    "handle",
    "errorCode",
    "title",
    "description",
    "status",
    "events",
    "notices",
)


def create(context: Context) -> RdapChecker:
    """The checker of this file."""
    return RdapChecker(context)


class _RedirectError(ClientError):
    """The server sends us somewhere we do not go."""

    def __init__(self, finding: str, text: str) -> None:
        super().__init__(text)
        self.finding = finding


class RdapChecker:
    """Asks the server of the task, or the directory's, and follows redirects by hand while they stay with one registry."""

    method = "rdap"

    def __init__(self, context: Context, resolver: Resolver | None = None) -> None:
        settings = context.settings
        self._context = context
        self._directory = load_directory(settings)
        self._hosts = create_host_cache(settings, context.monotonic)
        self._client = HttpClient(settings, Guard(settings), resolver=resolver or self._hosts)

    async def check(self, task: Task) -> Observation:
        """Ask once. Trouble is an observation with outcome unknown. Raises NotAsked where the server's turn did not come."""
        began = self._context.monotonic()
        base = task.server or self._base(task.suffix)
        host = host_of(base)
        if not base or not host or not is_wire_name(task.domain):
            reason = "no RDAP server is known for the suffix" if not host else "not a name that can be asked for"
            return Observation(self.method, unknown_reading("rdap_no_server", reason), server=host)
        address, refused, answer = "", False, None
        try:
            answer = await self._ask(base, task, began)
            address = f"{answer.address}/tcp"
            reading = self._read(answer, task.domain, host)
            refused = answer.status in {401, 403}
        except NotAsked:
            raise
        except ClientError as error:
            reading = _read_failure(error)
            refused = isinstance(error, ConnectionRefused)
        return Observation(
            self.method,
            reading,
            server=host[:300],
            address=address[:300],
            duration_ms=round((self._context.monotonic() - began) * 1000, 1),
            status=answer.status if answer else None,
            digest=sha256(answer.body).hexdigest() if answer else "",
            excerpt=excerpt(answer.body) if answer else "",
            refused=refused,
        )

    async def close(self) -> None:
        """Close connections, and end the look-ups that still run."""
        await self._client.close()
        await self._hosts.close()

    def _base(self, suffix: str) -> str:
        server = self._directory.rdap_server(suffix)
        return server.base if server else ""

    async def _ask(self, base: str, task: Task, began: float) -> HttpAnswer:
        # urljoin would drop the path of a base such as https://rdap.example/com/v1/.
        url = f"{base if base.endswith('/') else base + '/'}domain/{task.domain}"
        answer = await self._follow(url, base, task, began, RequestOptions())
        if answer.status == 403 and answer.address.startswith("["):
            # Some registries block whole IPv6 networks and answer the same host over IPv4.
            answer = await self._follow(url, base, task, began, RequestOptions(ipv4_only=True))
        return answer

    async def _follow(self, url: str, base: str, task: Task, began: float, options: RequestOptions) -> HttpAnswer:
        headers = {"Accept": _ACCEPT} | ({"Cache-Control": "no-cache"} if task.confirm else {})
        visited = {url}
        while True:
            left = task.budget_ms / 1000 - (self._context.monotonic() - began)
            if left <= 0:
                raise TimedOut("no answer within the task's budget")
            try:
                answer = await self._client.request(
                    "GET", url, headers=headers, limit=parser.BODY_LIMIT, seconds=left, options=options
                )
            except NotAsked as error:
                if len(visited) == 1 and not options.ipv4_only:
                    raise
                raise ClientError(str(error)) from error  # but the operator was asked already
            target = redirect_target(answer)
            if target is None:
                return answer
            _vet_redirect(target, base, visited)
            visited.add(target)
            url = target

    def _read(self, answer: HttpAnswer, domain: str, host: str) -> Reading:
        if answer.truncated and answer.status in {200, 404}:
            return unknown_reading("rdap_too_large", f"a body of more than {parser.BODY_LIMIT} bytes")
        return parser.parse_rdap_answer(
            answer.status,
            answer.headers,
            answer.body,
            domain,
            final_host=host_of(answer.url),
            expected_host=host,
            now=self._context.now(),
        )


def excerpt(body: bytes) -> str:
    """A bounded copy of an answer as evidence: of an object only what says nothing about people."""
    try:
        value = parse_bounded_json(body, parser.BODY_LIMIT)
    except ValueError:
        return "".join(mark if mark.isprintable() else " " for mark in body[:300].decode("utf-8", "replace")).strip()
    if not isinstance(value, dict):
        return ""
    kept = {key: value[key] for key in _KEPT if key in value}
    servers = value.get("nameservers")
    if isinstance(servers, list):
        kept["nameservers"] = [server.get("ldhName") for server in servers[:32] if isinstance(server, dict)]
    text = json.dumps(kept, separators=(",", ":"))
    while len(text) > EXCERPT_LIMIT and kept:
        # The long members go first: notices repeat the same legal text in every answer.
        del kept[max(kept, key=lambda key: len(json.dumps(kept[key])))]
        text = json.dumps(kept, separators=(",", ":"))
    return text


def _vet_redirect(target: str, base: str, visited: set[str]) -> None:
    host = host_of(target)
    if target in visited or len(visited) > MOST_REDIRECTS:
        raise _RedirectError("rdap_redirects", "it redirects in circles or too often")
    if urlsplit(target).scheme != "https" and urlsplit(base).scheme == "https":
        raise _RedirectError("rdap_redirects", "it redirects from https to http")
    if not parser.same_operator(host, host_of(base)):
        raise _RedirectError("rdap_other_host", f"it redirects to {host[:100]}")


def _read_failure(error: ClientError) -> Reading:
    if isinstance(error, _RedirectError):
        return unknown_reading(error.finding, str(error))
    return unknown_reading(_FINDINGS.get(type(error), "rdap_error"), str(error))
