"""What the store holds when the coordinator starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from common.core.model.records import DeliveryRow, ProblemRow, TrustRow

if TYPE_CHECKING:
    from common.core.model.columns import NameColumns  # processes that only read the store need no numpy


@dataclass(frozen=True, slots=True)
class StoredState:
    """Everything that the coordinator takes over at its start. The iterators read lazily, in batches.

    `next_seq` is above every sequence number ever written, also after events were pruned; `next_id` is above the id of every
    name that was ever stored, also after it was deleted. `deliveries` are the pending ones, oldest first; `delivery_counts`
    counts deliveries by state.
    """

    names: Iterator[NameColumns]
    looks: Iterator[tuple[int, bytes]]  # blocks by number, see `common.core.domains.last_look`
    addresses: dict[int, str]
    next_seq: int
    trust: list[TrustRow]
    deliveries: Iterator[DeliveryRow]
    meta: dict[str, str]
    problems: list[ProblemRow]
    delivery_counts: dict[str, int] = field(default_factory=dict)
    next_id: int = 0
