"""Finding the methods: every file of a pool's folder is one, and every file of a folder in it is one of a kind.

`intermediate/rdap.py` is the method "rdap", `intermediate/registrar/gandi.py` the method "registrar:gandi". Fails loudly: a
file that cannot be imported, offers no `create`, or names itself otherwise stops the start.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable

from actors.checkers.contract import Checker, Context, Sweeper
from common.errors import ConfigError

POOLS = ("fast", "intermediate", "deep")
Create = Callable[[Context], Checker | None]


def discover(package: str) -> dict[str, Create]:
    """The `create` function of every method file in a package, by method name. Raises what a broken file raises."""
    found: dict[str, Create] = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if info.ispkg:
            found |= {f"{info.name}:{name}": create for name, create in discover(f"{package}.{info.name}").items()}
            continue
        module = importlib.import_module(f"{package}.{info.name}")
        create = getattr(module, "create", None)
        if create is None:
            raise ConfigError([f"{module.__name__} offers no create(context)"])
        found[info.name] = create
    if not found:
        raise ConfigError([f"{package} holds no method"])
    return found


def load_checkers(pool: str, context: Context) -> list[Checker]:
    """The checkers of one pool that are configured. Raises ConfigError where a method's name is not its file's."""
    checkers = []
    for name, create in discover(f"actors.checkers.{pool}").items():
        checker = create(context)
        if checker is None:
            continue
        if checker.method != name:
            raise ConfigError([f"actors/checkers/{pool}/{name.replace(':', '/')}.py calls its method {checker.method!r}"])
        checkers.append(checker)
    return checkers


def find_sweeper(checkers: Iterable[Checker]) -> Sweeper | None:
    """The one that sweeps, if any does here. Raises ConfigError where several would: a sweep does not name its method."""
    found = [checker for checker in checkers if isinstance(checker, Sweeper)]
    if len(found) > 1:
        raise ConfigError([f"more than one method of a pool sweeps: {', '.join(checker.method for checker in found)}"])
    return next((checker for checker in found if checker.sweeps), None)
