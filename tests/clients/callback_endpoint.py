"""A customer's endpoint on loopback that answers as a test wants, and callbacks posted to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from common.clients.callback import CallbackSender
from common.config import Settings, load
from common.messages import Delivery, DeliveryResult

SECRETS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_bm90IGEgcmVhbCBzZWNyZXQgYXQgYWxs")
BODY = '{"domain":"bücher.example","status":"available"}'.encode()
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Endpoint:
    """A customer's endpoint: keeps what it received and answers as it was told."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.port = 0
        self.connections = 0
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append((head[0], headers, body))
                await self.answer(reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def endpoint(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """An endpoint on a free port of loopback."""
    served = Endpoint(answer)
    running: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(served.serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def replying(head: str, body: bytes = b"") -> Answer:
    """An endpoint that always answers this."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Never answers."""
    await reader.read()
    raise ConnectionResetError


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """200 with a body that does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
        await writer.drain()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """200, and then a body of which only the beginning ever comes."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
    await silent(reader, writer)


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request and resets the connection."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError


async def closing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Takes the request and hangs up."""
    raise ConnectionResetError


def delivery(**fields: object) -> Delivery:
    """One POST to make."""
    values = {"attempt": "boot.7", "seq": 7, "event_id": "0b1f", "domain": "a.com", "number": 3, "body": BODY, **fields}
    return Delivery(**values)  # type: ignore[arg-type]  # tests name the fields


def configured(port: int, **environ: str) -> Settings:
    """Settings that post to this port."""
    return load({"API_CALLBACK_URL": f"http://127.0.0.1:{port}/hooks/in?key=hidden", **environ})


def posted(answer: Answer, *deliveries: Delivery, **environ: str) -> tuple[list[DeliveryResult], Endpoint]:
    """Send, one after the other, to such an endpoint."""

    async def play() -> tuple[list[DeliveryResult], Endpoint]:
        async with endpoint(answer) as served:
            sender = CallbackSender(configured(served.port, **environ))
            try:
                return [await sender.send(each, 1614265330.75) for each in deliveries or (delivery(),)], served
            finally:
                await sender.close()

    return asyncio.run(play())
