"""The reader of certificates over a real WebSocket: which names coordinators are told of, and what is said of the stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from actors.publications.stream_health import SILENT, StreamHealth
from common.core.builtin.publication_rows import CERTIFICATES
from common.core.model.publication import Publication
from common.messages import PublicationStatus
from tests.actors.publishing import Publishing, publishing
from tests.lab import net
from tests.lab.certstream_server import PATH, CertStream
from tests.lab.faults import FaultTable
from tests.lab.queries import QueryLog
from tests.leader_scene import tell_leader

WATCHED = ["taken.com", "other.co.uk"]
WATCH = "actors.publications.certificate_watch"


class Stream(CertStream):
    """A certstream server with its faults, and where it is."""

    def __init__(self) -> None:
        self.faults, self.queries = FaultTable(lambda: 0.0), QueryLog(lambda: 0.0)
        super().__init__(self.faults, self.queries)
        self.url = ""

    async def connected(self) -> None:
        """Until a client listens."""
        await until(lambda: self.listeners > 0)


async def until(condition: Callable[[], bool]) -> None:
    """Until a condition of the server holds."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


@asynccontextmanager
async def streaming() -> AsyncIterator[Stream]:
    """A server on loopback."""
    stream, sock = Stream(), net.tcp_socket(net.HOST)
    stream.url = f"ws://{net.HOST}:{sock.getsockname()[1]}{PATH}"
    runner = web.AppRunner(stream.application(), shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    try:
        yield stream
    finally:
        await runner.cleanup()


def play(folder: Path, act: Callable[[Stream, Publishing], Awaitable[None]], *, leader: str = "one") -> None:
    """Run a reader of no publication beside a stream."""

    async def main() -> None:
        async with (
            streaming() as stream,
            publishing(folder, WATCHED, {}, leader=leader, CERTSTREAM_URL=stream.url) as scene,
        ):
            await act(stream, scene)

    asyncio.run(main())


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look, connect and tell often."""
    monkeypatch.setattr(f"{WATCH}.LOOK_EVERY", 0.05)
    monkeypatch.setattr(f"{WATCH}.FIRST_RETRY", 0.1)
    monkeypatch.setattr(f"{WATCH}.CERTIFICATES", _every(0.1))


def _every(seconds: float) -> Publication:
    return replace(CERTIFICATES, every=seconds)


async def until_told(scene: Publishing, said: str) -> PublicationStatus:
    """The first status with this in its problem; "" for none."""

    def find() -> PublicationStatus | None:
        found = [told for told in scene.told if isinstance(told, PublicationStatus)]
        return next((row for row in reversed(found[-2:]) if (said in row.problem if said else not row.problem)), None)

    status: PublicationStatus = await scene.until(find)
    return status


def test_watched_names_with_a_certificate_are_told(tmp_path: Path) -> None:
    """The name itself, by a certificate for it or for one below it; others are not told, and each once in a while."""

    async def act(stream: Stream, scene: Publishing) -> None:
        await stream.connected()
        await stream.issue("*.taken.com", "taken.com", "nobody.net")
        await stream.issue("deep.www.other.co.uk")
        await stream.issue("taken.com")
        await scene.until(lambda: len(scene.listed()) == 2)
        await stream.issue("taken.com")
        status = await until_told(scene, "")
        assert sorted(scene.listed()) == sorted(WATCHED)
        assert {(part.publication, part.number, part.last) for part in scene.parts()} == {("certificates", 0, True)}
        assert status.size >= 5
        assert status.made_at is not None

    play(tmp_path, act)


def test_a_connection_on_which_nothing_comes_is_a_problem(tmp_path: Path) -> None:
    """Signs of life are no certificates."""

    async def act(stream: Stream, scene: Publishing) -> None:
        await stream.connected()
        await stream.beat()
        status = await until_told(scene, "although it is connected")
        assert "no certificate since 20" in status.problem
        await stream.issue("nobody.net")
        await until_told(scene, "")

    play(tmp_path, act)


def test_a_silent_server_is_left_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection may be dead: a new one is made, and what it brings counts."""
    monkeypatch.setattr(f"{WATCH}.SILENT", 0.3)

    async def act(stream: Stream, scene: Publishing) -> None:
        await stream.connected()
        await until_told(scene, "connected, and silent for")
        await until(lambda: len(stream.queries.find(server="certstream")) >= 2)
        assert scene.parts() == []

    play(tmp_path, act)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("garbage", "no certificate:"),
        ("deep-json", "no certificate:"),
        ("huge", "1009"),
        ("full", "/domains-only"),
        ("close", "ended the stream"),
        ("500", "status 500"),
        ("redirect", "cut off or broken"),
    ],
)
def test_what_a_server_does_wrong_is_said_and_it_is_tried_again(tmp_path: Path, fault: str, said: str) -> None:
    """Nothing is told of it, and a certificate that comes later counts."""

    async def act(stream: Stream, scene: Publishing) -> None:
        if fault in ("close", "500", "redirect"):
            stream.faults.add("certstream", fault, count=3)
        else:
            await stream.connected()
            stream.faults.add("certstream", fault, count=1)
            await stream.issue("taken.com")
        await until_told(scene, said)
        assert scene.parts() == []
        while not scene.listed():
            await stream.connected()
            await stream.issue("taken.com")
            await asyncio.sleep(0.1)
        await until_told(scene, "")
        assert set(scene.listed()) == {"taken.com"}

    play(tmp_path, act)


def test_another_instance_that_leads_is_left_to_listen(tmp_path: Path) -> None:
    """One reader: this one connects when the coordinator beside it leads, and leaves when it leads no more."""

    async def act(stream: Stream, scene: Publishing) -> None:
        await asyncio.sleep(0.5)
        assert (stream.listeners, scene.told) == (0, [])
        tell_leader(scene.settings, 1, "one")
        await stream.connected()
        tell_leader(scene.settings, 2, "two")
        async with asyncio.timeout(5):
            while stream.listeners:
                await stream.issue("nobody.net")
                await asyncio.sleep(0.1)

    play(tmp_path, act, leader="two")


def test_the_words_of_a_stream() -> None:
    """Problem until a certificate comes, and again after a silence or an error."""
    health = StreamHealth(began=1000.0)
    assert "no certificate since 1970-01-01T00:16:40" in health.problem(1001.0)
    health.note_certificate(3, 1100.0)
    health.note_certificate(2, 1110.0)
    assert (health.problem(1110.0 + SILENT - 1), health.names, health.since()) == ("", 5, 1110.0)
    assert "although it is connected" in health.problem(1110.0 + SILENT)
    health.note_error("refused")
    assert health.problem(1120.0).endswith(": refused")
    assert health.names == 0
    health.note_certificate(1, 1130.0)
    assert health.problem(1130.0) == ""
