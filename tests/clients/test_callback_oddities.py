"""Endpoints that accept an event and spoil their answer: the status line alone says whether it arrived."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from pathlib import Path

import pytest
import trustme

from common.clients.callback import CallbackSender
from common.clients.http_poster import ANSWER_LIMIT
from common.config import load
from common.messages import DeliveryResult
from tests.clients.callback_endpoint import Answer, delivery, endpoint, posted, silent

OK = b"HTTP/1.1 200 OK\r\n"


def saying(*parts: bytes, pause: float = 0.0, end: str = "close") -> Answer:
    """An endpoint that says these bytes, pauses between them, and then closes, resets or stalls."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if end == "stall":
            await silent(reader, writer)
        if end == "keep":
            return
        if end == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        raise ConnectionResetError

    return answer


ODDITIES = {
    "headers over 8 KiB": saying(OK + b"X: " + b"y" * 9_000 + b"\r\nContent-Length: 0\r\n\r\n"),
    "headers over 64 KiB": saying(OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n"),
    "very many headers": saying(OK + b"X: y\r\n" * 100_000 + b"\r\n"),
    "headers without end": saying(OK + b"X: y\r\n", end="stall"),
    "a body with 204": saying(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"),
    "a body with 204 that nothing announces": saying(b"HTTP/1.1 204 No Content\r\n\r\n<html>"),
    "chunks with 204": saying(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    "bad chunks": saying(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n"),
    "a chunk of another length": saying(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n"),
    "a negative chunk": saying(OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nok\r\n0\r\n\r\n"),
    "two equal Content-Length": saying(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
    "two different Content-Length": saying(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
    "a list of Content-Length": saying(OK + b"Content-Length: 2, 2\r\n\r\nok"),
    "a length that is no number": saying(OK + b"Content-Length: two\r\n\r\nok"),
    "length and chunks": saying(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    "an unknown transfer coding": saying(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\nok"),
    "a blank in a header's name": saying(OK + b"X Powered By: cold fusion\r\nContent-Length: 0\r\n\r\n"),
    "a blank before the colon": saying(OK + b"Content-Length : 2\r\n\r\nok"),
    "a header without a colon": saying(OK + b"Connected\r\nContent-Length: 0\r\n\r\n"),
    "a folded header": saying(OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    "a zero byte in a header": saying(OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n"),
    "no UTF-8 in a header": saying(OK + b"X: \xff\xfe\r\nContent-Length: 0\r\n\r\n"),
    "bare line feeds": saying(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    "a reset after an early answer": saying(OK + b"Content-Length: 100\r\n\r\nx", end="reset"),
    "a reset after the status line": saying(OK, end="reset"),
    "an end after the status line": saying(OK),
    "an answer that is cut off": saying(OK + b"Content-Length: 100\r\n\r\nx"),
    "a packed body that cannot be opened": saying(OK + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nok"),
    "more than the length": saying(OK + b"Content-Length: 2\r\n\r\nok, and then some"),
    "a status without reason": saying(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
    "a reason without end": saying(b"HTTP/1.1 200 " + b"O" * 9_000 + b"\r\n\r\n"),
    "a reason in another charset": saying("HTTP/1.1 200 Принято\r\n\r\n".encode("cp1251")),
    "HTTP/1.0": saying(b"HTTP/1.0 200 OK\r\n\r\nok"),
    "the name of HTTP in lower case": saying(b"http/1.1 200 ok\r\n\r\n"),
    "HTTP/2 spoken as text": saying(b"HTTP/2 200\r\n\r\n"),
    "several blanks": saying(b"HTTP/1.1  200  OK\r\n\r\n"),
    "an empty line first": saying(b"\r\nHTTP/1.1 200 OK\r\n\r\n"),
    "a status line in many packets": saying(*(bytes([byte]) for byte in OK), b"\r\n", pause=0.005),
    "100 before it": saying(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n"),
    "several 1xx with odd headers before it": saying(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink : </a>\r\nno colon\r\n\r\n", OK + b"\r\n", pause=0.01
    ),
    "201": saying(b"HTTP/1.1 201 Created\r\nContent-Length : 1\r\n\r\n"),
    "299": saying(b"HTTP/1.1 299 Odd\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("answer", ODDITIES.values(), ids=ODDITIES)
def test_a_2xx_status_line_is_a_delivery_whatever_follows_it(answer: Answer) -> None:
    """The event arrived: posting it again for days would only repeat it."""
    (result,), served = posted(answer)

    assert (result.status // 100, result.error) == (2, "")
    assert len(served.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 204 No Content\r\n\r\n<html>",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"Content-Length : 2\r\n\r\nok",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
        OK + b"Content-Length: 2\r\n\r\nok" + OK,
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_nothing_of_an_odd_answer_is_taken_for_the_next_one(said: bytes) -> None:
    """The endpoint keeps the connection; we do not."""
    results, served = posted(saying(said, end="keep"), delivery(seq=1), delivery(seq=2))

    assert [(result.status // 100, result.error) for result in results] == [(2, ""), (2, "")]
    assert (served.connections, len(served.requests)) == (2, 2)


REFUSALS = {
    "500 with two lengths": (500, saying(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nno")),
    "500 with blanks in names": (500, saying(b"HTTP/1.1 500 Oops\r\nX Y: z\r\n\r\n")),
    "500 with 200 in its body": (500, saying(b"HTTP/1.1 500 Oops\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")),
    "500 with headers over 64 KiB": (500, saying(b"HTTP/1.1 500 Oops\r\nX: " + b"y" * 100_000 + b"\r\n\r\n")),
    "500 and a reset": (500, saying(b"HTTP/1.1 500 Oops\r\n", end="reset")),
    "HTTP/1.0 502 without a reason": (502, saying(b"HTTP/1.0 502\r\n\r\n")),
    "100 and then 503": (503, saying(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n")),
    "a redirect with bad chunks": (302, saying(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nTransfer-Encoding: chunked\r\n\r\nzz")),
    "304": (304, saying(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    "101": (101, saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")),
    "status 600": (600, saying(b"HTTP/1.1 600 Odd\r\n\r\n")),
}  # fmt: skip


@pytest.mark.parametrize(("status", "answer"), REFUSALS.values(), ids=REFUSALS)
def test_any_other_status_is_none_whatever_follows_it(status: int, answer: Answer) -> None:
    """A 5xx with a flaw stays a 5xx, and what its body says counts for nothing."""
    (result,), served = posted(answer)

    assert (result.status, result.error) == (status, f"127.0.0.1: answered {status}")
    assert len(served.requests) == 1


NO_STATUS = {
    "no word": (saying(), "the connection was closed without an answer"),
    "only 100": (saying(b"HTTP/1.1 100 Continue\r\n\r\n"), "the connection was closed without an answer"),
    "a status that is cut off": (saying(b"HTTP/1.1 20"), "the answer was no acceptable HTTP"),
    "a status whose end is cut off": (saying(b"HTTP/1.1 200"), "the answer was no acceptable HTTP"),
    "a status of four digits": (saying(b"HTTP/1.1 2000 OK\r\n\r\n"), "the answer was no acceptable HTTP"),
    "a status below 100": (saying(b"HTTP/1.1 020 OK\r\n\r\n"), "the answer was no acceptable HTTP"),
    "no status": (saying(b"HTTP/1.1 OK\r\n\r\n"), "the answer was no acceptable HTTP"),
    "HTML without a head": (saying(b"<html>HTTP/1.1 200 OK\r\n</html>\r\n"), "the answer was no acceptable HTTP"),
    "headers before the status": (saying(b"Status: 200 OK\r\n\r\n"), "the answer was no acceptable HTTP"),
    "another protocol": (saying(b"SSH-2.0-OpenSSH_9.6 200 OK\r\n"), "the answer was no acceptable HTTP"),
    "digits of another script": (saying(b"HTTP/1.1 \xd9\xa2\xd9\xa0\xd9\xa0 OK\r\n"), "the answer was no acceptable HTTP"),
    "a line without end": (saying(b"x" * 200_000), "the answer was no acceptable HTTP"),
    "a reset before the status": (saying(b"HTTP/1.1 ", end="reset"), "the connection failed (ECONNRESET)"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "text"), NO_STATUS.values(), ids=NO_STATUS)
def test_without_a_status_line_nothing_is_known(answer: Answer, text: str) -> None:
    """The event is posted again."""
    (result,), _ = posted(answer)

    assert (result.status, result.error) == (0, f"127.0.0.1: {text}")


def test_a_refusal_with_a_flaw_still_says_when_to_come_back() -> None:
    """Retry-After is found between lines that are none, in a head that breaks off."""
    (result,), _ = posted(saying(b"HTTP/1.1 503 Busy\r\nX Y: z\r\nno colon\r\nretry-after : 7\r\nX: ", end="reset"))

    assert (result.status, result.retry_after) == (503, 7.0)


def test_a_status_line_that_trickles_for_ever_ends_with_the_budget() -> None:
    """Byte for byte, none of them the last."""
    (result,), _ = posted(saying(*[b"\r", b"\n"] * 30, pause=0.05), delivery(budget_ms=1400))

    assert (result.status, result.error) == (0, "127.0.0.1: no answer within 0.4 s")
    assert result.duration_ms < 1400


def test_1xx_answers_without_end_are_bounded() -> None:
    """No final status among the first 64 KiB is none."""
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    (result,), _ = posted(saying(interim * (2 * ANSWER_LIMIT // len(interim)), end="stall"))

    assert (result.status, result.error) == (0, "127.0.0.1: the answer was no acceptable HTTP")


def test_a_large_event_that_is_accepted_before_it_is_read_counts_once() -> None:
    """The endpoint answers after the head, and resets the connection with the body under way."""

    async def play() -> tuple[DeliveryResult, int]:
        heads, over = 0, asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal heads
            await reader.readuntil(b"\r\n\r\n")
            heads += 1
            writer.write(b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            over.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        sender = CallbackSender(load({"API_CALLBACK_URL": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"}))
        try:
            result = await sender.send(delivery(body=b"x" * 20_000_000), 1.0)
            await over.wait()
            return result, heads
        finally:
            await sender.close()
            server.close()

    result, heads = asyncio.run(play())
    assert (result.status, result.error, heads) == (202, "", 1)


@pytest.mark.parametrize(
    "answer",
    [
        saying(OK + b"Content-Length: 2\r\n\r\nok", end="keep"),
        saying(b"HTTP/1.1 204 No Content\r\n\r\n", end="keep"),
        saying(
            OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"a\r\n0123456789\r\n0\r", b"\n\r\n", pause=0.01, end="keep"
        ),
        saying(b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\n", b"bad", pause=0.01, end="keep"),
    ],
    ids=["length", "204", "chunks", "500"],
)
def test_a_flawless_answer_leaves_the_connection_open(answer: Answer) -> None:
    """Each new one would cost a handshake."""
    _, served = posted(answer, *(delivery(seq=n) for n in range(4)))

    assert (served.connections, len(served.requests)) == (1, 4)


def test_a_connection_that_closed_while_it_waited_costs_no_attempt() -> None:
    """A flawless answer, and then the end that it did not announce."""
    results, served = posted(saying(OK + b"Content-Length: 2\r\n\r\nok"), *(delivery(seq=n) for n in range(8)))

    assert [result.status for result in results] == [200] * 8
    assert len(served.requests) == 8


def test_what_comes_without_being_asked_for_is_no_answer() -> None:
    """A 200 that was sent while nothing was under way says nothing about the next event."""
    answers = iter([b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"])

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))
        await writer.drain()
        asyncio.get_running_loop().call_later(0.02, writer.write, OK + b"Content-Length: 0\r\n\r\n")

    async def play() -> list[int]:
        async with endpoint(answer) as served:
            sender = CallbackSender(load({"API_CALLBACK_URL": f"http://127.0.0.1:{served.port}/"}))
            first = await sender.send(delivery(), 1.0)
            await asyncio.sleep(0.1)
            second = await sender.send(delivery(), 1.0)
            await sender.close()
            assert served.connections == 2
            return [first.status, second.status]

    assert asyncio.run(play()) == [204, 500]


def test_a_flaw_behind_tls_is_the_same(tmp_path: Path) -> None:
    """Two lengths and an end without goodbye."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)

    async def play() -> DeliveryResult:
        answer = saying(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nx", end="reset")
        async with endpoint(answer, server) as served:
            url = f"https://127.0.0.1:{served.port}/"
            sender = CallbackSender(load({"API_CALLBACK_URL": url, "TLS_CA_FILE": str(tmp_path / "ca.pem")}))
            result = await sender.send(delivery(), 1.0)
            await sender.close()
            return result

    result = asyncio.run(play())
    assert (result.status, result.error) == (200, "")
