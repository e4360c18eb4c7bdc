"""The sessions of an EPP account against servers that misbehave."""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path

import pytest

from common.clients.epp_session import BUSY_PAUSE, REFUSED_PAUSE, TROUBLE_PAUSE, EppClient
from common.clients.host_addresses import create_host_cache
from common.config import load
from common.core.model.evidence import Outcome
from common.core.parsers.epp.check_answer import parse_check_answer
from common.core.parsers.epp.frames import FRAME_LIMIT
from common.epp_accounts import EppAccount
from common.errors import ClientError, ConfigError, ConnectionRefused, LoginFailed, NotAsked, Refused, TimedOut
from tests.clients.epp_peer import Peer, authority, epp_server, polite, server_tls, write_authority
from tests.clients.line_server import closed_port
from tests.core.parsers import epp_samples as samples

PASSWORD = "pass<&>word"
NAME = "one.example"
PLENTY = 20.0
DOCTYPE = b'<!DOCTYPE epp [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
BOMB = samples.response().replace(b"<epp ", DOCTYPE + b"<epp ").replace(b"Command", b"&b;")


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Scene:
    """A client and the clock of its pauses."""

    def __init__(self, directory: Path, port: int, *, idle: float = 600.0, environ=None, **account) -> None:
        given = {"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", "TLS_CA_FILE": str(write_authority(directory))}
        settings = load(given if environ is None else environ)
        self.clock = Clock()
        self.hosts = create_host_cache(settings, time.monotonic)
        values = {"suffixes": ("example",), "host": f"127.0.0.1:{port}", "user": "client-1", "password": PASSWORD}
        self.client = EppClient(EppAccount(**values | account), settings, self.hosts, self.clock, idle=idle)

    async def ask(self, *names: str, seconds: float = PLENTY):
        """One check, of one.example unless names are given."""
        return await self.client.check_names(names or (NAME,), seconds)

    async def fail(self, kind: type[Exception], seconds: float = PLENTY) -> Exception:
        """The error of a check."""
        with pytest.raises(kind) as caught:
            await self.ask(seconds=seconds)
        return caught.value

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.client.close()
        await self.hosts.close()


def run(script, body, directory: Path, **more) -> None:
    """`body(scene, server)` with a server that follows the script; nothing is left open or unawaited after it."""

    async def main() -> None:
        async with epp_server(script) as server, Scene(directory, server.port, **more) as scene:
            await body(scene, server)
        await server.until(lambda: server.open == 0)

    asyncio.run(main())
    gc.collect()  # a transport that was forgotten warns here, and warnings are errors


# -- the usual way -----------------------------------------------------------------------------------------------------


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
    asked, done = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        asked.set()
        await done.wait()
        await peer.answer_check()
        await peer.serve()

    async def body(scene, server) -> None:
        first = asyncio.create_task(scene.ask())
        await asked.wait()
        await scene.fail(NotAsked, seconds=0.1)
        done.set()
        await first
        await scene.ask()
        assert server.connections == 1

    run(script, body, tmp_path)


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


# -- connections that end ----------------------------------------------------------------------------------------------


def test_a_session_that_the_server_closed_while_idle_is_made_anew(tmp_path: Path) -> None:
    """A check does not fail for it, and there is no pause."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        await peer.answer_check()
        peer.writer.close()
        await peer.writer.wait_closed()

    async def body(scene, server) -> None:
        for _ in range(3):
            await scene.ask()
        assert server.kinds == ["login", "check"] * 3

    run(script, body, tmp_path)


def test_a_session_that_ends_with_the_command_is_made_anew_once(tmp_path: Path) -> None:
    """A check changes nothing, so it may be sent again; on a new connection it is not sent a third time."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        if peer.number == 1:
            await peer.answer_check()
            await peer.read()

    async def body(scene, server) -> None:
        await scene.ask()
        await scene.fail(ClientError)
        assert server.kinds == ["login", "check", "check", "login", "check"]

    run(script, body, tmp_path)


