"""A Domain API on loopback that answers as a test wants, and our client for it."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from common.clients.domain_api import DomainApi
from common.clients.list_text import Bounds, Fetched
from common.config import Settings, load
from common.errors import ListError
from common.suffixes import load_suffixes

SUFFIX_OF = load_suffixes()
BOUNDS = Bounds(wire=1 << 20, unpacked=2 << 20, connect=2, read=2, total=5, backoff=0.001)
TOKEN = "a-token-nobody-may-see"
LIST = b'{"domains":[{"domain":"example.com","priority":true},"other.org"]}'


class Server(ThreadingHTTPServer):
    """Answers with `answer(handler)` and remembers the headers of every request."""

    daemon_threads = True

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, int], None]) -> None:
        self.answer = answer
        self.requests: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what half of these tests are about."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/list?key=hidden-key"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer as the test wants."""
        self.server.requests.append(dict(self.headers))
        self.server.answer(self, len(self.server.requests))

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """A complete answer; underscores in header names stand for hyphens."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextlib.contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler, int], None], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server in a thread, for the duration of a test."""
    server = Server(answer)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings_for(url: str, **more: str) -> Settings:
    """Settings with this list."""
    return load({"DOMAIN_API_URL": url, "API_AUTH_TOKEN": TOKEN, **more})


def api(url: str, bounds: Bounds = BOUNDS, **more: str) -> DomainApi:
    """A client for a list at `url`."""
    return DomainApi(settings_for(url, **more), SUFFIX_OF, bounds)


def names_of(fetched: Fetched) -> dict[str, bool]:
    """The names of a list that is new, with their priority."""
    assert fetched.listed is not None
    names = fetched.listed.names
    return {
        name: urgent
        for piece, priorities in names.pieces(np.arange(len(names)), 1000)
        for name, urgent in zip(piece, priorities, strict=True)
    }


def failure(url: str, bounds: Bounds = BOUNDS) -> str:
    """The sentence with which fetching fails."""
    with pytest.raises(ListError) as caught:
        api(url, bounds).fetch()
    text = str(caught.value)

    assert TOKEN not in text
    assert "hidden-key" not in text
    assert text.isprintable()
    return text
