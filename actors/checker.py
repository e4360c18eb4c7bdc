"""A checker process: loads every method of its pool's folder and runs them under the shared worker loop.

Discovery fails loudly: a file that cannot be imported, offers no `create`, or names itself otherwise stops the start.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable

from actors.checkers.contract import Checker, Context
from common.clock import monotonic, now
from common.errors import ConfigError
from common.process import Runtime
from common.worker import run_checkers

POOLS = ("fast", "intermediate", "deep")
#: Tasks one process of a pool works on at once. Answers are waited for, not computed, so this bounds memory, not CPU.
SLOTS = {"fast": 256, "intermediate": 64, "deep": 64}


def discover(package: str) -> dict[str, Callable[[Context], Checker]]:
    """The `create` function of every method file in a package, by method name. Raises what a broken file raises."""
    found: dict[str, Callable[[Context], Checker]] = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module = importlib.import_module(f"{package}.{info.name}")
        create = getattr(module, "create", None)
        if create is None:
            raise ConfigError([f"{module.__name__} offers no create(context)"])
        found[info.name] = create
    if not found:
        raise ConfigError([f"{package} holds no method"])
    return found


def load(pool: str, context: Context) -> list[Checker]:
    """The checkers of one pool. Raises ConfigError where a method's name is not its file's."""
    checkers = []
    for name, create in discover(f"actors.checkers.{pool}").items():
        checker = create(context)
        if checker.method != name:
            raise ConfigError([f"actors/checkers/{pool}/{name}.py calls its method {checker.method!r}"])
        checkers.append(checker)
    return checkers


def make_main(pool: str, number: int = 0) -> Callable[[Runtime], Awaitable[None]]:
    """The main of one checker process."""

    async def main(runtime: Runtime) -> None:
        checkers = load(pool, Context(runtime.settings, now, monotonic))
        runtime.log.info("started", pool=pool, methods=[checker.method for checker in checkers])
        try:
            await run_checkers(runtime, pool, number, {c.method: c.check for c in checkers}, SLOTS[pool])
        finally:
            for checker in checkers:
                await checker.close()

    return main
