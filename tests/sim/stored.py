"""What a simulated coordinator committed, kept as the store keeps it, so that another one can begin from it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from common.core.model.columns import NameColumns
from common.core.model.records import Changes, DeliveryRow, DomainRow, EventRow, LedgerRow, TrustRow
from common.core.model.states import State
from common.store.columns import columns_from_lists


class Stored:
    """Rows by id, blocks of last looks, and the rest of every transaction so far."""

    def __init__(self) -> None:
        self.rows: dict[int, DomainRow] = {}
        self.looks: dict[int, bytes] = {}
        self.addresses: dict[int, str] = {}
        self.events: list[EventRow] = []
        self.deliveries: dict[str, DeliveryRow] = {}
        self.ledger: list[LedgerRow] = []
        self.trust: dict[tuple[str, str, str], TrustRow] = {}
        self.meta: dict[str, str] = {}

    def apply(self, changes: Changes) -> None:
        """One transaction, in the order of its fields."""
        for new in changes.new:
            fresh = _row(id=new.id, name=new.name, suffix=new.suffix, priority=new.priority)
            assert self.rows.setdefault(new.id, fresh).name == new.name
        for watch in changes.watches:
            self.rows[watch.id].watched, self.rows[watch.id].priority = watch.watched, watch.priority
        for change in changes.states:
            for row in map(self.rows.__getitem__, change.ids):  # a state of a name that is not there is a mistake
                row.state, row.since, row.confidence = change.state, change.since, change.confidence
        self.rows.update((row.id, row) for row in deepcopy(changes.domains))
        self.looks.update(changes.looks)
        self.addresses.update(changes.addresses)
        self.events.extend(changes.events)
        self.deliveries.update((row.id, row) for row in changes.deliveries)
        self.ledger.extend(changes.ledger)
        self.trust.update(((row.method, row.server, row.suffix), row) for row in changes.trust)
        self.meta.update(changes.meta)

    def details(self, ids: tuple[int, ...]) -> dict[int, bytes]:
        """The encoded details of these names, where there are any."""
        return {row: self.rows[row].detail for row in ids if row in self.rows and self.rows[row].detail}

    def names(self) -> list[NameColumns]:
        """Every name, column by column."""
        rows = [self.rows[row] for row in sorted(self.rows)]
        columns = {field: [getattr(row, field) for row in rows] for field in _FIELDS}
        columns["watched"] = [row.watched + 2 * row.priority + 4 * row.close + 8 * bool(row.detail) for row in rows]
        return [columns_from_lists(columns.values())] if rows else []

    def pending(self) -> list[DeliveryRow]:
        """Callbacks that are still to be made."""
        return [deepcopy(row) for row in self.deliveries.values() if row.state == "pending"]


#: The fields of `NameColumns` as rows have them; `flags` are made.
_FIELDS = (
    "id", "name", "suffix", "watched", "state", "since", "confidence", "generation", "checked_at", "next_check",
    "drop_earliest", "drop_latest", "registry_due",
)  # fmt: skip


def _row(**fields: Any) -> DomainRow:
    """A name about which nothing is known."""
    unknown: dict[str, Any] = dict.fromkeys(("since", "checked_at", "drop_earliest", "drop_likely", "drop_latest", "drop_p"))
    numbers: dict[str, Any] = {"confidence": 0.0, "generation": 0, "next_check": 0.0, "registry_due": 0.0}
    return DomainRow(watched=True, state=State.UNKNOWN.value, close=False, detail=b"", **unknown, **numbers, **fields)
