"""One row of the table of settings, see `common.config`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is text, as in the environment; "" where there is none or it follows from others.

    `roles` are the processes that need it, of `common.roles`; () is every one. A secret has to name them. `quoted`:
    whether what is said about a wrong value may repeat it.
    """

    default: str
    parse: Callable[[str], Any]
    help: str
    secret: bool = False
    roles: tuple[str, ...] = ()
    quoted: bool = True
