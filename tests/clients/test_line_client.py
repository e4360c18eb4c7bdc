"""The line client against servers that misbehave."""

import asyncio
import socket
import time
from contextlib import contextmanager

import pytest

from common.clients import line_client
from common.clients.address_guard import Guard
from common.clients.happy_eyeballs import alternate_families
from common.clients.line_client import OthersFirstResolver, query_server
from common.config import load
from common.errors import ClientError, ConnectionRefused, Refused, TimedOut
from tests.clients.line_server import closed_port, drip, endless, line_server, reset, reset_inside, silence

LINE = b"example.com\r\n"


def everything(_address: str) -> bool:
    """A guard that lets everything through."""
    return True


def put(answer, *, limit=10_000, timeout=5.0, vet=everything, host="127.0.0.1"):
    """Ask a server that answers so; gives (answer, server)."""

    async def main():
        async with line_server(answer) as server:
            return await query_server(host, server.port, LINE, limit=limit, seconds=timeout, allowed=vet), server

    return asyncio.run(main())


def test_the_line_goes_out_and_the_text_comes_in() -> None:
    """One line, one answer, and the address that was connected to."""
    answer, server = put(b"No match.\r\n")

    assert server.lines == [LINE]
    assert (answer.data, answer.truncated) == (b"No match.\r\n", False)
    assert answer.address == f"127.0.0.1:{server.port}"


def test_an_early_close_is_an_empty_answer() -> None:
    """A server that closes without a word has said nothing, which is for the reader to judge."""
    assert put(b"")[0].data == b""


def test_garbage_comes_through_as_bytes() -> None:
    """No byte is interpreted here."""
    garbage = bytes(range(256)) * 8

    assert put(garbage)[0].data == garbage


def test_an_answer_of_exactly_the_limit_is_whole() -> None:
    """Only what goes beyond the limit is truncated."""
    assert not put(b"x" * 10_000)[0].truncated
    answer, _server = put(b"x" * 10_001)
    assert (len(answer.data), answer.truncated) == (10_000, True)


def test_an_endless_answer_stops_at_the_limit() -> None:
    """A server that never stops costs the limit and no more."""
    answer, _server = put(endless)

    assert (len(answer.data), answer.truncated) == (10_000, True)


@pytest.mark.parametrize("answer", [silence, drip])
def test_silence_and_dripping_end_at_the_deadline(answer) -> None:
    """The time is for the whole exchange, not for the next byte."""
    began = time.monotonic()

    with pytest.raises(TimedOut):
        put(answer, timeout=0.3)
    assert time.monotonic() - began < 2


def test_a_closed_port_turns_us_away() -> None:
    """A refused connection can be told from other trouble."""
    with pytest.raises(ConnectionRefused):
        asyncio.run(query_server("127.0.0.1", closed_port(), LINE, limit=100, seconds=2, allowed=everything))


def test_a_reset_before_the_answer_is_no_answer() -> None:
    """A server that cuts the connection at once has said nothing."""
    with pytest.raises(ClientError):
        put(reset)


def test_a_reset_inside_the_answer_is_no_answer() -> None:
    """Half an answer is never handed on."""
    with pytest.raises(ClientError):
        put(reset_inside)


def test_no_connection_goes_to_an_address_that_the_guard_refuses() -> None:
    """Loopback is refused unless the operator allows it, by address and by name."""
    closed = Guard(load({})).allowed
    allowed = Guard(load({"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"})).allowed

    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(Refused):
            put(b"secret", vet=closed, host=host)
    assert put(b"text", vet=allowed)[0].data == b"text"


def test_every_address_is_vetted_before_anything_is_sent() -> None:
    """What the guard refuses is not even connected to."""

    async def main():
        async with line_server(b"x") as server:
            with pytest.raises(Refused):
                await query_server("127.0.0.1", server.port, LINE, limit=10, seconds=2, allowed=lambda _address: False)
            return server.lines

    assert asyncio.run(main()) == []


