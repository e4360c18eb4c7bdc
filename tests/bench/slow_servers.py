"""Registries that take their time, on as many addresses of loopback: `python -m tests.bench.slow_servers METHOD SECONDS PEM`.

Prints the port, and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys

from tests.bench import samples

#: How many hosts there are, all on one port.
HOSTS = 50
DOMAIN = "registry.example"
_NETWORK = "127.0.2."
_WHOIS = samples.WHOIS.replace("\n", "\r\n").encode()
_NOTICES = [{"title": "Terms of Use", "description": ["Service subject to Terms of Use. " * 20]}]


def host_of(number: int) -> str:
    """The name of a host."""
    return f"r{number + 1}.{DOMAIN}"


def address_of(host: str) -> str:
    """Its address."""
    return _NETWORK + host.partition(".")[0][1:]


class Registry(asyncio.Protocol):
    """Answers each question after `delay` seconds; RDAP keeps the connection, WHOIS closes it."""

    def __init__(self, method: str, delay: float) -> None:
        self._method = method
        self._delay = delay
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Plan the answer once the question is whole."""
        self._data += data
        if self._data.endswith(b"\r\n\r\n" if self._method == "rdap" else b"\r\n"):
            question, self._data = self._data, b""
            asyncio.get_running_loop().call_later(self._delay, self._answer, question)

    def _answer(self, question: bytes) -> None:
        if self._method == "whois":
            self._transport.write(_WHOIS % question.split()[-1].upper())
            self._transport.close()
            return
        name = question.split(b" ", 2)[1].rpartition(b"/")[2].decode()
        body = json.dumps(samples.RDAP | {"ldhName": name, "notices": _NOTICES}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


async def serve(method: str, delay: float, pem: str) -> None:
    """Serve for ever."""
    tls = None
    if method == "rdap":
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pem)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Registry(method, delay), "0.0.0.0", 0, ssl=tls, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
