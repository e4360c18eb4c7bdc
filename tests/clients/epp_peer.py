"""A real EPP server on loopback, over TLS, that follows a script of the test: what it does with each connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

import trustme

from common.core.parsers.bounded_xml import find_child, find_children, local_name, parse_bounded_xml, read_text
from tests.core.parsers import epp_samples as samples

LIMIT = 1 << 20


@cache
def authority() -> trustme.CA:
    """The one certificate authority of the tests: making keys takes a while."""
    return trustme.CA()


@cache
def server_tls(*, wants_certificate: bool = False) -> ssl.SSLContext:
    """The server's side, with a certificate for loopback; it may ask clients for one of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("127.0.0.1").configure_cert(context)
    if wants_certificate:
        authority().configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def write_authority(directory: Path) -> Path:
    """The file for TLS_CA_FILE."""
    file = directory / "ca.pem"
    file.write_bytes(authority().cert_pem.bytes())
    return file


class Peer:
    """One connection, seen from the server. `number` counts from 1."""

    def __init__(self, server: EppPeer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader, self.writer = reader, writer
        self.number = server.connections

    async def read(self) -> str:
        """The kind of the next message: hello, login, check, logout. Raises EOFError when the client is gone."""
        size = int.from_bytes(await self.reader.readexactly(4), "big")
        self.message = parse_bounded_xml(await self.reader.readexactly(size - 4), LIMIT)
        inside = self.message[0]
        kind = local_name(inside[0] if local_name(inside) == "command" else inside)
        self.server.heard(kind)
        return kind

    @property
    def transaction(self) -> str:
        """How the client named its last command."""
        return read_text(find_child(self.message, "command", "clTRID"))

    @property
    def names(self) -> list[str]:
        """What the last check asks about."""
        return [read_text(each) for each in find_children(find_child(self.message, "command", "check", "check"), "name")]

    async def send(self, message: bytes) -> None:
        """One message with its header."""
        await self.send_raw((len(message) + 4).to_bytes(4, "big") + message)

    async def send_raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, code: int = 1000, message: str = "done", **more: str) -> None:
        """An answer to the last command."""
        await self.send(samples.response(code, message, **{"transaction": self.transaction} | more))

    async def answer_check(self) -> None:
        """Every name that was asked about is available."""
        await self.answer(data=samples.names(*((name, "1", "") for name in self.names)))

    async def let_in(self) -> None:
        """Greet, and take the login."""
        await self.send(samples.greeting())
        assert await self.read() == "login"
        await self.answer()

    async def serve(self) -> None:
        """Answer everything as it should be, until the client leaves."""
        while (kind := await self.read()) != "logout":
            await {"hello": lambda: self.send(samples.greeting()), "check": self.answer_check}[kind]()
        await self.answer(1500)

    def abort(self) -> None:
        """Cut the connection off."""
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class HeldCheck:
    """A script that answers the first check once `done` is set, and then everything; `asked` tells that the check is there."""

    def __init__(self) -> None:
        self.asked, self.done = asyncio.Event(), asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        """Follow it."""
        await peer.let_in()
        await peer.read()
        self.asked.set()
        await self.done.wait()
        await peer.answer_check()
        await peer.serve()


class EppPeer:
    """What the server saw: `kinds` of messages in their order, and how many `connections` there were and are `open`."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.connections = self.open = self.most_open = 0
        self.port = 0
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def heard(self, kind: str) -> None:
        """Note a message."""
        self.kinds.append(kind)
        self._tell()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds; it is looked at whenever a message came or a connection ended."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(condition)

    def _tell(self) -> None:
        async def tell() -> None:
            async with self._changed:
                self._changed.notify_all()

        task = asyncio.get_running_loop().create_task(tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from start to end."""
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            with suppress(EOFError, OSError, asyncio.CancelledError):  # the client has left, or the test is over
                await script(Peer(self, reader, writer))
        finally:
            writer.transport.abort()
            self.open -= 1
            self._tell()


@asynccontextmanager
async def epp_server(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[EppPeer]:
    """Serve on a free port of loopback."""
    peer = EppPeer()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.run(script, reader, writer)

    server = await asyncio.start_server(run, "127.0.0.1", 0, ssl=tls or server_tls())
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()


async def polite(peer: Peer) -> None:
    """A server as it should be."""
    await peer.let_in()
    await peer.serve()