@pytest.mark.parametrize("host", ["a..b", "a" * 300, "\ud800.example"])
def test_a_host_without_address_is_an_error_of_ours(host: str) -> None:
    """Whatever a referral names, the client fails in its own words."""
    with pytest.raises(ClientError):
        asyncio.run(query_server(host, 43, LINE, limit=100, seconds=5, allowed=lambda _address: False))


@contextmanager
def black_hole(port: int):
    """An address of loopback where connections to this port are neither accepted nor refused: its backlog is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.2", port))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.2", port))
        yield "127.0.0.2"
        for filler in fillers:
            filler.close()


class Book:
    """A resolver that knows one host."""

    def __init__(self, *addresses: str) -> None:
        self.found = list(addresses)

    async def addresses(self, _host: str) -> list[str]:
        """The addresses, in this order."""
        return self.found


def test_a_black_hole_among_the_addresses_does_not_hold_up_the_question(monkeypatch) -> None:
    """An address that swallows connections, as broken IPv6 does, costs a moment; one server is asked, once."""
    monkeypatch.setattr(line_client, "ATTEMPT_DELAY", 0.05)

    async def main():
        async with line_server(b"text") as server:
            with black_hole(server.port) as hole:
                book, vetted = Book(hole, "127.0.0.1"), []
                found = await query_server(
                    "whois.example",
                    server.port,
                    LINE,
                    limit=100,
                    seconds=10,
                    allowed=lambda address: not vetted.append(address),
                    resolver=book,
                )
                assert vetted == book.found
            return found, server.lines, len(asyncio.all_tasks())

    found, lines, tasks = asyncio.run(main())
    assert (found.data, lines) == (b"text", [LINE])
    assert found.address.startswith("127.0.0.1:")
    assert tasks <= 2  # this one, and the server's last connection


def test_the_second_address_is_left_alone_while_the_first_answers() -> None:
    """Registries count connections: a question makes one where one is enough."""

    async def main():
        accepted = []
        async with line_server(b"text") as server:
            async with await asyncio.start_server(lambda *_: accepted.append(1), "127.0.0.2", server.port):
                book = Book("127.0.0.1", "127.0.0.2")
                await query_server("whois.example", server.port, LINE, limit=100, seconds=5, allowed=everything, resolver=book)
            return accepted

    assert asyncio.run(main()) == []


def test_an_address_that_refuses_is_followed_by_the_next_at_once() -> None:
    """A refused connection needs no waiting; only where all refuse are we turned away."""

    async def main():
        async with line_server(b"text") as server:
            book = Book("127.0.0.2", "127.0.0.3", "127.0.0.1")
            found = await query_server(
                "whois.example", server.port, LINE, limit=100, seconds=0.9, allowed=everything, resolver=book
            )
            return found.data

    assert asyncio.run(main()) == b"text"
    book = Book("127.0.0.2", "127.0.0.1")
    with pytest.raises(ConnectionRefused):
        asyncio.run(query_server("whois.example", closed_port(), LINE, limit=9, seconds=2, allowed=everything, resolver=book))


def test_both_families_are_tried_before_a_third_address() -> None:
    """Where all of one family are dead, the second attempt already goes to the other."""
    six, four = ["2001:db8::1", "2001:db8::2", "2001:db8::3"], ["192.0.2.1", "192.0.2.2"]

    assert alternate_families(six + four) == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"]
    assert alternate_families(four) == four
    assert alternate_families([]) == []


@pytest.mark.parametrize(
    ("spare", "first"),
    [("192.0.2.1:43", "192.0.2.2"), ("[2001:db8::1]:43", "192.0.2.1"), ("192.0.2.2:43", "192.0.2.1"), ("", "192.0.2.1")],
)
def test_the_address_of_the_answer_to_be_confirmed_is_tried_last(spare: str, first: str) -> None:
    """A server with one address is asked there again; no address gets lost."""
    addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    found = asyncio.run(OthersFirstResolver(Book(*addresses), spare).addresses("whois.example"))

    assert found[0] == first
    assert sorted(found) == sorted(addresses)
    assert not spare or found[-1] == spare.rpartition(":")[0].strip("[]")