@pytest.mark.parametrize("cut", [2, 4, 40])
def test_an_answer_that_is_cut_off_is_no_answer(cut: int, tmp_path: Path) -> None:
    """Inside the header, behind it, and inside the message."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        whole = samples.response(transaction=peer.transaction, data=samples.names((NAME, "1", "")))
        await peer.send_raw(((len(whole) + 4).to_bytes(4, "big") + whole)[:cut])

    async def body(scene, _server) -> None:
        assert "closed" in str(await scene.fail(ClientError))

    run(script, body, tmp_path)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x00\x00\x00",
        (FRAME_LIMIT + 5).to_bytes(4, "big"),
        b"HTTP/1.1 200 OK\r\n\r\n",
        (11).to_bytes(4, "big") + b"garbage",
        (len(BOMB) + 4).to_bytes(4, "big") + BOMB,
    ],
    ids=["empty", "huge", "http", "garbage", "bomb"],
)
@pytest.mark.parametrize("when", ["greeting", "login", "check"])
def test_a_wrong_frame_ends_the_connection(when: str, raw: bytes, tmp_path: Path) -> None:
    """Whenever it comes: nothing after it could be trusted to be a header."""

    async def script(peer: Peer) -> None:
        if when != "greeting":
            await peer.send(samples.greeting())
            await peer.read()
        if when == "check":
            await peer.answer()
            await peer.read()
        await peer.send_raw(raw)
        await peer.reader.read()

    async def body(scene, server) -> None:
        await scene.fail(ClientError)
        await server.until(lambda: server.open == 0)

    run(script, body, tmp_path)


@pytest.mark.parametrize("when", ["greeting", "login", "check"])
def test_silence_ends_with_the_deadline(when: str, tmp_path: Path) -> None:
    """Nothing is waited for longer than the caller has time, and the connection is gone then."""

    async def script(peer: Peer) -> None:
        if when != "greeting":
            await peer.send(samples.greeting())
            await peer.read()
        if when == "check":
            await peer.answer()
            await peer.read()
        await peer.reader.read()

    async def body(scene, server) -> None:
        began = time.monotonic()
        await scene.fail(TimedOut, seconds=0.4)
        assert time.monotonic() - began < 10
        await server.until(lambda: server.open == 0)

    run(script, body, tmp_path)


def test_an_answer_in_pieces_is_put_together(tmp_path: Path) -> None:
    """TCP knows no messages."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        whole = samples.response(transaction=peer.transaction, data=samples.names((NAME, "1", "")))
        for byte in (len(whole) + 4).to_bytes(4, "big") + whole:
            await peer.send_raw(bytes([byte]))
        await peer.serve()

    async def body(scene, _server) -> None:
        answer = await scene.ask()
        assert parse_check_answer(answer.data, [NAME])[NAME].outcome is Outcome.UNREGISTERED

    run(script, body, tmp_path)


def test_a_cancelled_check_leaves_no_answer_for_the_next(tmp_path: Path) -> None:
    """Its connection is dropped: the late answer would be taken for that to another command."""
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.let_in()
        if peer.number > 1:
            await peer.serve()
        await peer.read()
        asked.set()
        await peer.reader.read()

    async def body(scene, server) -> None:
        check = asyncio.create_task(scene.ask())
        await asked.wait()
        check.cancel()
        with pytest.raises(asyncio.CancelledError):
            await check
        await scene.ask()
        assert server.connections == 2

    run(script, body, tmp_path)


@pytest.mark.parametrize("transaction", ["dm-another", ""])
def test_the_answer_to_another_command_is_not_taken(transaction: str, tmp_path: Path) -> None:
    """A server that mixes up its clients would tell us about other names."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        await peer.answer(transaction=transaction, data=samples.names((NAME, "1", "")))
        await peer.reader.read()

    async def body(scene, server) -> None:
        assert "another command" in str(await scene.fail(ClientError))
        await server.until(lambda: server.open == 0)

    run(script, body, tmp_path)


def test_a_failure_need_not_name_the_command(tmp_path: Path) -> None:
    """A server that could not read a command does not know its name. The session goes on."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        await peer.answer(2001, "Command syntax error", transaction="")
        await peer.serve()

    async def body(scene, server) -> None:
        answer = await scene.ask()
        assert parse_check_answer(answer.data, [NAME])[NAME].finding == "epp_error"
        await scene.ask()
        assert server.connections == 1

    run(script, body, tmp_path)


# -- pauses ------------------------------------------------------------------------------------------------------------


async def refuse(peer: Peer, code: int = 2200, message: str = "Authentication error") -> None:
    """Greet, and do not let the client in."""
    await peer.send(samples.greeting())
    await peer.read()
    await peer.answer(code, message)
    await peer.reader.read()


