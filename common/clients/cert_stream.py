"""The messages of a certstream server, as long as the connection lasts, no faster than they can be looked through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from aiohttp import WSMsgType

from common.clients.http_client import HttpClient
from common.clock import monotonic
from common.core.parsers.publications.certificate_names import LARGEST_MESSAGE
from common.errors import ClientError

#: Seconds until it is connected, and between two pings.
CONNECT, PING = 20.0, 30.0
#: Most messages in a second: more of them wait in the server, several times what all logs tell of together.
MOST_A_SECOND = 5000
#: Messages after which other work has its turn.
TURN = 50


async def read_cert_stream(client: HttpClient, url: str) -> AsyncGenerator[bytes, None]:
    """Yield messages until the server ends the stream. Raises ClientError, then too."""
    async with client.open_websocket(_http_of(url), most_bytes=LARGEST_MESSAGE, seconds=CONNECT, ping=PING) as socket:
        second, count = monotonic(), 0
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            yield message.data.encode(errors="replace") if isinstance(message.data, str) else bytes(message.data)
            count += 1
            if monotonic() - second >= 1.0:
                second, count = monotonic(), 0
            elif count >= MOST_A_SECOND:
                await asyncio.sleep(second + 1.0 - monotonic())
            elif count % TURN == 0:
                await asyncio.sleep(0)
        raise ClientError(f"the server ended the stream{_code_text(socket.close_code)}")


def _http_of(url: str) -> str:
    """The URL by which a WebSocket is asked for: ws becomes http, and wss https."""
    return f"http{url.removeprefix('ws')}"


def _code_text(code: int | None) -> str:
    meant = {1009: f", or sent a message of more than {LARGEST_MESSAGE} bytes"}
    return "" if code is None else f" with code {code}{meant.get(code, '')}"
