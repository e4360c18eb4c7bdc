"""A list source with a process that reads for it: real, with a store that a test tells, or saying what a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from actors.coordinator.list_sources import ListSource
from common import config
from common.config import Settings
from common.core.watchlist.list_diff import ListChunk
from tests.clients.list_api import serving

#: Access and modification time of a file that is not being written.
LONG_AGO = (1, 1)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test, at most for a while."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await work

    asyncio.run(bounded())


def knowing(store: dict[str, tuple[int, int, int]]) -> tuple[str, ...]:
    """The command of a reader whose store has these names: id, watched, priority."""
    return (sys.executable, "-m", "tests.actors.list_child", json.dumps(store))


def saying(*frames: bytes, then: str = "") -> tuple[str, ...]:
    """The command of a process that reads the question, says this and does something else."""
    code = f"import os, signal, sys, time; sys.stdin.buffer.read1(); os.write(1, {b''.join(frames)!r}); {then}"
    return (sys.executable, "-c", code)


@contextlib.contextmanager
def listed(monkeypatch: pytest.MonkeyPatch, answer: Callable[[BaseHTTPRequestHandler, int], None]) -> Iterator[Settings]:
    """Settings with a list that `answer` serves, in the environment too."""
    with serving(answer) as server:
        monkeypatch.setenv("DOMAIN_API_URL", server.url)
        yield config.load()


async def taken(source: ListSource) -> list[ListChunk]:
    """The whole difference."""
    return [event.part async for event in source.parts()]
