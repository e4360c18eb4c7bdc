"""A client of an EPP account between a test and the server of its script, with the clock of its pauses."""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path

import pytest

from common.clients.epp_session import EppClient
from common.clients.host_addresses import create_host_cache
from common.config import load
from common.epp_accounts import EppAccount
from tests.clients.epp_peer import epp_server, write_authority

PASSWORD = "pass<&>word"
NAME = "one.example"
PLENTY = 20.0


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Scene:
    """A client and the clock of its pauses."""

    def __init__(self, directory: Path, port: int, *, idle: float = 600.0, environ=None, **account) -> None:
        given = {"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", "TLS_CA_FILE": str(write_authority(directory))}
        settings = load(given if environ is None else environ)
        self.clock = Clock()
        self.hosts = create_host_cache(settings, time.monotonic)
        values = {"suffixes": ("example",), "host": f"127.0.0.1:{port}", "user": "client-1", "password": PASSWORD}
        self.client = EppClient(EppAccount(**values | account), settings, self.hosts, self.clock, idle=idle)

    async def ask(self, *names: str, seconds: float = PLENTY):
        """One check, of one.example unless names are given."""
        return await self.client.check_names(names or (NAME,), seconds)

    async def fail(self, kind: type[Exception], seconds: float = PLENTY) -> Exception:
        """The error of a check."""
        with pytest.raises(kind) as caught:
            await self.ask(seconds=seconds)
        return caught.value

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.client.close()
        await self.hosts.close()


def run(script, body, directory: Path, **more) -> None:
    """`body(scene, server)` with a server that follows the script; nothing is left open or unawaited after it."""

    async def main() -> None:
        async with epp_server(script) as server, Scene(directory, server.port, **more) as scene:
            await body(scene, server)
        await server.until(lambda: server.open == 0)

    asyncio.run(main())
    gc.collect()  # a transport that was forgotten warns here, and warnings are errors
