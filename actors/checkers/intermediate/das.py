"""DAS: does the registry's availability service call the name free or taken? One line over TCP, or one GET.

The coordinator names the server; the form of query and answer is that of the suffix's own service, also where the operator
moved its server elsewhere. Such a service shows no record: "taken" comes without phase and dates.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from actors.checkers.contract import Context
from common.clients.address_guard import Guard
from common.clients.auction_lists import AuctionLists
from common.clients.host_addresses import create_host_cache
from common.clients.http_client import HttpAnswer, HttpClient
from common.clients.line_client import OthersFirstResolver, query_server
from common.core.builtin.das_servers import DasServer, Form
from common.core.model.evidence import EXCERPT_LIMIT, Observation, Reading, unknown_reading
from common.core.parsers import das as parser
from common.core.parsers.das_json import NAME_LIMIT, read_ee_auctions
from common.core.parsers.das_web import parse_das_response
from common.core.registries.das_dialects import find_dialect, format_query
from common.errors import ClientError, ConnectionRefused, NotAsked, Refused, TimedOut, TooLarge
from common.messages import Task
from common.setting_parsers import split_host

#: Most bytes of a text answer; one about a name has some hundred.
TEXT_LIMIT = parser.TEXT_LIMIT
_FINDINGS = {
    Refused: "das_refused_address",
    TimedOut: "das_timeout",
    TooLarge: "das_too_large",
    ConnectionRefused: "das_turned_away",
}


def create(context: Context) -> DasChecker:
    """The checker of this file."""
    return DasChecker(context)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came back, as it was read. `address` is "ip:port", `status` the one of HTTP."""

    reading: Reading
    data: bytes
    excerpt: str
    address: str
    status: int | None = None


class DasChecker:
    """Asks one service one question; the auctions of .ee are fetched once for many."""

    method = "das"

    def __init__(self, context: Context) -> None:
        settings = context.settings
        self._context = context
        self._guard = Guard(settings)
        self._hosts = create_host_cache(settings, context.monotonic)
        self._client = HttpClient(settings, self._guard, resolver=self._hosts)
        self._auctions = AuctionLists(self._client, context.monotonic)

    async def check(self, task: Task) -> Observation:
        """Ask once. Trouble is an observation with outcome unknown. Raises NotAsked where the server's turn did not come."""
        if not task.server:
            return Observation(self.method, unknown_reading("das_no_server", "no availability service for the suffix"))
        dialect = find_dialect(task.suffix, task.server.partition(":")[0])
        host, port = split_host(task.server, dialect.port)
        query = format_query(dialect, task.domain, task.suffix)
        if query is None:
            reading = unknown_reading("das_bad_name", "not a name that can be asked for")
            return Observation(self.method, reading, server=host[:300])
        began = self._context.monotonic()
        refused, heard = False, None
        try:
            heard = await self._ask(task, dialect, (host, port), query)
            reading, refused = heard.reading, heard.status in {401, 403}
        except NotAsked:
            raise
        except ClientError as error:
            reading, refused = _read_failure(error), isinstance(error, ConnectionRefused)
        return Observation(
            self.method,
            reading,
            server=host[:300],
            address=f"{heard.address}/tcp"[:300] if heard else "",
            duration_ms=round((self._context.monotonic() - began) * 1000, 1),
            status=heard.status if heard else None,
            digest=sha256(heard.data).hexdigest() if heard and heard.data else "",
            excerpt=heard.excerpt if heard else "",
            refused=refused,
        )

    async def close(self) -> None:
        """Close connections, and end the look-ups that still run."""
        await self._client.close()
        await self._hosts.close()

    async def _ask(self, task: Task, dialect: DasServer, place: tuple[str, int], query: str) -> _Heard:
        """One exchange within the budget of the task. Raises ClientError."""
        seconds = max(0.1, task.budget_ms / 1000 - 0.2)
        if not dialect.is_web:
            return await self._ask_line(task, dialect, place, query, seconds)
        host, port = place
        url = f"{'https' if dialect.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}{query}"
        if dialect.form is Form.EE_AUCTIONS:
            return await self._ask_auctions(task, dialect, url, seconds)
        return await self._ask_web(task, dialect, url, seconds)

    async def _ask_line(self, task: Task, dialect: DasServer, place: tuple[str, int], query: str, seconds: float) -> _Heard:
        answer = await query_server(
            *place,
            query.encode(),
            limit=TEXT_LIMIT,
            seconds=seconds,
            allowed=self._guard.allowed,
            resolver=OthersFirstResolver(self._hosts, task.spare.rpartition("/")[0]),
        )
        if answer.truncated:
            raise TooLarge(f"an answer of more than {TEXT_LIMIT} bytes")
        text = answer.data.decode("utf-8", "replace")
        reading = parser.parse_das_answer(text, task.domain, dialect.host)
        return _Heard(reading, answer.data, make_excerpt(text), answer.address)

    async def _ask_web(self, task: Task, dialect: DasServer, url: str, seconds: float) -> _Heard:
        limit = NAME_LIMIT if dialect.form is Form.BR_JSON else TEXT_LIMIT
        headers = {"Accept": "application/json" if dialect.form is Form.BR_JSON else "text/plain"}
        if task.confirm:
            headers["Cache-Control"] = "no-cache"
        answer = await self._client.request("GET", url, headers=headers, limit=limit, seconds=seconds)
        if answer.truncated and answer.status == 200:
            raise TooLarge(f"a body of more than {limit} bytes")
        return self._read_web(task, dialect, answer)

    async def _ask_auctions(self, task: Task, dialect: DasServer, url: str, seconds: float) -> _Heard:
        found = await self._auctions.fetch(url, seconds)
        answer = found.answer
        if found.names is None:
            return self._read_web(task, dialect, answer)
        reading = read_ee_auctions(found.names, task.domain)
        listed = [{"punycode_domain_name": task.domain}] if task.domain in found.names else []
        excerpt = json.dumps({"count": len(found.names), "auctions": listed})  # the rest of the list is about other names
        return _Heard(reading, answer.body, excerpt, answer.address, answer.status)

    def _read_web(self, task: Task, dialect: DasServer, answer: HttpAnswer) -> _Heard:
        reading = parse_das_response(
            answer.status, answer.headers, answer.body, task.domain, dialect.host, now=self._context.now()
        )
        excerpt = make_excerpt(answer.body.decode("utf-8", "replace"))
        return _Heard(reading, answer.body, excerpt, answer.address, answer.status)


def make_excerpt(text: str) -> str:
    """The beginning of an answer as evidence, at most EXCERPT_LIMIT printable characters."""
    lines = ("".join(mark if mark.isprintable() else " " for mark in line).strip() for line in text.splitlines())
    return "\n".join(filter(None, lines))[:EXCERPT_LIMIT]


def _read_failure(error: ClientError) -> Reading:
    return unknown_reading(_FINDINGS.get(type(error), "das_error"), str(error))
