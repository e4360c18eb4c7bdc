"""Signs of life while something is waited for that takes a thread longer than a process may be silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from common.process import BEAT_EVERY

T = TypeVar("T")


async def run_with_heartbeat(beat: Callable[[], None], threads: Executor | None, work: Callable[[], T]) -> T:
    """The result of `work`, done in a thread (None: any), with signs of life until it is there."""
    working = asyncio.get_running_loop().run_in_executor(threads, work)
    while not working.done():
        beat()
        await asyncio.wait({working}, timeout=BEAT_EVERY)
    return working.result()
