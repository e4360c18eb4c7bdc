"""A peer that speaks ZMTP 3.0 (ZeroMQ RFC 23) itself, so that it can send what no ZeroMQ socket would."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


class Peer:
    """One connection to a bound socket, as a subscriber would make it."""

    def __init__(self, endpoint: str, *, greeted: bool = True) -> None:
        """`endpoint` as in ZeroMQ, tcp or ipc; without a greeting the connection stays half open."""
        scheme, _, rest = endpoint.partition("://")
        if scheme == "ipc":
            self.raw = socket.socket(socket.AF_UNIX)
            self.raw.connect(rest)
        else:
            host, _, port = rest.rpartition(":")
            self.raw = socket.create_connection((host, int(port)))
        self.raw.settimeout(5)
        if greeted:
            self.raw.sendall(_GREETING)
            self._read(64)
            ready = b"\x05READY" + b"\x0bSocket-Type" + len(b"SUB").to_bytes(4, "big") + b"SUB"
            self.raw.sendall(b"\x04" + bytes([len(ready)]) + ready)
            self._read(self._read(2)[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.raw.close()

    def send(self, *frames: bytes, more: bool = False) -> None:
        """Send each frame as a message of its own, all at once; with `more` as the beginning of one that never ends."""
        self.raw.sendall(b"".join(_framed(frame, more=more) for frame in frames))

    def is_cut_off(self) -> bool:
        """Whether the other side ends the connection within five seconds; what it sends until then is skipped."""
        try:
            while self.raw.recv(65_536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.raw.recv(count - len(data))
            if not part:
                raise ConnectionError("the other side ended the connection")
            data += part
        return data


def _framed(frame: bytes, *, more: bool) -> bytes:
    if len(frame) < 256:
        return bytes([more, len(frame)]) + frame
    return bytes([more | 2]) + len(frame).to_bytes(8, "big") + frame
