"""The line client against servers that misbehave."""

import asyncio
import time

import pytest

from common.clients.guard import Guard
from common.clients.tcp import TurnedAwayError, ask
from common.config import load
from common.errors import ClientError, Refused, TimedOut
from tests.clients.line_server import closed_port, drip, endless, line_server, reset, reset_inside, silence

LINE = b"example.com\r\n"


def everything(_address: str) -> bool:
    """A guard that lets everything through."""
    return True


def put(answer, *, limit=10_000, timeout=5.0, vet=everything, host="127.0.0.1"):
    """Ask a server that answers so; gives (answer, server)."""

    async def main():
        async with line_server(answer) as server:
            return await ask(host, server.port, LINE, limit=limit, seconds=timeout, allowed=vet), server

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
    with pytest.raises(TurnedAwayError):
        asyncio.run(ask("127.0.0.1", closed_port(), LINE, limit=100, seconds=2, allowed=everything))


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
                await ask("127.0.0.1", server.port, LINE, limit=10, seconds=2, allowed=lambda _address: False)
            return server.lines

    assert asyncio.run(main()) == []


@pytest.mark.parametrize("host", ["a..b", "a" * 300, "\ud800.example"])
def test_a_host_without_address_is_an_error_of_ours(host: str) -> None:
    """Whatever a referral names, the client fails in its own words."""
    with pytest.raises(ClientError):
        asyncio.run(ask(host, 43, LINE, limit=100, seconds=5, allowed=lambda _address: False))
