"""What all emulated registrars share: the truth of the lab's registries, faults on demand, the log of calls.

A vendor's file has one subclass of `Emulator`, found by `find_emulators`. It says which credentials it takes, where it listens
(`routes`), which names a call carries (`names_in`), and how its answers and its own errors look.
"""

from __future__ import annotations

import hmac
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from typing import ClassVar

from aiohttp import web

import tests.lab.registrars
from tests.lab import http_faults
from tests.lab.faults import Fault, FaultTable
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.suffixes import SUFFIXES, registrable
from tests.lab.truth import Truth

#: What an ordinary name costs a year in the lab, and a premium one, in US dollars.
ORDINARY, PREMIUM = Decimal("10.44"), Decimal("2500.00")


class Kind(Enum):
    """Whether a registrar can create a name."""

    FREE = auto()
    PREMIUM = auto()
    TAKEN = auto()
    RESERVED = auto()
    DROPPING = auto()
    UNSUPPORTED = auto()  # it does not sell the suffix
    INVALID = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: its request, and the body as it was read."""

    request: web.Request
    body: bytes


@dataclass(frozen=True, slots=True)
class Stand:
    """How one name stands, and what it costs a year."""

    name: str
    kind: Kind
    price: Decimal = ORDINARY
    currency: str = "USD"


class Emulator:
    """One vendor's API."""

    vendor: ClassVar[str]
    #: The settings under which the product is let in.
    credentials: ClassVar[Mapping[str, str]]
    #: Most names that one call may carry.
    batch: ClassVar[int] = 1
    #: Whether an answer says which name it is about. Where it does not, a call carries one.
    repeats_names: ClassVar[bool] = True

    def __init__(self, registry: Registry, faults: FaultTable, queries: QueryLog) -> None:
        self._registry = registry
        self._faults = faults
        self._queries = queries
        self.unsold: set[str] = set()  # suffixes that it does not sell
        self.calls: list[tuple[str, ...]] = []  # the names of each check that was let in

    # what a vendor's file says

    def routes(self) -> list[web.RouteDef]:
        """Where it listens."""
        raise NotImplementedError

    def is_let_in(self, asked: Asked) -> bool:
        """Whether the credentials are the right ones."""
        raise NotImplementedError

    def names_in(self, asked: Asked) -> list[str]:
        """The names that a call is about. Raises ValueError for a malformed call."""
        raise NotImplementedError

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """The answer."""
        raise NotImplementedError

    def show_error(self, kind: str) -> web.Response:
        """The vendor's own answer to "credentials", "throttled", "malformed", or any other trouble ("error")."""
        raise NotImplementedError

    # what all do alike

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_routes(self.routes())
        return app

    async def check(self, request: web.Request) -> web.StreamResponse:
        """The handler of a check."""
        asked = Asked(request, await request.read())
        try:
            names = self.names_in(asked)
        except (ValueError, LookupError, TypeError):
            return self.show_error("malformed")
        key = f"registrar/{self.vendor}"
        self._queries.add(key, ",".join(names), request.method)
        fault = next((found for name in names if (found := self._faults.pick(key, name)) is not None), None)
        wrong = await self._misbehave(fault, request, names)
        return wrong if wrong is not None else self._answer(asked, names, fault)

    async def _misbehave(self, fault: Fault | None, request: web.Request, names: list[str]) -> web.StreamResponse | None:
        """What a fault says instead of an answer; None for none, and for one that only twists the answer."""
        if fault is not None and fault.kind == "says":
            return http_faults.spoken(fault, names[0])
        if fault is not None and fault.kind.startswith("error-"):
            return self.show_error(fault.kind.removeprefix("error-"))
        return await http_faults.misbehave(fault, request)

    def _answer(self, asked: Asked, names: list[str], fault: Fault | None) -> web.Response:
        if not self.is_let_in(asked):
            return self.show_error("credentials")
        if not 1 <= len(names) <= self.batch:
            return self.show_error("malformed")
        self.calls.append(tuple(names))
        return self.show(self._twist([self.stand_of(name) for name in names], fault))

    def stand_of(self, name: str) -> Stand:
        """How a name stands now."""
        found = registrable(name)
        if found is None or found[0] != name or found[1].label not in SUFFIXES:
            return Stand(name, Kind.INVALID)
        if found[1].label in self.unsold:
            return Stand(name, Kind.UNSUPPORTED)
        truth = self._registry.truth(name)
        kinds = {Truth.UNREGISTERED: Kind.FREE, Truth.PREMIUM: Kind.PREMIUM, Truth.REGISTERED: Kind.TAKEN}
        kinds |= {Truth.DROPZONE: Kind.DROPPING}
        kind = kinds.get(truth, Kind.RESERVED)
        return Stand(name, kind, PREMIUM if kind is Kind.PREMIUM else ORDINARY)

    @staticmethod
    def _twist(stands: list[Stand], fault: Fault | None) -> list[Stand]:
        """The answer with the fault in it."""
        kind = fault.kind if fault is not None else ""
        lies = {"lying-free": Kind.FREE, "lying-taken": Kind.TAKEN, "lying-premium": Kind.PREMIUM}
        if kind in lies:
            names = fault.names if fault is not None else frozenset()
            return [replace(one, kind=lies[kind]) if not names or one.name in names else one for one in stands]
        if kind == "wrong-name":
            return [replace(one, name=f"not-{one.name}") for one in stands]
        if kind == "partial":
            return stands[: len(stands) // 2]
        return list(reversed(stands))  # no vendor promises an order


def find_emulators() -> dict[str, type[Emulator]]:
    """Every emulator by vendor."""
    for info in pkgutil.iter_modules(tests.lab.registrars.__path__):
        importlib.import_module(f"tests.lab.registrars.{info.name}")
    return {kind.vendor: kind for kind in Emulator.__subclasses__()}


def is_equal(found: str | None, wanted: str) -> bool:
    """Whether a credential is the right one."""
    return hmac.compare_digest((found or "").encode(), wanted.encode())
