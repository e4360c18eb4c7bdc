"""Gives the events of a transaction their final numbers.

Where a watch list is divided several cores record events at once, each with numbers of its own. The store gives one sequence to
all of them, while it writes.
"""

from __future__ import annotations

from msgspec import structs

from common.core.model.records import NOTICE, Changes, EventRow
from common.core.outbox.callback_bodies import number_in, renumber_body


def renumber_events(changes: Changes, first: int, *, told: bool = False) -> None:
    """Number the events of `changes` from `first` on, in their order, in their bodies and in their notices too.

    A body with another number than its event was told before, by another instance, and stays as it is; all of them do where
    they were `told`. The same once more, with another number, is harmless.
    """
    changes.events = [_renumber(row, seq, told=told) for seq, row in enumerate(changes.events, first)]
    events = {row.id: row for row in changes.events}
    for delivery in changes.deliveries:
        if delivery.lane == NOTICE and (event := events.get(delivery.id)) is not None:
            delivery.order, delivery.body = event.seq, event.body


def _renumber(row: EventRow, seq: int, *, told: bool) -> EventRow:
    fresh = not told and number_in(row.body) in (row.seq, None)
    return structs.replace(row, seq=seq, body=renumber_body(row.body, seq) if fresh else row.body)
