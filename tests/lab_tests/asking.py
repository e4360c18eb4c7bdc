"""Plain clients for the lab's tests, sharing nothing with the product's."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import aiohttp
import dns.asyncquery
import dns.message

from tests.lab import net
from tests.lab.lab import Lab
from tests.lab.suffixes import SUFFIXES

PATIENCE = 0.4


def in_lab(body: Callable[[Lab], Awaitable[None]]) -> None:
    """Run `body` with a lab of its own."""

    async def whole() -> None:
        async with Lab.start() as lab:
            await body(lab)

    asyncio.run(whole())


async def dns_of(
    lab: Lab, suffix: str, name: str, kind: str = "NS", *, tcp: bool = False, second: bool = False
) -> dns.message.Message:
    """Ask a name server of `suffix` ("." for the root). Raises dns.exception.Timeout, EOFError."""
    address = net.ROOT_DNS if suffix == "." else net.dns_addresses(SUFFIXES[suffix].number)[second]
    return await dns_at(lab, address, name, kind, tcp=tcp)


async def dns_at(lab: Lab, address: str, name: str, kind: str, *, tcp: bool = False) -> dns.message.Message:
    """Ask one address."""
    query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
    query.flags = 0
    ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await ask(query, address, port=lab.dns_port, timeout=PATIENCE)


async def whois_of(lab: Lab, suffix: str, line: str) -> str:
    """Everything the suffix's WHOIS server says to one line."""
    return await whois_at(net.whois_address(SUFFIXES[suffix].operator), lab.whois_port, line)


async def whois_at(address: str, port: int, line: str) -> str:
    """Ask one address."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(address, port)
        try:
            writer.write(f"{line}\r\n".encode())
            return (await reader.read()).decode("utf-8", "replace")
        finally:
            writer.close()


class Rdap:
    """An RDAP client that trusts the lab's authority and no other."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        context = ssl.create_default_context(cafile=lab.environment()["TLS_CA_FILE"])
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, force_close=True), timeout=aiohttp.ClientTimeout(total=PATIENCE)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, suffix: str, name: str, *, method: str = "GET") -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """(status, JSON body or {}, headers)."""
        return await self.fetch(f"{self._lab.rdap_base(suffix)}domain/{name}", method=method)

    async def fetch(self, url: str, *, method: str = "GET", **headers: str) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """The same for any URL; underscores in header names stand for hyphens."""
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        async with self._session.request(method, url, headers=sent, allow_redirects=False) as answer:
            body = await answer.read()
            try:
                data = json.loads(body)
            except (ValueError, RecursionError):
                data = {}
            return answer.status, data, answer.headers
