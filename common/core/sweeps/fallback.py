"""Returns names to single checks or to the schedule whose sweep does not come: no worker sweeps, or the zone limits us.

A sweep queue holds what is due for DNS alone: a name in it must neither miss its registry query nor its drop window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.core.checks.check_starts import CheckStarts
from common.core.domains.domains import Domains
from common.core.model.batch import IdQueue
from common.core.model.entry import Rank
from common.core.model.ids import Ids, Times
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.registries import Registries
from common.core.schedule.cadence import MARGIN, are_imminent
from common.core.sweeps.due import MOST_WAITING
from common.core.sweeps.sweep_dispatch import SweepDispatch
from common.core.sweeps.sweep_queues import SweepQueues
from common.core.sweeps.sweep_results import Chosen, SweepResults
from common.core.workers.leases import Workers

#: Seconds between two searches of the queues.
RELEASE_EVERY = 30.0


@dataclass(slots=True, kw_only=True)
class SweepFallback:
    """Releases names from the sweep queues."""

    domains: Domains
    registries: Registries
    rate_limits: RateLimits
    workers: Workers
    starts: CheckStarts
    queues: SweepQueues
    dispatch: SweepDispatch
    results: SweepResults

    def release_waiting(self, now: float) -> None:
        """Take the names out of the queues that cannot wait for a sweep."""
        queues = self.queues
        if not self.workers.can_sweep(now):
            for ids, times in queues.take_all():
                self._return_to_schedule(ids, times)
            return
        if now < queues.released_at + RELEASE_EVERY:
            return
        queues.released_at = now
        for suffix, queue in queues.all_queues():
            limited = self.rate_limits.is_limited(self.registries.limit_of("dns", suffix, suffix), "fast", now)
            if limited:
                for batch in queue.take_lost():
                    self._return_to_schedule(batch.ids, batch.times)
            if queue.ordinary.count:
                self._release_suffix(suffix, queue.ordinary, now, limited=limited)

    def _release_suffix(self, suffix: str, names: IdQueue, now: float, *, limited: bool) -> None:
        """Admit names inside their windows; where the zone limits us also those whose registry record is due."""
        table = self.domains.table

        def are_in_window(ids: Ids) -> Chosen:
            near = table.earliest[ids] <= np.float32(now + MARGIN)  # False for NaN
            if near.any():
                near &= are_imminent(table.earliest[ids].astype(np.float64), table.latest[ids].astype(np.float64), now)
            return near

        room = max(0, MOST_WAITING - len(self.starts.admission))
        self._request_checks(*names.pick_ids(are_in_window, room), left_zone=True)
        if limited:
            ids = names.all_ids()
            stale = table.registry_due[ids].astype(np.float64) <= now
            stale = self.results.choose_within_room(suffix, Rank.BACKGROUND, stale, table.registry_due[ids], now)
            due = np.zeros(len(table), np.bool_)
            due[ids[stale]] = True
            self._request_checks(*names.pick_ids(lambda piece: due[piece], names.count), left_zone=False)

    def _request_checks(self, ids: Ids, times: Times, *, left_zone: bool) -> None:
        self.starts.request_checks(*self.dispatch.still_queued(ids, times), urgent=False, left_zone=left_zone)

    def _return_to_schedule(self, ids: Ids, times: Times) -> None:
        """Make names due again at the times at which they were due before they were queued."""
        self.domains.stages.schedule_checks(*self.dispatch.still_queued(ids, times), looked=False)
