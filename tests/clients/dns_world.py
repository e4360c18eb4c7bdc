"""A small tree of real name servers on 127.9.x.y, all on one port, whose bytes a test controls."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Self, TypeVar

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from common.clients.address_guard import Guard
from common.clients.dns import DnsEngine
from common.config import Settings, load

ROOT = "127.9.0.1"
TLD = "127.9.0.2"
TLD_SECOND = "127.9.0.3"
HOSTING = "127.9.0.9"

T = TypeVar("T")
#: What a server sends back for (parsed query, its bytes, over TCP): any number of messages.
Handler = Callable[[dns.message.Message, bytes, bool], list[bytes]]
Records = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass
class Tree:
    """One zone: `records` by (owner, type), `cuts` by child zone with its name servers and their glue (None: no glue)."""

    origin: str
    records: Records = field(default_factory=dict)
    cuts: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    serial: int = 7
    ttl: int = 3600

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """What a correct server of this zone says."""
        made = dns.message.make_response(query)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        for child, hosts in self.cuts.items():
            if name == child or name.endswith("." + child):
                self._refer(made, child, hosts)
                return made
        made.flags |= dns.flags.AA
        alias = self.records.get((name, "CNAME"))
        if (name, kind) in self.records:
            made.answer.append(self._rrset(name, kind, *self.records[name, kind]))
        elif alias:
            made.answer.append(self._rrset(name, "CNAME", *alias))
        else:
            made.authority.append(self._soa())
            exists = any(owner == name or owner.endswith("." + name) for owner in [owner for owner, _ in self.records])
            exists = exists or name == self.origin or any(child.endswith("." + name) for child in self.cuts)
            made.set_rcode(dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
        return made

    def _refer(self, made: dns.message.Message, child: str, hosts: Mapping[str, str | None]) -> None:
        made.authority.append(self._rrset(child, "NS", *(host + "." for host in hosts)))
        made.additional = [self._rrset(host, "A", address) for host, address in hosts.items() if address]

    def _rrset(self, owner: str, kind: str, *data: str) -> dns.rrset.RRset:
        return dns.rrset.from_text(dns.name.from_text(owner + "."), self.ttl, "IN", kind, *data)

    def _soa(self) -> dns.rrset.RRset:
        origin = dns.name.from_text(self.origin + ".") if self.origin else dns.name.root
        return dns.rrset.from_text(origin, 900, "IN", "SOA", f"ns.test. admin.test. {self.serial} 1 1 1 900")


def serving(*trees: Tree) -> Handler:
    """A server of these zones; for any other name it refuses."""

    def handle(query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        enclosing = [tree for tree in trees if not tree.origin or name == tree.origin or name.endswith("." + tree.origin)]
        if not enclosing:
            return failing("REFUSED")(query, _wire, _tcp)
        return [max(enclosing, key=lambda tree: len(tree.origin)).answer(query).to_wire()]

    return handle


def failing(rcode: str) -> Handler:
    """A server that knows only this error."""

    def handle(query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
        made = dns.message.make_response(query)
        made.set_rcode(dns.rcode.from_text(rcode))
        return [made.to_wire()]

    return handle


def silent(_query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
    """A server that never answers."""
    return []


def over_udp(change: Callable[[bytes, bytes], list[bytes]], handler: Handler) -> Handler:
    """`handler`, with `change(answer, query)` applied to what goes out over UDP."""

    def handle(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        answers = handler(query, wire, tcp)
        return answers if tcp else [changed for answer in answers for changed in change(answer, wire)]

    return handle


class World:
    """Servers by address. `queries` collects (address, name, type, over TCP); handlers may be replaced while it runs."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self.handlers = handlers
        self.queries: list[tuple[str, str, str, bool]] = []
        self.port = 0
        self._closing = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        for _ in range(20):
            try:
                await self._bind()
            except OSError:
                await self._closing.aclose()
                self._closing = contextlib.AsyncExitStack()
            else:
                return self
        raise OSError("no port is free on every address")

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    def settings(self, **more: str) -> Settings:
        """Settings that lead into this world."""
        return load(
            {
                "DNS_ROOT_SERVERS": f"{ROOT}:{self.port}",
                "DNS_PORT": str(self.port),
                "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
                **more,
            }
        )

    def asked(self, name: str) -> list[tuple[str, str, bool]]:
        """(address, type, over TCP) of the questions about this name."""
        return [(address, kind, tcp) for address, about, kind, tcp in self.queries if about == name]

    def reply(self, address: str, data: bytes, tcp: bool) -> list[bytes]:
        """What the server at `address` says."""
        query = dns.message.from_wire(data)
        question = query.question[0]
        self.queries.append(
            (address, question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype), tcp)
        )
        return self.handlers[address](query, data, tcp)

    async def _bind(self) -> None:
        loop = asyncio.get_running_loop()
        port = 0
        for address in self.handlers:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._closing.callback(listener.close)
            listener.bind((address, port))
            port = listener.getsockname()[1]
            server = await loop.create_server(partial(_Stream, self, address), sock=listener)
            self._closing.callback(server.close)
            transport, _ = await loop.create_datagram_endpoint(partial(_Datagrams, self, address), local_addr=(address, port))
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self._closing.callback(transport.close)
        self.port = port

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """A client connected over TCP: cut it off at the end."""
        self._closing.callback(transport.close)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, world: World, address: str) -> None:
        self._world = world
        self._address = address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for answer in self._world.reply(self._address, data, False):
            self._transport.sendto(answer, addr)


class _Stream(asyncio.Protocol):
    def __init__(self, world: World, address: str) -> None:
        self._world = world
        self._address = address
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._world.opened(transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if len(self._data) < 2 + int.from_bytes(self._data[:2]):
            return
        for answer in self._world.reply(self._address, self._data[2:], True):
            self._transport.write(len(answer).to_bytes(2) + answer)
        self._data = b""


TEST_ZONE = Tree("test", records={("a.test", "A"): ("192.0.2.7",)}, cuts={"name.test": {"ns1.name.test": "192.0.2.1"}})
ROOT_ZONE = Tree("", cuts={"test": {"a.nic.test": TLD, "b.nic.test": TLD_SECOND}})
BOTH = {ROOT: serving(ROOT_ZONE), TLD: serving(TEST_ZONE), TLD_SECOND: serving(TEST_ZONE)}


class Clock:
    """Epoch seconds that a test sets, and that go on by themselves where it wants that."""

    def __init__(self, *, running: bool = False) -> None:
        self.at = 1_800_000_000.0
        self._started = time.monotonic() if running else None

    def __call__(self) -> float:
        """The time it is."""
        return self.at if self._started is None else self.at + time.monotonic() - self._started


def seeded(seed: int = 1) -> random.Random:
    """Random numbers that are the same in every run."""
    return random.Random(seed)


def engine_of(world: World, clock: Clock | None = None, *, try_seconds: float = 0.1, **more: str) -> DnsEngine:
    """An engine that lives in this world."""
    settings = world.settings(**more)
    return DnsEngine(settings, Guard(settings), seeded(), clock or Clock(), try_seconds)


def run(handlers: dict[str, Handler], story: Callable[[World], Awaitable[T]]) -> tuple[T, World]:
    """What `story` returns in a world of these servers."""

    async def live() -> tuple[T, World]:
        async with World(dict(handlers)) as world:
            return await story(world), world

    return asyncio.run(live())
