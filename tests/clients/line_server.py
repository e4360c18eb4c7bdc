"""A real line server on loopback (RFC 3912) that does whatever a test tells it to."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]


class LineServer:
    """`name` is "host:port", `lines` what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.name = f"127.0.0.1:{port}"
        self.lines: list[bytes] = []


@asynccontextmanager
async def line_server(answer: bytes | Handler):
    """Serve: bytes are sent as they are and the connection closed, a handler gets the writer after the line."""
    box: list[LineServer] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            box[0].lines.append(await reader.readline())
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(writer)
            await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client has left, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    box.append(LineServer(server.sockets[0].getsockname()[1]))
    try:
        yield box[0]
    finally:
        server.close()


async def silence(writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client leaves."""
    await writer.wait_closed()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(writer: asyncio.StreamWriter) -> None:
    """As much as the client takes."""
    while not writer.is_closing():
        writer.write(b"not found\r\n" * 4096)
        await writer.drain()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Cut the connection with RST before anything was said."""
    _cut(writer)


async def reset_inside(writer: asyncio.StreamWriter) -> None:
    """Cut the connection with RST inside the answer, once the client has had time to take the first part."""
    writer.write(b"Domain not found.\r\n")
    await writer.drain()
    await asyncio.sleep(0.05)
    _cut(writer)


def _cut(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def closed_port() -> int:
    """A port of loopback without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
