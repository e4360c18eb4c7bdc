"""What a start believes of the planned time of a callback: no more than its own clock could have planned."""

from __future__ import annotations

import pytest

from common.core.model.records import DeliveryRow
from common.core.outbox.retry_times import DAY, correct_next_at

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("lane", "attempts", "last_status", "first_at", "longest"),
    [
        ("notice", 0, 0, None, 0.0),  # never sent, so due when it was recorded
        ("notice", 4, 0, -60.0, 12.0),  # ten seconds and their jitter: no answer named a time
        ("notice", 4, 503, -60.0, 300.0),  # by a Retry-After
        ("result", 4, 503, -60.0, 3600.0),
        ("notice", 10, 503, -60.0, 1440.0),  # twenty minutes and their jitter
        ("notice", 40, 500, -DAY + 60, 2160.0),
        ("notice", 60, 500, -DAY - 60, 8640.0),
    ],
)
def test_a_callback_is_due_that_is_planned_for_later_than_its_schedule_allows(
    lane: str, attempts: int, last_status: int, first_at: float | None, longest: float
) -> None:
    """Seconds from now; a time that is near enough stays, as does one that is over."""
    for planned, believed in ((longest + 0.01, 0.0), (longest - 0.01, longest - 0.01), (-5.0, -5.0)):
        row = DeliveryRow("n", lane, "a.com", 1, b"{}", next_at=NOW + planned, attempts=attempts, last_status=last_status)
        row.first_at = None if first_at is None else NOW + first_at

        correct_next_at(row, NOW)

        assert row.next_at - NOW == pytest.approx(believed, abs=1e-4)
