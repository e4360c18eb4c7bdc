"""Zone transfers over TCP (RFC 5936) of zones that are given as delegated names, with what can go wrong on the way.

A zone is a function that gives its serial and its delegated names at the moment of the query.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import dns.exception
import dns.message
import dns.tsig

from tests.lab import net
from tests.lab.faults import FaultTable

Zone = Callable[[], tuple[int, Iterable[str]]]
#: Records in one message.
_IN_A_MESSAGE = 200
_NS, _SOA, _AXFR = 2, 6, 252
_APEX = b"\xc0\x0c"  # a pointer to the name in the question
_HOST = b"\x03ns1\x03lab\x04test\x00"
_LONG = 3600.0


class ZoneServer:
    """Serves zones on one address; `asked` are the types asked for, in order, as text with the zone."""

    def __init__(self, zones: dict[str, Zone], faults: FaultTable, key: dns.tsig.Key | None = None) -> None:
        """With a `key` queries have to be signed, and answers are (RFC 8945)."""
        self.zones = zones
        self._key = key
        self.asked: list[str] = []
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, tcp: socket.socket) -> None:
        """Serve on this listening socket."""
        self._server = await asyncio.start_server(self._serve, sock=tcp)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    await self._answer(await reader.readexactly(length), writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, query: bytes, writer: asyncio.StreamWriter) -> None:
        end = query.index(b"\0", 12) + 1
        question, (kind,) = query[12 : end + 4], struct.unpack_from("!H", query, end)
        zone = b".".join(_labels(query[12:end])).decode().lower()
        signer = _Signer(self._key, query) if self._key is not None else None
        self.asked.append(f"{'AXFR' if kind == _AXFR else 'SOA'} {zone}")
        serial, names = self.zones[zone]()
        fault = self._faults.pick(f"axfr/{zone}") if kind == _AXFR else None
        wrong = fault.kind if fault is not None else ""
        records = _faulty(_transfer(zone, serial, names), serial, wrong) if kind == _AXFR else iter([_soa(serial)])
        for number, batch in enumerate(_batches(records)):
            rcode = 5 if wrong == "refused" or (signer is not None and not signer.trusted) else 0
            wire = _message(query[:2], question, [] if rcode else batch, rcode)
            if wrong == "garbage" and number == 1:
                wire = wire[:12] + b"\xff" * (len(wire) - 12)
            if signer is not None and signer.trusted and not (wrong == "unsigned" and kind == _AXFR):
                wire = signer.sign(wire)
            frame = struct.pack("!H", len(wire)) + wire
            if wrong == "cut" and number == 1:
                writer.write(frame[: len(frame) // 2])
                await writer.drain()
                net.reset(writer.transport)
                return
            if wrong == "silence" and number == 1:
                await asyncio.sleep(_LONG)
            writer.write(frame)
            await writer.drain()
            if rcode:
                return
        if wrong == "no-end":
            writer.close()


class _Signer:
    """Signs the messages of one answer; `trusted`: the query was signed with the key."""

    def __init__(self, key: dns.tsig.Key, query: bytes) -> None:
        self._key = key
        self._context: Any = None
        try:
            self._mac = dns.message.from_wire(query, keyring={key.name: key}).mac
            self.trusted = bool(self._mac)
        except dns.exception.DNSException:
            self.trusted = False

    def sign(self, wire: bytes) -> bytes:
        message = dns.message.from_wire(wire, xfr=True)
        message.use_tsig(self._key)
        message.request_mac = self._mac
        signed: bytes = message.to_wire(multi=True, tsig_ctx=self._context, max_size=65_535)
        self._context = message.tsig_ctx
        return signed


def _transfer(zone: str, serial: int, names: Iterable[str]) -> Iterator[bytes]:
    yield _soa(serial)
    yield _record(_APEX, _NS, _HOST)
    for name in names:
        label = name.removesuffix(f".{zone}").encode()
        for _ in range(2):
            yield _record(bytes([len(label)]) + label + _APEX, _NS, _HOST)
    yield _soa(serial)


def _faulty(records: Iterator[bytes], serial: int, wrong: str) -> Iterator[bytes]:
    """The same records with something wrong about them, as a whole."""
    if wrong in {"wrong-end", "no-end", "no-start"}:
        whole = list(records)
        yield from {
            "wrong-end": [*whole[:-1], _soa(serial + 1)],
            "no-end": whole[:-1],
            "no-start": whole[1:],
        }[wrong]
        return
    first = next(records)
    yield first
    while wrong == "endless":
        yield _record(b"\x05again" + _APEX, _NS, _HOST)
    if wrong == "foreign":
        yield _record(b"\x05other\x04test\x00", _NS, _HOST)
    yield from records


def _batches(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for record in records:
        batch.append(record)
        if len(batch) == _IN_A_MESSAGE:
            yield batch
            batch = []
    if batch:
        yield batch


def _message(number: bytes, question: bytes, records: list[bytes], rcode: int) -> bytes:
    return number + struct.pack("!HHHHH", 0x8400 | rcode, 1, len(records), 0, 0) + question + b"".join(records)


def _soa(serial: int) -> bytes:
    return _record(_APEX, _SOA, _APEX + _APEX + struct.pack("!IIIII", serial, 1800, 900, 604_800, 900))


def _record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, 900, len(data)) + data


def _labels(wire: bytes) -> Iterator[bytes]:
    at = 0
    while length := wire[at]:
        yield wire[at + 1 : at + 1 + length]
        at += 1 + length
