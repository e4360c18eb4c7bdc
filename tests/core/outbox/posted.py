"""Rows and small moves for tests of the outbox."""

from __future__ import annotations

from itertools import count

from common.core.model.records import DeliveryRow
from common.core.outbox.deliveries import Deliveries

NUMBERS = count(1)


class Middle:
    """An rng without jitter."""

    def random(self) -> float:
        """The middle of the range."""
        return 0.5


def notice(key: str, name: str = "a.com", order: int = 1, at: float = 0.0) -> DeliveryRow:
    """A notice that is due from `at`."""
    return DeliveryRow(key, "notice", name, order, f'{{"domain":"{name}","n":{order}}}'.encode(), next_at=at)


def result(key: str, name: str = "a.com", order: int = 1, method: str = "dns", at: float = 0.0) -> DeliveryRow:
    """A check result that is due from `at`."""
    return DeliveryRow(key, "result", name, order, f'{{"check_type":"{method}"}}'.encode(), next_at=at)


def outbox(*rows: DeliveryRow, **options: int) -> Deliveries:
    """An outbox that holds these rows."""
    deliveries = Deliveries(**options)
    for row in rows:
        deliveries.add_delivery(row)
    return deliveries


def ids(rows: list[DeliveryRow]) -> list[str]:
    """What would be sent."""
    return [row.id for row in rows]


def attempt(deliveries: Deliveries, key: str, status: int, now: float, retry_after: float | None = None) -> DeliveryRow:
    """Send one row and get this answer at once."""
    name = f"t{next(NUMBERS)}"
    deliveries.note_sent(key, name, now)
    row = deliveries.note_result(name, status, "trouble", retry_after, now, Middle())
    assert row is not None
    return row


def broken(*rows: DeliveryRow) -> Deliveries:
    """An outbox whose endpoint has just failed ten times in a row at time 0."""
    deliveries = outbox(*rows)
    for n in range(10):
        deliveries.add_delivery(notice(f"f{n}", f"f{n}.com", order=1))
        attempt(deliveries, f"f{n}", 500, 0.0)
    return deliveries
