"""One exchange with one name server on loopback: forged, cut, late and broken answers."""

from __future__ import annotations

import asyncio
import socket

import dns.message
import pytest

from common.clients.dns.transport import exchange
from common.core.parsers.dns_wire import NS, build_query
from common.errors import ClientError, TimedOut
from tests.clients import dns_world
from tests.clients.dns_world import (
    ROOT,
    TEST_ZONE,
    TLD,
    TLD_SECOND,
    Handler,
    World,
    over_udp,
    run,
    seeded,
    serving,
    silent,
)


def ask_one(handler: Handler, *, seconds: float = 1.0, tcp: bool = False) -> tuple[bytes, bool, World]:
    """Exchange one query with one server."""

    async def story(world: World) -> tuple[bytes, bool]:
        query = build_query("name.test", NS, 4711, seeded())
        exchanged = await exchange(query, (TLD, world.port), seconds, tcp=tcp)
        return exchanged.wire, exchanged.tcp

    (wire, over_tcp), world = run({TLD: handler}, story)
    return wire, over_tcp, world


def test_answer_over_udp_and_over_tcp() -> None:
    """The same answer comes over both; TCP is used when asked for."""
    udp, over_udp_, _ = ask_one(serving(TEST_ZONE))
    tcp, over_tcp, _ = ask_one(serving(TEST_ZONE), tcp=True)

    assert (over_udp_, over_tcp) == (False, True)
    assert udp == tcp


def test_silence_is_a_timeout() -> None:
    """No answer raises TimedOut at the deadline, over UDP and TCP."""
    for tcp in (False, True):
        with pytest.raises(TimedOut):
            ask_one(silent, seconds=0.1, tcp=tcp)


def test_closed_port_is_told_at_once() -> None:
    """An ICMP refusal ends the exchange long before its deadline."""

    async def story() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, socket.socket() as also:
            taken.bind((TLD, 0))
            port = taken.getsockname()[1]
            also.bind((TLD, port))
            taken.close()
            for tcp in (False, True):
                await exchange_refused(port, tcp=tcp)

    async def exchange_refused(port: int, *, tcp: bool) -> None:
        with pytest.raises(ClientError, match="refuses connections"):
            await exchange(build_query("name.test", NS, 1), (TLD, port), 5, tcp=tcp)

    asyncio.run(story())


def test_wrong_answers_are_waited_out() -> None:
    """Two datagrams with another id or question do not end the wait; the true one behind them is taken."""

    def forge(answer: bytes, _query: bytes) -> list[bytes]:
        return [bytes(2) + answer[2:], answer[:13] + b"evil" + answer[17:], answer]

    wire, over_tcp, _ = ask_one(over_udp(forge, serving(TEST_ZONE)))

    assert not over_tcp
    assert dns.message.from_wire(wire).id == 4711


def test_three_wrong_answers_lead_to_tcp() -> None:
    """A burst of guesses looks like an attack: the question is repeated over TCP."""
    guesses = over_udp(lambda answer, _: [bytes(2) + answer[2:]] * 3, serving(TEST_ZONE))
    wire, over_tcp, world = ask_one(guesses)

    assert over_tcp
    assert dns.message.from_wire(wire).id == 4711
    assert world.asked("name.test") == [(TLD, "NS", False), (TLD, "NS", True)]


def test_lost_letter_case_leads_to_tcp() -> None:
    """A question that comes back in another case is not trusted from a datagram."""
    wire, over_tcp, _ = ask_one(over_udp(lambda answer, _: [answer[:12] + answer[12:].lower()], serving(TEST_ZONE)))

    assert over_tcp
    assert dns.message.from_wire(wire).id == 4711


def test_truncated_answer_is_repeated_over_tcp() -> None:
    """TC=1 leads to TCP; where TCP stays silent the truncated answer itself is returned."""
    cut = over_udp(lambda answer, _: [answer[:2] + bytes((answer[2] | 2,)) + answer[3:]], serving(TEST_ZONE))

    def udp_only(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        return [] if tcp else cut(query, wire, tcp)

    whole, over_tcp, _ = ask_one(cut)
    half, still_udp, _ = ask_one(udp_only, seconds=0.15)

    assert over_tcp
    assert not whole[2] & 2
    assert not still_udp
    assert half[2] & 2


def test_garbage_is_never_taken() -> None:
    """Noise and our own query sent back are no answers."""
    noise = over_udp(lambda _answer, query: [b"noise", query], serving(TEST_ZONE))

    with pytest.raises(TimedOut, match="2 that answer something else"):
        ask_one(noise, seconds=0.1)


def test_bare_error_ends_the_wait() -> None:
    """A server that cannot read the query answers with a header alone; that is an error, not silence."""
    wire, _, _ = ask_one(over_udp(lambda _answer, query: [query[:2] + b"\x80\x01" + bytes(8)], serving(TEST_ZONE)))

    assert wire[3] == 1


def test_answer_from_another_address_is_not_seen() -> None:
    """The socket is connected: the kernel drops what a third party sends, even with the right id."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger,
        ):
            server.bind((TLD, 0))
            server.setblocking(False)
            forger.bind((TLD_SECOND, 0))

            def forge() -> None:
                data, client = server.recvfrom(4096)
                forger.sendto(dns.message.make_response(dns.message.from_wire(data)).to_wire(), client)

            loop.add_reader(server, forge)
            try:
                with pytest.raises(TimedOut, match=r"in time$"):
                    await exchange(build_query("name.test", NS, 1), server.getsockname(), 0.1)
            finally:
                loop.remove_reader(server)

    asyncio.run(story())


@pytest.mark.parametrize("sent", [b"", b"\0", b"\xff\xff" + bytes(100), b"\0\x02ab", b"\0\x0c" + bytes(12)])
def test_broken_tcp_streams_are_client_errors(sent: bytes) -> None:
    """Closed early, a wrong length, and answers to another query."""

    async def story() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(sent)
            writer.close()

        server = await asyncio.start_server(serve, TLD, 0)
        async with server:
            with pytest.raises(ClientError):
                await exchange(build_query("name.test", NS, 1), server.sockets[0].getsockname(), 1, tcp=True)

    asyncio.run(story())


def test_answer_over_ipv6() -> None:
    """An IPv6 address is asked like any other, over UDP and TCP."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_datagram_endpoint(lambda: dns_world._Datagrams(world, ROOT), local_addr=("::1", 0))
        address = server.get_extra_info("sockname")[:2]
        listener = await loop.create_server(lambda: dns_world._Stream(world, ROOT), *address)
        for tcp in (False, True):
            assert (await exchange(build_query("name.test", NS, 9), address, 1, tcp=tcp)).tcp is tcp
        server.close()
        listener.close()
        await world.__aexit__()

    world = World({ROOT: serving(TEST_ZONE)})
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    asyncio.run(story())
