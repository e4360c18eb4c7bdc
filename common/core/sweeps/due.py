"""Takes names that are due: stable ones are queued for a sweep of their suffix, the others admitted to a single check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.core.checks.check_starts import CheckStarts
from common.core.domains.domain_table import Flag
from common.core.domains.domains import Domains
from common.core.model.ids import Ids, Times
from common.core.registries.registries import Registries
from common.core.schedule.cadence import are_imminent
from common.core.sweeps.sweep_queues import SweepQueues
from common.core.trust.canaries import Canaries
from common.core.workers.leases import Workers

#: Names taken out of the schedule per tick, with priority and without; most checks that wait while no worker sweeps.
URGENT_LIMIT, ORDINARY_LIMIT, MOST_WAITING = 2000, 20_000, 2000
#: Seconds after which a name is due again that waits until its zone is measured for wildcards.
SOON = 0.25


@dataclass(slots=True, kw_only=True)
class DueNames:
    """Moves names that are due to the stage that comes next."""

    domains: Domains
    registries: Registries
    workers: Workers
    canaries: Canaries
    starts: CheckStarts
    queues: SweepQueues

    def move_due_names(self, now: float) -> None:
        """Queue or admit names that are due, those with priority first."""
        for priority, limit in ((True, URGENT_LIMIT), (False, ORDINARY_LIMIT)):
            if not priority and self._is_crowded(now):
                continue
            ids, times = self.domains.stages.take_due(now, limit, priority=priority)
            if len(ids):
                self._sort_by_stage(ids, times, now, priority=priority)

    def next_at(self, now: float) -> float:
        """When `move_due_names` finds something, in epoch seconds; infinity where time does not decide."""
        schedule = self.domains.table.schedule
        return schedule.priority.next_at() if self._is_crowded(now) else schedule.next_at()

    def _is_crowded(self, now: float) -> bool:
        """Whether names without priority stay in the schedule: no worker sweeps, and enough checks wait already."""
        return not self.workers.can_sweep(now) and self.starts.admission.planned_count() >= MOST_WAITING

    def _sort_by_stage(self, ids: Ids, times: Times, now: float, *, priority: bool) -> None:
        """Queue the stable names of each suffix for its sweep, and admit the others to single checks."""
        table = self.domains.table
        single = table.have_flag(ids, Flag.SINGLE | Flag.LOADED)
        earliest, latest = table.earliest[ids].astype(np.float64), table.latest[ids].astype(np.float64)
        near = are_imminent(earliest, latest, now)
        self.starts.request_checks(ids[near], times[near], urgent=priority, left_zone=True)
        self.starts.request_checks(ids[single & ~near], times[single & ~near], urgent=priority)
        ids, times = ids[~(single | near)], times[~(single | near)]
        if not len(ids):
            return
        order = np.argsort(table.suffix[ids], kind="stable")
        ids, times = ids[order], times[order]
        numbers, starts = np.unique(table.suffix[ids], return_index=True)
        for number, piece, due in zip(numbers.tolist(), np.split(ids, starts[1:]), np.split(times, starts[1:]), strict=True):
            self._move_suffix(table.suffixes[number], piece, due, now, priority=priority)

    def _move_suffix(self, suffix: str, ids: Ids, due: Times, now: float, *, priority: bool) -> None:
        """Queue stable names of one suffix for its sweep, or admit them where DNS proves nothing or cannot be swept."""
        registries = self.registries
        unswept = not self.workers.can_sweep(now) or registries.recursive_dns
        if unswept or registries.limit_of("dns", suffix, suffix).rate <= 0:
            self.starts.request_checks(ids, due, urgent=priority)
        elif self.canaries.measure_wildcard(suffix, now):
            self.domains.stages.schedule_checks(ids, np.full(len(ids), now + SOON), looked=False)
        elif registries.wildcards.is_wildcard(suffix):
            self.starts.request_checks(ids, due, urgent=priority)
        else:
            self.domains.stages.queue_for_sweep(ids)
            self.queues.add_names(suffix, ids, due, now, urgent=priority)