@pytest.mark.parametrize("code", [2200, 2201, 2202, 2501])
def test_a_refused_login_is_not_tried_again_before_a_long_pause(code: int, tmp_path: Path) -> None:
    """Registries lock accounts after a few wrong passwords; each further refusal doubles the pause."""

    async def body(scene, server) -> None:
        for attempt, pause in enumerate((REFUSED_PAUSE[0], REFUSED_PAUSE[0] * 2), 1):
            error = await scene.fail(LoginFailed)
            assert (error.code, error.retry_after) == (code, pause)
            scene.clock.now += pause - 10
            again = await scene.fail(LoginFailed)
            assert (again.code, again.retry_after) == (code, 10)
            assert server.connections == attempt
            scene.clock.now += 10

    run(lambda peer: refuse(peer, code), body, tmp_path)


def test_the_pause_has_an_end(tmp_path: Path) -> None:
    """It grows to some hours and no further."""

    async def body(scene, _server) -> None:
        for _ in range(8):
            error = await scene.fail(LoginFailed)
            scene.clock.now += error.retry_after
        assert error.retry_after == REFUSED_PAUSE[1]

    run(refuse, body, tmp_path)


def test_too_many_sessions_are_a_shorter_pause_and_a_login_ends_it(tmp_path: Path) -> None:
    """Code 2502: other sessions of the account are in use now."""

    async def script(peer: Peer) -> None:
        if peer.number in {1, 3}:
            await refuse(peer, 2502, "Session limit exceeded")
        await peer.let_in()
        await peer.read()
        await peer.answer_check()

    async def body(scene, server) -> None:
        for _ in range(2):  # a success makes the next failure the first one again
            error = await scene.fail(LoginFailed)
            assert (error.code, error.retry_after) == (2502, BUSY_PAUSE[0])
            scene.clock.now += BUSY_PAUSE[0]
            await scene.ask()
            await server.until(lambda: server.open == 0)

    run(script, body, tmp_path)


@pytest.mark.parametrize(("code", "pause"), [(2400, BUSY_PAUSE[0]), (1001, BUSY_PAUSE[0]), (2500, TROUBLE_PAUSE[0])])
def test_any_other_answer_to_a_login_is_no_login(code: int, pause: float, tmp_path: Path) -> None:
    """Only 1000 lets in."""

    async def body(scene, _server) -> None:
        error = await scene.fail(LoginFailed)
        assert (error.code, error.retry_after) == (code, pause)

    run(lambda peer: refuse(peer, code, "no"), body, tmp_path)


