"""An HTTP server in a thread that answers as a test wants: for clients that block, and for other processes."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler, int], None]


class Server(ThreadingHTTPServer):
    """Answers with `answer(handler, number of the request)` and remembers the headers of every request."""

    daemon_threads = True

    def __init__(self, answer: Answer, path: str) -> None:
        self.answer = answer
        self.path = path
        self.requests: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what half of these tests are about."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}{self.path}"


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
def serving(answer: Answer, tls: ssl.SSLContext | None = None, path: str = "/") -> Iterator[Server]:
    """A server in a thread, for the duration of a test."""
    server = Server(answer, path)
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
