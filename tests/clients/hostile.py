"""A real HTTP server on loopback that does whatever a test tells it to, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


def reply(status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None, *, length: int | None = None) -> bytes:
    """The bytes of a plain answer; `length` lies about the body."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Hostile:
    """`base` is its URL without a final slash, `requests` the heads it got, each as one text."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.requests: list[str] = []

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [head.split(" ", 2)[1] for head in self.requests]


@asynccontextmanager
async def hostile(answer: bytes | Handler, host: str = "127.0.0.1", ssl=None):
    """Serve: bytes are sent as they are and the connection closed, a handler gets (request head, writer)."""
    server_box: list[Hostile] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            server_box[0].requests.append(head)
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(head, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has left, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=ssl)
    server_box.append(Hostile(server.sockets[0].getsockname()[1]))
    try:
        yield server_box[0]
    finally:
        server.close()


async def silence(_head: str, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client leaves."""
    await writer.wait_closed()


async def drip(_head: str, writer: asyncio.StreamWriter) -> None:
    """One header byte at a time, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_chunks(_head: str, writer: asyncio.StreamWriter) -> None:
    """A chunked body without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/rdap+json\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    while True:
        writer.write(chunk)
        await writer.drain()


async def reset(_head: str, writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    writer.transport.abort()
