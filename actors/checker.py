"""A checker process: loads every method of its pool's folder and runs them under the shared worker loop."""

from __future__ import annotations

import asyncio
import faulthandler
import resource
from collections.abc import Awaitable, Callable

from actors.checkers.contract import Context, methods_of
from actors.checkers.discovery import find_sweeper, load_checkers
from common.clock import monotonic, now
from common.process import Runtime
from common.worker import run_checkers

#: Tasks one process of a pool works on at once. Answers are waited for, not computed, so this bounds memory, not CPU.
#: A slow answer under way takes some 10 KiB with WHOIS and 30 KiB with RDAP; how many go to one registry is not decided here.
SLOTS = {"fast": 256, "intermediate": 2000, "deep": 2000}
#: Open files that a process needs besides one connection for each task.
SPARE_FILES = 200

#: Seconds without a turn of its loop after which a checker that nothing watches over ends, and seconds between two turns.
HUNG_AFTER, TURN_EVERY = 60.0, 5.0


def count_slots(pool: str, files: int) -> int:
    """Tasks at once, with so many files that may be open."""
    return max(16, min(SLOTS[pool], files - SPARE_FILES))


def raise_file_limit() -> int:
    """How many files this process may have open: as many as it may allow itself, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = max(SLOTS.values()) + SPARE_FILES
    if 0 <= soft < enough:
        soft = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft if soft >= 0 else enough


async def end_where_hung() -> None:
    """End this process, with the stack of each thread on standard error, once the loop turns no more.

    On a host that has checkers alone no supervisor does that; what started the process starts it again.
    """
    try:
        while True:
            faulthandler.dump_traceback_later(HUNG_AFTER, exit=True)
            await asyncio.sleep(TURN_EVERY)
    finally:
        faulthandler.cancel_dump_traceback_later()


def make_main(pool: str, number: int = 0) -> Callable[[Runtime], Awaitable[None]]:
    """The main of one checker process."""

    async def main(runtime: Runtime) -> None:
        context = Context(runtime.settings, now, monotonic)
        checkers = load_checkers(pool, context)
        sweeper = find_sweeper(checkers)
        runtime.log.info("methods_loaded", pool=pool, methods=[checker.method for checker in checkers])
        guard = asyncio.create_task(end_where_hung(), name="hung") if runtime.settings.coordinator else None
        try:
            await run_checkers(runtime, pool, number, methods_of(checkers), count_slots(pool, raise_file_limit()), sweeper)
        finally:
            if guard is not None:
                guard.cancel()
            for checker in checkers:
                await checker.close()

    return main
