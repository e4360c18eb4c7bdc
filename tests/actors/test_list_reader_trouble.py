"""What keeps a list from being read: servers, stores and memory that fail, and a reader that dies, errs or is left alone."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from actors.coordinator import list_frames, list_reader
from actors.coordinator.list_frames import LENGTH, Ask, End, Failed, Piece, Read, Same, pack_frame
from actors.coordinator.list_sources import READER, ListSource
from common import config, log
from common.clients.list_text import NO_VERSION
from common.config import Settings
from common.core.coordinator.inputs import ListFailed, ListRead
from common.core.watchlist.list_diff import CHUNK_SIZE, ListChunk, ListSummary
from common.errors import ListError, MessageError
from common.messages import MAX_FRAME
from tests.actors.list_reading import LONG_AGO, knowing, listed, run, saying, taken
from tests.clients.list_api import LIST
from tests.http_thread import reply

pytestmark = pytest.mark.usefixtures("at_home")
HEAD = ListSummary(names=1, total=1, problem_count=0, problems=(), fingerprint="print", added=1)


def test_what_the_reader_cannot_do_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A refusal of the server, a text that is no list, a store that cannot be read."""

    async def work(settings: Settings) -> None:
        for words in ("API_AUTH_TOKEN", "not valid JSON", "bad-state"):
            event = await ListSource(settings).read()
            assert isinstance(event, ListFailed)
            assert words in event.text

    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        reply(handler, 401 if number == 1 else 200, LIST[: -2 if number == 2 else None])

    (tmp_path / "bad-state").write_bytes(b"this is no database" * 1000)
    monkeypatch.setenv("STORE_URL", f"sqlite:///{tmp_path}/bad-state")
    with listed(monkeypatch, answer) as settings:
        run(work(settings))


def test_a_slow_server_keeps_only_the_reader_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is bounded; the process is ended, and the next look works."""
    quick = threading.Event()

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        if quick.is_set():
            reply(handler, 200, LIST)
        else:
            handler.rfile.read(1)  # until the client hangs up
            handler.close_connection = True

    async def work(settings: Settings) -> None:
        event = await ListSource(settings, read_limit=1.5).read()
        quick.set()
        assert isinstance(event, ListFailed)
        assert "said nothing for 1.5 s" in event.text
        source = ListSource(settings)
        assert isinstance(await source.read(), ListRead)
        await source.leave()

    with listed(monkeypatch, answer) as settings:
        run(work(settings))


def test_a_reader_that_is_killed_is_a_failure_and_the_next_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it reads, and in the middle of the difference."""
    sources: list[ListSource] = []

    def stop(number: signal.Signals) -> None:
        child = sources[0]._child
        assert child is not None
        os.kill(child._process.pid, number)

    async def work(settings: Settings) -> None:
        source = ListSource(settings, knowing({}))
        sources.append(source)
        event = await source.read()
        assert event == ListFailed(
            f"{source.source}: the process that reads it was ended by SIGKILL (is there enough memory?)", source.source
        )
        assert isinstance(await source.read(), ListRead)
        stop(signal.SIGTERM)
        with pytest.raises(ListError, match=r"/\.\.\.: the process that reads it was ended by SIGTERM$"):
            await taken(source)
        assert isinstance(await source.read(), ListRead)
        assert len(await taken(source)) == 1

    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number == 1:
            stop(signal.SIGKILL)
        else:
            reply(handler, 200, LIST)

    with listed(monkeypatch, answer) as settings:
        run(work(settings))


@pytest.mark.parametrize(
    ("said", "then", "words"),
    [
        (b"", "", "ended too early, with exit code 0"),
        (b"", "sys.exit('sorry')", "ended too early, with exit code 1; the log has its last words"),
        (b"", "os.kill(os.getpid(), 40)", "ended by signal 40"),
        (b"\xff\xff\xff\xff", "time.sleep(60)", f"at most {MAX_FRAME}"),
        (b"\0\0\0\5hello", "time.sleep(60)", "not a message"),
        (b"\0\0\1\0cut", "", "ended too early"),
        (pack_frame(End()), "time.sleep(60)", "something else than it should"),
        (pack_frame(Piece(ListChunk(("a.com",), ("com",), (False,)))), "time.sleep(60)", "something else than it should"),
    ],
)
def test_a_reader_that_makes_no_sense_is_a_failure(said: bytes, then: str, words: str) -> None:
    """Every answer is checked, also one from a process of ours; it does not stay behind."""

    async def work() -> None:
        event = await ListSource(config.load(), saying(said, then=then)).read()
        assert isinstance(event, ListFailed)
        assert words in event.text

    run(work())


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ((End(),), "something else"),
        ((Piece(ListChunk(removed=(1,))), End()), "something else"),
        ((Piece(ListChunk(("a.com", "b.com"), ("com", "com"), (False, False))), End()), "something else"),
        ((Piece(ListChunk(priorities=((1, True), (2, True)))), End()), "something else"),
        ((Piece(ListChunk(("a.com",), (), (False,))), End()), "not equally many"),
        ((Piece(ListChunk()), End()), f"1 to {CHUNK_SIZE} names"),
        ((Piece(ListChunk(removed=tuple(range(CHUNK_SIZE + 1)))), End()), f"1 to {CHUNK_SIZE} names"),
        ((Same(NO_VERSION),), "something else"),
        ((), "ended too early"),
    ],
)
def test_a_difference_that_was_not_announced_is_refused(pieces: tuple[Any, ...], words: str) -> None:
    """The head promised one new name."""
    frames = [pack_frame(Read(HEAD, NO_VERSION)), *map(pack_frame, pieces)]

    async def work() -> None:
        source = ListSource(config.load(), saying(*frames, then="sys.stdin.buffer.read1()"))
        assert isinstance(await source.read(), ListRead)
        with pytest.raises(ListError, match=words):
            await taken(source)

    run(work())


