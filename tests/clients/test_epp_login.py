"""Logins that are refused, the pauses after them, and the certificates and addresses that a login needs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from common.clients.epp_session import BUSY_PAUSE, REFUSED_PAUSE, TROUBLE_PAUSE
from common.core.parsers.epp.check_answer import parse_check_answer
from common.errors import ClientError, ConfigError, ConnectionRefused, LoginFailed, Refused, TimedOut
from tests.clients.epp_client_scene import NAME, PASSWORD, Scene, run
from tests.clients.epp_peer import Peer, authority, epp_server, polite, server_tls, write_authority
from tests.clients.line_server import closed_port
from tests.core.parsers import epp_samples as samples


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
