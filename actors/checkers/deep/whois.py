"""WHOIS: the registry's own text about a name (RFC 3912). Asked last: it is slow, scarce, and the only one to say "reserved".

The coordinator names the server. Where it names none the suffix is unknown, and IANA's server is asked for its WHOIS server;
referrals to registrars are never followed: a registrar that knows nothing of a name says nothing about the registry.
"""

from __future__ import annotations

from hashlib import sha256

from actors.checkers.contract import Context
from common.clients.address_guard import Guard
from common.clients.host_addresses import create_host_cache
from common.clients.line_client import OthersFirstResolver, query_server
from common.core.builtin.whois_servers import WhoisServer, query_format_of, whois_server
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.parsers import whois as parser
from common.core.parsers.whois.excerpt import make_excerpt
from common.core.parsers.whois.referral import referral_of
from common.core.registries.registrable_names import is_wire_name
from common.errors import ClientError, ConnectionRefused, Refused, TimedOut
from common.messages import Task
from common.setting_parsers import split_host

#: Most bytes of an answer.
LIMIT = 64 * 1024


def create(context: Context) -> WhoisChecker:
    """The checker of this file."""
    return WhoisChecker(context)


class WhoisChecker:
    """Asks one server one question per connection."""

    method = "whois"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._guard = Guard(context.settings)
        self._hosts = create_host_cache(context.settings, context.monotonic)

    async def check(self, task: Task) -> Observation:
        """Ask once. Trouble is an observation with outcome unknown."""
        if not is_wire_name(task.domain):
            return Observation(self.method, unknown_reading("whois_bad_name", "not a name that can be asked for"))
        if task.server:
            return await self._ask(task, task.server, _find_dialect(task))
        return await self._ask(task, self._context.settings.whois_iana_host, None)

    async def close(self) -> None:
        """End the look-ups that still run."""
        await self._hosts.close()

    async def _ask(self, task: Task, server: str, manner: WhoisServer | None) -> Observation:
        """One exchange; without a manner it is the question to IANA which server speaks for the suffix."""
        host, port = split_host(server, self._context.settings.whois_port)
        asked = f"{task.suffix.rpartition('.')[2]}\r\n" if manner is None else manner.query.format(fqdn=task.domain)
        began = self._context.monotonic()
        data, address, refused = b"", "", False
        try:
            answer = await query_server(
                host,
                port,
                asked.encode("ascii"),
                limit=LIMIT,
                seconds=max(0.1, task.budget_ms / 1000 - 0.2),
                allowed=self._guard.allowed,
                resolver=OthersFirstResolver(self._hosts, task.spare.rpartition("/")[0]),
            )
            data, address = answer.data, f"{answer.address}/tcp"
            text = data.decode(manner.charset if manner else "utf-8", "replace")
            reading = _read_referral(text) if manner is None else _read(text, task, manner, cut=answer.truncated)
        except ClientError as error:
            text, reading, refused = "", _read_failure(error), isinstance(error, ConnectionRefused)
        return Observation(
            self.method,
            reading,
            server=host[:300],
            address=address[:300],
            duration_ms=round((self._context.monotonic() - began) * 1000, 1),
            digest=sha256(data).hexdigest() if data else "",
            excerpt=make_excerpt(text),
            refused=refused,
        )


def _find_dialect(task: Task) -> WhoisServer:
    """How to ask and to read: the way of the suffix's own registry, also where the operator moved its server elsewhere."""
    host = task.server.partition(":")[0].lower()
    return whois_server(task.suffix) or query_format_of(host)


def _read(text: str, task: Task, manner: WhoisServer, *, cut: bool) -> Reading:
    reading = parser.parse_whois_answer(text, task.domain, manner.host, strict=True)
    if cut and reading.outcome is not Outcome.REGISTERED:
        return unknown_reading("whois_too_large", f"an answer of more than {LIMIT} bytes")
    return reading


def _read_referral(text: str) -> Reading:
    host = referral_of(text)
    if host is None:
        return unknown_reading("whois_no_referral", "IANA names no WHOIS server for the suffix")
    return Reading(Outcome.UNKNOWN, "whois_referral", f"IANA refers to {host}"[:300], referral=host)


def _read_failure(error: ClientError) -> Reading:
    findings = {Refused: "whois_refused_address", TimedOut: "whois_timeout", ConnectionRefused: "whois_turned_away"}
    return unknown_reading(findings.get(type(error), "whois_error"), str(error))
