"""The list as the coordinator gets it: a real process reads it, from real servers and files, and compares it with the store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from actors.coordinator import list_reader
from actors.coordinator.list_frames import Ask, Read
from actors.coordinator.list_sources import ListSource
from common import config
from common.clients.list_text import NO_VERSION
from common.config import Settings
from common.core.coordinator.inputs import ListFailed, ListRead, ListSame
from common.core.model.records import Changes, NewName, Watch
from common.core.shards.layout import Layout
from common.core.watchlist.list_diff import CHUNK_SIZE, ListChunk, hold_back
from common.core.watchlist.list_names import StoreBatch
from common.errors import ListError, StoreAway
from common.shard_settings import settings_of_shard
from common.store.database_file import generation_path
from tests.actors.list_reading import LONG_AGO, knowing, listed, run, taken
from tests.clients.list_api import LIST
from tests.http_thread import reply
from tests.store.builders import open_next

STORE = {"example.com": (1, 1, 0), "gone.com": (2, 1, 0), "other.org": (3, 0, 0)}
pytestmark = pytest.mark.usefixtures("at_home")


def test_a_list_is_compared_with_the_store_and_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """New names, names that are known but not watched, other priorities, names that are gone; then there is nothing new."""

    async def work(settings: Settings) -> None:
        source = ListSource(settings, knowing(STORE))
        first = await source.read()
        assert isinstance(first, ListRead)
        assert (first.head.names, first.head.total, first.head.added, first.head.removed) == (2, 2, 1, 1)
        assert first.source == source.source
        assert source.source.endswith("/...")
        assert await taken(source) == [
            ListChunk(removed=(2,)),
            ListChunk(priorities=((1, True),)),
            ListChunk(("other.org",), ("org",), (False,)),
        ]
        assert await source.read() == ListSame(source.source)
        source.forget()
        assert isinstance(await source.read(), ListRead)
        await source.close()

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        same = handler.headers.get("If-None-Match") == '"v1"'
        reply(handler, 304 if same else 200, b"" if same else LIST, ETag='"v1"')

    with listed(monkeypatch, answer) as settings:
        run(work(settings))


def test_the_reader_process_compares_with_the_store_of_the_coordinator(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real store, open for writing, beside it: what was committed a moment ago is known, what left comes back."""

    async def work(settings: Settings) -> None:
        with contextlib.closing(open_next(settings)) as store:
            source = ListSource(settings)
            first = await source.read()
            assert isinstance(first, ListRead)
            assert (first.head.added, first.head.removed) == (2, 0)
            added = [name for part in await taken(source) for name in part.added]
            new = [NewName(number, name, name.partition(".")[2], priority=False) for number, name in enumerate(added)]
            store.apply(Changes(new=[*new, NewName(2, "gone.com", "com", priority=False)]))
            source.forget()
            second = await source.read()
            assert isinstance(second, ListRead)
            assert (second.head.added, second.head.removed) == (0, 1)
            assert await taken(source) == [ListChunk(removed=(2,)), ListChunk(priorities=((added.index("example.com"), True),))]

            store.apply(Changes(watches=[Watch(0, watched=False, priority=False)]))
            source.forget()
            assert isinstance(await source.read(), ListRead)
            assert [part.added for part in await taken(source) if part.added] == [(added[0],)]
            await source.close()

    with listed(monkeypatch, lambda handler, _number: reply(handler, 200, LIST)) as settings:
        run(work(settings))


def test_the_store_of_the_reader_is_the_highest_generation(tmp_path: Path) -> None:
    """Also where it is the only file."""
    settings = config.load({"STATE_DIR": str(tmp_path)})
    assert list(list_reader.stored_names(settings)) == []
    store = open_next(settings)
    store.apply(Changes(new=[NewName(0, "a.com", "com", priority=False)]))
    store.close()
    settings.store_path.replace(generation_path(settings.store_path, 3))

    assert [names for _, names, _, _ in list_reader.stored_names(settings)] == [["a.com"]]


def test_a_list_that_is_left_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for without conditions; so is one of which only a part was taken."""
    asked: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        asked.append(handler.headers.get("If-None-Match"))
        reply(handler, 200, LIST, ETag='"v1"')

    async def work(settings: Settings) -> None:
        source = ListSource(settings, knowing(STORE))
        assert isinstance(await source.read(), ListRead)
        await source.leave()
        assert isinstance(await source.read(), ListRead)
        parts = source.parts()
        await anext(parts)
        await parts.aclose()  # type: ignore[attr-defined]
        assert isinstance(await source.read(), ListRead)
        assert isinstance(await source.read(), ListRead)
        await taken(source)
        assert isinstance(await source.read(), ListSame)
        with pytest.raises(ListError, match="no list was read"):
            await taken(source)

    with listed(monkeypatch, answer) as settings:
        run(work(settings))

    assert asked == [None, None, None, None, '"v1"']


def test_a_list_that_failed_is_asked_for_without_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stumbles over its own validator is asked without it, and the text still known for the same."""
    asked: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        asked.append(handler.headers.get("If-None-Match"))
        reply(handler, 400 if asked[-1] else 200, LIST, ETag='"v1"')

    async def work(settings: Settings) -> None:
        source = ListSource(settings, knowing(STORE))
        assert isinstance(await source.read(), ListRead)
        await taken(source)
        assert isinstance(await source.read(), ListFailed)
        assert isinstance(await source.read(), ListSame)

    with listed(monkeypatch, answer) as settings:
        run(work(settings))

    assert asked == [None, '"v1"', None]


