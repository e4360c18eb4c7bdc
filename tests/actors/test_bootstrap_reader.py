"""The RDAP bootstrap is fetched by a process of its own; whatever becomes of it, the coordinator goes on with what it has."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.coordinator.list_frames import Ask, Refreshed, pack_frame
from actors.coordinator.list_sources import fetch_bootstrap, refresh_directory
from common import config, state_dir
from common.clients.bootstrap_copy import SHORTEST_INTERVAL, load_kept_bases
from common.clients.list_text import NO_VERSION
from common.clock import now
from common.config import Settings
from common.core.registries.directory import built_in_bootstrap
from common.log import get_logger
from common.process import Runtime
from common.registry_directory import load_directory
from common.shard_settings import settings_of_shard
from tests.clients.hostile import Hostile, hostile, reply

BASE = ("http://127.0.0.1:1/",)
LOG = get_logger("coordinator")


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run it, but not for ever."""

    async def main() -> None:
        async with asyncio.timeout(60):
            await work

    asyncio.run(main())


@asynccontextmanager
async def served(answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Hostile, Settings]]:
    """A server with this bootstrap, and the settings of a service that asks it, also in the environment."""
    async with hostile(answer) as server:
        values = {
            "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "STATE_DIR": str(tmp_path),
            "RDAP_BOOTSTRAP_URL": f"{server.base}/dns.json",
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        settings = config.load(values)
        state_dir.create_directories(settings)
        yield server, settings


def bootstrap() -> bytes:
    """A whole one with one suffix more than the built-in tables."""
    services = [[[suffix], list(bases)] for suffix, bases in (built_in_bootstrap() | {"example": BASE}).items()]
    return reply(body=json.dumps({"version": "1.0", "services": services}).encode())


def test_a_new_bootstrap_reaches_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory that is handed on knows the suffix that the fetched list has more."""

    async def work() -> None:
        async with served(bootstrap(), tmp_path, monkeypatch) as (server, settings):
            directory = load_directory(settings)
            assert directory.rdap_server("example") is None
            changes = refresh_directory(Runtime("coordinator", settings, asyncio.Event()), directory)
            changed = await anext(changes)
            await changes.aclose()
            found = changed.rdap_server("example")
            assert found is not None
            assert found.base == BASE[0]
            assert server.paths() == ["/dns.json"]

    run(work())


def test_the_shards_of_an_instance_fetch_the_bootstrap_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later ones begin later, and take over what the first one fetched."""

    async def work() -> None:
        async with served(bootstrap(), tmp_path, monkeypatch) as (server, settings):
            divided = replace(settings, shards=2)
            later = load_directory(settings)
            first = refresh_directory(Runtime("coordinator", divided, asyncio.Event()), load_directory(settings))
            second = refresh_directory(Runtime("coordinator-1", settings_of_shard(divided, 1), asyncio.Event()), later)
            waiting = asyncio.ensure_future(anext(second))
            await asyncio.sleep(0)  # it has read what is kept: nothing yet
            assert (await anext(first)).rdap_server("example") is not None
            assert (await waiting).rdap_server("example") is not None
            assert server.paths() == ["/dns.json"]
            await first.aclose()
            await second.aclose()

    run(work())


def test_what_is_not_due_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process sends no query and says when the next attempt is due."""

    async def work() -> None:
        async with served(bootstrap(), tmp_path, monkeypatch) as (server, settings):
            first = await fetch_bootstrap(LOG)
            second = await fetch_bootstrap(LOG)
            assert (first.changed, first.error) == (True, "")
            assert second == Refreshed(changed=False, next_at=first.next_at)
            assert first.next_at >= now() + SHORTEST_INTERVAL - 60
            assert len(server.requests) == 1
            assert (load_kept_bases(settings) or {})["example"] == BASE

    run(work())


def test_a_server_that_fails_is_told_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the server is a sentence, and the next attempt is hours away."""

    async def work() -> None:
        async with served(reply(503), tmp_path, monkeypatch) as (_server, settings):
            told = await fetch_bootstrap(LOG)
            assert not told.changed
            assert told.error == "RDAP bootstrap not taken: HTTP 503"
            assert told.next_at >= now() + SHORTEST_INTERVAL - 60
            assert load_kept_bases(settings) is None

    run(work())


def test_a_copy_that_cannot_be_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the copy has no place, the attempt counts as made: no query is sent more often for it."""

    async def work() -> None:
        async with served(bootstrap(), tmp_path, monkeypatch) as (_server, _settings):
            (tmp_path / "rdap_bootstrap.new").symlink_to("/dev/full")
            told = await fetch_bootstrap(LOG)
            assert told.error == "RDAP bootstrap not kept: No space left on device"
            assert told.next_at >= now() + SHORTEST_INTERVAL - 60

    run(work())


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import sys; sys.exit(3)", "ended too early, with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        ("import sys; sys.stdout.write('what is this?')", "makes no sense"),
        (f"import sys; sys.stdout.buffer.write({pack_frame(Ask(NO_VERSION))!r})", "sent something else than it should"),
    ],
)
def test_a_process_that_fails_counts_as_an_attempt(source: str, cause: str) -> None:
    """Whether the server was asked is not known: it is not asked again for hours, and the cause is told."""

    async def work() -> None:
        told = await fetch_bootstrap(LOG, (sys.executable, "-c", source))
        assert cause in told.error
        assert not told.changed
        assert told.next_at >= now() + SHORTEST_INTERVAL - 60

    run(work())
