"""What memory becomes in the store."""

from __future__ import annotations

from common.core.checks.escalation import registry_due_at
from common.core.coordinator.board import Policy
from common.core.domains.working_set import close
from common.core.model.entry import Entry
from common.core.model.records import DomainRow
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.saved import rows_of, text_of


def row_of(policy: Policy, entry: Entry, now: float) -> DomainRow:
    """A name as the store keeps it. A name in a round is stored as due now: after a crash it is asked again."""
    earliest, likely, latest, p = entry.drop if entry.drop is not None else (None, None, None, None)
    due = entry.next_check if entry.next_check != float("inf") else (entry.checked_at or 0.0)
    return DomainRow(
        id=entry.id,
        name=entry.name,
        suffix=entry.suffix,
        watched=entry.watched,
        priority=entry.priority,
        state=entry.state.value,
        since=entry.since,
        confidence=entry.confidence,
        generation=entry.generation,
        checked_at=entry.checked_at,
        next_check=due,
        drop_earliest=earliest,
        drop_likely=likely,
        drop_latest=latest,
        drop_p=p,
        registry_due=registry_due_at(entry, now),
        close=close(entry, now),
        detail=policy.encode(entry.detail),
    )


def saved_budgets(budgets: Budgets) -> str:
    """What `budgets_of` reads back."""
    return text_of(budgets.saved())


def budgets_of(text: str) -> Budgets:
    """Budgets as they were saved; what is damaged is left out."""
    return Budgets(rows_of(text))