@pytest.mark.parametrize(
    ("code", "pause"), [(2201, REFUSED_PAUSE[0]), (2502, BUSY_PAUSE[0]), (2002, BUSY_PAUSE[0]), (2500, TROUBLE_PAUSE[0])]
)
def test_an_answer_to_a_check_that_ends_the_session_begins_a_pause(code: int, pause: float, tmp_path: Path) -> None:
    """Otherwise every check would be a login. The answer itself is still told."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        await peer.answer(code, "no")
        await peer.reader.read()

    async def body(scene, server) -> None:
        answer = await scene.ask()
        assert f"{code}" in parse_check_answer(answer.data, [NAME])[NAME].reason
        await server.until(lambda: server.open == 0)
        error = await scene.fail(LoginFailed)
        assert (error.code, error.retry_after, server.connections) == (code, pause, 1)

    run(script, body, tmp_path)


def test_a_server_that_fails_is_tried_again_after_a_short_pause(tmp_path: Path) -> None:
    """One second, two, four, at most a minute; meanwhile nothing is sent, and no new refusal is told."""

    async def script(peer: Peer) -> None:
        await peer.send(b"garbage")

    async def body(scene, server) -> None:
        for attempt in range(1, 9):
            await scene.fail(ClientError)
            scene.clock.now += min(2.0 ** (attempt - 1), TROUBLE_PAUSE[1]) - 0.5
            assert "not tried" in str(await scene.fail(ClientError))
            assert server.connections == attempt
            scene.clock.now += 0.5

    run(script, body, tmp_path)


def test_a_login_that_is_cut_short_begins_a_pause_too(tmp_path: Path) -> None:
    """A server that is slow to let in would get a login for every check."""

    async def script(peer: Peer) -> None:
        await peer.send(samples.greeting())
        await peer.reader.read()

    async def body(scene, server) -> None:
        await scene.fail(TimedOut, seconds=0.3)
        assert "not tried" in str(await scene.fail(ClientError))
        assert server.connections == 1

    run(script, body, tmp_path)


def test_the_password_is_never_shown(tmp_path: Path) -> None:
    """Even where the server repeats it."""

    async def body(scene, _server) -> None:
        error = await scene.fail(LoginFailed)
        assert "***" in error.message
        assert PASSWORD not in error.message + str(error)
        for spelling in (PASSWORD, "pass&lt;&amp;&gt;word", "pass%3C%26%3Eword", "pass\\u003c\\u0026\\u003eword"):
            assert scene.client.hide_password(f"<{spelling}>") == "<***>"

    run(lambda peer: refuse(peer, 2200, f"wrong password {PASSWORD} for client-1"), body, tmp_path)


# -- addresses and certificates ----------------------------------------------------------------------------------------


def test_a_private_address_is_never_connected_to(tmp_path: Path) -> None:
    """Unless ALLOWED_PRIVATE_NETWORKS says so."""

    async def body(scene, server) -> None:
        await scene.fail(Refused)
        assert server.connections == 0

    run(polite, body, tmp_path, environ={"TLS_CA_FILE": str(write_authority(tmp_path))})


def test_a_refused_connection_is_told_apart(tmp_path: Path) -> None:
    """Once: in the pause after it nothing was refused."""

    async def main() -> None:
        async with Scene(tmp_path, closed_port()) as scene:
            await scene.fail(ConnectionRefused)
            assert type(await scene.fail(ClientError)) is ClientError

    asyncio.run(main())


def test_a_certificate_that_is_not_trusted_ends_the_connection_before_the_login(tmp_path: Path) -> None:
    """The password goes to no other server."""

    async def body(scene, server) -> None:
        assert "certificate" in str(await scene.fail(ClientError))
        assert server.kinds == []

    run(polite, body, tmp_path, environ={"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"})


def test_a_certificate_for_another_host_is_not_trusted(tmp_path: Path) -> None:
    """The host of the setting counts."""

    async def main() -> None:
        async with epp_server(polite) as server, Scene(tmp_path, server.port, host=f"127.0.0.2:{server.port}") as scene:
            with pytest.raises(ClientError):
                await scene.ask()
            assert server.kinds == []

    asyncio.run(main())


def write_certificate(directory: Path) -> tuple[Path, Path]:
    """The files of a client's certificate and of its key."""
    issued = authority().issue_cert("client.example")
    chain, key = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    return chain, key


def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    """Some registries ask for one besides the password; key and certificate may stand in one file."""
    chain, key = write_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + chain.read_bytes())

    async def main() -> None:
        async with epp_server(polite, server_tls(wants_certificate=True)) as server:
            for files in ({"certificate": chain, "key": key}, {"certificate": both}):
                async with Scene(tmp_path, server.port, **files) as scene:
                    await scene.ask()
            async with Scene(tmp_path, server.port) as scene:
                await scene.fail(ClientError)
            assert server.kinds.count("login") == 2

    asyncio.run(main())


def test_a_file_without_a_certificate_stops_the_start(tmp_path: Path) -> None:
    """And the setting is named."""
    chain, key = write_certificate(tmp_path)
    for wrong in ({"certificate": chain}, {"certificate": tmp_path / "none.pem"}, {"certificate": key, "key": chain}):
        with pytest.raises(ConfigError, match=r"EPP_ACCOUNTS: .*holds no certificate"):
            Scene(tmp_path, 1, **wrong)


def test_a_file_without_authorities_stops_the_start(tmp_path: Path) -> None:
    """As for every other connection."""
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="TLS_CA_FILE"):
        Scene(tmp_path, 1, environ={"TLS_CA_FILE": str(tmp_path / "empty.pem")})


def test_a_close_does_not_wait_for_a_server_that_says_nothing(tmp_path: Path) -> None:
    """A logout has two seconds; a session that comes back after the close is ended too."""
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        await peer.answer_check()
        await peer.read()
        asked.set()
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
    asked, done = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        asked.set()
        await done.wait()
        await peer.answer_check()
        await peer.reader.read()

    async def body(scene, server) -> None:
        check = asyncio.create_task(scene.ask())
        await asked.wait()
        await scene.client.close()
        done.set()
        await check
        await server.until(lambda: server.open == 0)

    run(script, body, tmp_path)


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
