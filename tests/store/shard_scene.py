"""Several shards of one database, each with a writer."""

from __future__ import annotations

from common.config import Settings
from common.core.model.records import Changes, DeliveryRow, DomainRow, EventRow
from common.core.outbox.callback_bodies import event_id, notice_body
from common.shard_settings import settings_of_shard
from common.store.shards import settle_layout
from tests.store.builders import open_next

SHARDS = 4
GROUPS = {"org": "pir", "ngo": "pir", "com": "verisign", "uk.com": "centralnic"}


class Shards:
    """Several shards with a writer each."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.layout = settle_layout(settings, GROUPS)
        self.writers = [open_next(settings_of_shard(settings, shard)) for shard in range(settings.shards)]

    def write(self, rows: list[DomainRow]) -> None:
        """Each row to its shard."""
        for shard, writer in enumerate(self.writers):
            writer.apply(Changes(domains=[row for row in rows if self.layout.shard_of(row.name) == shard]))

    def close(self) -> None:
        """Close the writers."""
        for writer in self.writers:
            writer.close()


def happened(name: str, generation: int = 1) -> tuple[EventRow, DeliveryRow]:
    """An event with its notice, with a number that is only its core's own."""
    key = event_id(name, generation, "available")
    body = notice_body(name, "available", 1.0, 5.0, {}, id=key, seq=generation)
    return EventRow(generation, key, name, generation, "available", 5.0, body), DeliveryRow(
        key, "notice", name, generation, body
    )


def recorded(*names: str, generation: int = 1) -> Changes:
    """A transaction with an event about each name."""
    rows = [happened(name, generation) for name in names]
    return Changes(events=[event for event, _ in rows], deliveries=[notice for _, notice in rows])
