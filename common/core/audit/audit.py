"""The room's door: records verdicts, and counts answers and alarms as right or wrong."""

from __future__ import annotations

from collections.abc import Iterable

from common.core.audit.accuracy import Accuracy
from common.core.audit.ledger import Cause, build_entry
from common.core.domains.journal import Journal
from common.core.lifecycle.scores import Ended
from common.core.model.entry import Entry
from common.core.model.methods import is_registry
from common.core.model.records import LedgerRow
from common.core.model.states import State
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.outcomes import Failure, Settled
from common.core.trust.server_trust import Trust
from common.core.verdict.assessor import Assessment

#: Seconds between two writes of the counts; an alarm or its end is written with its transaction.
WRITE_EVERY = 60.0
#: Suffixes whose forecasts have series of their own; the others share one.
NAMED = 50


class Audit:
    """Writes the ledger; `accuracy` counts which servers and alarms were right."""

    def __init__(self, trust: Trust, journal: Journal, telemetry: Telemetry, now: float) -> None:
        self.accuracy = Accuracy()
        self._trust = trust
        self._journal = journal
        self._telemetry = telemetry
        self._written_at = now
        self._named: set[str] = set()  # suffixes with series of their own

    def record_verdict(self, entry: Entry, made: Assessment, before: State, told: str | None, cause: Cause, now: float) -> None:
        """Put a verdict that was just taken into the next transaction, if it is worth an entry of the ledger."""
        made_entry = build_entry(entry, made, before, told, cause, self._trust, now)
        if made_entry is None:
            return
        positive, body = any(map(is_registry, made.positive)), self._journal.encode(made_entry)
        row = LedgerRow(
            domain=entry.name,
            at=now,
            kind=made_entry.kind,
            state=entry.state.value,
            positive=positive,
            rules=made_entry.rules,
            body=body,
        )
        self._journal.add_ledger(row)
        self._journal.write_row(entry)

    def count_event_kind(
        self, entry: Entry, kind: str | None, alarmed_at: float | None, positive: Iterable[str], now: float
    ) -> None:
        """Count an event of this kind; `alarmed_at`: the alarm before it (epoch seconds), `positive`: the methods behind it."""
        self.accuracy.count_event(entry, kind, alarmed_at, positive, self._telemetry.metrics, now)

    def count_forecast(self, suffix: str, ended: Ended | None) -> None:
        """Count how a forecast ended, for the metrics: all together, and its errors by suffix, the first `NAMED` of them."""
        if ended is None:
            return
        if suffix in self._named or len(self._named) < NAMED:
            self._named.add(suffix)
        label, metrics = suffix if suffix in self._named else "other", self._telemetry.metrics
        metrics.count("forecasts", result=ended.result)
        if ended.brier is not None:
            metrics.count("forecasts_scored", suffix=label)
            metrics.count("forecast_brier_sum", ended.brier, suffix=label)
        if ended.error is not None:
            metrics.count("forecast_drops", suffix=label)
            metrics.count("forecast_error_seconds", ended.error, suffix=label)

    def count_answers(self, entry: Entry, before: State, made: Assessment, since: float) -> None:
        """Count the answers about a name that came at `since` or later, if the verdict settles them."""
        self.accuracy.count_answers(entry, before, made.verdict, made.situation, since, self._telemetry.metrics)

    def count_failures(self, failures: Iterable[Failure], now: float) -> None:
        """Count failed canaries, and answers that were dropped because of them."""
        for key, dropped, doubted in failures:
            self.accuracy.count_failed_canary(key, dropped, self._telemetry.metrics, now, doubted=doubted)

    def count_settled(self, settled: Iterable[Settled], now: float) -> None:
        """Count failures that were in doubt, now that their dispute is settled."""
        for key, wrong in settled:
            self.accuracy.settle_dispute(key, self._telemetry.metrics, now, wrong=wrong)

    def write_counts(self, now: float, *, last: bool) -> None:
        """Put the counts into the next transaction where it is time; `last`: the coordinator stops."""
        due = last or self._journal.has_events() or now - self._written_at >= WRITE_EVERY
        if self.accuracy.changed and due:
            self._written_at, self.accuracy.changed = now, False
            self._journal.set_meta("accuracy", self.accuracy.to_text())
