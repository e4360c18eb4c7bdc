"""A checker process: loads every method of its pool's folder and runs them under the shared worker loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from actors.checkers.contract import Context
from actors.checkers.discovery import load, sweeper_of
from actors.checkers.sweeps import sweeps_of
from common.clock import monotonic, now
from common.process import Runtime
from common.worker import run_checkers

#: Tasks one process of a pool works on at once. Answers are waited for, not computed, so this bounds memory, not CPU.
SLOTS = {"fast": 256, "intermediate": 64, "deep": 64}


def make_main(pool: str, number: int = 0) -> Callable[[Runtime], Awaitable[None]]:
    """The main of one checker process."""

    async def main(runtime: Runtime) -> None:
        context = Context(runtime.settings, now, monotonic)
        checkers = load(pool, context)
        sweeper = sweeper_of(checkers)
        sweeps = sweeps_of(sweeper, context) if sweeper else None
        runtime.log.info("methods_loaded", pool=pool, methods=[checker.method for checker in checkers])
        try:
            await run_checkers(runtime, pool, number, {c.method: c.check for c in checkers}, SLOTS[pool], sweeps)
        finally:
            for checker in checkers:
                await checker.close()

    return main