def test_a_program_that_is_not_there_is_a_failure() -> None:
    """So is everything else that keeps a process from starting."""

    async def work() -> None:
        event = await ListSource(config.load(), ("/nowhere/python",)).read()
        assert isinstance(event, ListFailed)
        assert "cannot be started: No such file" in event.text

    run(work())


def test_the_last_words_of_a_reader_go_to_the_log() -> None:
    """The end of them, where a traceback says what happened."""
    said = io.StringIO()
    log.setup(config.load(), "coordinator", said)

    async def work() -> None:
        then = "sys.stderr.write('x' * 100000 + 'ValueError: that was it'); sys.exit(1)"
        await ListSource(config.load(), saying(b"", then=then)).read()

    run(work())
    line = json.loads(said.getvalue())

    assert (line["event"], line["level"]) == ("list_reader", "warning")
    assert line["said"].endswith("xxxValueError: that was it")


def test_no_log_line_shows_the_key_in_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the connection breaks again and again."""
    said = io.StringIO()
    log.setup(config.load(), "coordinator", said)

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        handler.close_connection = True

    async def work(settings: Settings) -> None:
        event = await ListSource(settings).read()
        assert isinstance(event, ListFailed)
        assert "hidden-key" not in event.text

    with listed(monkeypatch, answer) as settings:
        assert "hidden-key" in str(settings.domain_api_url)
        run(work(settings))
    assert "hidden-key" not in said.getvalue()


def test_a_reader_does_not_outlive_its_coordinator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coordinator that stops while the list is read leaves no process behind."""
    asked = asyncio.Event()

    async def work(settings: Settings) -> None:
        loop = asyncio.get_running_loop()
        hanging.append(lambda: loop.call_soon_threadsafe(asked.set))
        source = ListSource(settings, READER)
        reading = asyncio.create_task(source.read())
        await asked.wait()
        assert source._child is not None
        process = source._child._process
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        assert process.returncode == -signal.SIGKILL

    hanging: list[Callable[[], object]] = []

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        hanging[0]()
        handler.rfile.read(1)

    with listed(monkeypatch, answer) as settings:
        run(work(settings))


def test_a_reader_ends_without_a_coordinator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happened to the coordinator: at its question, at its answer, at the word to go on."""
    file = tmp_path / "names.txt"
    file.write_text("a.com\n", encoding="utf-8")
    os.utime(file, LONG_AGO)
    monkeypatch.setenv("DOMAIN_LIST_FILE", str(file))

    async def ended(question: bytes, *, listen: bool) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            *READER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        if not listen:
            process.stdout._transport.close()  # type: ignore[attr-defined]
        _, said = await process.communicate(question)
        return await process.wait(), said

    async def work() -> None:
        assert await ended(b"", listen=True) == (1, b"")
        assert await ended(b"\0\0\0\1x", listen=True) == (1, b"")
        assert await ended(pack_frame(Same(NO_VERSION)), listen=True) == (1, b"")
        assert await ended(pack_frame(Ask(NO_VERSION)), listen=False) == (1, b"")
        assert await ended(pack_frame(Ask(NO_VERSION)), listen=True) == (0, b"")

    run(work())


def test_too_little_memory_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the answer, where there is still room for that."""
    file = tmp_path / "names.txt"
    file.write_text("a.com\n", encoding="utf-8")
    os.utime(file, LONG_AGO)
    monkeypatch.setenv("DOMAIN_LIST_FILE", str(file))
    answers = io.BytesIO()

    def names(_settings: Settings) -> Any:
        raise MemoryError

    list_reader.serve_list(io.BytesIO(pack_frame(Ask(NO_VERSION))), answers, names)
    answers.seek(0)

    assert list_frames.read_frame(answers) == Failed("there is not enough memory to read the list")
    with pytest.raises(MessageError, match="ended"):
        list_frames.read_frame(answers)


def test_a_frame_has_a_length_and_a_bound() -> None:
    """What is cut off is no frame."""
    with pytest.raises(MessageError):
        list_frames.read_frame(io.BytesIO(LENGTH.pack(100) + b"short"))
    with pytest.raises(MessageError, match="at most"):
        list_frames.frame_length(LENGTH.pack(MAX_FRAME + 1))
