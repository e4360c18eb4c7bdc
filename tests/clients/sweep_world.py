"""A suffix with many names on two servers, and an engine that sweeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from common.clients.address_guard import Guard
from common.clients.dns import DnsEngine, SweepEngine, SweepOutcome
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, UNUSUAL
from tests.clients.dns_world import (
    ROOT,
    TLD,
    TLD_SECOND,
    Clock,
    Handler,
    Tree,
    World,
    run,
    seeded,
    serving,
)

TAKEN = [f"taken{number:03d}.test" for number in range(60)]
FREE = [f"free-{number}.test" for number in range(60)]
NAMES = [name for pair in zip(TAKEN, FREE, strict=True) for name in pair]
CUTS = {name: {f"ns1.{name}": "192.0.2.1", "ns.host.example": None} for name in TAKEN}
SERVED = serving(Tree("test", records={("inside.test", "A"): ("192.0.2.9",)}, cuts=CUTS, serial=42))
ROOT_HANDLER = serving(Tree("", cuts={"test": {"a.nic.test": TLD, "b.nic.test": TLD_SECOND}}))
ONE_SERVER = serving(Tree("", cuts={"test": {"a.nic.test": TLD}}))
BOTH: dict[str, Handler] = {ROOT: ROOT_HANDLER, TLD: SERVED, TLD_SECOND: SERVED}
TRUTH = [DELEGATED if name in CUTS else NXDOMAIN for name in NAMES]
MEANING = {"dns_auth_referral": DELEGATED, "dns_auth_nxdomain": NXDOMAIN}
T = TypeVar("T")


class Desk:
    """An engine and its sweeps in a world."""

    def __init__(self, world: World, try_seconds: float = 2.0, **more: str) -> None:
        self.clock = Clock(running=True)
        settings = world.settings(**more)
        self.engine = DnsEngine(settings, Guard(settings), seeded(), self.clock, try_seconds)
        self.sweeps = SweepEngine(self.engine, seeded(2), self.clock)

    def idle(self) -> bool:
        """Whether nothing counts as under way any more."""
        return all(window.under_way == 0 for window in self.sweeps._windows.values())


def swept(
    handlers: dict[str, Handler], names: list[str] = NAMES, seconds: float = 5.0, **more: object
) -> tuple[SweepOutcome, World]:
    """One sweep in a world of these servers."""

    async def story(world: World) -> SweepOutcome:
        desk = Desk(world)
        found = await desk.sweeps.sweep("test", names, seconds, **more)
        assert desk.idle()
        return found

    return run(handlers, story)


def tell(handlers: dict[str, Handler], story: Callable[[World], Awaitable[T]]) -> T:
    """What happens in a world of these servers."""
    return run(handlers, story)[0]


def meanings(found: SweepOutcome) -> list[int]:
    """Per name what the answer means: the code, or for an unusual answer what the careful parser made of it."""
    return [
        MEANING.get(found.unusual[index].reading.finding, code) if code == UNUSUAL else code
        for index, code in enumerate(found.codes)
    ]
