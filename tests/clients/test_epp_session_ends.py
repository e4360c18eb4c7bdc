"""The sessions of an EPP account against servers that cut off, keep silent, or answer something else."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from common.core.model.evidence import Outcome
from common.core.parsers.epp.check_answer import parse_check_answer
from common.core.parsers.epp.frames import FRAME_LIMIT
from common.errors import ClientError, TimedOut
from tests.clients.epp_client_scene import NAME, run
from tests.clients.epp_peer import Peer
from tests.core.parsers import epp_samples as samples

DOCTYPE = b'<!DOCTYPE epp [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
BOMB = samples.response().replace(b"<epp ", DOCTYPE + b"<epp ").replace(b"Command", b"&b;")


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
