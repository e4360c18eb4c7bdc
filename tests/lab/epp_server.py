"""EPP over TLS on real sockets (RFC 5730, RFC 5734): sessions with a login, and checks. One server per operator."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from tests.lab import epp_texts, net
from tests.lab.faults import Fault, FaultTable
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.suffixes import SUFFIXES, registrable
from tests.lab.truth import Truth

#: Most sessions of an account at once, and most names in a check.
MOST_SESSIONS, MOST_NAMES = 4, 50
#: Faults that a login meets, and those that change what is said of single names. All others hit the answer to a check.
AT_LOGIN = frozenset({"login-refused", "session-limit"})
OF_NAMES = frozenset({"wrong-name", "partial", "lying-404"})
_LONGEST = 1 << 20


class EppServer:
    """One operator's. Faults stand at `epp/<suffix>`; those of names count the names, all others the answers."""

    def __init__(
        self, registry: Registry, faults: FaultTable, queries: QueryLog, *, operator: int, credentials: tuple[str, str]
    ) -> None:
        self.sessions = 0
        self._registry = registry
        self._faults = faults
        self._queries = queries
        self._labels = [suffix.label for suffix in SUFFIXES.values() if suffix.operator == operator and suffix.epp]
        self._credentials = credentials
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, sock: socket.socket, tls: ssl.SSLContext) -> None:
        """Serve on a listening socket."""
        self._server = await asyncio.start_server(self._serve, sock=sock, ssl=tls)

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
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self._talk(reader, writer)
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        logged_in = False
        await _send(writer, epp_texts.greeting())
        try:
            while True:
                command = await _read(reader)
                kind, transaction = _kind_of(command), _text(command, "clTRID")
                if kind == "hello":
                    await _send(writer, epp_texts.greeting())
                elif kind == "login" and not logged_in:
                    code, message = self._log_in(command)
                    await _send(writer, epp_texts.response(code, message, transaction))
                    if code >= 2500:
                        return
                    logged_in = code == 1000
                    self.sessions += logged_in
                elif kind == "logout":
                    await _send(writer, epp_texts.response(1500, "Command completed successfully; ending session", transaction))
                    return
                elif kind == "check" and logged_in:
                    await self._check(writer, command, transaction)
                else:
                    await _send(writer, epp_texts.response(2002, "Command use error", transaction))
        finally:
            self.sessions -= logged_in

    def _log_in(self, command: Element) -> tuple[int, str]:
        faults = [self._faults.pick(f"epp/{label}", kinds=AT_LOGIN) for label in self._labels]
        kind = next((fault.kind for fault in faults if fault is not None), "")
        if kind == "session-limit" or self.sessions >= MOST_SESSIONS:
            return 2502, "Session limit exceeded; server closing connection"
        if kind == "login-refused" or (_text(command, "clID"), _text(command, "pw")) != self._credentials:
            return 2200, "Authentication error"
        return 1000, "Command completed successfully"

    async def _check(self, writer: asyncio.StreamWriter, command: Element, transaction: str) -> None:
        names = [(element.text or "").lower() for element in command.iter(f"{{{epp_texts.DOMAIN}}}name")]
        if len(names) > MOST_NAMES:
            await _send(writer, epp_texts.response(2306, "Parameter value policy error", transaction))
            return
        entries: list[tuple[str, str | None]] = []
        prices: list[tuple[str, bool]] = []
        for name in names:
            key = f"epp/{self._label_of(name)}"
            self._queries.add(key, name, "check")
            fault = self._faults.pick(key, name, kinds=OF_NAMES)
            kind = fault.kind if fault else ""
            reason, premium = (None, False) if kind == "lying-404" else self._look_up(name)
            shown = f"not-{name}" if kind == "wrong-name" else name
            if kind != "partial":
                entries.append((shown, reason))
                prices += [(shown, premium)] if reason is None else []
        asks_price = command.find(f".//{{{epp_texts.FEE}}}check") is not None
        fees = epp_texts.fee_data(prices) if asks_price else ""
        # The order of an answer is the server's own (RFC 5731 section 3.1.1 promises none).
        data = epp_texts.check_data(entries[::-1])
        message = epp_texts.response(1000, "Command completed successfully", transaction, data, fees)
        await self._answer(writer, message, self._fault_of(names), transaction)

    def _label_of(self, name: str) -> str:
        found = registrable(name)
        return found[1].label if found is not None and found[1].label in self._labels else self._labels[0]

    def _look_up(self, name: str) -> tuple[str | None, bool]:
        """Why a name cannot be created, None where it can, and whether it is premium."""
        found = registrable(name)
        if found is None or found[0] != name or found[1].label not in self._labels:
            return "Invalid domain name", False
        truth = self._registry.truth(name)
        return epp_texts.reason_of(self._registry.find(name), found[1], truth), truth is Truth.PREMIUM

    def _fault_of(self, names: list[str]) -> Fault | None:
        """The fault of a whole answer: that of the first name that has one."""
        for name in names:
            fault = self._faults.pick(f"epp/{self._label_of(name)}", name, kinds=_OF_ANSWERS)
            if fault is not None:
                return fault
        return None

    async def _answer(self, writer: asyncio.StreamWriter, message: bytes, fault: Fault | None, transaction: str) -> None:
        kind = fault.kind if fault else ""
        if fault is not None and kind == "delay":
            await asyncio.sleep(1.0 if fault.seconds is None else fault.seconds)
        if kind == "silence":
            await writer.wait_closed()
        elif kind == "reset":
            net.reset(writer.transport)
        elif kind in _RAW:
            writer.write(_RAW[kind](message))
            await writer.drain()
            if kind == "cut":
                writer.close()
        elif kind == "throttle":
            await _send(writer, epp_texts.response(2308, "Rate limit exceeded, please try again later", transaction))
        elif kind == "failed":
            await _send(writer, epp_texts.response(2400, "Command failed", transaction))
        else:
            await _send(writer, epp_texts.BOMB if kind == "bomb" else message)


def _garbage(_message: bytes) -> bytes:
    return bytes(range(255, -1, -1)) * 4


def _huge(_message: bytes) -> bytes:
    return (1 << 30).to_bytes(4, "big") + b"<!-- filling -->" * 4096


def _wrong_length(message: bytes) -> bytes:
    return (len(message) - 6).to_bytes(4, "big") + message


def _cut(message: bytes) -> bytes:
    return _frame(message)[: len(message) // 2]


_RAW = {"garbage": _garbage, "huge": _huge, "wrong-length": _wrong_length, "cut": _cut}
_OF_ANSWERS = frozenset({"silence", "delay", "reset", "bomb", "throttle", "failed", *_RAW})


def _frame(message: bytes) -> bytes:
    return (len(message) + 4).to_bytes(4, "big") + message


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(_frame(message))
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Element:
    """The next message. Raises EOFError, also where it is none."""
    size = int.from_bytes(await reader.readexactly(4), "big") - 4
    if not 0 < size <= _LONGEST:
        raise EOFError("no frame")
    root: Element = fromstring(await reader.readexactly(size))
    return root


def _kind_of(message: Element) -> str:
    """The command in a message, or "hello"."""
    inside = message[0]
    return (inside[0] if inside.tag.endswith("}command") else inside).tag.rpartition("}")[2]


def _text(message: Element, name: str) -> str:
    return (message.findtext(f".//{{{epp_texts.EPP}}}{name}") or "").strip()
