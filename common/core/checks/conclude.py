"""The one place where a verdict is taken: assess the evidence, announce what changed, record what it was decided from."""

from __future__ import annotations

from common.core.audit.audit import Audit
from common.core.audit.ledger import CANARY_LIE, NO_CAUSE, Cause
from common.core.domains.domains import Domains
from common.core.domains.last_look import sweep_reading_of
from common.core.lifecycle.forecast import prior_log_odds
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Observation
from common.core.model.ids import Ids
from common.core.model.records import Evidence
from common.core.model.states import OWNED, State
from common.core.model.verdict import Situation
from common.core.outbox.announcer import Announcer
from common.core.outbox.forecast_events import MISSED, RENEWED
from common.core.parsers.dns_fast import DELEGATED
from common.core.trust.outcomes import CanaryOutcome
from common.core.verdict.assessor import Assessment, Assessor
from common.core.verdict.verdicts import decide_verdict


class Conclusions:
    """Takes verdicts."""

    def __init__(self, domains: Domains, assessor: Assessor, announcer: Announcer, audit: Audit) -> None:
        self._domains = domains
        self._assessor = assessor
        self._announcer = announcer
        self._audit = audit

    def take_verdict(self, entry: Entry, now: float, cause: Cause = NO_CAUSE) -> Assessment:
        """Take the verdict on a name as its evidence stands; announce it, record it in the ledger, and count it."""
        before, alarmed_at, window = entry.state, entry.detail.alarmed_at, entry.drop
        made = self._assessor.assess_evidence(entry, now)
        kind = self._announcer.apply_verdict(entry, made.verdict, now)
        if entry.state not in OWNED and entry.state is not State.UNKNOWN:
            entry.drop, entry.detail.forecast_reason = None, ""  # it has dropped: there is nothing left to forecast
        self._end_forecast(entry, made, before, window, kind, now)
        self._audit.record_verdict(entry, made, before, kind, cause, now)
        self._audit.count_event_kind(entry, kind, alarmed_at, made.positive, now)
        return made

    def _end_forecast(
        self, entry: Entry, made: Assessment, before: State, window: DropWindow | None, kind: str | None, now: float
    ) -> None:
        """Score the forecast `window` that was in force until this verdict, where it ended, and tell what ended it.

        `kind` is that of the event that the change of state was told as.
        """
        calendar, detail = self._domains.calendar, entry.detail
        ended = calendar.note_verdict(entry, before, window, now)
        told = self._announcer.tell_forecast(entry, made.verdict, before, window, now)
        if window is not None and told == RENEWED:
            ended = calendar.note_stay(entry, window)
        elif window is not None and told == MISSED:
            ended = calendar.note_missed(entry, window)
        if RENEWED in (told, kind):
            detail.renewed_to, detail.transferred_from = detail.expires_epoch, ""
        self._audit.count_forecast(entry.suffix, ended)

    def take_verdict_and_count(self, entry: Entry, since: float, now: float, cause: Cause = NO_CAUSE) -> None:
        """Take the verdict, and count the answers since `since` (epoch seconds) as right or wrong where it settles them."""
        before = entry.state
        made = self.take_verdict(entry, now, cause)
        self._audit.count_answers(entry, before, made, since)

    def note_first_delegations(self, ids: Ids, now: float) -> None:
        """Note that names of unknown state are delegated in their zone: they are registered, and that is no event."""
        seen = Evidence(Observation("dns", sweep_reading_of(DELEGATED)), now, now)
        verdict = decide_verdict(
            {"dns": seen}, Situation(prior=prior_log_odds(None, None, None, now), p_registrable=1.0), State.UNKNOWN, now
        )
        self._domains.note_registered(ids, verdict.confidence, now)

    def apply_canary_outcome(self, outcome: CanaryOutcome, now: float) -> None:
        """Take again the verdicts that the answer to a canary changed, and count the answers that it proved wrong."""
        self._audit.count_settled(outcome.settled, now)
        self._audit.count_failures(outcome.failures, now)
        for entry, since, voided, lie in outcome.reconsidered:
            cause = Cause(CANARY_LIE, lie, voided) if voided else NO_CAUSE
            self.take_verdict_and_count(entry, since, now, cause)
