"""The sessions of an EPP account: used again, kept open, shared, and closed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from common.core.model.evidence import Outcome
from common.core.parsers.epp.check_answer import parse_check_answer
from common.errors import NotAsked
from tests.clients.epp_client_scene import PASSWORD, run
from tests.clients.epp_peer import HeldCheck, Peer, polite
from tests.core.parsers import epp_samples as samples


def test_a_check_logs_in_once_and_the_session_is_used_again(tmp_path: Path) -> None:
    """The login has the account's credentials, and the close logs out."""
    seen = []

    async def script(peer: Peer) -> None:
        await peer.send(samples.greeting())
        await peer.read()
        login = peer.message[0][0]
        seen.extend(each.text for each in login[:2])
        await peer.answer()
        await peer.serve()

    async def body(scene, server) -> None:
        answer = await scene.ask("one.example", "two.example")
        readings = parse_check_answer(answer.data, ["one.example", "two.example"])
        assert {each.outcome for each in readings.values()} == {Outcome.UNREGISTERED}
        assert answer.address == f"127.0.0.1:{server.port}"
        await scene.ask()
        await scene.client.close()
        assert server.kinds == ["login", "check", "check", "logout"]
        assert server.connections == 1

    run(script, body, tmp_path)
    assert seen == ["client-1", PASSWORD]


@pytest.mark.parametrize("extensions", [(samples.FEE,), ()])
def test_prices_are_asked_for_only_where_the_server_knows_them(extensions, tmp_path: Path) -> None:
    """A server refuses extensions that it does not know."""
    asked = []

    async def script(peer: Peer) -> None:
        await peer.send(samples.greeting(extensions=extensions))
        await peer.read()
        await peer.answer()
        await peer.read()
        asked.append(samples.FEE in "".join(each.tag for each in peer.message.iter()))
        await peer.answer_check()

    async def body(scene, _server) -> None:
        await scene.ask()

    run(script, body, tmp_path)
    assert asked == [bool(extensions)]


def test_one_command_at_a_time_and_no_more_connections_than_sessions(tmp_path: Path) -> None:
    """Concurrent checks wait for each other."""

    async def body(scene, server) -> None:
        await asyncio.gather(*(scene.ask() for _ in range(8)))
        assert (server.connections, server.kinds.count("check")) == (1, 8)

    run(polite, body, tmp_path)


def test_an_account_may_have_several_sessions(tmp_path: Path) -> None:
    """As many as it allows, and they stay open."""
    both = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        if peer.server.kinds.count("check") == 2:
            both.set()
        await both.wait()
        await peer.answer_check()
        await peer.serve()

    async def body(scene, server) -> None:
        await asyncio.gather(*(scene.ask() for _ in range(6)))
        assert (server.connections, server.most_open, server.open) == (2, 2, 2)

    run(script, body, tmp_path, sessions=2)


def test_without_a_free_session_nothing_is_asked(tmp_path: Path) -> None:
    """Half of the time is waited for one, and no server is blamed."""
    held = HeldCheck()

    async def body(scene, server) -> None:
        first = asyncio.create_task(scene.ask())
        await held.asked.wait()
        await scene.fail(NotAsked, seconds=0.1)
        held.done.set()
        await first
        await scene.ask()
        assert server.connections == 1

    run(held, body, tmp_path)


def test_an_idle_session_is_kept_open_with_hello(tmp_path: Path) -> None:
    """And is still good for a check afterwards."""

    async def body(scene, server) -> None:
        await scene.ask()
        await server.until(lambda: server.kinds.count("hello") >= 3)
        await scene.ask()
        assert server.connections == 1
        assert server.kinds[:2] == ["login", "check"]

    run(polite, body, tmp_path, idle=0.01)


def test_a_session_in_use_gets_no_hello(tmp_path: Path) -> None:
    """One command at a time: a hello goes out only while nothing else does."""
    kinds = []

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        await asyncio.sleep(0.05)  # several times the idle time
        kinds.extend(peer.server.kinds)
        await peer.answer_check()
        await peer.serve()

    async def body(scene, _server) -> None:
        await scene.ask()

    run(script, body, tmp_path, idle=0.01)
    assert kinds == ["login", "check"]


@pytest.mark.parametrize("end", ["abort", "garbage"])
def test_a_session_that_fails_its_hello_is_let_go(end: str, tmp_path: Path) -> None:
    """The next check has a new one."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        if peer.number > 1:
            await peer.serve()
        await peer.read()
        await peer.answer_check()
        await peer.read()
        if end == "garbage":
            await peer.send(b"garbage")
            await peer.reader.read()

    async def body(scene, server) -> None:
        await scene.ask()
        await server.until(lambda: server.open == 0)
        await scene.ask()
        assert server.kinds[:5] == ["login", "check", "hello", "login", "check"]

    run(script, body, tmp_path, idle=0.01)


def test_a_close_does_not_wait_for_a_server_that_says_nothing(tmp_path: Path) -> None:
    """A logout has two seconds; a session that comes back after the close is ended too."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        await peer.answer_check()
        await peer.read()
        await peer.reader.read()

    async def body(scene, server) -> None:
        await scene.ask()
        began = time.monotonic()
        await scene.client.close()
        assert time.monotonic() - began < 15
        assert server.kinds[-1] == "logout"

    run(script, body, tmp_path)


def test_a_session_that_is_in_use_at_the_close_ends_with_its_answer(tmp_path: Path) -> None:
    """It is not kept for later."""
    held = HeldCheck()

    async def body(scene, server) -> None:
        check = asyncio.create_task(scene.ask())
        await held.asked.wait()
        await scene.client.close()
        held.done.set()
        await check
        await server.until(lambda: server.open == 0)

    run(held, body, tmp_path)


def test_a_hello_gives_way_to_a_check(tmp_path: Path) -> None:
    """While a check waits for the session, or has just taken it, none is sent: it would need a further connection."""

    async def body(scene, server) -> None:
        await scene.ask()
        client = scene.client
        (connection,) = client._idle
        async with client._turns:  # as a check does before it takes the connection
            await client._say_hello(connection)
            assert list(client._idle) == [connection]
            client._take_idle()
        await client._say_hello(connection)
        assert not client._idle
        client._keep(connection)
        await scene.ask()
        assert server.kinds == ["login", "check", "check"]

    run(polite, body, tmp_path)
