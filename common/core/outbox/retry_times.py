"""When a callback that failed is sent again, and what of that a later start believes. Times in epoch seconds."""

from __future__ import annotations

from common.core.model.records import DeliveryRow
from common.core.outbox.circuits import LONGEST_ASKED

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
#: Seconds to wait before each attempt, counted from the failure before: dense at first, for a drop is a matter of seconds.
SCHEDULE = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE)
#: After the schedule: every half hour to the age of a day, then every two hours.
FIRST_DAY, LATER = HOUR / 2, 2 * HOUR
#: Waits differ by up to this share, so that what failed together does not return together.
JITTER = 0.2


def retry_delay(attempts: int, age: float) -> float:
    """Seconds to wait after `attempts` attempts have failed, `age` seconds after the first."""
    if attempts < len(SCHEDULE):
        return SCHEDULE[attempts]
    return FIRST_DAY if age < DAY else LATER


def correct_next_at(row: DeliveryRow, now: float) -> None:
    """At a start: make a row due that is planned for later than it could have been by a clock that shows `now`.

    An earlier run, or an instance that led before, may have had a clock that was ahead.
    """
    first = now if row.first_at is None else row.first_at
    longest = retry_delay(row.attempts, now - first) * (1.0 + JITTER)
    if row.last_status:  # the endpoint answered, and may have named a time
        longest = max(longest, LONGEST_ASKED[row.lane])
    if row.next_at > now + longest:
        row.next_at = now
