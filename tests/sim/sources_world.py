"""A world with sources that can create names: registrars and EPP by their truth, dead or lying ones, and what they charge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import inf
from typing import Any

from msgspec import structs

from common.core.coordinator.wiring import Policy
from common.core.model.evidence import Observation, Offer, Outcome, Reading, unknown_reading
from common.core.model.methods import is_definitive
from common.core.registries.directory import host_of
from common.core.registries.sources import Source
from common.messages import Delivery, Sweep, Task
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import SuffixModel

ONE, TWO, EPP = "registrar:one", "registrar:two", "epp"
#: What an ordinary name and a premium one cost.
ORDINARY = Offer(premium=False, price=Decimal("10.44"), currency="USD")
PREMIUM = Offer(premium=True, price=Decimal(2500), currency="USD")
#: Seconds that a call may take that is never answered.
SILENCE = 20.0

_LIVE = Reading(Outcome.UNREGISTERED, "registrar_available_live", "it can be created", offer=ORDINARY)
_PREMIUM = Reading(Outcome.PREMIUM, "registrar_premium", "it can be created at a price of its own", offer=PREMIUM)
_TAKEN = Reading(Outcome.UNAVAILABLE, "registrar_unavailable", "it cannot be created")
_LIES = {"free": _LIVE, "premium": _PREMIUM, "taken": _TAKEN}
_TROUBLE: Mapping[str, Observation] = {
    "silence": Observation("", unknown_reading("registrar_timeout", "no answer in time")),
    "refused": Observation("", unknown_reading("registrar_turned_away", "connection refused"), refused=True),
    "forbidden": Observation("", unknown_reading("registrar_refused", "HTTP 401"), status=401),
    "throttled": Observation("", Reading(Outcome.THROTTLED, "registrar_throttled", "HTTP 429"), status=429),
    "garbage": Observation("", unknown_reading("registrar_unparsed", "not of the documented form"), status=200),
    "unsupported": Observation("", unknown_reading("registrar_unsupported", "the suffix is not sold"), status=200),
}
KINDS = tuple(_TROUBLE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a registrar between two times: one of `KINDS`, or a lie ("lies free") about one name or about all."""

    method: str
    kind: str
    domain: str | None = None
    since: float = -inf
    until: float = inf

    def fits(self, method: str, domain: str, moment: float) -> bool:
        """Whether this answer is concerned."""
        return method == self.method and self.domain in (None, domain) and self.since <= moment < self.until


class SourcesWorld(RegistryWorld):
    """See the module. `premium` are names with a price of their own, `refused` those that no registrar creates."""

    def __init__(self, models: Iterable[SuffixModel], *args: Any, sources: Iterable[str] = (ONE,), **more: Any) -> None:
        self._methods = tuple(sources)
        self.faults: list[Fault] = []
        self.premium: set[str] = set()
        self.refused: set[str] = set()
        super().__init__(models, *args, **more)

    def offered_methods(self, pool: str) -> tuple[str, ...]:
        """The registrars are asked by the intermediate pool."""
        return (*super().offered_methods(pool), *(self._methods if pool == "intermediate" else ()))

    def adjust_policy(self, policy: Policy) -> Policy:
        """The configured registrars."""
        return replace(policy, sources=tuple(map(_source_of, self._methods)))

    def _takes(self, item: Task | Sweep | Delivery) -> float:
        if isinstance(item, Task) and is_definitive(item.method):
            fault = self._fault(item)
            return SILENCE if fault is not None and fault.kind == "silence" else super()._takes(item)
        return super()._takes(item)

    def _fault(self, task: Task) -> Fault | None:
        return next((fault for fault in self.faults if fault.fits(task.method, task.domain, self.now)), None)

    def _observe(self, task: Task) -> Observation:
        if not is_definitive(task.method):
            return super()._observe(task)
        fault, server = self._fault(task), host_of(task.server)
        if fault is not None and fault.kind in _TROUBLE:
            return structs.replace(_TROUBLE[fault.kind], method=task.method, server=server)
        lie = _LIES[fault.kind.removeprefix("lies ")] if fault is not None else None
        honest = self._check_by_epp(task.domain) if task.method == EPP else self._offer(task.domain)
        return Observation(task.method, lie or honest, server=server, status=200)

    def _offer(self, domain: str) -> Reading:
        life = self.names.get(domain)
        if domain in self.refused or (isinstance(life, Life) and not life.free(self.now)):
            return _TAKEN
        return _PREMIUM if domain in self.premium else _LIVE

    def _check_by_epp(self, domain: str) -> Reading:
        """A check without reasons but for names in use, as most registries answer it."""
        offer, life = self._offer(domain), self.names.get(domain)
        if offer.outcome is Outcome.UNREGISTERED:
            return Reading(Outcome.UNREGISTERED, "epp_available", "avail=1", offer=ORDINARY)
        if offer.outcome is Outcome.PREMIUM:
            return Reading(Outcome.PREMIUM, "epp_premium", "avail=1, class premium", offer=PREMIUM)
        if isinstance(life, Life) and life.registered(self.now):
            return Reading(Outcome.REGISTERED, "epp_in_use", "avail=0: In use")
        return Reading(Outcome.UNAVAILABLE, "epp_unavailable", "avail=0")


def _source_of(method: str) -> Source:
    if method == EPP:
        return Source(method=method, url="epp.com.test:700", suffixes=("com",))
    return Source(method=method, url=f"https://{method.partition(':')[2]}.registrar.test/v1")