def test_a_list_in_a_file_needs_no_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no state yet, everything is new; what cannot be watched is told."""
    file = tmp_path / "names.txt"
    file.write_text("a.com!\nwww.b.com\nc.co.uk\n", encoding="utf-8")
    os.utime(file, LONG_AGO)
    monkeypatch.setenv("DOMAIN_LIST_FILE", str(file))

    async def work() -> None:
        source = ListSource(config.load())
        found = await source.read()
        assert isinstance(found, ListRead)
        assert [row.code for row in found.head.problems] == ["subdomain"]
        assert await taken(source) == [ListChunk(("a.com", "c.co.uk"), ("com", "co.uk"), (True, False))]
        assert isinstance(await source.read(), ListSame)
        file.unlink()
        gone = await source.read()
        assert isinstance(gone, ListFailed)
        assert "does not exist" in gone.text
        assert gone.source == str(file)

    run(work())


def test_a_list_that_shrinks_is_taken_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held back at first; the next look sees the whole of it, with the same fingerprint."""
    store = {f"n{number}.com": (number, 1, 0) for number in range(5)}

    async def work(settings: Settings) -> None:
        source = ListSource(settings, knowing(store))
        first = await source.read()
        assert isinstance(first, ListRead)
        held = hold_back(len(store), first.head, None)
        assert held is not None
        assert "2 names instead of 5" in held.reason
        await source.leave()
        again = await source.read()
        assert isinstance(again, ListRead)
        assert hold_back(len(store), again.head, held.fingerprint) is None
        assert sum(len(part.removed) for part in await taken(source)) == 5

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        reply(handler, 200, LIST, ETag='"v1"')

    with listed(monkeypatch, answer) as settings:
        run(work(settings))


def test_a_long_list_comes_in_pieces_while_others_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No piece is larger than agreed, and the loop turns between them."""
    file = tmp_path / "names.txt"
    file.write_text("".join(f"n{number}.com\n" for number in range(3 * CHUNK_SIZE + 1)), encoding="utf-8")
    os.utime(file, LONG_AGO)
    monkeypatch.setenv("DOMAIN_LIST_FILE", str(file))
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def work() -> None:
        source = ListSource(config.load())
        await source.read()
        other = asyncio.create_task(turn())
        before, sizes = turns, []
        async for event in source.parts():
            sizes.append(len(event.part.added))
            assert turns > before
            before = turns
        other.cancel()
        assert sizes == [CHUNK_SIZE, CHUNK_SIZE, CHUNK_SIZE, 1]

    run(work())


def test_a_reader_stands_back_behind_the_checks() -> None:
    """It reads while names are due; nothing of it is urgent."""
    code = "import os, sys; from actors.coordinator import list_reader; list_reader.main(); sys.exit(os.nice(0))"

    async def work() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == min(19, os.nice(0) + list_reader.NICE)

    run(work())


def test_a_database_server_that_is_away_is_no_fault_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, and the list compared with what it has then."""
    monkeypatch.setattr(list_reader, "AWAY_LOOK", 0.01)
    looks = []

    def names(_settings: Settings) -> Iterator[StoreBatch]:
        looks.append(1)
        if len(looks) < 3:
            raise StoreAway("the server cannot be reached")
        yield [1], ["example.com"], [1], [0]

    with listed(monkeypatch, lambda handler, _number: reply(handler, 200, LIST)):
        read, *_ = list_reader._answer_frames(Ask(NO_VERSION), names, lambda _: 0)
    assert isinstance(read, Read)
    assert (len(looks), read.head.added, read.head.removed) == (3, 1, 0)


def test_a_shard_reads_its_part_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names are compared with its own store, the whole list with what all shards watch; problems belong to the first."""
    layout = Layout(2, ("com",))
    names = [f"n{number}.com" for number in range(40)]
    body = json.dumps({"domains": [*names, "no name"]}).encode()
    monkeypatch.setenv("SHARDS", "2")
    monkeypatch.setenv("STORE_URL", "postgresql://db.example/x")

    async def work(settings: Settings) -> None:
        added = []
        for shard in (0, 1):
            own = [name for name in names if layout.shard_of(name) == shard]
            command = (*knowing({own[0]: (7, 1, 0), "gone.com": (8, 1, 0)}), "123")
            source = ListSource(settings_of_shard(settings, shard), command, layout=layout)
            event = await source.read()
            assert isinstance(event, ListRead)
            assert (event.head.names, event.head.whole, event.head.watched) == (len(own), 40, 123)
            assert (event.head.problem_count, len(event.head.problems), event.head.total) == (1 - shard, 1 - shard, 41)
            assert (event.head.added, event.head.removed) == (len(own) - 1, 1)
            parts = await taken(source)
            assert [part.removed for part in parts if part.removed] == [(8,)]
            added += [own[0], *(name for part in parts for name in part.added)]
        assert sorted(added) == sorted(names)

    with listed(monkeypatch, lambda handler, _number: reply(handler, 200, body)) as settings:
        run(work(settings))


def test_a_shard_of_a_list_in_a_file_is_its_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As of one from the API; a list without a name for a shard is no empty list."""
    layout = Layout(2)
    path = tmp_path / "names.txt"
    path.write_text("a.org\nb.org\n", encoding="utf-8")
    os.utime(path, LONG_AGO)
    monkeypatch.setenv("DOMAIN_LIST_FILE", str(path))
    monkeypatch.setenv("SHARDS", "2")
    monkeypatch.setenv("STORE_URL", "postgresql://db.example/x")
    home = layout.shard_of("a.org")

    async def work() -> None:
        for shard, names in ((home, 2), (1 - home, 0)):
            source = ListSource(settings_of_shard(config.load(), shard), knowing({}), layout=layout)
            event = await source.read()
            assert isinstance(event, ListRead)
            assert (event.head.names, event.head.whole) == (names, 2)
            assert hold_back(0, event.head, None) is None
            await source.close()

    run(work())
