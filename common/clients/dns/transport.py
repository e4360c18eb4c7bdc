"""One DNS exchange with one address, over UDP or TCP, that an off-path forger cannot answer (RFC 5452).

Every UDP query has a connected socket of its own: the kernel picks its port at random and drops what comes from anywhere else.
An answer counts only with our id and our question, letter case included; others are waited out. Three of them look like an
attack, and the question is then repeated over TCP, which no off-path forger can answer.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from dataclasses import dataclass

from common.core.parsers.dns_wire import is_bare_error, matches_query, matches_query_but_case
from common.errors import ClientError, ConnectionRefused, TimedOut

#: (address, port); a name server as a socket knows it.
Endpoint = tuple[str, int]

#: Wrong answers to one UDP query after which it is repeated over TCP.
MOST_MISMATCHES = 3
#: Most bytes read of one datagram; our EDNS size is 1232.
_DATAGRAM = 4096
#: Shortest time left, in seconds, for which a repetition over TCP is begun.
_SHORTEST = 0.005
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class NoRouteError(ClientError):
    """No way leads to the address: its family is unusable here, which says nothing about the server."""


class CaseLostError(ClientError):
    """The server answered with the question in another letter case, and could not be asked over TCP."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An answer. `case_lost`: the server does not repeat the question as it was written, so mixed case is of no use with it."""

    wire: bytes
    tcp: bool = False
    case_lost: bool = False


async def exchange(query: bytes, endpoint: Endpoint, seconds: float, *, tcp: bool = False) -> Exchanged:
    """Ask once within `seconds`. A truncated answer is repeated over TCP, and returned as it is where that fails.

    Raises TimedOut, NoRouteError, ConnectionRefused, CaseLostError or ClientError.
    """
    if tcp:
        return Exchanged(await _exchange_tcp(query, endpoint, seconds), tcp=True)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    udp = await _exchange_udp(query, endpoint, seconds)
    answer, case_lost = udp.answer, udp.case_lost
    if answer and not answer[2] & 0x02:
        return Exchanged(answer)
    try:
        wire = await _exchange_tcp(query, endpoint, max(_SHORTEST, deadline - loop.time()))
    except ClientError as error:
        if answer:
            return Exchanged(answer)
        if case_lost:
            raise CaseLostError(f"{endpoint[0]} changes the letter case of the question") from error
        raise
    return Exchanged(wire, tcp=True, case_lost=case_lost)


def connect_datagrams(endpoint: Endpoint, buffer: int) -> socket.socket:
    """A UDP socket that hears this address alone, with room for `buffer` bytes if the kernel allows. Raises ClientError."""
    sock = _open_socket(endpoint, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.connect(endpoint)
    except OSError as error:
        sock.close()
        raise translate_error(error, endpoint) from error
    return sock


async def _exchange_udp(query: bytes, endpoint: Endpoint, seconds: float) -> UdpOutcome:
    """The answer, or nothing where TCP has to settle it."""
    loop = asyncio.get_running_loop()
    with _open_socket(endpoint, socket.SOCK_DGRAM) as sock:
        wait = _PendingDatagram(query, sock, loop.create_future())
        try:
            sock.connect(endpoint)
            sock.send(query)
        except OSError as error:
            raise translate_error(error, endpoint) from error
        # By number: given the object, asyncio describes it in text each time.
        descriptor = sock.fileno()
        loop.add_reader(descriptor, wait.readable)
        timer = loop.call_later(seconds, wait.give_up)
        try:
            return await wait.done
        except OSError as error:
            raise translate_error(error, endpoint) from error
        finally:
            timer.cancel()
            loop.remove_reader(descriptor)


@dataclass(frozen=True, slots=True)
class UdpOutcome:
    """How a UDP query ended: with an answer, or without (`answer` empty), perhaps because its letter case was lost."""

    answer: bytes = b""
    case_lost: bool = False


class _PendingDatagram:
    """Waits for the one datagram that answers a query, and counts those that do not."""

    __slots__ = ("done", "mismatches", "query", "sock")

    def __init__(self, query: bytes, sock: socket.socket, done: asyncio.Future[UdpOutcome]) -> None:
        self.query = query
        self.sock = sock
        self.done = done
        self.mismatches = 0

    def readable(self) -> None:
        """Take what has arrived; a few datagrams at most, so that a flood cannot hold the loop."""
        for _ in range(MOST_MISMATCHES):
            if self.done.done():
                return
            try:
                self._take(self.sock.recv(_DATAGRAM))
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.done.set_exception(error)

    def _take(self, data: bytes) -> None:
        if matches_query(data, self.query) or is_bare_error(data, self.query):
            self.done.set_result(UdpOutcome(data))
            return
        self.mismatches += 1
        case_lost = matches_query_but_case(data, self.query)
        if case_lost or self.mismatches >= MOST_MISMATCHES:
            self.done.set_result(UdpOutcome(case_lost=case_lost))

    def give_up(self) -> None:
        """The deadline is reached."""
        if not self.done.done():
            seen = f", but {self.mismatches} that answer something else" if self.mismatches else ""
            self.done.set_exception(TimedOut(f"no answer in time{seen}"))


async def _exchange_tcp(query: bytes, endpoint: Endpoint, seconds: float) -> bytes:
    loop = asyncio.get_running_loop()
    with _open_socket(endpoint, socket.SOCK_STREAM) as sock:
        try:
            async with asyncio.timeout(seconds):
                await loop.sock_connect(sock, endpoint)
                await loop.sock_sendall(sock, len(query).to_bytes(2) + query)
                wire = await _read_exactly(sock, int.from_bytes(await _read_exactly(sock, 2)))
        except TimeoutError as error:
            raise TimedOut("no answer in time over TCP") from error
        except OSError as error:
            raise translate_error(error, endpoint) from error
    if matches_query_but_case(wire, query) or is_bare_error(wire, query):
        return wire
    raise ClientError(f"{endpoint[0]} answered something else over TCP")


async def _read_exactly(sock: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    parts = bytearray()
    while len(parts) < size:
        part = await loop.sock_recv(sock, size - len(parts))
        if not part:
            raise ClientError("the connection was closed within the answer")
        parts += part
    return bytes(parts)


def _open_socket(endpoint: Endpoint, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint[0] else socket.AF_INET
    try:
        sock = socket.socket(family, kind)
    except OSError as error:
        raise translate_error(error, endpoint) from error
    sock.settimeout(0)
    return sock


def translate_error(error: OSError, endpoint: Endpoint) -> ClientError:
    """The ClientError for an error of a socket to this address."""
    if isinstance(error, ConnectionRefusedError):
        return ConnectionRefused(f"{endpoint[0]} refuses connections on port {endpoint[1]}")
    if error.errno in _NO_ROUTE:
        return NoRouteError(f"no route to {endpoint[0]}")
    return ClientError(f"{endpoint[0]}: {error.strerror or error}")
