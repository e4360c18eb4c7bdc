"""Takes the results of sweeps: unchanged names are rescheduled together, the others are admitted to single checks.

A sweep decides nothing that a single check would not: a delegated name that was registered, or was never checked, is
registered; a name that left the zone is checked at once, and an alarm still needs the registry, a second pass and every gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from common.core.checks.check_starts import CheckStarts
from common.core.checks.conclude import Conclusions
from common.core.checks.escalation import INCONCLUSIVE_CHECKS
from common.core.checks.query_answers import QueryAnswers
from common.core.checks.query_planner import QueryPlanner
from common.core.checks.window_pace import WindowPace
from common.core.domains.domain_table import REGISTERED, STATE_CODES, UNKNOWN, Flag
from common.core.domains.domains import Domains
from common.core.model.batch import Batch
from common.core.model.entry import Rank
from common.core.model.evidence import Observation
from common.core.model.ids import Ids
from common.core.model.states import State
from common.core.outbox.announcer import Announcer
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNASKED, UNUSUAL
from common.core.rate_limits import policy
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.registries import Registries
from common.core.schedule.cadence import next_check_times, spread_check_times
from common.core.sweeps.sweep_dispatch import SweepDispatch
from common.core.sweeps.sweep_reading import Codes, codes_of, observation_of, serial_of
from common.core.sweeps.sweep_telemetry import log_sweep, measure_sweep, note_reach
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Workers
from common.messages import SweepDetails, SweepResult

Chosen = NDArray[np.bool_]
Numbers = NDArray[np.uint16]

#: Checks of names that did not leave the zone: at most so many of one sweep, and only while fewer than this wait.
MOST_OF_ONE, MOST_WAITING = 200, 4000
#: Most checks that may wait while names that left the zone are admitted, and names with unusual answers; names without room are
#: due again `LATER` seconds later, those that left the zone spread around that.
MOST_LEAVING, MOST_UNUSUAL, LATER = 20_000, 8000, 60.0
_EXPIRED_GRACE = STATE_CODES[State.EXPIRED_GRACE]


@dataclass(slots=True, kw_only=True)
class SweepResults:
    """Takes results of sweeps."""

    domains: Domains
    registries: Registries
    rate_limits: RateLimits
    workers: Workers
    starts: CheckStarts
    planner: QueryPlanner
    conclusions: Conclusions
    announcer: Announcer
    answers: QueryAnswers
    window_pace: WindowPace
    dispatch: SweepDispatch
    telemetry: Telemetry

    def take_result(self, message: SweepResult, now: float) -> None:
        """Take the result of a sweep; one whose lease is over is dropped, one that cannot be read is requeued."""
        lease = self.workers.finish_lease(message.attempt, message.credit)
        batch = lease.ref if lease is not None else None
        if not isinstance(batch, Batch):
            self.telemetry.metrics.count("late_results")
            return
        size = len(batch.ids)
        if message.returned or (message.trouble is None and not len(message.codes) == len(message.served) == size):
            if message.returned:  # of a result that cannot be read the queries were sent all the same
                self.rate_limits.budgets.return_tokens(batch.limit, batch.egress, now, size)
            self.dispatch.requeue_lost_sweep(batch, now, died=False)
            return
        log_sweep(self.telemetry, batch, message, now)
        note_reach(self.telemetry, batch, message, now)
        answer = policy.sweep_answer(message, size)
        if message.width:
            self.registries.note_address_count(batch.suffix, message.width)
        limited = answer is not None and policy.complaint_of(answer) is not None
        self._take_names(batch, message, now, limited=limited)
        if answer is not None:
            load = policy.load_of_sweep(message)
            displaced = self.rate_limits.note_sweep_answer(batch.limit, batch.egress, answer, batch.sent_at, now, load)
            self.answers.resume_displaced(displaced, now)

    def take_details(self, message: SweepDetails, now: float) -> None:
        """Take unusual answers in full, sent ahead of the result of a sweep: their names are admitted, the sweep goes on."""
        batch = self.workers.lease_subject(message.attempt, message.credit)
        if not isinstance(batch, Batch):
            self.telemetry.metrics.count("late_results")
        elif not self.registries.wildcards.is_wildcard(batch.suffix):
            self._check_details(batch, message.observations, now, where=self.domains.stages.are_queued(batch.ids))

    def choose_within_room(self, suffix: str, rank: Rank, wanted: Chosen, order: NDArray[np.floating], now: float) -> Chosen:
        """The wanted names for which the registry's queue has room, lowest `order` first; 0 is taken for the highest."""
        room = 0
        if wanted.any() and self.starts.has_room(MOST_WAITING):
            room = min(self.planner.registry_room(suffix, rank, now) or 0, MOST_OF_ONE)
        if room >= np.count_nonzero(wanted):
            return wanted
        chosen = np.zeros(len(wanted), np.bool_)
        places = np.flatnonzero(wanted)
        keys = np.where(order[places] == 0, np.inf, order[places])
        chosen[places[np.argsort(keys, kind="stable")[:room]]] = True
        return chosen

    def _take_names(self, batch: Batch, message: SweepResult, now: float, *, limited: bool) -> None:
        """Reschedule, check or requeue each name of a sweep that is still queued."""
        still = self.domains.stages.are_queued(batch.ids)
        if self.registries.wildcards.is_wildcard(batch.suffix):  # measured meanwhile: each name needs a single check
            ids = batch.ids[still]
            self.domains.stages.schedule_checks(ids, np.full(len(ids), now))
            return
        codes, served = codes_of(message, len(batch.ids))
        measure_sweep(self.telemetry, message, codes)
        self._check_details(batch, message.observations, now, where=still & (codes == UNUSUAL))
        numbers = self._address_numbers(message.addresses)
        plain = still & (codes != UNUSUAL) & (codes != UNASKED)
        self._sort_by_code(batch, message, batch.ids[plain], codes[plain], numbers[served[plain]], now)
        self._requeue_without_details(batch, still & (codes == UNUSUAL), now)
        self._return_unasked(batch, still & (codes == UNASKED), now, limited=limited)

    def _check_details(self, batch: Batch, found: Mapping[int, Observation], now: float, *, where: Chosen) -> None:
        """Admit names with full answers, at the places that `where` marks; those without room are due again a little later."""
        late = []
        for place, observation in found.items():
            if not 0 <= place < len(batch.ids) or not where[place] or observation.method != "dns":
                continue
            if len(self.starts.admission) < MOST_UNUSUAL:
                self.starts.request_from_sweep(int(batch.ids[place]), observation, now, batch.worker)
            else:
                late.append(place)
        if late:
            self.domains.stages.schedule_checks(batch.ids[late], np.full(len(late), now + LATER))

    def _requeue_without_details(self, batch: Batch, unusual: Chosen, now: float) -> None:
        """Names that were answered, and are still queued: their whole answers got lost on the way."""
        missing = unusual & self.domains.stages.are_queued(batch.ids)
        if missing.any():
            part = replace(batch, ids=batch.ids[missing], times=batch.times[missing])
            self.dispatch.requeue_lost_sweep(part, now, died=False)

    def _return_unasked(self, batch: Batch, unasked: Chosen, now: float, *, limited: bool) -> None:
        """Reschedule names that were left out because the servers limit us, as due as before, and return their tokens.

        Where nothing limited us (`limited` is false) the sweep counts as lost for them.
        """
        ids, times = batch.ids[unasked], batch.times[unasked]
        if len(ids) and limited:
            self.rate_limits.budgets.return_tokens(batch.limit, batch.egress, now, len(ids))
            self.domains.stages.schedule_checks(ids, times)
        elif len(ids):
            self.dispatch.requeue_lost_sweep(replace(batch, ids=ids, times=times), now, died=False)

    def _sort_by_code(self, batch: Batch, message: SweepResult, ids: Ids, codes: Codes, numbers: Numbers, now: float) -> None:
        """Reschedule unchanged names, and admit the others to single checks as far as there is room."""
        table = self.domains.table
        state, suffix = table.state[ids], batch.suffix
        owned = (state == REGISTERED) | (state == _EXPIRED_GRACE)
        timed_out = codes == OPEN
        leaving = (codes == NXDOMAIN) & owned
        single = table.have_flag(ids, Flag.LOADED)
        single |= (codes == DELEGATED) & (state == UNKNOWN) & table.have_flag(ids, Flag.DETAILED)
        inconclusive = timed_out & ~single & (table.inconclusive[ids] >= INCONCLUSIVE_CHECKS - 1)
        stale = (codes == DELEGATED) & (table.registry_due[ids].astype(np.float64) <= now) & ~single
        missing = (codes == NXDOMAIN) & ~owned & ~single
        unseen = missing & (state == UNKNOWN)
        wanted = self._choose_leaving(suffix, leaving & ~single, now) | single
        wanted |= self.choose_within_room(suffix, Rank.FIRST, unseen, table.checked_at[ids], now)
        wanted |= self.choose_within_room(suffix, Rank.ORDINARY, missing & ~unseen, table.checked_at[ids], now)
        wanted |= self.choose_within_room(suffix, Rank.BACKGROUND, stale, table.registry_due[ids], now)
        wanted |= _choose_first(inconclusive, MOST_OF_ONE if len(self.starts.admission) < MOST_WAITING else 0)
        for place in np.flatnonzero(wanted).tolist():
            seen = observation_of(message, suffix, int(codes[place]), table.addresses[int(numbers[place])])
            self.starts.request_from_sweep(int(ids[place]), seen, now, batch.worker)
        late = leaving & ~wanted
        self.domains.stages.schedule_checks(ids[late], spread_check_times(ids[late], LATER, now))
        self.dispatch.reschedule_unanswered(ids[timed_out & ~wanted], now)
        unchanged = ~(wanted | late | timed_out)
        self._settle_unchanged(message, ids[unchanged], codes[unchanged], numbers[unchanged], now)

    def _settle_unchanged(self, message: SweepResult, ids: Ids, codes: Codes, numbers: Numbers, now: float) -> None:
        """Note and reschedule names that are unchanged, or delegated at their first check."""
        if not len(ids):
            return
        table = self.domains.table
        changed = table.note_look(ids, codes, numbers, serial_of(message), now)
        fresh = ids[(codes == DELEGATED) & (table.state[ids] == UNKNOWN)]
        if len(fresh):
            self.conclusions.note_first_delegations(fresh, now)
        self.announcer.tell_sweep(ids, message.server, changed, now)
        earliest, latest = table.earliest[ids].astype(np.float64), table.latest[ids].astype(np.float64)
        stretch = self.window_pace.stretches_of(ids, earliest, latest, now)
        times = next_check_times(ids, self.domains.base_intervals(ids), earliest, latest, now, stretch)
        self.domains.stages.schedule_checks(ids, times)

    def _choose_leaving(self, suffix: str, leaving: Chosen, now: float) -> Chosen:
        """Of the names that left the zone as many as the registry's queue takes; without a registry as many as may wait."""
        if not leaving.any():
            return leaving
        room = self.planner.registry_room(suffix, Rank.NEWS, now)
        return _choose_first(leaving, min(MOST_LEAVING if room is None else room, MOST_LEAVING - len(self.starts.admission)))

    def _address_numbers(self, texts: Iterable[str]) -> Numbers:
        """The table's numbers of a sweep's addresses, by their index in the sweep; 255 is none."""
        numbers = np.zeros(256, np.uint16)
        for place, text in enumerate(texts):
            numbers[place] = self.domains.table.address_number(text)
        return numbers


def _choose_first(wanted: Chosen, most: int) -> Chosen:
    """The first `most` of the wanted ones."""
    chosen = np.zeros(len(wanted), np.bool_)
    chosen[np.flatnonzero(wanted)[: max(0, most)]] = True
    return chosen
