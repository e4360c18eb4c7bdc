"""Between memory and the store: entries as rows and back."""

from __future__ import annotations

import json

from common.core.board import Policy
from common.core.budgets import Budgets
from common.core.domains import Entry
from common.core.records import Detail, DomainRow
from common.core.verdicts import State


def row_of(policy: Policy, entry: Entry) -> DomainRow:
    """A name as the store keeps it. A name in a round is stored as due now: after a crash it is asked again."""
    earliest, likely, latest, p = entry.drop if entry.drop is not None else (None, None, None, None)
    due = entry.next_check if entry.next_check != float("inf") else (entry.checked_at or 0.0)
    return DomainRow(
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
        detail=policy.encode(entry.detail),
    )


def entry_of(row: DomainRow, detail: Detail) -> Entry:
    """A name as it was before the restart."""
    entry = Entry(row.name, row.suffix, row.name.removesuffix(f".{row.suffix}"))
    entry.watched, entry.priority = row.watched, row.priority
    entry.state, entry.since, entry.confidence = State(row.state), row.since, row.confidence
    entry.generation, entry.checked_at, entry.next_check = row.generation, row.checked_at, row.next_check
    if row.drop_earliest is not None and row.drop_likely is not None and row.drop_latest is not None:
        entry.drop = (row.drop_earliest, row.drop_likely, row.drop_latest, row.drop_p or 0.0)
    entry.detail = detail
    return entry


def saved_budgets(budgets: Budgets) -> str:
    """What `budgets_of` reads back."""
    return json.dumps(budgets.saved())


def budgets_of(text: str) -> Budgets:
    """Budgets as they were saved; a damaged text gives fresh ones."""
    try:
        rows = json.loads(text or "{}")
        return Budgets({str(key): (float(until), float(rate), str(why)) for key, (until, rate, why) in rows.items()})
    except (ValueError, TypeError, AttributeError):
        return Budgets()
