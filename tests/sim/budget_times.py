"""One name alone under the built-in budgets of the real hosts: how long from the first "no such name" to the notice."""

from __future__ import annotations

from dataclasses import dataclass

from common.core.builtin.lifecycles import CYCLES
from common.core.registries.directory import Directory
from tests.sim.cases import drop_of
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import DAY, HOUR, model_of

#: Seconds before the purge at which the service begins, and the base cadence of the name.
LEAD, INTERVAL = 6 * HOUR, 3600.0


@dataclass(frozen=True, slots=True)
class Timed:
    """What came of a drop: seconds from the purge to the first denial, and from that to the notice; None for never.

    `purge` and `notice` in epoch seconds; `asked` are the queries to the registry, canaries included.
    """

    suffix: str
    channels: tuple[str, ...]
    procedure: bool
    in_window: bool
    denied: float | None
    confirmed: float | None
    asked: int
    purge: float
    notice: float | None

    def __str__(self) -> str:
        found = "-" if self.denied is None else f"{self.denied:.0f}"
        told = "never" if self.confirmed is None else f"{self.confirmed:.0f}"
        notes = [*(["release procedure"] if self.procedure else []), *([] if self.in_window else ["outside its window"])]
        return f"{self.suffix:<10} {'+'.join(self.channels):<11} {found:>7} {told:>7} {self.asked:>6}  {', '.join(notes)}"


HEAD = f"{'suffix':<10} {'channels':<11} {'found s':>7} {'told s':>7} {'asked':>6}"


def time_of(suffix: str, seed: int = 1, days: float = 1.0) -> Timed:
    """Watch the drop of a name in its last phase, for some days after it became free to register."""
    model = model_of(suffix)
    case = drop_of(model, LEAD, INTERVAL, seed)
    life, purge = case.facts.life, case.facts.purge
    world = RegistryWorld([model], seed, real=True, limits={}, interval=INTERVAL, start=case.facts.begin)
    world.live(case.domain, life)
    world.run(LEAD - 60.0)
    window = world.entry(case.domain).in_window(purge)
    free = life.hold.end if life.hold is not None else purge
    if free - purge > 2 * DAY:
        world.run(DAY)
        world.sleep(free - 6 * HOUR)

    def told() -> float | None:
        return next((at for at, status in world.notices_of(case.domain) if status == "available"), None)

    world.run_until(lambda: told() is not None, free + days * DAY, 60.0)
    at, denied = told(), world.denied.get(case.domain)
    registry = sum(1 for _, method, _ in world.asked if method in ("rdap", "whois"))
    return Timed(
        suffix,
        model.registry,
        life.hold is not None,
        window,
        None if denied is None else denied - purge,
        None if at is None or denied is None else at - max(denied, free),
        registry,
        purge,
        at,
    )


def timed_suffixes() -> list[str]:
    """Suffixes with a row in the calendar and a registry channel that the built-in budgets let us ask."""
    known = Directory()
    return [
        suffix for suffix in sorted(CYCLES) if known.rdap_server(suffix) is not None or known.whois_server(suffix) is not None
    ]
