"""DNS over UDP and TCP on real sockets, with the faults of a bad day."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.lab import net
from tests.lab.dns_zone import Zone
from tests.lab.faults import Fault, FaultTable
from tests.lab.queries import QueryLog

_TCP_IDLE = 10.0
_MOST_KNOWN = 100_000


def _servfail(query: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
    return _bare(query, answer, dns.rcode.SERVFAIL)


def _refused(query: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
    return _bare(query, answer, dns.rcode.REFUSED)


def _empty(query: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
    return _bare(query, answer, dns.rcode.NOERROR)


def _bare(query: dns.message.Message, _answer: dns.message.Message, rcode: dns.rcode.Rcode) -> dns.message.Message:
    bare = dns.message.make_response(query)
    bare.set_rcode(rcode)
    return bare


def _zone_of(query: dns.message.Message) -> str:
    parent = query.question[0].name.parent() if len(query.question[0].name) > 1 else dns.name.root
    return parent.to_text()


def _soa(owner: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(owner, 900, "IN", "SOA", "ns1.lie.lab. hostmaster.lab. 1 1800 900 604800 900")


def _lying(query: dns.message.Message, _answer: dns.message.Message) -> dns.message.Message:
    lie = _bare(query, _answer, dns.rcode.NXDOMAIN)
    lie.flags |= dns.flags.AA
    lie.authority.append(_soa(_zone_of(query)))
    return lie


def _wrong_zone(query: dns.message.Message, _answer: dns.message.Message) -> dns.message.Message:
    lie = _bare(query, _answer, dns.rcode.NXDOMAIN)
    lie.flags |= dns.flags.AA
    lie.authority.append(_soa("elsewhere.test."))
    return lie


def _upward(query: dns.message.Message, _answer: dns.message.Message) -> dns.message.Message:
    lie = _bare(query, _answer, dns.rcode.NOERROR)
    lie.authority.append(dns.rrset.from_text(".", 900, "IN", "NS", "a.root.lab."))
    return lie


def _wrong_name(query: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
    other = dns.name.from_text("somebody-else.test.")
    answer.question = [dns.rrset.RRset(other, query.question[0].rdclass, query.question[0].rdtype)]
    return answer


def _wrong_id(_query: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
    answer.id ^= 0x5555
    return answer


_CHANGED: dict[str, Callable[[dns.message.Message, dns.message.Message], dns.message.Message]] = {
    "servfail": _servfail,
    "refused": _refused,
    "throttle": _refused,
    "empty": _empty,
    "lying-404": _lying,
    "wrong-zone": _wrong_zone,
    "upward-referral": _upward,
    "wrong-name": _wrong_name,
    "wrong-id": _wrong_id,
}


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer worth keeping: building one takes far longer than sending it."""

    version: tuple[int, int]
    dated: bool  # carries a serial
    name: str
    length: int  # of the name in the question, in bytes
    answer: bytes

    def holds(self, version: tuple[int, int]) -> bool:
        """Whether it is still the answer."""
        return self.version == version if self.dated else self.version[0] == version[0]

    def to(self, wire: bytes) -> bytes:
        """The answer to this very query: its id, and its question letter by letter."""
        end = 12 + self.length
        return wire[:2] + self.answer[2:12] + wire[12:end] + self.answer[end:]


def _query(wire: bytes) -> dns.message.Message | None:
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    if query.flags & dns.flags.QR or query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
        return None
    return query


