"""The room of sweeps on its lower doors, without a coordinator: names of com that are queued or under way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from common.core.model.effects import Send
from common.core.model.ids import Ids
from common.core.model.limit import Limit
from common.core.parsers.dns_fast import OPEN
from common.core.sweeps.due import DueNames
from common.core.sweeps.fallback import SweepFallback
from common.core.sweeps.sweep_dispatch import SweepDispatch
from common.core.sweeps.sweep_queues import SweepQueues
from common.core.sweeps.sweep_reading import NO_ADDRESS
from common.core.sweeps.sweep_results import SweepResults
from common.messages import Sweep, SweepResult
from tests.core.checks.checks_room import NOW, PLENTY, ChecksRoom, credit


class SweepsRoom(ChecksRoom):
    """Every door of sweeps and of the rooms below."""

    def __init__(self, *, limits: Mapping[str, Limit] = PLENTY, interval: float = 3600.0, workers: bool = True) -> None:
        super().__init__(limits=limits, interval=interval, workers=workers)
        self.queues = SweepQueues()
        self.due = DueNames(
            domains=self.domains,
            registries=self.registries,
            workers=self.workers,
            canaries=self.canaries,
            starts=self.starts,
            queues=self.queues,
        )
        self.dispatch = SweepDispatch(
            domains=self.domains,
            registries=self.registries,
            rate_limits=self.rate_limits,
            workers=self.workers,
            starts=self.starts,
            queues=self.queues,
            effects=self.effects,
            telemetry=self.telemetry,
        )
        self.results = SweepResults(
            domains=self.domains,
            registries=self.registries,
            rate_limits=self.rate_limits,
            workers=self.workers,
            starts=self.starts,
            planner=self.planner,
            conclusions=self.conclusions,
            announcer=self.announcer,
            answers=self.answers,
            window_pace=self.window_pace,
            dispatch=self.dispatch,
            telemetry=self.telemetry,
        )
        self.fallback = SweepFallback(
            domains=self.domains,
            registries=self.registries,
            rate_limits=self.rate_limits,
            workers=self.workers,
            starts=self.starts,
            queues=self.queues,
            dispatch=self.dispatch,
            results=self.results,
        )
        self.fill_budget(self.zone_limit())

    def zone_limit(self, suffix: str = "com") -> Limit:
        """The budget of the name servers of a suffix."""
        return self.registries.limit_of("dns", suffix, suffix)

    def queue_names(self, count: int, suffix: str = "com", *, urgent: bool = False, due: float = NOW - 10) -> Ids:
        """Watch so many names, due since then, and queue them for a sweep."""
        start = len(self.domains)
        ids = self.watch(*(f"n{number}.{suffix}" for number in range(start, start + count)), priority=urgent)
        self.domains.stages.queue_for_sweep(ids)
        self.queues.add_names(suffix, ids, np.full(count, due), due, urgent=urgent)
        return ids

    def sent_sweeps(self) -> list[tuple[str, Sweep]]:
        """(worker, sweep) of the sweeps among the planned effects."""
        planned = [effect for effect in self.effects.take_planned() if isinstance(effect, Send)]
        return [(send.worker, send.message) for send in planned if isinstance(send.message, Sweep)]

    def send_sweep(self, count: int, *, urgent: bool = False) -> tuple[Ids, Sweep]:
        """Send a sweep of so many new names of com."""
        ids = self.queue_names(count, urgent=urgent)
        self.dispatch.send_ready_sweeps(NOW)
        ((_, sweep),) = self.sent_sweeps()
        return ids, sweep


def result_of(sweep: Sweep, codes: list[int], worker: str = "fast-0@h") -> SweepResult:
    """The result of a sweep with these codes, all of them from one address."""
    return SweepResult(
        credit("fast", worker=worker),
        sweep.attempt,
        codes=bytes(codes),
        served=bytes(NO_ADDRESS if code == OPEN else 0 for code in codes),
        server="com",
        width=4,
        addresses=("192.0.2.1:53/udp",),
    )
