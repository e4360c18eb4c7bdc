"""One check of a name, from its first query to its end: begin, take answers, query further methods, conclude, reschedule."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from common.core.audit.audit import Audit
from common.core.audit.ledger import CANARY_LIE, CONTRADICTED, NO_CAUSE, PASS, Cause
from common.core.channels.channel_health import ANSWER_DUE
from common.core.channels.channels import Channels
from common.core.checks.conclude import Conclusions
from common.core.checks.escalation import next_methods
from common.core.checks.query_planner import QueryPlanner
from common.core.checks.registrar_choice import is_denied
from common.core.checks.unanswered import Unanswered
from common.core.checks.window_pace import WindowPace
from common.core.domains.domains import Domains
from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Observation, Outcome
from common.core.model.ids import NEVER
from common.core.model.methods import REGISTRY_METHODS, is_registrar
from common.core.model.offers import HINTS
from common.core.model.publication import Listing
from common.core.model.query import Query
from common.core.model.states import ANNOUNCED, State
from common.core.outbox.announcer import Announcer
from common.core.rate_limits.query_queue import QueryQueue
from common.core.registries.registries import Registries
from common.core.schedule.cadence import next_check_at, unguarded_check_at
from common.core.schedule.registry_pace import unguarded_look_at
from common.core.telemetry.error_kinds import NOT_ANSWERED
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.canaries import Canaries
from common.core.trust.early_canaries import EarlyCanaries
from common.core.verdict.assessor import Assessor
from common.core.verdict.learn_listing import learn_from_listing
from common.core.verdict.learning import learn_from_answer

#: Tries of one query whose worker was lost, before the check goes on without its answer.
TRIES = 3
#: Seconds after which the channels of a name that is being deleted are compared again, where the first answer proved nothing.
COMPARE_EVERY = 3600.0
#: Seconds after a channel's denial of a name that is being deleted, at which it is seen whether another still shows it.
SEE_AGAIN = 30.0
#: Seconds after which a check is tried again that waits until its zone is measured for wildcards.
SOON = 0.25
#: Seconds after which it is seen again whether a check in which the name is denied need wait any longer.
LOOK_AGAIN = 1.0


@dataclass(slots=True, kw_only=True)
class Checks:
    """Runs the checks of loaded names."""

    domains: Domains
    registries: Registries
    queue: QueryQueue
    channels: Channels
    canaries: Canaries
    early_canaries: EarlyCanaries
    assessor: Assessor
    conclusions: Conclusions
    announcer: Announcer
    audit: Audit
    planner: QueryPlanner
    unanswered: Unanswered
    window_pace: WindowPace
    telemetry: Telemetry
    #: When to see whether a check waits in vain, and the id of its name: a heap.
    _looks: list[tuple[float, int]] = field(init=False, default_factory=list)

    # -- beginning -------------------------------------------------------------------------------------------------------

    def begin_check(
        self, entry: Entry, now: float, *, manual: bool = False, due: float = 0.0, asks_registry: bool = False
    ) -> None:
        """Begin a check of a name that was due at `due` (epoch seconds; 0: on demand)."""
        stages = self.domains.stages
        if entry.isolated_until > now and not manual:
            stages.schedule_check(entry, entry.isolated_until)
        elif self.canaries.measure_wildcard(entry.suffix, now):
            stages.schedule_check(entry, now + SOON)
        else:
            confirm = _confirms_alarm(entry, now)
            stages.begin_check(entry, Check(now, confirm=confirm, manual=manual, due=due, asks_registry=asks_registry))
            self._plan_look(entry, now + ANSWER_DUE)
            self._query_further(entry, now)

    def begin_check_from_sweep(self, entry: Entry, observation: Observation, now: float, by: str = "") -> None:
        """Begin a check with the DNS answer that a sweep by the worker `by` got.

        A check that confirms an alarm takes that answer as evidence and sends a DNS query of its own.
        """
        if entry.isolated_until > now:
            self.domains.stages.schedule_check(entry, entry.isolated_until)
            return
        confirms = _confirms_alarm(entry, now)
        if not confirms:
            self.domains.stages.begin_check(entry, Check(now, asked={observation.method}))
            self._plan_look(entry, now + ANSWER_DUE)
        self.take_answer(entry, observation, now, by)
        if confirms:
            self.begin_check(entry, now)

    def take_listing(self, entry: Entry, listing: Listing, now: float) -> bool:
        """Take what a publication says about a name, at no query. Returns whether a check has to begin."""
        taken = learn_from_listing(entry, listing)
        if taken and not listing.asks_registry:  # what the registry says then is concluded from, and not the hint
            self.conclusions.take_verdict(entry, now)
        if taken:
            self.domains.journal.write_row(entry)
        if listing.asks:
            return True
        self._schedule_next(entry, now, inconclusive=False)
        if taken and not entry.priority and listing.quiet_until > entry.next_check:
            self.domains.stages.schedule_check(entry, listing.quiet_until)
        return False

    # -- answers ---------------------------------------------------------------------------------------------------------

    def take_answer(self, entry: Entry, observation: Observation, now: float, by: str = "") -> None:
        """Take an answer, which the worker `by` got, into the evidence and continue the check."""
        method, outcome = observation.method, observation.reading.outcome
        key = ChannelKey(method, observation.server or entry.suffix, entry.suffix)
        doubtful = outcome is Outcome.INVALID or self.registries.is_uncertain(method, entry.suffix)
        believed = not doubtful or self.canaries.trust.is_verified(key, now)
        if not believed:
            outcome = Outcome.UNKNOWN  # a server that was never verified proves nothing by refusing a name: verify it
            self.canaries.verify_server(key, entry.name, now, now)
        if observation.reading.finding in HINTS:
            outcome = Outcome.UNKNOWN
        changed = entry.note_observation(observation, now, believed=believed, by=by)
        entry.queued_until.pop(method, None)
        learn_from_answer(entry, method, outcome, now)
        self.announcer.tell_result(entry, observation, now, changed=changed)
        self.canaries.known_names.note_registered(entry, observation, now)
        check = entry.check
        if check is None and is_registrar(method):
            self._take_late_offer(entry, now)
        if check is None and method in REGISTRY_METHODS and outcome is Outcome.UNREGISTERED:
            self._compare_soon(entry, method, now)
        if check is None or method not in check.asked:
            return
        check.awaiting.discard(method)
        check.outcomes[method] = outcome
        self._plan_look(entry, 0.0)
        if entry.state is State.UNKNOWN and outcome is Outcome.REGISTERED:
            self.conclusions.take_verdict(entry, now)  # a first state at once: the registry's queue may be long
        self._query_further(entry, now)

    def _take_late_offer(self, entry: Entry, now: float) -> None:
        """Take the verdict again with the answer of a registrar that no check waited for any more."""
        if entry.watched and entry.detail.purged_at is not None:
            self.conclusions.take_verdict(entry, now)
            self.canaries.follow_offers(entry, self.assessor.unverified_offers(entry, now), now, now)
            self.domains.journal.touch_row(entry)

    def take_no_answer(self, query: Query, now: float) -> None:
        """Continue without the answer to a query: its worker is lost, or it left its queue unsent."""
        if query.method == "whois" and not query.server and not query.sent_at:
            self.registries.referrals.forget_query(query.suffix)
        if query.probe is not None:
            self.resume_names(self.canaries.take_unanswered(query.probe, now), now)
            return
        entry = query.entry
        if entry is not None:
            entry.queued_until.pop(query.method, None)
        if entry is not None and entry.check is not None and not query.unawaited:
            entry.check.awaiting.discard(query.method)
            self._query_further(entry, now)

    def take_canary_answer(self, probe: Probe, observation: Observation, now: float) -> None:
        """Take the answer to a canary query, and reschedule the names that waited for it."""
        outcome = self.canaries.take_canary_outcome(probe, observation, now)
        self.conclusions.apply_canary_outcome(outcome, now)
        self.resume_names(outcome.released, now)

    def retry_lost_query(self, query: Query, worker: str, now: float) -> None:
        """Send a query again whose lease ran out or whose worker died, to another worker if possible."""
        query.tries += 1
        query.avoid = worker
        self.telemetry.metrics.count("leases_lost", method=query.method)
        why = f"the worker that had the question was lost, {query.tries} of {TRIES} times"
        self.unanswered.note_query(query, why, now, finding=NOT_ANSWERED)
        if query.tries >= TRIES or query.unawaited:
            self.take_no_answer(query, now)
        else:
            self.queue.add_query(query)

    def resume_names(self, names: Iterable[str], now: float) -> None:
        """Reschedule names whose canary was answered, or never will be, and that wait for no other."""
        for entry in filter(None, map(self.domains.find_loaded, names)):
            waits = bool(entry.awaited) and awaits_pass(entry)
            if entry.watched and entry.check is None and not waits:
                self._schedule_next(entry, now, inconclusive=False)
                self.domains.journal.touch_row(entry)

    # -- ending ----------------------------------------------------------------------------------------------------------

    def note_sent(self, entry: Entry, method: str, now: float) -> None:
        """Note that a query of the check of a name leaves."""
        if entry.check is not None:
            entry.check.sent[method] = now
            self._plan_look(entry, now + ANSWER_DUE)

    def end_waiting(self, now: float) -> None:
        """Continue checks whose awaited answers are all overdue.

        One in which the registry denies a name ends: the pass goes without the others, whose answers are evidence whenever they
        arrive. In any other the next methods are queried beside the silent ones.
        """
        while self._looks and self._looks[0][0] < now:
            entry = self.domains.working_set.loaded.get(heapq.heappop(self._looks)[1])
            check = entry.check if entry is not None else None
            if entry is None or check is None:
                continue
            overdue, denied = self._is_overdue(entry, check, now), is_denied(check)
            if overdue and denied:
                check.awaiting.clear()
                self._finish_check(entry, now)
            elif overdue:
                self._query_beside(entry, check, now)
            elif denied:  # which method is too slow to wait for may change meanwhile
                self._plan_look(entry, now + LOOK_AGAIN)

    def _plan_look(self, entry: Entry, at: float) -> None:
        """Plan to see, once `at` (epoch seconds) is past, whether the answers that the check of a name awaits are overdue."""
        heapq.heappush(self._looks, (at, entry.id))

    def _is_overdue(self, entry: Entry, check: Check, now: float) -> bool:
        """Whether no answer that a check awaits need be waited for any longer.

        Where a name is denied, a slow one, or a registrar's, is not waited for longer because its query waits for a token.
        """
        if now - check.started <= ANSWER_DUE:
            return False
        waited_for = [method for method in check.awaiting if now - check.sent.get(method, now) <= ANSWER_DUE]
        if not waited_for or not is_denied(check):
            return not waited_for
        slow = self.planner.slow_methods(entry, now)
        return all(method in slow or is_registrar(method) for method in waited_for)

    def _query_beside(self, entry: Entry, check: Check, now: float) -> None:
        """Queue the queries that come next as if the awaited answers proved nothing; the check goes on awaiting them.

        Once for the methods that were queried by then: what is overdue stays so.
        """
        if check.beside == len(check.asked):
            return
        check.beside = len(check.asked)
        for method in next_methods(entry, check, self.planner.offer_channels(entry, now), now):
            self._queue_method(entry, check, method, now)

    def _query_further(self, entry: Entry, now: float) -> None:
        """Queue the queries that the evidence calls for next; end the check when there are none."""
        check = entry.check
        if check is None or check.awaiting:
            return
        offer = self.planner.offer_channels(entry, now)  # a query that is turned away changes nothing of it
        while not check.awaiting:
            wanted = next_methods(entry, check, offer, now)
            if not wanted:
                self._finish_check(entry, now)
                return
            for method in wanted:
                self._queue_method(entry, check, method, now)

    def _queue_method(self, entry: Entry, check: Check, method: str, now: float) -> None:
        """Queue a query of a check, or await the one that an earlier check left in the queue of a slow registrar."""
        check.asked.add(method)
        if now < entry.queued_until.get(method, 0.0):
            check.awaiting.add(method)
            self.note_sent(entry, method, now)  # it is waited for no longer than one that leaves now
        elif self.planner.queue_query(entry, check, method, now):
            check.awaiting.add(method)

    def _finish_check(self, entry: Entry, now: float) -> None:
        """End a check: take the verdict, verify servers by canaries, and schedule the next one."""
        check = self.domains.stages.end_check(entry)
        if check is None:
            return
        entry.checked_at = now
        inconclusive = not any(outcome not in (Outcome.UNKNOWN, Outcome.THROTTLED) for outcome in check.outcomes.values())
        entry.detail.unknown_rounds = entry.detail.unknown_rounds + 1 if inconclusive else 0
        registered = check.found_registered()
        if not registered:
            self.unanswered.note_left_out(entry, check.asked, now)
        self.audit.count_failures(self.canaries.drop_lies(entry, check, now), now)
        passes = len(entry.detail.passes)
        self.assessor.note_check(entry, check.started, now)
        since = _run_began(entry, check)
        self.conclusions.take_verdict_and_count(entry, since, now, _ledger_cause(entry, check, passes))
        self._request_canaries(entry, check, since, now, registered=registered)
        self._compare_channels(entry, check, now)
        self._schedule_next(entry, now, inconclusive=inconclusive)
        self.domains.journal.touch_row(entry)

    def _request_canaries(self, entry: Entry, check: Check, since: float, now: float, *, registered: bool) -> None:
        """Send canaries to the servers that an alarm waits for, to those left out because they lied, and to suspected ones."""
        waiting = self.assessor.unverified_servers(entry, now)
        left_out = [] if registered else self.planner.distrusted_channels(entry, now)
        self.canaries.gaps.set_waiting(entry.name, [*(key for key, _ in waiting), *left_out], now)
        self.canaries.await_canaries(entry, waiting, since, now)
        self.canaries.follow_offers(entry, self.assessor.unverified_offers(entry, now), since, now)
        others = self.assessor.unverified_others(entry, now)
        self.canaries.follow_offers(entry, [row for row in others if self.planner.has_token(row[0], now)], since, now)
        for key in left_out:
            self.canaries.verify_server(key, entry.name, now, now)
        self.canaries.suspect_servers(entry, check, now)
        self.early_canaries.keep_verified(entry, now)

    def _compare_channels(self, entry: Entry, check: Check, now: float) -> None:
        """Query the other registry channel about a name that is being deleted, once per phase: it may not show such names.

        Nothing waits for the answer. Without it a registry that hides names in redemption from WHOIS would seem to have dropped
        one as soon as its RDAP stops answering.
        """
        detail = entry.detail
        if not entry.is_ending() or now - entry.compared_at < COMPARE_EVERY or detail.phase_since is None:
            return
        found = [method for method, said in check.outcomes.items() if said is Outcome.REGISTERED and method in REGISTRY_METHODS]
        for key in self.registries.channels_of(entry.suffix) if found else ():
            known = detail.evidence.get(key.method)
            is_known = known is not None and known.at >= detail.phase_since
            if key.method in check.asked or is_known or self.channels.is_left_alone(key, now):
                continue
            entry.compared_at = now
            self.planner.queue_query(entry, check, key.method, now, unawaited=True)

    def _compare_soon(self, entry: Entry, method: str, now: float) -> None:
        """Look soon whether another channel still shows a name that this one, asked beside it, denies.

        Only then is it known that the registry hides such names in this channel. Looks at them are hours apart, and until then
        the other channel may fall silent.
        """
        due = self.domains.stages.due_at(entry.id)  # NEVER: a check is on its way already
        if entry.is_ending() and method not in entry.detail.blind and now + SEE_AGAIN < due < NEVER:
            self.domains.stages.schedule_check(entry, now + SEE_AGAIN)

    def _schedule_next(self, entry: Entry, now: float, *, inconclusive: bool) -> None:
        """Schedule the next check. While a pass lacks only a canary no query is sent: a new answer would need a new canary."""
        confirming = awaits_pass(entry)
        at = next_check_at(
            entry,
            self.domains.cadence,
            now,
            self.domains.calendar.hours,
            confirming=confirming,
            inconclusive=inconclusive,
            pace=self.window_pace.pace_of(entry, now),
        )
        if not (confirming or inconclusive) and self.registries.wildcards.is_wildcard(entry.suffix):
            look_at = unguarded_look_at(entry, now)
            at = at if look_at is None else unguarded_check_at(entry, self.domains.cadence, look_at, now)
        if entry.awaited and confirming:
            at = max(at, now + self.canaries.longest_wait(entry, now))
        self.domains.stages.schedule_check(entry, at)


def awaits_pass(entry: Entry) -> bool:
    """Whether an alarm in the making waits for its next pass; not while the calendar of a release procedure holds it back."""
    held = entry.state is State.DROPPING and entry.held_until is not None
    settled = entry.state in ANNOUNCED or held
    return bool(entry.detail.passes) and entry.detail.purged_at is not None and not settled


def _confirms_alarm(entry: Entry, now: float) -> bool:
    """Whether the next check is another pass of an alarm that is not announced yet, and may be before a procedure ends."""
    return bool(entry.detail.passes) and entry.state not in ANNOUNCED and not entry.is_held(now)


def _ledger_cause(entry: Entry, check: Check, passes: int) -> Cause:
    """What besides a change of state puts the end of a check into the ledger; `passes`: how many there were before it."""
    if check.voided:
        return Cause(CANARY_LIE, check.lie, check.voided)
    contradicted = entry.detail.contradicted_at
    if contradicted is not None and contradicted >= check.started:
        return Cause(CONTRADICTED, "a registered answer ended a run of positive passes")
    news = len(entry.detail.passes) > passes and entry.state not in ANNOUNCED
    return Cause(PASS) if news else NO_CAUSE


def _run_began(entry: Entry, check: Check) -> float:
    """Since when answers count towards this check, in epoch seconds: a confirming pass does not repeat every query."""
    purged = entry.detail.purged_at
    return min(purged, check.started) if check.confirm and purged is not None else check.started
