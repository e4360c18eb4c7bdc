"""Gives the events of a transaction their final numbers.

Where a watch list is divided several cores record events at once, each with numbers of its own. The store gives one sequence to
all of them, while it writes.
"""

from __future__ import annotations

from msgspec import structs

from common.core.model.records import NOTICE, Changes
from common.core.outbox.callback_bodies import renumber_body


def renumber_events(changes: Changes, first: int) -> None:
    """Number the events of `changes` from `first` on, in their order, in their bodies and in their notices too.

    The same once more, with another number, is harmless.
    """
    numbered = enumerate(changes.events, first)
    changes.events = [structs.replace(row, seq=seq, body=renumber_body(row.body, seq)) for seq, row in numbered]
    events = {row.id: row for row in changes.events}
    for delivery in changes.deliveries:
        if delivery.lane == NOTICE and (event := events.get(delivery.id)) is not None:
            delivery.order, delivery.body = event.seq, event.body
