"""One request with the HTTP client, to names that a test resolves."""

import asyncio

from common.clients.address_guard import Guard
from common.clients.http_client import HttpClient, RequestOptions
from common.config import load
from common.errors import ClientError
from tests.clients.hostile import hostile

LAB = {"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"}


class Names:
    """A resolver with a fixed answer."""

    def __init__(self, *addresses):
        self.found = list(addresses)
        self.asked = []

    async def addresses(self, host):
        """The fixed answer."""
        self.asked.append(host)
        if not self.found:
            raise ClientError(f"{host} does not exist")
        return self.found


def ask(answer, path="/", *, method="GET", limit=100_000, seconds=5.0, headers=None, options=None):
    """One request to a hostile server; gives (answer, server)."""

    async def main():
        settings = load(LAB)
        client = HttpClient(settings, Guard(settings))
        try:
            async with hostile(answer) as server:
                found = await client.request(
                    method,
                    server.base + path,
                    headers=headers or {},
                    limit=limit,
                    seconds=seconds,
                    options=options or RequestOptions(),
                )
                return found, server
        finally:
            await client.close()

    return asyncio.run(main())


def ask_url(url, environ, resolver=None, seconds=5.0):
    """One request to a URL with a client of these settings."""

    async def main():
        settings = load(environ)
        client = HttpClient(settings, Guard(settings), resolver=resolver)
        try:
            return await client.request("GET", url, limit=1000, seconds=seconds)
        finally:
            await client.close()

    return asyncio.run(main())
