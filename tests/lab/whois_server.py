"""WHOIS on real sockets (RFC 3912): one line in, text out, closed. One server per operator, and IANA's referral server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from tests.lab import net, whois_texts
from tests.lab.faults import Fault, FaultTable, Words
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.suffixes import SUFFIXES, Suffix, registrable
from tests.lab.truth import Truth

IANA_KEY = "whois/iana"
ELSEWHERE_KEY = "whois/elsewhere"
_PATIENCE = 10.0
_LONGEST = 512
_SILENCE = 3600.0
_DRIP_GAP = 0.05
#: Bytes that the fault "cut" lets through.
_CUT = 20


def operator_answer(
    registry: Registry, faults: FaultTable, queries: QueryLog, operator: int
) -> Callable[[str, str], tuple[str, Fault | None]]:
    """The answering function of one operator: (query line, client) -> (text, fault that applies)."""
    own = [suffix for suffix in SUFFIXES.values() if suffix.operator == operator]

    def answer(line: str, client: str) -> tuple[str, Fault | None]:
        name = _name(line)
        found = registrable(name)
        suffix = found[1] if found and found[1] in own else own[0]
        key = f"whois/{suffix.label}"
        queries.add(key, name, "tcp", client)
        fault = faults.pick(key, name)
        kind = fault.kind if fault else ""
        if kind == "throttle":
            return whois_texts.throttled(suffix, client), fault
        if found is None or found[0] != name or found[1] not in own:
            return "Malformed or unsupported query.\n", fault
        entry = registry.find(name)
        if fault is not None and fault.words is not None:
            return _spoken(fault.words, registry, name, suffix), fault
        if kind == "lying-404":
            return whois_texts.answer(None, name, suffix, Truth.UNREGISTERED, registry.clock.now()), fault
        text = whois_texts.answer(entry, name, suffix, registry.truth(name), registry.clock.now())
        if kind == "wrong-name":
            text = text.replace(name, f"not-{name}").replace(name.upper(), f"NOT-{name.upper()}")
        return text, fault

    return answer


def _spoken(words: Words, registry: Registry, name: str, suffix: Suffix) -> str:
    now, entry = registry.clock.now(), registry.find(name)
    free = whois_texts.answer(None, name, suffix, Truth.UNREGISTERED, now)
    record = free if entry is None else whois_texts.answer(entry, name, suffix, Truth.REGISTERED, now)
    return words.about(name, record=record, free=free)


def elsewhere_answer(faults: FaultTable, queries: QueryLog) -> Callable[[str, str], tuple[str, Fault | None]]:
    """The answering function of a server that no registry runs, such as a registrar's: it knows no name at all."""

    def answer(line: str, _client: str) -> tuple[str, Fault | None]:
        name = _name(line)
        queries.add(ELSEWHERE_KEY, name, "tcp")
        fault = faults.pick(ELSEWHERE_KEY, name)
        said = f'No match for "{name.upper()}".\n'
        return (fault.words.about(name, free=said) if fault is not None and fault.words is not None else said), fault

    return answer


def iana_answer(faults: FaultTable, queries: QueryLog) -> Callable[[str, str], tuple[str, Fault | None]]:
    """The answering function of the referral server."""

    def answer(line: str, _client: str) -> tuple[str, Fault | None]:
        label = line.strip().lower().rpartition(".")[2]
        queries.add(IANA_KEY, label, "tcp")
        suffix = SUFFIXES.get(label)
        return whois_texts.referral(
            label, net.whois_address(suffix.operator) if suffix and suffix.whois else None
        ), faults.pick(IANA_KEY)

    return answer


def _name(line: str) -> str:
    """The name in a query line, without the options clients put around it ("domain x.com", "-T dn,ace x.de", "=x.com")."""
    words = [word for word in line.lower().split() if "." in word]
    return words[-1].lstrip("=").rstrip(".") if words else line.strip().lower()


class WhoisServer:
    """One address. While told to refuse, its listening socket is closed, so that clients see a refused connection."""

    def __init__(self, keys: list[str], answer: Callable[[str, str], tuple[str, Fault | None]], faults: FaultTable) -> None:
        self._keys = keys
        self._answer = answer
        self._faults = faults
        self._address = ("", 0)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, sock: socket.socket) -> None:
        """Serve on a listening socket."""
        address, port = sock.getsockname()[:2]
        self._address = (str(address), int(port))
        self._server = await asyncio.start_server(self._serve, sock=sock)

    async def sync(self) -> None:
        """Open or close the listening socket as the faults say; called every moment by the lab."""
        refuse = self._faults.refusing(self._keys)
        if refuse and self._server is not None:
            self._server.close()
            self._server = None
        elif not refuse and self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=net.tcp_socket(*self._address))

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
            with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
                await self._exchange(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_PATIENCE):
            line = await reader.readline()
        text, fault = self._answer(line[:_LONGEST].decode("utf-8", "replace"), writer.get_extra_info("peername")[0])
        body = text.replace("\n", "\r\n").encode()
        kind = fault.kind if fault else ""
        if kind == "silence":
            await asyncio.sleep(_SILENCE)
        elif kind == "reset":
            net.reset(writer.transport)
        elif kind == "drip":
            await _drip(writer, body)
        elif kind == "endless":
            await _endless(writer, body)
        else:
            if fault is not None and kind == "delay":
                await asyncio.sleep(1.0 if fault.seconds is None else fault.seconds)
            writer.write(_BODIES.get(kind, _same)(body))
            await writer.drain()


async def _drip(writer: asyncio.StreamWriter, body: bytes) -> None:
    for index in range(len(body)):
        writer.write(body[index : index + 1])
        await writer.drain()
        await asyncio.sleep(_DRIP_GAP)


async def _endless(writer: asyncio.StreamWriter, body: bytes) -> None:
    """The same again and again, as fast as it is read, until the client leaves."""
    while True:
        writer.write(body or b"\r\n")
        await writer.drain()


def _same(body: bytes) -> bytes:
    return body


_BODIES: dict[str, Callable[[bytes], bytes]] = {
    "garbage": lambda body: bytes(range(256)) * 4 + body[:1],
    "truncate": lambda body: body[: len(body) // 3],
    "cut": lambda body: body[:_CUT],
    "empty": lambda _body: b"",
    "oversize": lambda _body: b"filling: nothing but filling in this line\r\n" * 50_000,
}
