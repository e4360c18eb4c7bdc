"""What asyncio does not say of a socket, and options that it has no word for."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import termios
from typing import Protocol


class Socket(Protocol):
    """A socket, as far as it is needed here."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """Set one option."""
        ...

    def fileno(self) -> int:
        """The number of its file."""
        ...


def unacknowledged_bytes(sock: Socket) -> int:
    """Bytes that the kernel has taken and the peer has not acknowledged yet (SIOCOUTQ of tcp(7)); 0 where it does not say."""
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        return 0
    count: int = struct.unpack("i", answer)[0]
    return count


def shut_down(number: int) -> None:
    """End a connection by the number of its file, which stays open: what waits for it elsewhere fails. Raises OSError."""
    with socket.socket(fileno=os.dup(number)) as end:
        end.shutdown(socket.SHUT_RDWR)


def set_user_timeout(sock: Socket, seconds: float) -> None:
    """End a TCP connection whose peer acknowledges nothing for that long (RFC 5482), where the system can do that."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        with contextlib.suppress(OSError):  # a socket of another kind
            sock.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))


def enable_keepalive(sock: Socket, idle: int, every: int, tries: int) -> None:
    """Probe a TCP peer after `idle` seconds of silence, then `every` so many; gone after so many `tries` without an answer."""
    options = (("TCP_KEEPIDLE", idle), ("TCP_KEEPINTVL", every), ("TCP_KEEPCNT", tries))
    with contextlib.suppress(OSError):  # a socket of another kind
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options:
            if (option := getattr(socket, name, None)) is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def bound_buffers(sock: Socket, size: int) -> None:
    """Have the kernel keep about so many bytes each way for a socket, and for those that it accepts, instead of megabytes."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
