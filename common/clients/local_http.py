"""One small HTTP request to a process of ours, without an HTTP library, which would take longer to load than to ask."""

from __future__ import annotations

import socket

from common.errors import ClientError

#: Most bytes read of an answer.
LIMIT = 65_536


def fetch_local(host: str, port: int, path: str, seconds: float, limit: int = LIMIT) -> tuple[int, bytes]:
    """Status and body of a GET, both at most as far as `limit` bytes go. `seconds` bound each step. Raises ClientError."""
    shown = f"[{host}]" if ":" in host else host
    question = f"GET {path} HTTP/1.0\r\nHost: {shown}:{port}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, port), seconds) as connection:
            connection.sendall(question.encode())
            answer = bytearray()
            while len(answer) < limit and (piece := connection.recv(LIMIT)):
                answer += piece
    except OSError as error:
        raise ClientError(error.strerror or str(error)) from None
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if not words[0].startswith(b"HTTP/") or len(words) < 2 or not words[1].isdigit():
        raise ClientError("what answers there does not speak HTTP")
    return int(words[1]), body