class DnsServer:
    """One zone on one address, UDP and TCP."""

    def __init__(self, zone: Zone, faults: FaultTable, queries: QueryLog) -> None:
        self._zone = zone
        self._faults = faults
        self._queries = queries
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._known: dict[bytes, _Known] = {}

    async def start(self, udp: socket.socket, tcp: socket.socket) -> None:
        """Serve on these two bound sockets."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), sock=udp)
        self._server = await asyncio.start_server(self._serve, sock=tcp)

    async def stop(self) -> None:
        """Close both sockets and every connection."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def respond(self, wire: bytes, how: str, source: str = "") -> tuple[bytes | None, Fault | None]:
        """The answer to one message (None: no answer) and the fault that applies."""
        version = self._zone.version()
        key = wire[2:12] + wire[12:].lower()  # the same question, whatever its id and the case of its letters
        known = self._known.get(key)
        query = None
        if known is None or not known.holds(version):
            query = _query(wire)
            if query is None:
                return None, None
            known = self._remember(key, query, version)
        self._queries.add(self._zone.key, known.name, how, source)
        fault = self._faults.pick(self._zone.key, known.name)
        if fault is None or fault.kind not in _CHANGED:
            return known.to(wire), fault
        query = query or dns.message.from_wire(wire)
        return _CHANGED[fault.kind](query, self._zone.answer(query)).to_wire(max_size=65_535), fault

    def _remember(self, key: bytes, query: dns.message.Message, version: tuple[int, int]) -> _Known:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        question = query.question[0].name
        answer = self._zone.answer(query)
        dated = any(rrset.rdtype == dns.rdatatype.SOA for rrset in (*answer.answer, *answer.authority))
        name, length = question.to_text(omit_final_dot=True).lower(), len(question.to_wire() or b"")
        known = _Known(version, dated, name, length, answer.to_wire(max_size=65_535))
        self._known[key] = known
        return known

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(_TCP_IDLE):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            wire = await reader.readexactly(length)
        answer, fault = self.respond(wire, "tcp", writer.get_extra_info("peername")[0])
        kind = fault.kind if fault else ""
        if answer is None:
            return False
        if kind == "silence":
            await asyncio.sleep(_TCP_IDLE)
            return False
        if kind == "reset":
            net.reset(writer.transport)
            return False
        if kind == "delay":
            await asyncio.sleep(_delay(fault))
        if kind == "garbage":
            answer = _garbage(answer)
        frame = struct.pack("!H", len(answer)) + answer
        writer.write(frame[: len(frame) // 2] if kind == "truncate" else frame)
        await writer.drain()
        return kind != "truncate"


def _delay(fault: Fault | None) -> float:
    return 1.0 if fault is None or fault.seconds is None else fault.seconds


def _garbage(answer: bytes) -> bytes:
    return answer[:2] + b"\xff" * max(len(answer) - 2, 20)  # the right id, nothing else


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        answer, fault = self._server.respond(data, "udp", str(addr[0]))
        kind = fault.kind if fault else ""
        if answer is None or kind in {"silence", "reset"}:
            return
        if kind == "garbage":
            answer = _garbage(answer)
        elif kind == "truncate":
            answer = _cut(answer)
        elif kind == "forged":
            self._forge(data, addr)
        if kind == "delay":
            asyncio.get_running_loop().call_later(_delay(fault), self._send, answer, addr)
        else:
            self._send(answer, addr)

    def _forge(self, wire: bytes, addr: tuple[str | int, ...]) -> None:
        """What an attacker off the path sends before the true answer arrives: "no such name", from another port or guessed."""
        query = dns.message.from_wire(wire)
        lie = _lying(query, query).to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((net.HOST, 0))
            stranger.sendto(lie, addr)
        self._send((query.id ^ 0x0F0F).to_bytes(2) + lie[2:], addr)
        query.question = [dns.rrset.RRset(dns.name.from_text("x.test."), query.question[0].rdclass, query.question[0].rdtype)]
        self._send(_lying(query, query).to_wire(), addr)

    def _send(self, answer: bytes, addr: tuple[str | int, ...]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)


def _cut(answer: bytes) -> bytes:
    """TC=1 and no records: ask again over TCP."""
    message = dns.message.from_wire(answer)
    bare = dns.message.Message(message.id)
    bare.flags = message.flags | dns.flags.TC
    bare.question = message.question
    return bare.to_wire()
