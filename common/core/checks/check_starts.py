"""Begins single checks: loads admitted names, with their evidence from the store, a bounded number per tick.

Names that are due, names about which a sweep found something and checks on demand all come through here: thousands of one kind
at once delay none of the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from common.core.checks.admission import AdmissionQueue, CheckRequest
from common.core.checks.checks import Checks
from common.core.checks.query_planner import QueryPlanner
from common.core.domains.domain_table import STATES, Flag
from common.core.domains.domains import Domains
from common.core.domains.working_set import MOST_LOADED
from common.core.model.effects import Effects, FetchDetails
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome
from common.core.model.ids import Ids, Times
from common.core.model.publication import Listing
from common.core.model.records import Detail
from common.core.model.states import OWNED
from common.core.rate_limits.query_queue import QueryQueue
from common.core.telemetry.telemetry import Telemetry
from common.errors import MessageError

#: Checks begun per tick, and names whose evidence is read from the store at once.
PER_TICK, PER_FETCH = 100, 100
#: Most names whose evidence is being read from the store.
MOST_FETCHING = 400
#: Most names that wait until the store can be read again; more stay in their queues, and hold others up there.
MOST_UNREAD = 20_000
#: Seconds for which a check starts from the answer of a sweep; later it queries DNS anew: an answer is dated when it arrives.
LONGEST_DELAY = 10.0


class CheckStarts:
    """`admission` holds the names whose checks will begin.

    `decode` turns bytes of the store into a detail; it raises MessageError where they cannot be read.
    """

    def __init__(
        self,
        *,
        domains: Domains,
        checks: Checks,
        planner: QueryPlanner,
        queue: QueryQueue,
        effects: Effects,
        telemetry: Telemetry,
        decode: Callable[[bytes], Detail],
    ) -> None:
        self.admission = AdmissionQueue()
        self._domains = domains
        self._checks = checks
        self._planner = planner
        self._queue = queue
        self._effects = effects
        self._telemetry = telemetry
        self._decode = decode
        self._reads_wait = False

    def hold_unread(self) -> None:
        """Let names wait whose evidence has to be read from the store: it cannot be read, or is older than it should be."""
        self._reads_wait = True
        self.admission.hold_fetching()

    def release_unread(self) -> None:
        """Let them begin."""
        self._reads_wait = False
        for request in self.admission.take_unread():
            self.admission.add_request(request, self._domains.table.suffix_of(request.name_id))

    def request_check(self, request: CheckRequest) -> None:
        """Request a check. One that waits becomes as urgent as this one; nothing happens while one is under way."""
        name_id, stages = request.name_id, self._domains.stages
        entry = self._domains.working_set.loaded.get(name_id)
        if entry is not None and entry.check is not None:
            return
        suffix = self._domains.table.suffix_of(name_id)
        if stages.is_admitted(name_id):
            self.admission.promote_request(request, suffix)
            return
        stages.admit_name(name_id)
        self.admission.add_request(request, suffix)

    def request_checks(self, ids: Ids, times: Times, *, urgent: bool, left_zone: bool = False) -> None:
        """Request checks that were due at `times`, the longest due first; for `left_zone` see `CheckRequest`."""
        order = np.argsort(times, kind="stable")
        ids, times = ids[order], times[order]
        if urgent or left_zone:
            for name_id, due in zip(ids.tolist(), times.tolist(), strict=True):
                self.request_check(CheckRequest(name_id, due, urgent=urgent, left_zone=left_zone))
            return
        table = self._domains.table
        self._domains.stages.admit_names(ids)
        for number in np.unique(table.suffix[ids]).tolist():
            of_suffix = table.suffix[ids] == number
            self.admission.add_planned(table.suffixes[number], ids[of_suffix], times[of_suffix])

    def request_from_sweep(self, name_id: int, observation: Observation, now: float, by: str = "") -> None:
        """Request a check that starts from the answer of a sweep; `by` is the worker that swept."""
        table = self._domains.table
        owned = STATES[int(table.state[name_id])] in OWNED
        left = observation.reading.outcome is Outcome.UNREGISTERED and owned
        urgent = table.has_flag(name_id, Flag.PRIORITY)
        self.request_check(CheckRequest(name_id, observation=observation, seen_at=now, urgent=urgent, left_zone=left, by=by))

    def request_listed(self, name_id: int, listing: Listing) -> None:
        """Request that what a publication says about a name is taken, and that it is checked where that asks for it."""
        urgent = self._domains.table.has_flag(name_id, Flag.PRIORITY)
        self.request_check(CheckRequest(name_id, urgent=urgent, left_zone=listing.asks, listing=listing))

    def has_room(self, most: int) -> bool:
        """Whether fewer than so many checks that were not planned wait, and fewer names are loaded than may be."""
        return len(self.admission) < most and len(self._domains.working_set) < MOST_LOADED

    def begin_waiting(self, now: float) -> None:
        """Begin at most `PER_TICK` waiting checks; those whose evidence must be read begin when the store has answered."""
        domains, admission = self._domains, self.admission
        missing: list[int] = []
        full: dict[str, bool] = {}

        def is_full(suffix: str) -> bool:
            if not full.get(suffix):  # a queue may fill while checks begin
                full[suffix] = self._planner.is_full(suffix, now)
            return full[suffix]

        for _ in range(PER_TICK):
            has_room = len(domains.working_set) < MOST_LOADED * 2 and admission.has_room_to_read(MOST_FETCHING, MOST_UNREAD)
            request = admission.take_next_request(ordinary=has_room, is_full=is_full)
            if request is None:
                admission.held, admission.held_at = True, self._count_moves()
                break
            if not domains.stages.is_admitted(request.name_id):
                continue  # taken off the list meanwhile
            entry = domains.working_set.loaded.get(request.name_id)
            if entry is None and domains.table.has_flag(request.name_id, Flag.DETAILED):
                if self._reads_wait:
                    admission.unread[request.name_id] = request
                    continue
                admission.fetching[request.name_id] = request
                missing.append(request.name_id)
            else:
                self._begin_check(entry or domains.load_name(request.name_id, Detail(), now), request, now)
        for start in range(0, len(missing), PER_FETCH):
            self._effects.plan_effect(FetchDetails(tuple(missing[start : start + PER_FETCH])))

    def take_details(self, ids: tuple[int, ...], details: dict[int, bytes], now: float) -> None:
        """Take what the store holds of these names, by id, and begin their checks."""
        for name_id in ids:
            request = self.admission.fetching.pop(name_id, None)
            if request is not None and self._domains.stages.is_admitted(name_id):
                known = self._domains.working_set.loaded.get(name_id)
                entry = known or self._domains.load_name(name_id, self._read_detail(name_id, details.get(name_id)), now)
                self._begin_check(entry, request, now)

    def next_at(self, now: float, later: float) -> float | None:
        """When waiting checks may begin, in epoch seconds: `later` from now where all are held, None for no time."""
        if not self.admission.has_waiting() or (self.admission.held and self.admission.held_at == self._count_moves()):
            return None  # nothing that could make room has moved since they were held
        return now + (later if self.admission.held else 0.0)

    def _count_moves(self) -> tuple[int, int, int]:
        """Counts that change with every query that leaves its queue, every eviction, and every answer of the store."""
        return self._queue.left_count, len(self._domains.working_set), len(self.admission.fetching)

    def _read_detail(self, name_id: int, detail: bytes | None) -> Detail:
        """Decode the evidence of a name; empty where it cannot be read: one damaged row must not end every run."""
        if detail is None:
            return Detail()
        try:
            return self._decode(detail)
        except MessageError as error:
            name = self._domains.table.name_of(name_id)
            self._telemetry.write_log("error", "detail_unreadable", domain=name, error=str(error))
            return Detail()

    def _begin_check(self, entry: Entry, request: CheckRequest, now: float) -> None:
        if not self._domains.stages.leave_admission(entry):
            return
        if request.listing is not None and not self._checks.take_listing(entry, request.listing, now):
            return
        asks_registry = request.listing is not None and request.listing.asks_registry
        if request.observation is not None and now - request.seen_at <= LONGEST_DELAY and not asks_registry:
            self._checks.begin_check_from_sweep(entry, request.observation, now, request.by)
        else:
            self._checks.begin_check(entry, now, manual=request.manual, due=request.due, asks_registry=asks_registry)
